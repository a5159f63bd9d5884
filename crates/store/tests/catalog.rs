//! The embedded store under the contract of the port for searching the ledger, and what is its own:
//! the file of the catalogue, what spoils it, and how much one page looks at.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use engine::ports::catalog::EntryQuery;
use engine::ports::{Catalog, Log, Store};
use ledger::{Kind, NodeName};
use rusqlite::Connection;
use store::{Bounds, Embedded, EmbeddedConfig};
use tempfile::TempDir;
use testkit::contract::catalog::Home;
use testkit::contract::catalog::mix::{any, check, fill, filters, pages, time};
use testkit::contract::log::Opened;
use testkit::contract::store::samples::{client_id, message_id};

/// A data folder that vanishes with the test.
struct Folder {
    place: TempDir,
    bounds: Bounds,
    open: Weak<Embedded>,
}

impl Folder {
    fn with(bounds: Bounds) -> Self {
        Self {
            place: tempfile::tempdir().unwrap(),
            bounds,
            open: Weak::new(),
        }
    }

    fn embedded(&mut self) -> Arc<Embedded> {
        let node = NodeName::parse("gw-1").unwrap();
        let config = EmbeddedConfig {
            bounds: self.bounds,
            ..EmbeddedConfig::new(self.place.path(), node)
        };
        let store = Arc::new(Embedded::open(config).unwrap());
        self.open = Arc::downgrade(&store);
        store
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Fills it, catalogued, and closes it.
    fn filled(bounds: Bounds, size: u64) -> Self {
        let mut folder = Self::with(bounds);
        let store = folder.embedded();
        fill(&*store, size);
        store.wait_for_catalog();
        drop(store);
        folder
    }
}

impl Home for Folder {
    fn open(&mut self) -> Opened {
        let store = self.embedded();
        let log = Arc::clone(&store);
        Opened { store, log }
    }

    fn settle(&mut self) {
        self.open.upgrade().unwrap().wait_for_catalog();
    }
}

mod default_bounds {
    use super::{Bounds, Folder};

    testkit::catalog_contract!(Folder::with(Bounds::default()));
}

/// Blocks that are taken in one by one, and pages that look at two.
mod narrow_bounds {
    use super::{Folder, narrow};

    testkit::catalog_contract!(Folder::with(narrow()));
}

fn narrow() -> Bounds {
    Bounds {
        catalog_batch_blocks: 1,
        page_blocks_max: 2,
        ..Bounds::default()
    }
}

fn blocks(file: &Path) -> i64 {
    let catalog = Connection::open(file).unwrap();
    let count = "SELECT count(*) FROM block";
    catalog.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn only_full_blocks_are_catalogued_and_full_segments_leave_none_behind() {
    let mut folder = Folder::filled(Bounds::default(), 255);
    assert_eq!(blocks(&folder.file("catalog.sqlite")), 0);
    let store = folder.embedded();
    fill(&*store, 515);
    store.wait_for_catalog();
    drop(store);
    assert_eq!(blocks(&folder.file("catalog.sqlite")), 2);
    let store = folder.embedded();
    fill(&*store, 65_536 + 300);
    store.wait_for_catalog();
    drop(store);
    assert_eq!(blocks(&folder.file("catalog.sqlite")), 1);
}

#[test]
fn a_catalogue_that_was_deleted_damaged_or_swapped_is_built_anew() {
    let mut folder = Folder::filled(Bounds::default(), 66_000);
    let mut stranger = Folder::filled(narrow(), 700);
    let (file, other) = (
        folder.file("catalog.sqlite"),
        stranger.file("catalog.sqlite"),
    );
    drop(stranger.embedded());
    let bend = |sql: &'static str| {
        let file = file.clone();
        move || {
            let catalog = Connection::open(&file).unwrap();
            assert!(catalog.execute(sql, []).unwrap() > 0, "{sql}");
        }
    };
    let spoils: [&dyn Fn(); 18] = [
        &|| fs::remove_file(&file).unwrap(),
        &|| fs::write(&file, b"").unwrap(),
        &|| fs::write(&file, b"SQLite format 3\0 and then nonsense").unwrap(),
        &|| {
            let mut octets = fs::read(&file).unwrap();
            octets[4_096..].fill(0x5a);
            fs::write(&file, octets).unwrap();
        },
        &|| assert!(fs::copy(&other, &file).unwrap() > 0),
        &bend("UPDATE posting SET body = zeroblob(length(body))"),
        &bend("UPDATE bucket SET body = x'' WHERE id % 2 = 0"),
        &bend("DELETE FROM bucket"),
        &bend("UPDATE times SET body = zeroblob(length(body))"),
        &bend("UPDATE triple SET body = CAST(replace(body, 'message', 'massage') AS BLOB)"),
        &bend("UPDATE block SET id = id + 1000"),
        &bend("DELETE FROM mark"),
        &bend("DELETE FROM triple"),
        &bend("DELETE FROM triple WHERE instr(body, CAST('clock.step' AS BLOB)) = 1"),
        &bend("DELETE FROM triple WHERE id = (SELECT max(id) FROM triple)"),
        &bend("DELETE FROM posting"),
        &bend("DELETE FROM span"),
        &bend("DELETE FROM block"),
    ];
    let mut query = any(1_000);
    for spoil in spoils {
        spoil();
        let store = folder.embedded();
        // Twice: while it is being built, and after.
        for _ in 0..2 {
            query.kinds = vec![Kind::ClockStep];
            query.since = Some(time(100));
            assert_eq!(pages(&*store, &query).len(), 94);
            query.kinds.clear();
            query.since = None;
            query.object = Some(message_id(7_000).to_string().into());
            assert_eq!(pages(&*store, &query).len(), 3);
            query.object = None;
            store.wait_for_catalog();
        }
        drop(store);
        let size: i64 = Connection::open(&file)
            .unwrap()
            .query_row("SELECT count(*) FROM span", [], |row| row.get(0))
            .unwrap();
        assert_eq!(size, 1);
    }
}

#[test]
fn a_catalogue_that_knows_more_than_the_ledger_is_not_believed() {
    let mut long = Folder::filled(narrow(), 3_000);
    let mut short = Folder::filled(narrow(), 600);
    drop((long.embedded(), short.embedded()));
    let from = long.file("catalog.sqlite");
    fs::copy(from, short.file("catalog.sqlite")).unwrap();
    let store = short.embedded();
    check(&*store, &filters(600));
    fill(&*store, 4_000);
    store.wait_for_catalog();
    check(&*store, &filters(4_000));
}

#[test]
fn a_page_looks_at_no_more_blocks_than_it_may_and_says_where_to_go_on() {
    let mut folder = Folder::filled(narrow(), 2_560);
    let store = folder.embedded();
    // Both occur in every block, but in no entry together.
    let query = EntryQuery {
        kinds: vec![Kind::MessageFailed],
        object: Some(message_id(0).to_string().into()),
        client: Some(client_id(0).to_string().into()),
        ..any(10)
    };
    assert_eq!(pages(&*store, &query).len(), 0);
    let everything = store.search(&any(1_000)).unwrap();
    assert_eq!((everything.rows.len(), everything.next), (512, Some(2_048)));
}

#[test]
fn an_entry_that_is_gone_or_cannot_be_read_hides_no_other() {
    let mut folder = Folder::filled(narrow(), 1_400);
    let database = Connection::open(folder.file("shortstop.sqlite")).unwrap();
    let sql = "DELETE FROM entry WHERE idx = 701; UPDATE entry SET bytes = x'00' WHERE idx = 702";
    database.execute_batch(sql).unwrap();
    drop(database);
    fs::remove_file(folder.file("catalog.sqlite")).unwrap();
    let store = folder.embedded();
    for _ in 0..2 {
        assert_eq!(pages(&*store, &any(1_000)).len(), 1_399);
        let known = EntryQuery {
            since: Some(0),
            ..any(1_000)
        };
        assert_eq!(pages(&*store, &known).len(), 1_398);
        store.wait_for_catalog();
    }
}

#[test]
fn the_catalogue_is_for_the_owner_alone_and_one_file_when_closed() {
    let folder = Folder::filled(narrow(), 600);
    let file = folder.file("catalog.sqlite");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!folder.file("catalog.sqlite-wal").exists());
}

#[test]
fn a_closed_store_finds_nothing() {
    let mut folder = Folder::filled(narrow(), 600);
    let store = folder.embedded();
    assert_eq!(Log::size(&*store), Ok(600));
    store.close();
    store.search(&any(1)).unwrap_err();
    assert_eq!(Store::head(&*store).unwrap().size, 600);
}
