//! `[factors]`: authenticator apps and recovery codes.

use super::section::section;

section! {
    /// Authenticator apps and recovery codes of the firm's users. All of it can change on a reload.
    pub struct Factors {
        /// The firm's name in authenticator apps, when a request does not say: 1 to 64 characters, without
        /// colons. Without either an app is not enrolled.
        pub issuer: Option<String> = None => "Example Ltd",
        /// Codes of an app that may be wrong in any 24 hours, 1 to 100. Three codes are valid at once, so more
        /// than 6 draws a warning.
        pub totp_failures_per_day: u8 = 6,
        /// Recovery codes that may be wrong in any 24 hours, 1 to 100.
        pub recovery_failures_per_day: u8 = 20,
        /// Codes that may be wrong without a right one between them, 1 to 100 (NIST SP 800-63B-4 section
        /// 3.2.2); then the factor is disabled for good, and the user enrols another.
        pub failures_in_a_row_max: u8 = 100,
        /// Codes of a set, when a request does not say: 1 to 20.
        pub recovery_codes: u8 = 10,
        /// Minutes in which an app must be confirmed, 1 to 10,080 (a week); then it is removed.
        pub pending_minutes: u64 = 60,
    }
}
