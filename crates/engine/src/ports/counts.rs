//! The counts port: what the limits counted, remembered over restarts.

use thiserror::Error;

/// The counts cannot be read or kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the counts of the limits cannot be kept: {0}")]
pub struct CountsError(pub String);

/// Keeps one sealed value. Everything blocks.
///
/// What `keep` was given is durable when it returns, and replaces what was there in one step: after a
/// crash there is the old value or the new one, whole.
pub trait Counts: Send + Sync {
    /// What was kept last; `None` before the first time.
    fn kept(&self) -> Result<Option<Vec<u8>>, CountsError>;
    /// Keeps a value in place of the last one.
    fn keep(&self, sealed: &[u8]) -> Result<(), CountsError>;
}
