//! The store in memory under the contract of the port for searching the ledger.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use testkit::MemoryStore;
use testkit::contract::catalog::Home;
use testkit::contract::log::Opened;

/// Keeps the last store opened, and with it what would be on disk.
#[derive(Default)]
struct Memory {
    last: Option<Arc<MemoryStore>>,
}

impl Home for Memory {
    fn open(&mut self) -> Opened {
        let store = match self.last.take().map(|last| last.crash()) {
            Some(image) => MemoryStore::open_immediate(image),
            None => MemoryStore::immediate(),
        };
        let store = Arc::new(store);
        self.last = Some(Arc::clone(&store));
        let log = Arc::clone(&store);
        Opened { store, log }
    }

    fn settle(&mut self) {}
}

testkit::catalog_contract!(Memory::default());
