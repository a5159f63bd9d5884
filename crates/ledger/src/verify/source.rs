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

/// The source could not be read. That proves nothing about the log, and is never a pass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} cannot be read: {cause}")]
pub struct SourceError {
    /// What was asked for.
    pub path: String,
    /// Why it failed.
    pub cause: String,
}
