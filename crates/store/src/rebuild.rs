//! The workshop of a rebuilding: one moment of the database, read in one transaction, and a shelf in a
//! file without a name that goes when it is closed. Nothing here writes to the store.

mod copy;
mod moment;
mod shelf;

use std::path::Path;

use engine::ports::Workshop;
use engine::ports::store::ReadError;
use engine::ports::workshop::Work;

use crate::embedded::{Embedded, Shared};
use crate::reader::failed;
use moment::Moment;
use shelf::FileShelf;

impl Workshop for Embedded {
    fn with_view(&self, work: &mut Work<'_>) -> Result<(), ReadError> {
        with_view(&self.shared, work)
    }

    fn write_copy(&self, to: &Path, work: &mut Work<'_>) -> Result<(), ReadError> {
        write_copy(&self.shared, to, work)
    }
}

/// Lends one moment of the database and an empty shelf.
pub(crate) fn with_view(shared: &Shared, work: &mut Work<'_>) -> Result<(), ReadError> {
    let mut rebuilt = FileShelf::new().map_err(failed)?;
    let done = shared.readers.with(|database| {
        let snapshot = database.transaction()?;
        let moment = Moment::of(&snapshot)?;
        Ok(work(&moment, &mut rebuilt))
    });
    done.map_err(failed)?
}

/// The same, and then makes a data folder with the rows of the shelf.
pub(crate) fn write_copy(shared: &Shared, to: &Path, work: &mut Work<'_>) -> Result<(), ReadError> {
    let mut rebuilt = FileShelf::new().map_err(failed)?;
    let done = shared.readers.with(|database| {
        let snapshot = database.transaction()?;
        let moment = Moment::of(&snapshot)?;
        Ok(work(&moment, &mut rebuilt).and_then(|()| {
            let copied = copy::write(&snapshot, &rebuilt, to);
            copied.map_err(ReadError::from)
        }))
    });
    done.map_err(failed)?
}
