//! The embedded store under the contract of the ledger's port, and what is its own: its file, what
//! spoils it, and rows from before.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use domain::time::Timestamp;
use engine::changes::Changes;
use engine::ports::store::ReadError;
use engine::ports::{Log, Store};
use ledger::{Kind, NodeName};
use rusqlite::Connection;
use store::{Embedded, EmbeddedConfig};
use tempfile::TempDir;
use testkit::contract::log::filling::{accepting, check_nodes, fill, publish};
use testkit::contract::log::{Home, Opened, Spoil};
use testkit::contract::store::samples::{START, draft, sequence};

/// A data folder that vanishes with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn embedded(&self) -> Arc<Embedded> {
        let config = EmbeddedConfig::new(self.0.path(), NodeName::parse("gw-1").unwrap());
        Arc::new(Embedded::open(config).unwrap())
    }

    fn tree(&self) -> PathBuf {
        self.0.path().join("tree.sqlite")
    }

    fn edit(&self, file: &str, sql: &str) {
        let database = Connection::open(self.0.path().join(file)).unwrap();
        database.execute_batch(sql).unwrap();
    }

    /// Flips one bit of a node.
    fn flip(&self, node: &str) {
        let tree = Connection::open(self.tree()).unwrap();
        let read = format!("SELECT hash FROM node WHERE {node}");
        let mut hash: [u8; 32] = tree.query_row(&read, [], |row| row.get(0)).unwrap();
        hash[31] ^= 1;
        let write = format!("UPDATE node SET hash = ?1 WHERE {node}");
        assert_eq!(tree.execute(&write, [hash]).unwrap(), 1);
    }

    fn column<T: rusqlite::types::FromSql>(&self, sql: &str) -> Vec<T> {
        let tree = Connection::open(self.tree()).unwrap();
        let mut statement = tree.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        found.collect::<Result<_, _>>().unwrap()
    }
}

impl Home for Folder {
    fn open(&mut self) -> Opened {
        let store = self.embedded();
        let log = Arc::clone(&store);
        Opened { store, log }
    }

    fn spoil(&mut self, how: Spoil) {
        let tree = self.tree();
        let whole = fs::read(&tree).unwrap();
        match how {
            Spoil::Removed => fs::remove_file(&tree).unwrap(),
            Spoil::Emptied => fs::write(&tree, b"").unwrap(),
            Spoil::Cut => fs::write(&tree, &whole[..whole.len() / 2 + 100]).unwrap(),
            Spoil::Scribbled => fs::write(&tree, b"no database, but text. ".repeat(999)).unwrap(),
            Spoil::Flipped => self.edit(
                "tree.sqlite",
                "UPDATE node SET hash = zeroblob(32) WHERE level = 8 AND idx = 0",
            ),
            Spoil::Holed => self.edit(
                "tree.sqlite",
                "DELETE FROM node WHERE level = 8 AND idx = 0",
            ),
        }
    }
}

testkit::log_contract!(Folder::new());

fn commit(store: &Embedded, changes: Changes) -> u64 {
    let (answer, answered) = std::sync::mpsc::channel();
    store.commit(
        changes,
        Box::new(move |result| answer.send(result.unwrap().first_index).unwrap()),
    );
    answered.recv().unwrap()
}

#[test]
fn any_octet_of_a_node_that_is_another_is_found() {
    let folder = Folder::new();
    let store = folder.embedded();
    fill(&*store, 66_100);
    publish(&*store, 66_100);
    drop(store);
    for node in [
        "level = 8 AND idx = 0",
        "level = 8 AND idx = 255",
        "level = 8 AND idx = 257",
        "level = 16",
    ] {
        folder.flip(node);
        let store = folder.embedded();
        check_nodes(&*store, 66_100);
        // The checkpoint was not touched.
        assert_eq!(
            store.latest().unwrap().map(|it| it.size),
            Some(66_100),
            "{node}"
        );
    }
}

#[test]
fn nodes_beyond_the_ledger_are_not_those_of_what_comes() {
    let (short, long) = (Folder::new(), Folder::new());
    for (folder, size) in [(&short, 300), (&long, 1_100)] {
        let store = folder.embedded();
        commit(&store, accepting(size));
        fill(&*store, size);
        publish(&*store, size);
    }
    fs::copy(long.tree(), short.tree()).unwrap();
    let store = short.embedded();
    check_nodes(&*store, 300);
    // A key that signed more than there is must not sign less; the evidence stays.
    assert_eq!(store.latest().unwrap().map(|it| it.size), Some(1_100));
    fill(&*store, 2_000);
    check_nodes(&*store, 2_000);
}

#[test]
fn a_tree_that_vanishes_while_it_is_in_use_is_made_anew() {
    let folder = Folder::new();
    let store = folder.embedded();
    fill(&*store, 600);
    publish(&*store, 300);
    for name in ["tree.sqlite", "tree.sqlite-wal", "tree.sqlite-shm"] {
        fs::remove_file(folder.0.path().join(name)).unwrap();
    }
    check_nodes(&*store, 600);
    // The checkpoint is still known, and none goes back behind it.
    assert_eq!(store.latest().unwrap().map(|it| it.size), Some(300));
    fs::remove_file(folder.tree()).unwrap();
    let next = publish(&*store, 600);
    drop(store);
    assert_eq!(folder.embedded().latest().unwrap(), Some(next));
}

#[test]
fn the_tree_is_for_the_owner_alone_and_one_file_when_closed() {
    let folder = Folder::new();
    let store = folder.embedded();
    fill(&*store, 300);
    publish(&*store, 300);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.0.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("tree") {
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                0o600
            );
            names.push(name);
        }
    }
    assert_eq!(names.len(), 3, "{names:?}");
    drop(store);
    assert!(folder.tree().exists());
    assert!(!folder.0.path().join("tree.sqlite-wal").exists());
}

#[test]
fn a_closed_store_reads_and_publishes_nothing() {
    let folder = Folder::new();
    let store = folder.embedded();
    fill(&*store, 300);
    let published = publish(&*store, 300);
    store.close();
    store.publish(&[], &published).unwrap_err();
    let refused: Result<_, ReadError> = store.nodes(8, 0, 1);
    refused.unwrap_err();
    store.leaves(0, 1).unwrap_err();
    store.entries(0, 1).unwrap_err();
    store.entry_of(sequence(0)).unwrap_err();
}

#[test]
fn one_checkpoint_an_hour_is_kept_for_thirty_days() {
    let folder = Folder::new();
    let store = folder.embedded();
    // START is at a full hour. Three checkpoints an hour, for 31 days.
    assert_eq!(START.seconds() % 3_600, 0);
    let hours = 31 * 24;
    for hour in 0..hours {
        for minute in [0, 20, 59] {
            let at = Timestamp::from_seconds(START.seconds() + hour * 3_600 + minute * 60);
            let index = commit(&store, Changes::new(draft(Kind::MessageDispatched), at));
            // Only its size matters here.
            let mut checkpoint = testkit::contract::log::filling::checkpoint(&*store, 1);
            checkpoint.size = index + 1;
            store.publish(&[], &checkpoint).unwrap();
        }
    }
    drop(store);
    let sizes: Vec<u64> = folder
        .column::<i64>("SELECT size FROM checkpoint ORDER BY size")
        .into_iter()
        .map(|size| u64::try_from(size).unwrap())
        .collect();
    let last_of_hour = |hour: u64| 3 * (hour + 1);
    let kept: Vec<_> = (hours - 721..hours).map(last_of_hour).collect();
    assert_eq!(sizes, kept);
}

#[test]
fn rows_from_before_have_no_entry_and_those_after_have() {
    let folder = Folder::new();
    let store = folder.embedded();
    commit(&store, accepting(0));
    drop(store);
    folder.edit(
        "shortstop.sqlite",
        "ALTER TABLE message DROP COLUMN entry; ALTER TABLE inbound DROP COLUMN entry;
            DROP TABLE secret; DROP TABLE pruned; DROP TABLE snapshot; DROP TABLE verification;
            DROP TABLE budget; DROP TABLE pumping; DROP TABLE factor; DROP TABLE webhook;
            DROP TABLE progress; ALTER TABLE idempotency DROP COLUMN client;
            ALTER TABLE unmatched DROP COLUMN done;
            PRAGMA user_version = 1;",
    );
    let store = folder.embedded();
    assert_eq!(commit(&store, accepting(1)), 1);
    assert_eq!(store.entry_of(sequence(0)), Ok(None));
    assert_eq!(store.entry_of(sequence(1)), Ok(Some(1)));
}

#[test]
fn a_ledger_with_a_gap_is_not_read_across_it() {
    let folder = Folder::new();
    let store = folder.embedded();
    fill(&*store, 600);
    drop(store);
    folder.edit("shortstop.sqlite", "DELETE FROM entry WHERE idx = 100");
    let store = folder.embedded();
    assert_eq!(store.leaves(0, 100).unwrap().len(), 100);
    assert_eq!(store.leaves(101, 499).unwrap().len(), 499);
    let refused = store.leaves(0, 101).unwrap_err();
    assert!(
        refused.to_string().contains("ledger entry 100 is missing"),
        "{refused}"
    );
    store.entries(99, 2).unwrap_err();
    store.nodes(8, 0, 1).unwrap_err();
}
