//! The bookmark port: how far a stream of the ledger has come, remembered over restarts.

use thiserror::Error;

/// The bookmark cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the bookmark of a stream cannot be used: {0}")]
pub struct BookmarkError(pub String);

/// Remembers one number. Everything blocks; async callers use a blocking task.
///
/// What `keep` was given is durable when it returns, and replaces what was there in one step.
pub trait Bookmark: Send + Sync {
    /// What was kept last; `None` before the first time.
    fn next(&self) -> Result<Option<u64>, BookmarkError>;
    /// Keeps the index of the entry that is next.
    fn keep(&self, next: u64) -> Result<(), BookmarkError>;
}
