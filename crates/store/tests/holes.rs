//! What a database tool did to a store is told by the entry or row that it did it to.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use engine::ports::store::ReadError;
use engine::ports::{Log, Workshop};
use ledger::NodeName;
use rusqlite::Connection;
use store::{Embedded, EmbeddedConfig, ReadOnly};
use testkit::contract::log::filling::{fill, publish};

fn config(folder: &Path) -> EmbeddedConfig {
    EmbeddedConfig::new(folder, NodeName::parse("gw-1").unwrap())
}

fn change(folder: &Path, sql: &str) {
    let database = Connection::open(folder.join("shortstop.sqlite")).unwrap();
    database.execute_batch(sql).unwrap();
}

#[test]
fn an_entry_that_was_deleted_is_named_by_whatever_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(config(folder.path())).unwrap();
    fill(&store, 600);
    publish(&store, 600);
    drop(store);
    change(folder.path(), "DELETE FROM entry WHERE idx = 50");
    let store = ReadOnly::open(config(folder.path())).unwrap();
    assert_eq!(store.entries(0, 256), Err(ReadError::Missing(50)));
    assert_eq!(store.leaves(0, 256), Err(ReadError::Missing(50)));
    assert_eq!(store.latest().unwrap().unwrap().size, 600);
    assert_eq!(store.nodes(8, 0, 9).unwrap().len(), 2, "as they were kept");
    assert_eq!(store.entries(256, 256).unwrap().len(), 256);
}

#[test]
fn a_row_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(config(folder.path())).unwrap();
    fill(&store, 1);
    drop(store);
    change(
        folder.path(),
        "INSERT INTO message(seq, id, state, version, created, expires, updated, subject, head, segments)
         VALUES (77, x'01890000000070008000000000000001', 0, 1, 1, 1, 1, zeroblob(16), '{}', '[]')",
    );
    let store = ReadOnly::open(config(folder.path())).unwrap();
    let mut read = Ok(());
    let looked = store.with_view(&mut |view, _| {
        read = view.messages(None, 9).map(drop);
        Ok(())
    });
    assert_eq!(looked, Ok(()));
    let says = "the message at sequence 77 holds a state that is none";
    assert_eq!(read, Err(ReadError::Failed(says.to_owned())));
}
