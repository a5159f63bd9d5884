//! No unaudited path: every way in which somebody can change something, or read what is protected, and
//! the entries that it leaves in the ledger. Whoever adds a route, a request of the control socket, a
//! command or an event adds a row here, or it does not compile; a test of the product
//! (`tests/product/acts.rs`) drives each row and finds its entry.

use ledger::Kind;
use web::Route;

use crate::cli::verifications::VerificationsCommand;
use crate::cli::{Command, LedgerCommand, SubjectCommand};
use crate::control::Request;

/// What an act leaves in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// An entry of one of these kinds for each act, durable before its answer.
    Entry(&'static [Kind]),
    /// Reads, which are counted: an entry of one of these kinds within the time that `docs/ledger.md`
    /// says.
    Counted(&'static [Kind]),
    /// What the acts leave that it consists of, which have rows of their own.
    Parts(&'static str),
    /// Nothing, since nothing protected is read and nothing changed; says why.
    Nothing(&'static str),
}

impl Trace {
    /// The kinds of its entries.
    pub const fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Entry(kinds) | Self::Counted(kinds) => kinds,
            Self::Parts(_) | Self::Nothing(_) => &[],
        }
    }
}

/// What a request of the API leaves. One that is refused leaves `message.refused` or `auth.failed`
/// besides; see [`Event`].
pub const fn of_route(route: Route) -> Trace {
    match route {
        Route::SubmitMessage | Route::SubmitBatch | Route::TwilioSendMessage => {
            Trace::Entry(&[Kind::MessageAccepted])
        }
        Route::SearchMessages | Route::ListMessages | Route::TwilioListMessages => {
            Trace::Counted(&[Kind::MessageSearched])
        }
        Route::TwilioChangeMessage => {
            Trace::Entry(&[Kind::MessageCancelled, Kind::MessageRedacted])
        }
        Route::TwilioDeleteMessage => Trace::Entry(&[Kind::MessageRedacted]),
        Route::ReadMessage | Route::ReadReceipt | Route::TwilioReadMessage => {
            Trace::Counted(&[Kind::MessageRead])
        }
        Route::CancelMessage => Trace::Entry(&[Kind::MessageCancelled]),
        Route::ListInbound => Trace::Counted(&[Kind::InboundRead]),
        Route::RecordOptOut => Trace::Entry(&[Kind::OptoutRecorded]),
        Route::LookUpOptOut => Trace::Counted(&[Kind::OptoutLookup]),
        Route::RemoveOptOut => Trace::Entry(&[Kind::OptoutRemoved]),
        Route::StartVerification => Trace::Entry(&[Kind::VerificationStarted]),
        Route::CheckVerification | Route::TwilioCheckVerification => {
            Trace::Entry(&[Kind::VerificationChecked])
        }
        Route::ResendVerification => Trace::Entry(&[Kind::VerificationResent]),
        Route::CancelVerification | Route::TwilioCancelVerification => {
            Trace::Entry(&[Kind::VerificationEnded])
        }
        Route::ReadVerification
        | Route::ReadVerificationReceipt
        | Route::TwilioListServices
        | Route::TwilioReadService
        | Route::TwilioReadVerification => Trace::Counted(&[Kind::VerificationRead]),
        Route::EnrolFactor => Trace::Entry(&[Kind::FactorEnrolled]),
        Route::ConfirmFactor => Trace::Entry(&[Kind::FactorConfirmed]),
        Route::CheckFactor => Trace::Entry(&[Kind::FactorChecked]),
        Route::RemoveFactor => Trace::Entry(&[Kind::FactorRemoved]),
        Route::ReadFactor => Trace::Counted(&[Kind::FactorRead]),
        Route::ReadCheckpoint | Route::ReadMinimumIndex | Route::ReadEntries | Route::ReadTile => {
            Trace::Counted(&[Kind::LedgerRead])
        }
        // With a number it is an entry of its own, before the answer.
        Route::ListEntries | Route::SearchEntries => Trace::Counted(&[Kind::LedgerSearched]),
        Route::CarrierStatus => Trace::Entry(&[Kind::ReceiptReceived, Kind::ReceiptUnmatched]),
        Route::CarrierStatusOf => Trace::Entry(&[
            Kind::MessageSubmitted,
            Kind::ReceiptReceived,
            Kind::ReceiptUnmatched,
        ]),
        Route::CarrierInbound => Trace::Entry(&[Kind::MoReceived]),
        Route::OpenApi | Route::ErrorPage | Route::Reference | Route::Guide => {
            Trace::Nothing("the same page for everybody")
        }
        Route::TwilioCreateService => Trace::Entry(&[Kind::VerifyServiceCreated]),
        Route::TwilioChangeService => Trace::Entry(&[Kind::VerifyServiceChanged]),
        Route::TwilioRemoveService => Trace::Entry(&[Kind::VerifyServiceRemoved]),
        // To begin again is to send the code once more.
        Route::TwilioStartVerification => {
            Trace::Entry(&[Kind::VerificationStarted, Kind::VerificationResent])
        }
    }
}

/// What a request over the control socket leaves. A command on a data folder whose gateway does not
/// run does the same by itself.
pub const fn of_request(request: &Request) -> Trace {
    match request {
        Request::ClientAdd(_) => Trace::Entry(&[Kind::ClientCreated]),
        Request::ClientList => Trace::Entry(&[Kind::ClientRead]),
        Request::ClientRevoke { .. } => Trace::Entry(&[Kind::ClientRevoked]),
        Request::ClientRotate { .. } => Trace::Entry(&[Kind::ClientRotated]),
        Request::ClientChange { .. } => Trace::Entry(&[Kind::ClientChanged]),
        Request::ClientCallbackSecret { .. } => Trace::Entry(&[Kind::CallbackRead]),
        Request::ClientCallbackRotate { .. } => Trace::Entry(&[Kind::CallbackRotated]),
        Request::LedgerExport { .. } | Request::LedgerLines(_) => {
            Trace::Entry(&[Kind::LedgerExported])
        }
        Request::LedgerLinesRead { .. } => {
            Trace::Parts("the next part of an export that was recorded as a whole")
        }
        // What the openings show stays inside: only faults come out.
        Request::LedgerRead { .. }
        | Request::LedgerSeals { .. }
        | Request::LedgerSealed { .. }
        | Request::LedgerProve { .. }
        | Request::LedgerOpenings => Trace::Counted(&[Kind::LedgerRead]),
        Request::LedgerSearch(_) => Trace::Entry(&[Kind::LedgerSearched]),
        // A dry run tells how many entries are old, and changes nothing.
        Request::LedgerPrune { .. } => Trace::Entry(&[Kind::LedgerPruned]),
        Request::LedgerRebuild { .. } => Trace::Entry(&[Kind::LedgerRead]),
        Request::SubjectErase { .. } => Trace::Entry(&[Kind::SubjectErased]),
        Request::SubjectExport { .. } => Trace::Entry(&[Kind::SubjectExported]),
        Request::LimitsShow | Request::LimitsExplain(_) => Trace::Entry(&[Kind::LimitRead]),
        Request::KeysStatus => {
            Trace::Nothing("names, ages and counts of keys, and nothing that opens anything")
        }
        Request::KeysRotate => Trace::Entry(&[Kind::KeyRotated]),
        Request::VerificationsStats => {
            Trace::Nothing("counts by country and prefix, which tell of no person")
        }
        Request::VerificationsUnblock { .. } => Trace::Entry(&[Kind::PumpingLifted]),
        Request::VerificationsEnable { .. } => Trace::Entry(&[Kind::VerificationEnabled]),
        Request::WebhookAdd(_) => Trace::Entry(&[Kind::WebhookAdded]),
        Request::WebhookList | Request::WebhookDead { .. } => Trace::Entry(&[Kind::WebhookRead]),
        Request::WebhookEnable { .. } => Trace::Entry(&[Kind::WebhookEnabled]),
        Request::WebhookDisable { .. } => Trace::Entry(&[Kind::WebhookDisabled]),
        Request::WebhookRotate { .. } => Trace::Entry(&[Kind::WebhookRotated]),
        Request::WebhookRemove { .. } => Trace::Entry(&[Kind::WebhookRemoved]),
        Request::WebhookReplay { .. } => Trace::Entry(&[Kind::WebhookReplayed]),
        Request::Backup { .. } => Trace::Entry(&[Kind::BackupMade]),
    }
}

/// What a command of the command line leaves.
pub const fn of_command(command: &Command) -> Trace {
    match command {
        Command::Demo(_) => Trace::Parts("a gateway of its own, and requests to it"),
        Command::Serve(_) => Trace::Entry(&[Kind::LedgerStarted, Kind::LedgerRecovered]),
        Command::CheckConfig(_) => Trace::Nothing("reads a configuration, which holds no secret"),
        Command::Client(_)
        | Command::Keys(_)
        | Command::Limits(_)
        | Command::Webhook(_)
        | Command::Backup(_) => Trace::Parts("a request"),
        Command::Ledger(command) => of_ledger(command),
        Command::Subject(command) => of_subject(command),
        Command::Verifications(command) => of_verifications(command),
        Command::Restore(_) => Trace::Entry(&[Kind::BackupRestored]),
        Command::CarrierSim(_) => Trace::Nothing("a carrier to test against"),
        Command::Version(_) => Trace::Nothing("the same for everybody"),
    }
}

const fn of_ledger(command: &LedgerCommand) -> Trace {
    match command {
        // On a folder whose gateway does not run it only reads what whoever may read the file sees
        // anyway; an entry would change what is verified.
        LedgerCommand::Verify(_) | LedgerCommand::Prove { .. } | LedgerCommand::Rebuild { .. } => {
            Trace::Parts("requests, to a gateway that runs")
        }
        LedgerCommand::Export { .. } | LedgerCommand::Search(_) | LedgerCommand::Prune(_) => {
            Trace::Parts("a request")
        }
        LedgerCommand::Key { .. } => Trace::Nothing("the public key, which is for everybody"),
    }
}

const fn of_subject(command: &SubjectCommand) -> Trace {
    match command {
        SubjectCommand::Erase(_) | SubjectCommand::Export { .. } => Trace::Parts("a request"),
    }
}

const fn of_verifications(command: &VerificationsCommand) -> Trace {
    match command {
        VerificationsCommand::Stats { .. }
        | VerificationsCommand::Unblock { .. }
        | VerificationsCommand::Enable(_) => Trace::Parts("a request"),
    }
}

/// What happens without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The gateway starts.
    Start,
    /// SIGHUP, or a configuration at the start.
    Configuration,
    /// SIGTERM or SIGINT.
    Stop,
    /// The gateway starts after an end that was not in good order.
    StartAfterCrash,
    /// Whoever asks over HTTPS has no key, or not one for this.
    CredentialsRefused,
    /// A key of a client is used, the first time on a day.
    KeyUsed,
    /// A request is signed by a clock that runs ahead.
    SignedAhead,
    /// Another user of the machine asks over the control socket.
    SocketDenied,
    /// A message is refused.
    MessageRefused,
    /// A request is refused by a limit, before it is looked at.
    RequestRefused,
    /// A message goes to its carrier.
    Dispatched,
    /// The carrier answers.
    Answered,
    /// The carrier sends a receipt.
    Receipt,
    /// The carrier sends a message from a handset.
    Mobile,
    /// A handset writes a keyword.
    Keyword,
    /// A bind comes up.
    Bound,
    /// A bind goes.
    Lost,
    /// An ESME binds.
    EsmeBound,
    /// Its bind ends.
    EsmeUnbound,
    /// An ESME submits.
    EsmeSubmitted,
    /// An ESME asks where a message stands.
    EsmeAsked,
    /// An ESME takes a message back.
    EsmeCancelled,
    /// An ESME is not let in.
    EsmeRefused,
    /// An ESME is told what handsets wrote and how its messages ended.
    EsmeTold,
    /// A time is over: of a message, of a receipt, of parts of a long message, of a verification.
    TimeOver,
    /// New keys are due.
    Keys,
    /// The clock was set.
    Clock,
    /// Nothing can be recorded, and then it can.
    StoreAway,
    /// The room runs out.
    RoomLow,
    /// A witness no longer cosigns, or cosigns again.
    Witness,
    /// A stream tells the ledger to a collector.
    Stream,
    /// An authority gives the gateway a certificate, or does not.
    Certificate,
    /// The time of private values is over.
    Retention,
    /// The guard against pumping blocks a prefix, and the block ends.
    PumpingBlock,
    /// The guard against pumping finds something, and only records.
    PumpingFound,
    /// A webhook is told of events, takes some or none of them, and may be called no more for it.
    EventsOut,
    /// Somebody asks for the pages of the admin listener.
    AdminPages,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 37] = [
        Self::Start,
        Self::Configuration,
        Self::Stop,
        Self::StartAfterCrash,
        Self::CredentialsRefused,
        Self::KeyUsed,
        Self::SignedAhead,
        Self::SocketDenied,
        Self::MessageRefused,
        Self::RequestRefused,
        Self::Dispatched,
        Self::Answered,
        Self::Receipt,
        Self::Mobile,
        Self::Keyword,
        Self::Bound,
        Self::Lost,
        Self::EsmeBound,
        Self::EsmeUnbound,
        Self::EsmeSubmitted,
        Self::EsmeAsked,
        Self::EsmeCancelled,
        Self::EsmeRefused,
        Self::EsmeTold,
        Self::TimeOver,
        Self::Keys,
        Self::Clock,
        Self::StoreAway,
        Self::RoomLow,
        Self::Witness,
        Self::Stream,
        Self::Certificate,
        Self::Retention,
        Self::PumpingBlock,
        Self::PumpingFound,
        Self::EventsOut,
        Self::AdminPages,
    ];

    /// What it leaves.
    pub const fn trace(self) -> Trace {
        match self {
            Self::Start => Trace::Entry(&[Kind::LedgerStarted]),
            Self::Configuration => Trace::Entry(&[Kind::ConfigLoaded]),
            Self::Stop => Trace::Entry(&[Kind::LedgerStopped]),
            Self::StartAfterCrash => Trace::Entry(&[Kind::LedgerRecovered]),
            Self::CredentialsRefused | Self::SocketDenied | Self::EsmeRefused => {
                Trace::Counted(&[Kind::AuthFailed])
            }
            Self::KeyUsed => Trace::Entry(&[Kind::ClientUsed]),
            Self::SignedAhead => Trace::Entry(&[Kind::AuthAhead]),
            Self::MessageRefused => Trace::Counted(&[Kind::MessageRefused]),
            Self::RequestRefused => Trace::Counted(&[Kind::RequestRefused]),
            Self::Dispatched => Trace::Entry(&[Kind::MessageDispatched]),
            Self::Answered => Trace::Entry(&[Kind::MessageSubmitted, Kind::MessageFailed]),
            Self::Receipt => Trace::Entry(&[Kind::ReceiptReceived, Kind::ReceiptUnmatched]),
            Self::Mobile => Trace::Entry(&[Kind::MoReceived]),
            Self::Keyword => Trace::Entry(&[Kind::OptoutRecorded, Kind::OptoutRemoved]),
            Self::Bound => Trace::Entry(&[Kind::LinkBound]),
            Self::Lost => Trace::Entry(&[Kind::LinkLost]),
            Self::EsmeBound => Trace::Entry(&[Kind::EsmeBound]),
            Self::EsmeUnbound => Trace::Entry(&[Kind::EsmeUnbound]),
            Self::EsmeSubmitted => Trace::Entry(&[Kind::MessageAccepted]),
            Self::EsmeAsked => Trace::Counted(&[Kind::MessageRead]),
            Self::EsmeCancelled => Trace::Entry(&[Kind::MessageCancelled]),
            Self::EsmeTold => Trace::Entry(&[Kind::EventsTold, Kind::EventsDead]),
            Self::TimeOver => Trace::Entry(&[
                Kind::MessageExpired,
                Kind::MessageUnknown,
                Kind::MoIncomplete,
                Kind::VerificationEnded,
            ]),
            Self::Keys => Trace::Entry(&[Kind::KeyCreated]),
            Self::Clock => Trace::Entry(&[Kind::ClockStep]),
            Self::StoreAway => Trace::Entry(&[Kind::LedgerGap]),
            Self::RoomLow => Trace::Entry(&[Kind::LedgerDegraded]),
            Self::Witness => Trace::Entry(&[Kind::WitnessLost, Kind::WitnessRegained]),
            Self::Stream => Trace::Entry(&[Kind::LedgerExported]),
            Self::Certificate => {
                Trace::Entry(&[Kind::CertificateObtained, Kind::CertificateFailed])
            }
            Self::Retention => Trace::Entry(&[Kind::RetentionExpired]),
            Self::PumpingBlock => Trace::Entry(&[Kind::PumpingBlocked, Kind::PumpingLifted]),
            Self::PumpingFound => Trace::Counted(&[Kind::PumpingSuspected]),
            Self::EventsOut => {
                Trace::Entry(&[Kind::EventsTold, Kind::EventsDead, Kind::WebhookDisabled])
            }
            Self::AdminPages => {
                Trace::Nothing("health and counts, which tell of no person and change nothing")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use web::{Access, Effect, ROUTES};

    use super::*;

    const PAGE: &str = include_str!("../../../docs/ledger.md");

    /// Kinds that the page says are written.
    fn written() -> Vec<&'static str> {
        let (_, section) = PAGE.split_once("\n## Kinds\n").unwrap();
        let section = section.split("\n## ").next().unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        rows.filter(|row| !row.contains("*reserved*"))
            .map(|row| row.split('`').nth(1).unwrap())
            .collect()
    }

    /// Kinds that come from no act of the table but from the engine alone: of each, why.
    const BY_THE_WAY: [&str; 0] = [];

    #[test]
    fn every_route_that_changes_or_reads_something_leaves_an_entry() {
        for row in ROUTES {
            let trace = of_route(row.route);
            match (row.access, row.effect) {
                (Access::Public, _) => assert!(matches!(trace, Trace::Nothing(_)), "{}", row.path),
                (_, Effect::Mutates) => assert!(matches!(trace, Trace::Entry(_)), "{}", row.path),
                (_, Effect::Reads) => assert!(!trace.kinds().is_empty(), "{}", row.path),
            }
        }
    }

    #[test]
    fn every_kind_that_is_written_comes_from_a_row() {
        let text = include_str!("audit_table.rs");
        let table = text.split("#[cfg(test)]").next().unwrap();
        let named = |kind: &Kind| table.contains(&format!("Kind::{kind:?}"));
        for name in written() {
            let kind = Kind::from_name(name).unwrap();
            assert!(
                named(&kind) || BY_THE_WAY.contains(&name),
                "{name} is written, but no row of the table leads to it"
            );
        }
    }
}
