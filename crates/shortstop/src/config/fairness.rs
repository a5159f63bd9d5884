//! `[fairness]`: how clients share what there is, when several want more than their part.

use std::collections::BTreeMap;

use super::section::section;

section! {
    /// How clients share what there is. More urgent classes go first (an alert at least once in nine turns,
    /// marketing once in 33), clients take turns within a class, and an eighth of each burst is kept for
    /// those without a backlog. All of it can change on a reload.
    pub struct Fairness {
        /// Weights of clients by their ids, 1 to 1,000; 1 for all others. A client of weight 3 sends three
        /// segments for one of another's while both wait, as in `{ cli_aebagbafaydqqcikbmga2dqpca = 3 }`.
        pub weights: BTreeMap<String, u32> = BTreeMap::new(),
        /// Messages of one client that may be on their way to the disk at once. Its next ones wait for
        /// them, those of others do not; more would make a sync longer and no client faster.
        pub commits_max: usize = 64,
    }
}
