//! Where a published log is read from: a folder, a server, memory. The one thing that the verifier
//! asks of the outside.

use crate::tile::Tile;

/// A published log, by C2SP paths below its prefix (`checkpoint`, `tile/…`).
pub trait Source {
    /// The octets under a path; `None` when there is nothing, an error when nobody can tell. A
    /// source bounds what it reads: no path has more than 17 MiB.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError>;

    /// The widths of the partial tiles at the place of this one, if the source can list them. The
    /// verifier then compares those that lie there from older sizes too. A source that cannot list
    /// says that there are none.
    fn partial_widths(&self, _tile: Tile) -> Result<Vec<u16>, SourceError> {
        Ok(Vec::new())
    }
}

/// The source could not be read. That proves nothing about the log unless an entry is missing, and is
/// never a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} cannot be read: {cause}")]
pub struct SourceError {
    /// What was asked for.
    pub path: String,
    /// Why it failed.
    pub cause: String,
    /// The index of the entry for whose absence it failed: then that is wrong with the log.
    pub missing: Option<u64>,
}

impl SourceError {
    /// A failure that says nothing of the log.
    pub fn new(path: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            cause: cause.into(),
            missing: None,
        }
    }

    /// There is no entry of this index, or no leaf hash of it.
    pub fn missing(path: impl Into<String>, index: u64) -> Self {
        Self {
            path: path.into(),
            cause: format!("entry {index} is not there"),
            missing: Some(index),
        }
    }
}
