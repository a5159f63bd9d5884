//! `[keys]`: how often keys are replaced by themselves.

use super::section::section;

section! {
    /// The keys that seal numbers and texts. docs/keys.md says what each is for and how to back it up.
    pub struct Keys {
        /// Days after which every key in the store is wrapped anew under a new salt, and the old salt is
        /// destroyed: a backup from before then opens with a kept copy of the old salt alone, so that
        /// what was erased cannot be brought back. 0 is never, and a backup then opens for ever.
        pub rewrap_days: u64 = 7,
    }
}
