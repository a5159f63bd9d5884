//! A data folder in which somebody wrote while the gateway was stopped: the key does not sign on.

use std::sync::Arc;

use domain::class::TrafficClass;
use engine::{KEEP_YEAR, Least, LedgerError, LedgerParts, Prune, WitnessPolicy};
use ledger::{Fault, FaultKind, Hash, leaf_hash};
use testkit::ledger::{MemoryGuard, log_signer};
use testkit::{Image, MemoryStore, TestGateway};

use super::prune::{live, prune};
use super::stage::{running, submit_to};

/// What a start with this on disk says.
fn start(test: &TestGateway, image: Image) -> Result<(), LedgerError> {
    let parts = LedgerParts {
        log: Arc::new(MemoryStore::open_immediate(image)),
        signer: log_signer(),
        second: None,
        guard: Arc::new(MemoryGuard::default()),
        witnesses: Vec::new(),
        policy: WitnessPolicy::BestEffort,
    };
    test.gateway.attach_ledger(parts)
}

/// Signs and publishes what there is.
fn publish(test: &TestGateway) {
    test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert!(runtime.block_on(test.gateway.make_checkpoint()).unwrap());
}

/// Some entries behind the last checkpoint.
fn lived() -> (TestGateway, Image) {
    let test = running();
    publish(&test);
    for to in [1, 2] {
        submit_to(&test, to, TrafficClass::Alert, "hello").unwrap();
    }
    test.store.sync();
    let image = test.store.image();
    (test, image)
}

fn refused(start: Result<(), LedgerError>) -> Fault {
    match start {
        Err(LedgerError::Behind(fault)) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_appended_behind_the_last_checkpoint_is_never_signed() {
    let (test, image) = lived();
    assert!(start(&test, image.clone()).is_ok());
    let size = image.entries().len();
    let last = image.entries().last().unwrap().clone();
    let mut forged = image.clone();
    forged.put_entry(size, last.bytes.clone(), last.leaf);
    let fault = refused(start(&test, forged));
    assert_eq!(fault.kind, FaultKind::SequenceRepeat);
    assert_eq!(fault.index, Some(u64::try_from(size).unwrap()));
    // Nothing of it was ever signed: then all of it is looked at.
    let mut forged = image.clone();
    forged.lose_checkpoints();
    assert!(start(&test, forged.clone()).is_ok());
    let first = image.entries()[0].clone();
    forged.put_entry(size, first.bytes, first.leaf);
    assert_eq!(
        refused(start(&test, forged)).kind,
        FaultKind::SequenceRepeat
    );
}

#[test]
fn an_entry_behind_the_last_checkpoint_that_is_not_that_of_its_leaf_is_never_signed() {
    let (test, image) = lived();
    let index = image.entries().len() - 2;
    let kept = image.entries()[index].clone();
    let mut changed = image.clone();
    changed.put_entry(index, kept.bytes, leaf_hash(b"another"));
    assert_eq!(refused(start(&test, changed)).kind, FaultKind::LeafMismatch);
    let mut junk = image;
    let leaf: Hash = leaf_hash(b"junk");
    junk.put_entry(index, b"junk".to_vec(), leaf);
    assert_eq!(refused(start(&test, junk)).kind, FaultKind::EntryMalformed);
}

#[test]
fn entries_that_are_gone_without_a_pruning_stop_the_key() {
    let test = running();
    live(&test, 100);
    test.clock.advance(KEEP_YEAR * 2);
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    publish(&test);
    let mut image = test.store.image();
    image.put_minimum(256);
    let refused = start(&test, image);
    assert!(
        matches!(refused, Err(LedgerError::Unfounded { minimum: 256 })),
        "{refused:?}"
    );
    let least = Least::Year;
    let keep = KEEP_YEAR;
    let pruned = prune(&test, Prune { keep, least }).unwrap();
    assert!(pruned.minimum >= 256, "{pruned:?}");
    let mut image = test.store.image();
    assert!(start(&test, image.clone()).is_ok());
    image.put_minimum(pruned.minimum + 256);
    assert!(start(&test, image).is_err(), "the entry tells of less");
}
