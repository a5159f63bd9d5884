//! Where the state is rebuilt and held against the store's.

use std::path::Path;

use super::store::ReadError;
use super::{Shelf, View};

/// What is done with a moment of the store and an empty shelf.
pub type Work<'w> = dyn FnMut(&dyn View, &mut dyn Shelf) -> Result<(), ReadError> + 'w;

/// Lends one moment of a store, and an empty shelf that is thrown away afterwards. Commits go on
/// meanwhile. Blocks until the work is done; its error is given back.
pub trait Workshop: Send + Sync {
    /// Does the work.
    fn with_view(&self, work: &mut Work<'_>) -> Result<(), ReadError>;
    /// Does the work, then makes a data folder in an empty or missing folder: the copy of this moment,
    /// with the rows of the shelf in the place of its messages, inbound messages, opt-outs and clients.
    /// Its next epoch lies ahead, as after a restore. Nothing is left there when it fails.
    fn write_copy(&self, to: &Path, work: &mut Work<'_>) -> Result<(), ReadError>;
}
