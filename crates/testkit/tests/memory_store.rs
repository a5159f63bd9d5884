//! The store in memory under the contract of its port, so that what a simulation learns from it holds
//! for the real one.

use std::sync::Arc;

use engine::ports::Store;
use testkit::MemoryStore;
use testkit::contract::store::{Home, StoredEntry};

/// Keeps the last store opened, and with it what would be on disk.
#[derive(Default)]
struct Memory {
    last: Option<Arc<MemoryStore>>,
}

impl Home for Memory {
    fn open(&mut self) -> Arc<dyn Store> {
        let store = match self.last.take() {
            Some(last) => MemoryStore::open_immediate(last.crash()),
            None => MemoryStore::immediate(),
        };
        let store = Arc::new(store);
        self.last = Some(Arc::clone(&store));
        store
    }

    fn entries(&mut self) -> Vec<StoredEntry> {
        let image = self.last.as_ref().map(|store| store.image());
        let entries = image.iter().flat_map(testkit::Image::entries);
        let stored = entries.map(|entry| StoredEntry {
            bytes: entry.bytes.clone(),
            leaf: *entry.leaf.as_bytes(),
        });
        stored.collect()
    }
}

testkit::store_contract!(Memory::default());
