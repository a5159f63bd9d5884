//! What was done, and what the ledger has to show of it.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory as _;
use ledger::Kind;
use serde_json::Value;
use shortstop::audit_table::{Event, Trace, of_route};
use shortstop::cli::Cli;
use shortstop::control::Request;
use web::ROUTES;

use crate::ledger::word;

/// Kinds of rows that a real gateway does not come to within a minute, and the test that does it: row,
/// kind, source, a line of it.
const ELSEWHERE: [(&str, Kind, &str, &str); 33] = [
    (
        "route CarrierStatusOf",
        Kind::MessageSubmitted,
        include_str!("../provider.rs"),
        "fn a_kill_between_request_and_answer_loses_nothing_and_what_may_have_gone_is_told(",
    ),
    (
        "route CarrierStatusOf",
        Kind::ReceiptReceived,
        include_str!("../provider.rs"),
        "fn a_kill_between_request_and_answer_loses_nothing_and_what_may_have_gone_is_told(",
    ),
    (
        "route CarrierStatus",
        Kind::ReceiptReceived,
        include_str!("../provider.rs"),
        "fn a_provider_by_https_is_a_carrier_and_smpp_takes_over_while_it_is_away(",
    ),
    (
        "route TwilioStartVerification",
        Kind::VerificationResent,
        include_str!("../../../../engine/tests/roles/served.rs"),
        "fn to_begin_again_is_to_send_the_same_code_within_its_waits(",
    ),
    (
        "event KeyUsed",
        Kind::ClientUsed,
        include_str!("../signed.rs"),
        "fn a_library_that_others_wrote_signs_and_no_request_of_it_is_taken_twice_over_a_kill(",
    ),
    (
        "event SignedAhead",
        Kind::AuthAhead,
        include_str!("../../../../engine/tests/roles/signed.rs"),
        "fn what_happened_to_credentials_is_told_by_the_ledger_alone(",
    ),
    (
        "event EsmeTold",
        Kind::EventsTold,
        include_str!("../esmes.rs"),
        "fn an_esme_of_smpplib_sends_texts_and_gets_receipts_and_what_handsets_wrote_over_tls(",
    ),
    (
        "event EsmeTold",
        Kind::EventsDead,
        include_str!("../../../../engine/tests/roles/events_out.rs"),
        "fn an_event_that_was_given_up_has_its_entry_and_stays_known(",
    ),
    (
        "event EventsOut",
        Kind::EventsTold,
        include_str!("../../../../engine/tests/roles/webhooks.rs"),
        "fn a_webhook_that_was_made_to_hears_numbers_and_texts_and_that_is_counted(",
    ),
    (
        "event EventsOut",
        Kind::EventsDead,
        include_str!("../../../../engine/tests/roles/webhooks.rs"),
        "fn what_is_not_taken_is_told_again_by_the_schedule_and_then_given_up(",
    ),
    (
        "event EventsOut",
        Kind::WebhookDisabled,
        include_str!("../../../../engine/tests/roles/webhooks.rs"),
        "fn a_webhook_that_fails_for_days_is_not_called_any_more(",
    ),
    (
        "event EsmeBound",
        Kind::EsmeBound,
        include_str!("../esmes.rs"),
        "fn what_an_esme_does_is_in_the_ledger(",
    ),
    (
        "event EsmeUnbound",
        Kind::EsmeUnbound,
        include_str!("../esmes.rs"),
        "fn what_an_esme_does_is_in_the_ledger(",
    ),
    (
        "event EsmeSubmitted",
        Kind::MessageAccepted,
        include_str!("../esmes.rs"),
        "fn what_an_esme_does_is_in_the_ledger(",
    ),
    (
        "event EsmeAsked",
        Kind::MessageRead,
        include_str!("../esmes.rs"),
        "fn what_an_esme_does_is_in_the_ledger(",
    ),
    (
        "event EsmeCancelled",
        Kind::MessageCancelled,
        include_str!("../esmes.rs"),
        "fn what_an_esme_does_is_in_the_ledger(",
    ),
    (
        "event EsmeRefused",
        Kind::AuthFailed,
        include_str!("../esmes.rs"),
        "fn what_an_esme_does_is_in_the_ledger(",
    ),
    (
        "socket verifications-unblock",
        Kind::PumpingLifted,
        include_str!("../pumping.rs"),
        "fn pumping_over_two_hundred_numbers_side_by_side_is_stopped_and_stays_so_over_a_kill(",
    ),
    (
        "command verifications unblock",
        Kind::PumpingLifted,
        include_str!("../pumping.rs"),
        "fn pumping_over_two_hundred_numbers_side_by_side_is_stopped_and_stays_so_over_a_kill(",
    ),
    (
        "socket verifications-enable",
        Kind::VerificationEnabled,
        include_str!("../verifications.rs"),
        "fn a_number_that_wrong_codes_disabled_is_enabled_by_an_operator_and_that_is_told(",
    ),
    (
        "command verifications enable",
        Kind::VerificationEnabled,
        include_str!("../verifications.rs"),
        "fn a_number_that_wrong_codes_disabled_is_enabled_by_an_operator_and_that_is_told(",
    ),
    (
        "event PumpingBlock",
        Kind::PumpingBlocked,
        include_str!("../../../../engine/tests/roles/pumping.rs"),
        "fn of_two_hundred_numbers_side_by_side_seven_get_a_code_and_the_block_is_told_with_its_evidence(",
    ),
    (
        "event PumpingBlock",
        Kind::PumpingLifted,
        include_str!("../../../../engine/tests/roles/pumping.rs"),
        "fn a_block_is_lifted_when_its_time_is_over_and_that_is_told_once(",
    ),
    (
        "event PumpingFound",
        Kind::PumpingSuspected,
        include_str!("../../../../engine/tests/roles/pumping.rs"),
        "fn a_guard_that_only_records_sends_everything_and_tells_what_it_would_have_refused(",
    ),
    (
        "route ResendVerification",
        Kind::VerificationResent,
        include_str!("../../../../engine/tests/roles/verifications.rs"),
        "fn a_resend_carries_the_same_code_and_waits_longer_each_time(",
    ),
    (
        "event TimeOver",
        Kind::VerificationEnded,
        include_str!("../../../../engine/tests/roles/verifications.rs"),
        "fn unknown_foreign_expired_and_ended_verifications_look_alike(",
    ),
    (
        "event Certificate",
        Kind::CertificateObtained,
        include_str!("../acme.rs"),
        "fn a_certificate_is_obtained_renewed_and_kept_while_connections_go_on(",
    ),
    (
        "event Certificate",
        Kind::CertificateFailed,
        include_str!("../acme.rs"),
        "fn whatever_fails_the_gateway_serves_on_and_tries_again(",
    ),
    (
        "event Clock",
        Kind::ClockStep,
        include_str!("../../../../engine/tests/roles/documented/story.rs"),
        "fn set_clock(",
    ),
    (
        "event TimeOver",
        Kind::MoIncomplete,
        include_str!("../../../../engine/tests/roles/inbound.rs"),
        "fn a_part_that_never_comes_does_not_lose_the_others(",
    ),
    (
        "event Retention",
        Kind::RetentionExpired,
        include_str!("../../../../engine/tests/roles/retention.rs"),
        "fn the_entry_tells_purpose_count_and_the_moment_before_which(",
    ),
    (
        "event StoreAway",
        Kind::LedgerGap,
        include_str!("../small_disk.rs"),
        "fn a_full_disk_is_recorded_in_the_reserve_and_over_without_a_restart(",
    ),
    (
        "event RoomLow",
        Kind::LedgerDegraded,
        include_str!("../small_disk.rs"),
        "fn before_the_disk_is_full_new_messages_are_refused_and_the_rest_goes_on(",
    ),
];

/// How an act shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// By an entry of its own.
    Alone,
    /// Among so many that were counted.
    Counted(u64),
}

/// An act, and the entry that has to be there.
#[derive(Clone, Debug)]
pub struct Act {
    /// The row that it drives.
    pub row: String,
    /// The kind of the entry.
    pub kind: Kind,
    /// Type and id of the actor.
    pub actor: (&'static str, String),
    /// The type of the origin; empty when it has none.
    pub origin: &'static str,
    /// The outcome.
    pub outcome: &'static str,
    /// The id of the object, when it is known.
    pub object: Option<String>,
    /// How it shows.
    pub shown: Shown,
    /// The next index before the act.
    pub from: usize,
    /// The next index when it was answered; none when the entry may come later.
    pub until: Option<usize>,
}

impl Act {
    /// Whether this is its entry.
    fn is_told_by(&self, entry: &Value) -> bool {
        self.is_about(entry)
            && word(entry, "/outcome") == self.outcome
            && word(entry, "/actor/type") == self.actor.0
            && word(entry, "/actor/id") == self.actor.1
            && word(entry, "/origin/type") == self.origin
    }

    /// Whether it is of this kind and about the same.
    pub fn is_about(&self, entry: &Value) -> bool {
        let object = self.object.as_deref();
        word(entry, "/kind") == self.kind.as_str()
            && object.is_none_or(|id| word(entry, "/object/id") == id)
    }
}

/// Every act so far, and the rows that were driven.
#[derive(Debug, Default)]
pub struct Book {
    rows: BTreeMap<String, Trace>,
    acts: Vec<Act>,
    faults: Vec<String>,
}

impl Book {
    /// A row is driven.
    pub fn row(&mut self, name: &str, trace: Trace) {
        self.rows.insert(name.to_owned(), trace);
    }

    /// A row is driven that leaves nothing.
    pub fn silent(&mut self, name: &str, trace: Trace) {
        assert!(
            matches!(trace, Trace::Nothing(_)),
            "{name} leaves {trace:?}"
        );
        self.row(name, trace);
    }

    /// Something was done; the kinds of its row, or of those that it consists of, have to name the entry.
    pub fn act(&mut self, act: Act, kinds: &[Kind]) {
        let (row, kind) = (&act.row, act.kind);
        assert!(kinds.contains(&kind), "{row} does not name {kind:?}");
        self.acts.push(act);
    }

    /// What the act before happened to.
    pub fn happened_to(&mut self, id: &str) {
        self.acts.last_mut().unwrap().object = Some(id.to_owned());
    }

    /// Looks for the entry of every act since the last time, in the ledger as it is now.
    pub fn find(&mut self, entries: &BTreeMap<usize, Value>) {
        for act in std::mem::take(&mut self.acts) {
            let until = act.until.unwrap_or(usize::MAX);
            let range = entries.range(act.from..until.max(act.from));
            let found = range.filter(|(_, entry)| act.is_told_by(entry));
            let is_told = match act.shown {
                Shown::Alone => found.count() > 0,
                Shown::Counted(times) => {
                    let counts = found.map(|(_, entry)| entry["data"]["count"].as_u64().unwrap());
                    counts.sum::<u64>() == times
                }
            };
            if !is_told {
                let near = entries
                    .range(act.from..)
                    .filter(|(_, entry)| act.is_about(entry));
                let near = near.take(5);
                let near: Vec<String> = near.map(|(at, entry)| format!("{at} {entry}")).collect();
                let fault = format!("no entry of {act:?}, but\n{}", near.join("\n"));
                self.faults.push(fault);
            }
        }
    }

    /// Whether a test elsewhere drives this row, or this kind of it.
    fn is_elsewhere(name: &str, kind: Option<Kind>) -> bool {
        ELSEWHERE.iter().any(|(row, of_kind, source, line)| {
            *row == name && kind.is_none_or(|kind| kind == *of_kind) && source.contains(line)
        })
    }

    /// Every act had its entry, and every row its act.
    pub fn check(mut self) {
        let driven: BTreeSet<&String> = self.rows.keys().collect();
        for name in names() {
            if !driven.contains(&name) && !Self::is_elsewhere(&name, None) {
                self.faults.push(format!("no driver for {name}"));
            }
        }
        assert!(self.faults.is_empty(), "{}", self.faults.join("\n\n"));
    }
}

/// The name of every row of the table, from what it is a table of.
fn names() -> Vec<String> {
    let mut names: Vec<String> = ROUTES.iter().map(|row| route(row.route)).collect();
    names.extend(requests());
    names.extend(commands());
    names.extend(event_rows());
    names
}

/// The name of a route's row.
pub fn route(route: web::Route) -> String {
    let _ = of_route(route);
    format!("route {route:?}")
}

/// The name of a request's row.
pub fn request(request: &Request) -> String {
    let shape = serde_json::to_value(request).unwrap();
    format!("socket {}", word(&shape, "/command"))
}

/// The name of a command's row, by its words.
pub fn command(words: &[&str]) -> String {
    let cli = Cli::command();
    let first = cli.find_subcommand(words[0]).unwrap();
    let many = if first.has_subcommands() { 2 } else { 1 };
    format!("command {}", words[..many].join(" "))
}

/// Every request: what the socket says that it understands.
fn requests() -> Vec<String> {
    let none = serde_json::json!({"command": "?"});
    let says = serde_json::from_value::<Request>(none).unwrap_err();
    let says = says.to_string();
    let (_, known) = says.split_once("expected one of").unwrap();
    let words = known.split('`').skip(1).step_by(2);
    words.map(|word| format!("socket {word}")).collect()
}

/// Every command that does something.
fn commands() -> Vec<String> {
    let mut names = Vec::new();
    for first in Cli::command().get_subcommands() {
        let inner: Vec<_> = first.get_subcommands().collect();
        if inner.is_empty() {
            names.push(format!("command {}", first.get_name()));
        }
        let inner = inner.iter().map(|second| second.get_name());
        names.extend(inner.map(|second| format!("command {} {second}", first.get_name())));
    }
    names
}

/// Every event, and of each every kind that it leaves.
fn event_rows() -> Vec<String> {
    let mut names = Vec::new();
    for event in Event::ALL {
        let kinds = event.trace().kinds();
        if kinds.is_empty() {
            names.push(format!("event {event:?}"));
        }
        let open = kinds
            .iter()
            .filter(|kind| !Book::is_elsewhere(&format!("event {event:?}"), Some(**kind)));
        names.extend(open.map(|kind| of_event(event, *kind)));
    }
    names
}

/// The name of an event's row, of one kind.
pub fn of_event(event: Event, kind: Kind) -> String {
    format!("event {event:?}: {}", kind.as_str())
}
