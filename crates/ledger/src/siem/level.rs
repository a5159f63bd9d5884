//! How much an entry should trouble whoever watches: one table by kind and outcome, and its numbers in
//! each format. It is a first sorting; a SIEM has rules of its own.

use crate::entry::kind::Kind;
use crate::entry::outcome::Outcome;

/// How much it should trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everyday traffic.
    Informational,
    /// Worth a line in a report.
    Low,
    /// Worth a look.
    Medium,
    /// Somebody should look today.
    High,
    /// Somebody should look now.
    Critical,
}

impl Level {
    /// The level of an entry.
    pub const fn of(kind: Kind, outcome: Outcome) -> Self {
        let usual = Self::usual(kind);
        match (usual, outcome) {
            // What was meant to change something and did not is looked at.
            (Self::Informational, Outcome::Refused | Outcome::Failed | Outcome::Unknown) => {
                Self::Low
            }
            (Self::Low, Outcome::Refused | Outcome::Failed | Outcome::Unknown) => Self::Medium,
            (usual, _) => usual,
        }
    }

    /// The level of a kind when it ended as meant.
    #[expect(clippy::too_many_lines, reason = "a line a kind")]
    const fn usual(kind: Kind) -> Self {
        match kind {
            Kind::MessageAccepted
            | Kind::MessageRefused
            | Kind::RequestRefused
            | Kind::MessageDispatched
            | Kind::MessageSubmitted
            | Kind::MessageDelivered
            | Kind::MessageFailed
            | Kind::MessageExpired
            | Kind::MessageCancelled
            | Kind::MessageUnknown
            | Kind::MessageHeld
            | Kind::MessageReleased
            | Kind::MessageRead
            | Kind::ReceiptReceived
            | Kind::ReceiptUnmatched
            | Kind::MoReceived
            | Kind::MoIncomplete
            | Kind::InboundRead
            | Kind::OptoutRecorded
            | Kind::OptoutRemoved
            | Kind::OptoutLookup
            | Kind::VerificationStarted
            | Kind::VerificationResent
            | Kind::VerificationChecked
            | Kind::VerificationEnded
            | Kind::VerificationRead
            | Kind::FactorEnrolled
            | Kind::FactorConfirmed
            | Kind::FactorChecked
            | Kind::FactorRemoved
            | Kind::FactorRead
            | Kind::EventsTold
            | Kind::KeyCreated
            | Kind::LedgerRead => Self::Informational,
            Kind::MessageSearched
            | Kind::VerifyServiceCreated
            | Kind::VerifyServiceChanged
            | Kind::VerifyServiceRemoved
            | Kind::AuthFailed
            | Kind::PumpingSuspected
            | Kind::ClientRead
            | Kind::EventsDead
            | Kind::WebhookEnabled
            | Kind::WebhookDisabled
            | Kind::WebhookRead
            | Kind::WebhookReplayed
            | Kind::ClientUsed
            | Kind::LimitRead
            | Kind::CertificateFailed
            | Kind::LedgerStarted
            | Kind::LedgerSearched
            | Kind::WitnessRegained
            | Kind::LinkBound
            | Kind::LinkLost
            | Kind::EsmeBound
            | Kind::EsmeUnbound
            | Kind::BackupMade
            | Kind::RetentionExpired => Self::Low,
            Kind::ClientCreated
            | Kind::AuthAhead
            | Kind::ClientChanged
            | Kind::ClientRotated
            | Kind::ClientRevoked
            | Kind::WebhookAdded
            | Kind::WebhookRemoved
            | Kind::WebhookRotated
            | Kind::CallbackRead
            | Kind::CallbackRotated
            | Kind::ConfigLoaded
            | Kind::PumpingLifted
            | Kind::VerificationEnabled
            | Kind::CertificateObtained
            | Kind::KeyRotated
            | Kind::LedgerExported
            | Kind::LedgerStopped
            | Kind::ClockStep
            | Kind::MessageRedacted
            | Kind::SubjectErased
            | Kind::SubjectExported => Self::Medium,
            Kind::LedgerPruned
            | Kind::PumpingBlocked
            | Kind::LedgerRecovered
            | Kind::WitnessLost
            | Kind::BackupRestored => Self::High,
            Kind::LedgerGap | Kind::LedgerDegraded => Self::Critical,
        }
    }

    /// OCSF `severity_id`, with its caption.
    pub const fn ocsf(self) -> (i64, &'static str) {
        match self {
            Self::Informational => (1, "Informational"),
            Self::Low => (2, "Low"),
            Self::Medium => (3, "Medium"),
            Self::High => (4, "High"),
            Self::Critical => (5, "Critical"),
        }
    }

    /// The severity of CEF, 0 to 10: to 3 is low, to 6 medium, to 8 high.
    pub const fn cef(self) -> u8 {
        match self {
            Self::Informational => 1,
            Self::Low => 3,
            Self::Medium => 5,
            Self::High => 8,
            Self::Critical => 10,
        }
    }

    /// The severity of syslog (RFC 5424 §6.2.1), 0 to 7, where less is worse.
    pub const fn syslog(self) -> u8 {
        match self {
            Self::Informational => 6,
            Self::Low => 5,
            Self::Medium => 4,
            Self::High => 3,
            Self::Critical => 2,
        }
    }
}
