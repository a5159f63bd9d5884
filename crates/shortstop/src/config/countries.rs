//! `[countries]`: where messages may go.

use domain::limit::country::Range;

use super::section::section;

section! {
    /// Where messages may go. Every country is off unless it is enabled here, since strangers make money with
    /// messages to countries where you have no users. All of it can change on a reload.
    pub struct Countries {
        /// The countries that messages may go to, by their two letters (ISO 3166): `["GB", "IE"]`. With none,
        /// every message is refused with `country-off`.
        pub enabled: Vec<String> = Vec::new(),
        /// Ranges that are off in every country unless they are named: premium, satellite, shared-cost,
        /// toll-free, pager.
        pub ranges: Vec<Range> = Vec::new(),
    }
}
