//! A data folder that is only read: it tells what a store opened for writing tells, and no octet of it
//! changes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use engine::ports::catalog::EntryQuery;
use engine::ports::{Catalog, Log, Store, Workshop};
use ledger::NodeName;
use rusqlite::Connection;
use store::{Embedded, EmbeddedConfig, OpenError, ReadOnly};
use tempfile::TempDir;
use testkit::contract::log::filling::{check_nodes, fill, publish};

const SIZE: u64 = 66_100;

fn config(folder: &Path) -> EmbeddedConfig {
    EmbeddedConfig::new(folder, NodeName::parse("gw-1").unwrap())
}

fn embedded(folder: &Path) -> Embedded {
    Embedded::open(config(folder)).unwrap()
}

/// Every file with its octets.
fn octets(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.path().join(file.file_name())).unwrap();
    }
    to
}

/// A folder as a crash leaves it: commits and nodes of the tree are in the logs alone. Checkpoints cover
/// all but the last entries.
fn crashed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded(folder.path());
    fill(&store, SIZE - 300);
    publish(&store, SIZE - 300);
    fill(&store, SIZE);
    let crashed = copy(folder.path());
    for log in ["shortstop.sqlite-wal", "tree.sqlite-wal"] {
        assert!(fs::metadata(crashed.path().join(log)).unwrap().len() > 0);
    }
    crashed
}

/// What a log tells.
#[derive(Debug, PartialEq)]
struct Told {
    size: u64,
    latest: Option<engine::ports::log::Published>,
    last: Vec<Vec<u8>>,
    newest: Vec<engine::ports::catalog::EntryRow>,
}

fn told(log: &dyn Log) -> Told {
    check_nodes(log, SIZE);
    let query = EntryQuery {
        limit: 3,
        ..EntryQuery::default()
    };
    Told {
        size: log.size().unwrap(),
        latest: log.latest().unwrap(),
        last: log.entries(SIZE - 2, 9).unwrap(),
        newest: Catalog::search(log, &query).unwrap().rows,
    }
}

/// Reads the folder in every way, and gives what it tells; no file is another than before.
fn examined(folder: &Path) -> Told {
    let before = octets(folder);
    let store = ReadOnly::open(config(folder)).unwrap();
    let told = told(&store);
    let mut entries = 0;
    let mut count = |view: &dyn engine::ports::View, _: &mut dyn engine::ports::Shelf| {
        entries = view.size();
        Ok(())
    };
    store.with_view(&mut count).unwrap();
    assert_eq!(entries, told.size);
    assert!(
        octets(folder) == before,
        "something changed while it was open"
    );
    drop(store);
    assert!(
        octets(folder) == before,
        "something changed as it was closed"
    );
    told
}

#[test]
fn what_a_crash_left_in_the_logs_is_read_and_stays_there() {
    let folder = crashed();
    let told_first = examined(folder.path());
    assert_eq!(told_first.size, SIZE);
    assert_eq!(
        told_first.latest.as_ref().map(|it| it.size),
        Some(SIZE - 300)
    );
    let store = embedded(folder.path());
    assert_eq!(told(&store), told_first);
}

#[test]
fn a_folder_that_was_closed_is_read_as_it_is() {
    let folder = crashed();
    drop(embedded(folder.path()));
    let before = examined(folder.path());
    let database = Connection::open(folder.path().join("shortstop.sqlite")).unwrap();
    let sql = "SELECT value FROM meta WHERE name = 'epoch'";
    let epoch: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    let epoch = u64::try_from(epoch).unwrap();
    drop(database);
    let store = embedded(folder.path());
    assert_eq!(
        store.head().unwrap().epoch,
        epoch + 1,
        "none began meanwhile"
    );
    assert_eq!(told(&store), before);
}

#[test]
fn nodes_that_are_gone_or_false_are_computed_and_not_written() {
    let folder = crashed();
    drop(embedded(folder.path()));
    let tree = folder.path().join("tree.sqlite");
    let whole = examined(folder.path());
    let edit = |sql: &str| Connection::open(&tree).unwrap().execute_batch(sql).unwrap();
    edit("UPDATE node SET hash = zeroblob(32) WHERE level = 8 AND idx = 7");
    assert_eq!(examined(folder.path()), whole);
    edit("DELETE FROM node WHERE level = 8 AND idx > 9");
    assert_eq!(examined(folder.path()), whole);
    for spoiled in [b"no database, but text. ".repeat(999), Vec::new()] {
        fs::write(&tree, spoiled).unwrap();
        assert_eq!(examined(folder.path()).latest, None);
    }
    fs::remove_file(&tree).unwrap();
    assert_eq!(examined(folder.path()).latest, None);
}

#[test]
fn a_folder_in_use_is_refused_and_one_that_is_examined_is_not_written_to() {
    let folder = crashed();
    let store = embedded(folder.path());
    let refused = ReadOnly::open(config(folder.path())).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    drop(store);
    let (one, other) = (
        ReadOnly::open(config(folder.path())).unwrap(),
        ReadOnly::open(config(folder.path())).unwrap(),
    );
    drop(one);
    let refused = Embedded::open(config(folder.path())).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    drop(other);
    embedded(folder.path());
}

#[test]
fn nothing_is_made_where_there_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let refused = ReadOnly::open(config(folder.path())).unwrap_err();
    assert!(matches!(refused, OpenError::Absent { .. }), "{refused}");
    fs::write(folder.path().join("tree.sqlite"), b"").unwrap();
    let refused = ReadOnly::open(config(folder.path())).unwrap_err();
    assert!(matches!(refused, OpenError::Missing { .. }), "{refused}");
    assert_eq!(octets(folder.path()).len(), 1);
    ReadOnly::open(config(&folder.path().join("nowhere"))).unwrap_err();
    assert_eq!(octets(folder.path()).len(), 1);
}

#[test]
fn an_older_database_and_one_of_another_node_are_refused_and_left_alone() {
    let folder = crashed();
    drop(embedded(folder.path()));
    let other = EmbeddedConfig::new(folder.path(), NodeName::parse("gw-2").unwrap());
    let refused = ReadOnly::open(other).unwrap_err();
    assert!(matches!(refused, OpenError::OtherNode { .. }), "{refused}");
    let database = Connection::open(folder.path().join("shortstop.sqlite")).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    drop(database);
    let before = octets(folder.path());
    let refused = ReadOnly::open(config(folder.path())).unwrap_err();
    assert!(
        matches!(refused, OpenError::Older { found: 1, .. }),
        "{refused}"
    );
    assert!(octets(folder.path()) == before);
}

#[test]
fn a_copy_without_its_lock_is_read() {
    let folder = crashed();
    fs::remove_file(folder.path().join("shortstop.lock")).unwrap();
    assert_eq!(examined(folder.path()).size, SIZE);
}
