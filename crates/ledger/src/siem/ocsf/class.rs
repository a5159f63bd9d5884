//! Which class of OCSF 1.3 an entry of a kind is, and which activity of that class.

use crate::entry::kind::Kind;

/// A class of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// What no other class fits.
    Base,
    /// Accounts come, change and go.
    AccountChange,
    /// Somebody shows who they are.
    Authentication,
    /// Things under administration come, are read, change and go.
    EntityManagement,
    /// Connections to others.
    NetworkActivity,
    /// The gateway itself starts, changes and stops.
    ApplicationLifecycle,
    /// Requests to the API.
    ApiActivity,
}

impl Class {
    /// Its `class_uid`.
    pub const fn uid(self) -> i64 {
        match self {
            Self::Base => 0,
            Self::AccountChange => 3_001,
            Self::Authentication => 3_002,
            Self::EntityManagement => 3_004,
            Self::NetworkActivity => 4_001,
            Self::ApplicationLifecycle => 6_002,
            Self::ApiActivity => 6_003,
        }
    }

    /// Its `class_name`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "Base Event",
            Self::AccountChange => "Account Change",
            Self::Authentication => "Authentication",
            Self::EntityManagement => "Entity Management",
            Self::NetworkActivity => "Network Activity",
            Self::ApplicationLifecycle => "Application Lifecycle",
            Self::ApiActivity => "API Activity",
        }
    }

    /// Whether its events have a `src_endpoint`.
    pub const fn has_source(self) -> bool {
        !matches!(self, Self::Base | Self::ApplicationLifecycle)
    }

    /// Whether its events have an `actor`, be it by a profile.
    pub const fn has_actor(self) -> bool {
        !matches!(self, Self::Base)
    }

    /// The profile that gives its events their `actor`, where the class itself has none.
    pub const fn profile(self) -> Option<&'static str> {
        match self {
            Self::EntityManagement | Self::NetworkActivity | Self::ApplicationLifecycle => {
                Some("host")
            }
            Self::Base | Self::AccountChange | Self::Authentication | Self::ApiActivity => None,
        }
    }

    /// Its `category_uid` and `category_name`.
    pub const fn category(self) -> (i64, &'static str) {
        match self {
            Self::Base => (0, "Uncategorized"),
            Self::AccountChange | Self::Authentication | Self::EntityManagement => {
                (3, "Identity & Access Management")
            }
            Self::NetworkActivity => (4, "Network Activity"),
            Self::ApplicationLifecycle | Self::ApiActivity => (6, "Application Activity"),
        }
    }
}

/// An activity of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The class.
    pub class: Class,
    /// Its `activity_id`.
    pub id: i64,
    /// Its `activity_name`; for 99 it is a word of ours.
    pub name: &'static str,
}

impl Activity {
    const fn new(class: Class, id: i64, name: &'static str) -> Self {
        Self { class, id, name }
    }

    const fn other(class: Class, name: &'static str) -> Self {
        Self::new(class, 99, name)
    }

    /// The activity of a kind.
    #[expect(clippy::too_many_lines, reason = "a line a kind")]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::MessageDispatched
            | Kind::MessageSubmitted
            | Kind::MessageDelivered
            | Kind::MessageFailed
            | Kind::MessageExpired
            | Kind::MessageUnknown
            | Kind::MessageHeld
            | Kind::MessageReleased
            | Kind::ReceiptReceived
            | Kind::ReceiptUnmatched
            | Kind::MoReceived
            | Kind::MoIncomplete
            | Kind::WitnessLost
            | Kind::WitnessRegained
            | Kind::PumpingBlocked
            | Kind::PumpingLifted
            | Kind::PumpingSuspected
            | Kind::VerificationEnabled
            | Kind::EventsTold
            | Kind::EventsDead
            | Kind::ClockStep => Self::other(Class::Base, kind.as_str()),
            Kind::AuthFailed | Kind::EsmeBound => Self::new(Class::Authentication, 1, "Logon"),
            Kind::AuthAhead => Self::other(Class::Authentication, kind.as_str()),
            Kind::EsmeUnbound => Self::new(Class::Authentication, 2, "Logoff"),
            Kind::LinkBound => Self::new(Class::NetworkActivity, 1, "Open"),
            Kind::LinkLost => Self::new(Class::NetworkActivity, 4, "Fail"),
            Kind::ClientCreated
            | Kind::ClientChanged
            | Kind::ClientRotated
            | Kind::ClientUsed
            | Kind::ClientRevoked => Self::of_account(kind),
            Kind::MessageAccepted
            | Kind::MessageRefused
            | Kind::RequestRefused
            | Kind::MessageCancelled
            | Kind::MessageRedacted
            | Kind::MessageRead
            | Kind::MessageSearched
            | Kind::InboundRead
            | Kind::OptoutRecorded
            | Kind::OptoutRemoved
            | Kind::OptoutLookup
            | Kind::VerificationStarted
            | Kind::VerificationResent
            | Kind::VerificationChecked
            | Kind::VerificationEnded
            | Kind::VerificationRead
            | Kind::VerifyServiceCreated
            | Kind::VerifyServiceChanged
            | Kind::VerifyServiceRemoved
            | Kind::FactorEnrolled
            | Kind::FactorConfirmed
            | Kind::FactorChecked
            | Kind::FactorRemoved
            | Kind::FactorRead
            | Kind::LedgerRead
            | Kind::LedgerSearched => Self::of_request(kind),
            Kind::ConfigLoaded
            | Kind::LedgerStarted
            | Kind::LedgerStopped
            | Kind::LedgerRecovered
            | Kind::LedgerGap
            | Kind::LedgerDegraded => Self::of_gateway(kind),
            Kind::KeyCreated
            | Kind::KeyRotated
            | Kind::CertificateObtained
            | Kind::CertificateFailed
            | Kind::WebhookAdded
            | Kind::WebhookRemoved
            | Kind::WebhookEnabled
            | Kind::WebhookDisabled
            | Kind::WebhookRotated
            | Kind::WebhookRead
            | Kind::WebhookReplayed
            | Kind::CallbackRead
            | Kind::CallbackRotated
            | Kind::ClientRead
            | Kind::LimitRead
            | Kind::LedgerExported
            | Kind::LedgerPruned
            | Kind::BackupMade
            | Kind::BackupRestored
            | Kind::RetentionExpired
            | Kind::SubjectErased
            | Kind::SubjectExported => Self::of_entity(kind),
        }
    }

    const fn of_account(kind: Kind) -> Self {
        match kind {
            Kind::ClientCreated => Self::new(Class::AccountChange, 1, "Create"),
            Kind::ClientRotated => Self::new(Class::AccountChange, 4, "Password Reset"),
            Kind::ClientRevoked => Self::new(Class::AccountChange, 5, "Disable"),
            _ => Self::other(Class::AccountChange, "Change"),
        }
    }

    const fn of_request(kind: Kind) -> Self {
        match kind {
            Kind::MessageAccepted
            | Kind::MessageRefused
            | Kind::OptoutRecorded
            | Kind::VerificationStarted
            | Kind::VerifyServiceCreated
            | Kind::FactorEnrolled => Self::new(Class::ApiActivity, 1, "Create"),
            Kind::VerificationResent
            | Kind::VerificationChecked
            | Kind::VerifyServiceChanged
            | Kind::FactorConfirmed
            | Kind::FactorChecked => Self::new(Class::ApiActivity, 3, "Update"),
            Kind::MessageCancelled
            | Kind::MessageRedacted
            | Kind::OptoutRemoved
            | Kind::VerificationEnded
            | Kind::VerifyServiceRemoved
            | Kind::FactorRemoved => Self::new(Class::ApiActivity, 4, "Delete"),
            // It was not looked at, so that nobody knows what it would have done.
            Kind::RequestRefused => Self::other(Class::ApiActivity, kind.as_str()),
            _ => Self::new(Class::ApiActivity, 2, "Read"),
        }
    }

    const fn of_gateway(kind: Kind) -> Self {
        match kind {
            Kind::LedgerStarted => Self::new(Class::ApplicationLifecycle, 3, "Start"),
            Kind::LedgerStopped => Self::new(Class::ApplicationLifecycle, 4, "Stop"),
            Kind::LedgerRecovered => Self::new(Class::ApplicationLifecycle, 5, "Restart"),
            Kind::LedgerGap | Kind::LedgerDegraded => {
                Self::new(Class::ApplicationLifecycle, 7, "Disable")
            }
            _ => Self::new(Class::ApplicationLifecycle, 8, "Update"),
        }
    }

    const fn of_entity(kind: Kind) -> Self {
        match kind {
            Kind::KeyCreated | Kind::BackupMade | Kind::WebhookAdded => {
                Self::new(Class::EntityManagement, 1, "Create")
            }
            Kind::KeyRotated
            | Kind::CertificateObtained
            | Kind::CertificateFailed
            | Kind::BackupRestored
            | Kind::WebhookEnabled
            | Kind::WebhookDisabled
            | Kind::WebhookRotated
            | Kind::CallbackRotated
            | Kind::WebhookReplayed => Self::new(Class::EntityManagement, 3, "Update"),
            Kind::LedgerPruned
            | Kind::RetentionExpired
            | Kind::SubjectErased
            | Kind::WebhookRemoved => Self::new(Class::EntityManagement, 4, "Delete"),
            _ => Self::new(Class::EntityManagement, 2, "Read"),
        }
    }
}
