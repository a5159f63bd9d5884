//! The embedded store under the contract of its port, with the default bounds and with the narrowest.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::sync::Arc;

use engine::ports::Store;
use ledger::NodeName;
use rusqlite::{Connection, OpenFlags};
use store::{Bounds, Embedded, EmbeddedConfig};
use tempfile::TempDir;
use testkit::contract::store::{Home, StoredEntry};

/// A data folder that vanishes with the test.
struct Folder {
    place: TempDir,
    bounds: Bounds,
}

impl Folder {
    fn with(bounds: Bounds) -> Self {
        Self {
            place: tempfile::tempdir().unwrap(),
            bounds,
        }
    }
}

impl Home for Folder {
    fn open(&mut self) -> Arc<dyn Store> {
        let node = NodeName::parse("gw-1").unwrap();
        let config = EmbeddedConfig {
            bounds: self.bounds,
            ..EmbeddedConfig::new(self.place.path(), node)
        };
        Arc::new(Embedded::open(config).unwrap())
    }

    fn entries(&mut self) -> Vec<StoredEntry> {
        read_entries(&self.place.path().join("shortstop.sqlite"))
    }
}

fn read_entries(path: &Path) -> Vec<StoredEntry> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = database
        .prepare("SELECT idx, bytes, leaf FROM entry ORDER BY idx")
        .unwrap();
    let found = statement.query_map([], |row| {
        Ok((
            row.get::<_, i64>(0)?,
            StoredEntry {
                bytes: row.get(1)?,
                leaf: row.get(2)?,
            },
        ))
    });
    let entries = found.unwrap().enumerate().map(|(place, row)| {
        let (index, entry) = row.unwrap();
        assert_eq!(usize::try_from(index), Ok(place), "the indices have no gap");
        entry
    });
    entries.collect()
}

mod default_bounds {
    use super::{Bounds, Folder};

    testkit::store_contract!(Folder::with(Bounds::default()));
}

/// Groups of three, pages that look at five rows, an index that merges every other row, a log that is
/// copied all the time.
mod narrow_bounds {
    use super::{Bounds, Folder};

    fn narrow() -> Bounds {
        Bounds {
            group_changes_max: 3,
            readers: 1,
            page_scan_max: 5,
            checkpoint_start_bytes: 1,
            checkpoint_hard_bytes: 1,
            index_batch_rows: 2,
            carrier_ids_waiting_max: 2,
            prune_rows_max: 4,
            ..Bounds::default()
        }
    }

    testkit::store_contract!(Folder::with(narrow()));
}
