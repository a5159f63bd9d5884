//! The store in memory under the contract of the ledger's port.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use engine::ports::{Log, Store};
use testkit::contract::log::filling::{accepting, checkpoint};
use testkit::contract::log::{Home, Opened, Spoil};
use testkit::contract::store::samples::sequence;
use testkit::{Image, MemoryStore};

/// Keeps the last store opened, and with it what would be on disk.
#[derive(Default)]
struct Memory {
    last: Option<Arc<MemoryStore>>,
    spoiled: Option<Image>,
}

impl Home for Memory {
    fn open(&mut self) -> Opened {
        let last = self.last.take().map(|last| last.crash());
        let store = match self.spoiled.take().or(last) {
            Some(image) => MemoryStore::open_immediate(image),
            None => MemoryStore::immediate(),
        };
        let store = Arc::new(store);
        self.last = Some(Arc::clone(&store));
        let log = Arc::clone(&store);
        Opened { store, log }
    }

    fn spoil(&mut self, _: Spoil) {
        let mut image = self.last.as_ref().unwrap().image();
        image.lose_checkpoints();
        self.spoiled = Some(image);
    }
}

testkit::log_contract!(Memory::default());

#[test]
fn what_is_not_durable_is_not_seen() {
    let store = MemoryStore::new();
    store.commit(accepting(0), Box::new(|_| {}));
    store.commit(accepting(1), Box::new(|_| {}));
    assert_eq!(Log::size(&store), Ok(0));
    assert_eq!(store.entries(0, 9), Ok(Vec::new()));
    assert_eq!(store.entry_of(sequence(0)), Ok(None));
    store.persist(1);
    assert_eq!(Log::size(&store), Ok(1));
    assert_eq!(store.leaves(0, 9).unwrap().len(), 1);
    assert_eq!(store.entry_of(sequence(0)), Ok(Some(0)));
    assert_eq!(store.entry_of(sequence(1)), Ok(None));
}

#[test]
fn a_dead_process_publishes_nothing() {
    let store = MemoryStore::new();
    store.commit(accepting(0), Box::new(|_| {}));
    store.sync();
    let published = checkpoint(&store, 1);
    let image = store.crash();
    store.publish(&[], &published).unwrap_err();
    assert_eq!(MemoryStore::open(image).latest(), Ok(None));
}
