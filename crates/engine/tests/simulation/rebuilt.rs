//! The entries against the rows: whatever happened, the ledger alone gives the state again, and so it
//! does once its old entries are pruned.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::Log as _;
use engine::rebuild::{Difference, compare};
use engine::{KEEP_YEAR, Least, Prune};
use testkit::contract::log::filling::publish;
use testkit::gateway::poll_once;
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

/// A year later everything so far may go, and the state is told all the same.
pub fn so_does_what_is_left_of_a_pruned_ledger(node: &Node) {
    publish(node.store.as_ref(), node.store.size().unwrap());
    node.clock.advance(Duration::from_hours(24 * 400));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let prune = Prune {
        keep: KEEP_YEAR,
        least: Least::Year,
    };
    let store = Arc::clone(&node.store);
    let mut pruning = Box::pin(node.gateway.prune_ledger("root", store, prune));
    let pruned = loop {
        if let Some(done) = poll_once(pruning.as_mut()) {
            break done.unwrap();
        }
        node.store.sync();
        std::thread::yield_now();
    };
    assert_eq!(node.store.minimum(), Ok(pruned.minimum));
    the_entries_alone_give_the_state(node);
}
