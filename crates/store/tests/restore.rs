//! Restoring: what of a backup is checked before it becomes a data folder, and what a restored store
//! goes on with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use engine::ports::Store;
use ledger::{Entry, NodeName, leaf_hash};
use rusqlite::{Connection, params};
use store::{Embedded, EmbeddedConfig, RestoreError, RestoredBy, restore};
use tempfile::TempDir;
use testkit::contract::store::samples::{changes, message, moment, new_message};

/// Who restores in these tests.
const BY: RestoredBy<'static> = RestoredBy {
    user: "root",
    at: domain::time::Timestamp::from_seconds(1),
};

/// A backup of a store that took some messages, and a place to restore it to.
struct Scene {
    home: TempDir,
}

impl Scene {
    fn of(messages: u64) -> Self {
        let scene = Self {
            home: tempfile::tempdir().unwrap(),
        };
        let store = open(&scene.path("data"));
        fill(&store, 0..messages);
        back_up(&store, &scene.backup());
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn backup(&self) -> PathBuf {
        self.path("copy.sqlite")
    }

    fn target(&self) -> PathBuf {
        self.path("restored")
    }

    /// Spoils the backup and tells what is said to it.
    fn refused_after(&self, spoil: impl FnOnce(&Connection)) -> RestoreError {
        let database = Connection::open(self.backup()).unwrap();
        spoil(&database);
        drop(database);
        let refused = restore(&self.backup(), &self.target(), &BY).unwrap_err();
        let left: Vec<_> = fs::read_dir(self.target()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        refused
    }
}

fn open(folder: &Path) -> Embedded {
    Embedded::open(EmbeddedConfig::new(
        folder,
        NodeName::parse("gw-1").unwrap(),
    ))
    .unwrap()
}

fn fill(store: &Embedded, numbers: std::ops::Range<u64>) {
    for n in numbers {
        let (answer, answered) = channel();
        let done = move |result| answer.send(result).unwrap();
        store.commit(changes(moment(n), new_message(message(n))), Box::new(done));
        answered.recv().unwrap().unwrap();
    }
}

fn back_up(store: &Embedded, to: &Path) {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(store.backup(to.to_owned()))
        .unwrap();
}

fn bytes_of(database: &Connection, index: u32) -> String {
    let sql = "SELECT CAST(bytes AS TEXT) FROM entry WHERE idx = ?1";
    database.query_row(sql, [index], |row| row.get(0)).unwrap()
}

/// Writes an entry anew, with the leaf that belongs to it.
fn forge(database: &Connection, index: u32, from: &str, to: &str) {
    let forged = bytes_of(database, index).replace(from, to);
    let leaf = leaf_hash(forged.as_bytes());
    let sql = "UPDATE entry SET bytes = ?2, leaf = ?3 WHERE idx = ?1";
    let values = params![index, forged.as_bytes(), leaf.as_bytes()];
    assert_eq!(database.execute(sql, values).unwrap(), 1);
}

#[track_caller]
fn assert_names(refused: &RestoreError, entry: u64, why: &str) {
    let RestoreError::Entry { index, what, .. } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((*index, *what), (entry, why));
    let says = refused.to_string();
    assert!(says.contains(&format!("entry {entry} {why}")), "{says}");
    assert!(says.contains("copy.sqlite"), "{says}");
}

#[test]
fn a_whole_ledger_of_several_epochs_is_restored() {
    let scene = Scene::of(5);
    let store = open(&scene.path("data"));
    fill(&store, 5..9);
    back_up(&store, &scene.path("later.sqlite"));
    restore(&scene.path("later.sqlite"), &scene.target(), &BY).unwrap();
    // Nine, and the one that tells of the restore.
    assert_eq!(open(&scene.target()).head().unwrap().size, 10);
}

#[test]
fn a_backup_that_lacks_an_entry_is_refused_by_its_index() {
    let refused = Scene::of(9).refused_after(|database| {
        let gone = database.execute("DELETE FROM entry WHERE idx = 4", []);
        assert_eq!(gone.unwrap(), 1);
    });
    assert_names(&refused, 4, "is missing");
}

#[test]
fn entries_that_were_moved_together_over_a_gap_are_refused_by_their_numbers() {
    let refused = Scene::of(9).refused_after(|database| {
        database
            .execute_batch(
                "DELETE FROM entry WHERE idx = 4;
                 UPDATE entry SET idx = -idx WHERE idx > 4;
                 UPDATE entry SET idx = -idx - 1 WHERE idx < 0;",
            )
            .unwrap();
    });
    assert_names(&refused, 4, "does not have the next number of its node");
}

#[test]
fn an_entry_whose_octets_were_changed_is_refused() {
    let refused = Scene::of(9).refused_after(|database| {
        let forged = bytes_of(database, 3).replace("gw-1", "gw-9");
        let sql = "UPDATE entry SET bytes = ?1 WHERE idx = 3";
        assert_eq!(database.execute(sql, [forged.as_bytes()]).unwrap(), 1);
    });
    assert_names(&refused, 3, "does not have its leaf hash");
}

#[test]
fn an_entry_that_is_none_is_refused_though_its_leaf_fits() {
    let refused = Scene::of(3).refused_after(|database| forge(database, 1, "\"v\":1", "\"v\":7"));
    assert_names(&refused, 1, "is not an entry as this gateway writes them");
}

#[test]
fn an_entry_of_another_node_is_refused() {
    let refused = Scene::of(3).refused_after(|database| forge(database, 1, "gw-1", "gw-9"));
    assert_names(&refused, 1, "is of another node");
}

#[test]
fn an_entry_that_goes_back_in_time_is_refused() {
    let refused = Scene::of(5).refused_after(|database| {
        let bytes = bytes_of(database, 2);
        let time = Entry::parse(bytes.as_bytes()).unwrap();
        assert!(time.time_micros > 0);
        let from = bytes.find("\"time\":\"").unwrap();
        let member = bytes.get(from..from + 12).unwrap();
        forge(database, 2, member, "\"time\":\"1999");
    });
    assert_names(&refused, 2, "goes back in time");
}

#[test]
fn an_epoch_that_the_backup_does_not_know_of_is_refused() {
    let refused = Scene::of(5).refused_after(|database| {
        let sql = "UPDATE meta SET value = 0 WHERE name = 'epoch'";
        assert_eq!(database.execute(sql, []).unwrap(), 1);
    });
    assert_names(&refused, 4, "is of a later epoch than the backup");
}

#[test]
fn a_backup_that_cannot_be_read_is_named_and_no_folder_is_made() {
    let scene = Scene::of(1);
    let nowhere = scene.path("nowhere.sqlite");
    let refused = restore(&nowhere, &scene.target(), &BY).unwrap_err();
    assert!(
        matches!(refused, RestoreError::Backup { .. }),
        "{refused:?}"
    );
    let says = refused.to_string();
    assert!(says.contains(nowhere.to_str().unwrap()), "{says}");
    assert!(!scene.target().exists());
}

#[test]
fn a_restored_store_never_writes_in_an_epoch_that_the_original_may_reach() {
    let scene = Scene::of(3);
    restore(&scene.backup(), &scene.target(), &BY).unwrap();
    let original = open(&scene.path("data")).head().unwrap().epoch;
    let restored = open(&scene.target()).head().unwrap().epoch;
    assert_eq!((original, restored), (2, 1_002));
    // The leap is made once; from there on, epochs are counted as ever.
    assert_eq!(open(&scene.target()).head().unwrap().epoch, 1_003);
}

#[test]
fn a_backup_of_a_restored_store_leaps_again() {
    let scene = Scene::of(3);
    restore(&scene.backup(), &scene.target(), &BY).unwrap();
    let store = open(&scene.target());
    fill(&store, 3..5);
    back_up(&store, &scene.path("again.sqlite"));
    drop(store);
    restore(&scene.path("again.sqlite"), &scene.path("third"), &BY).unwrap();
    let third = open(&scene.path("third")).head().unwrap();
    assert_eq!((third.size, third.epoch), (7, 2_003));
}

#[test]
fn the_first_entry_after_the_backup_tells_who_restored_what() {
    let scene = Scene::of(3);
    restore(&scene.backup(), &scene.target(), &BY).unwrap();
    let store = open(&scene.target());
    let entries = engine::ports::Log::entries(&store, 0, 10).unwrap();
    assert_eq!(entries.len(), 4);
    let entry = Entry::parse(&entries[3]).unwrap();
    assert_eq!(entry.kind, ledger::Kind::BackupRestored);
    assert_eq!(entry.actor.id, "root");
    let text = String::from_utf8(entries[3].clone()).unwrap();
    let leaves: Vec<_> = entries[..3].iter().map(|entry| leaf_hash(entry)).collect();
    let root = ledger::tree::root_of(&leaves);
    assert!(text.contains(&format!("\"root\":\"{root}\"")), "{text}");
    assert!(text.contains("\"entries\":3,"), "{text}");
}
