//! `[messages]`: how long messages live, and what happens to those of unknown fate.

use serde::{Deserialize, Serialize};

use super::section::section;

/// What happens to a segment that may or may not have left before a crash or a lost link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ambiguity {
    /// Send it again: it may arrive twice.
    Resend,
    /// Do not: it may never arrive, and ends as `unknown` unless a receipt comes.
    Hold,
}

section! {
    /// How long messages live, and what happens to those of unknown fate. All of it can change on a
    /// reload, for messages accepted from then on.
    pub struct Messages {
        /// Life of a one-time code in seconds. NIST SP 800-63B-4 allows no more than ten minutes.
        pub validity_otp_seconds: u64 = 600,
        /// Life of an alert in seconds: a day.
        pub validity_alert_seconds: u64 = 86_400,
        /// Life of a marketing message in seconds: four hours, so that a backlog does not go out at night.
        pub validity_marketing_seconds: u64 = 14_400,
        /// The longest life that a request may ask for, in seconds: three days.
        pub validity_seconds_max: u64 = 259_200,
        /// Seconds after its submission in which a receipt must come; then the message is `unknown`.
        pub receipt_seconds: u64 = 259_200,
        /// When nobody knows whether a one-time code left: `resend`, since a second copy does no harm
        /// and a missing one locks somebody out.
        pub ambiguity_otp: Ambiguity = Ambiguity::Resend,
        /// The same for alerts.
        pub ambiguity_alert: Ambiguity = Ambiguity::Resend,
        /// The same for marketing: `hold`, since nobody misses one and a second copy annoys.
        pub ambiguity_marketing: Ambiguity = Ambiguity::Hold,
    }
}
