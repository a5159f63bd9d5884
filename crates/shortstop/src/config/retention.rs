//! `[retention]`: how long private values are kept.

use super::section::section;

section! {
    /// How long private values are kept; then they are destroyed, and the ledger says so. None may be
    /// shorter than a message can move (messages.validity_seconds_max and messages.receipt_seconds
    /// together). A change is taken on a reload; what is destroyed does not come back.
    pub struct Retention {
        /// Days that texts of messages are kept, both ways.
        pub text_days: u64 = 30,
        /// Days that it is kept where an end user came from: address, browser, device.
        pub network_days: u64 = 90,
        /// Days that numbers of messages are kept, both ways: thirteen months. With them goes the search by
        /// number.
        pub number_days: u64 = 396,
        /// Days that number and evidence of opt-outs are kept: five years. Claims about consent can be made
        /// for four years in the United States (28 USC 1658), so less draws a warning. The opt-outs
        /// themselves do not end.
        pub consent_days: u64 = 1_827,
    }
}
