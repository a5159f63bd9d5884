//! `[prices]`: what a segment costs, so that limits on spend can count it.

use std::collections::BTreeMap;

use super::section::section;

section! {
    /// What a segment costs, by the first digits of the number; the longest prefix counts. Limits whose unit is
    /// `micros` count it, in millionths. Without prices everything is free and they stop nothing. All of it can
    /// change on a reload.
    pub struct Prices {
        /// What the currency is called, for people.
        pub currency: String = String::new() => "EUR",
        /// The price of a segment to a number of no listed prefix. Better too high than too low.
        pub otherwise: String = "0".to_owned(),
        /// Prices by prefix, such as { "+44" = "0.02", "+447" = "0.04" }: at most 6 decimals, in quotes.
        pub by_prefix: BTreeMap<String, String> = BTreeMap::new(),
    }
}
