//! The entries against the rows: whatever happened, the ledger alone gives the state again.

use engine::rebuild::{Difference, compare};
use testkit::memory::MemoryShelf;

use super::node::Node;

/// Folds every durable entry and holds the rows of the same moment against it.
pub fn the_entries_alone_give_the_state(node: &Node) {
    let judge = node.gateway.judge();
    let mut found: Vec<Difference> = Vec::new();
    let compared = node.store.with_image(|image| {
        let mut shelf = MemoryShelf::default();
        compare(image, &mut shelf, &judge, &mut |difference| {
            found.push(difference);
        })
        .unwrap()
    });
    assert!(found.is_empty(), "{}", found[0]);
    assert!(compared.entries > 0 && compared.keys > 0 && compared.clients == 1);
}
