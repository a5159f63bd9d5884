//! The state as the entries tell it, against a store that somebody worked on.

use domain::class::TrafficClass;
use domain::consent::Basis;
use domain::message::ReceiptState;
use engine::ports::{Shelf as _, View};
use engine::rebuild::{Difference, compare, complete};
use engine::rows::Purpose;
use engine::{ErasureBasis, ErasureScope, OptOutRequest};
use testkit::gateway::handset;
use testkit::memory::MemoryShelf;
use testkit::settings::{short_code, usual};
use testkit::{Image, TestGateway};

use super::stage::{accept, deliver, mobile, receipt, running, submit_to};

fn differences(test: &TestGateway, image: &Image) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut tell = |difference| found.push(difference);
    let judge = test.gateway.judge();
    compare(image, &mut MemoryShelf::default(), &judge, &mut tell).unwrap();
    found
}

/// The entries alone give what the store holds.
pub fn assert_rebuilt(test: &TestGateway) {
    assert_eq!(differences(test, &test.store.image()), []);
}

/// Messages both ways, opt-outs, and a person who is forgotten.
fn lived() -> TestGateway {
    let test = running();
    for to in [1, 2] {
        submit_to(&test, to, TrafficClass::Alert, "hello").unwrap();
        let handed = test.carriers.take().remove(0);
        accept(&test, &handed);
        let told = receipt(handed.submission.token, ReceiptState::Delivered);
        deliver(&test, vec![told, mobile(to, "STOP")]);
    }
    let caller = test.caller();
    let wish = OptOutRequest {
        short_code: short_code(),
        number: handset(3),
        basis: Basis::Request,
        evidence: "a letter of 3 May".into(),
    };
    test.settle(test.gateway.record_opt_out(&caller, wish))
        .unwrap();
    let basis = ErasureBasis::parse("GDPR Art. 17, case 7", handset(1)).unwrap();
    let scope = ErasureScope::WithConsent;
    let erasing = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    let erased = test.settle(erasing).unwrap();
    assert!(erased.values > 3, "{erased:?}");
    test
}

#[test]
fn a_forgotten_person_leaves_the_same_tombstones_in_the_ledger_and_in_the_store() {
    let test = lived();
    assert_eq!(differences(&test, &test.store.image()), []);
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(differences(&test, &test.store.image()), []);
}

#[test]
fn a_row_that_points_to_another_entry_is_named() {
    let test = lived();
    let image = test.store.image();
    let rows = image.messages().map(|row| row.id.sequence());
    let rows: Vec<u64> = rows
        .chain(image.inbounds().map(|row| row.id.sequence()))
        .collect();
    for (row, entry) in rows.iter().zip([u64::MAX, 1_000].into_iter().cycle()) {
        test.store.mislead(*row, entry);
    }
    let found = differences(&test, &test.store.image());
    assert_eq!(found.len(), rows.len(), "{found:?}");
    assert!(found.iter().all(|one| one.field == "entry"), "{found:?}");
    let inbound = found.iter().filter(|one| one.what == "inbound").count();
    assert_eq!(inbound, 2);
}

#[test]
fn a_sealed_value_that_is_gone_without_an_entry_is_named() {
    let test = lived();
    let mut image = test.store.image();
    let live = image.vault().filter(|row| row.erased_by().is_none());
    let (owner, purpose) = live.map(|row| (row.owner, row.purpose)).next().unwrap();
    image.erase(owner, purpose);
    let found = differences(&test, &image);
    let [one] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (one.what, one.field, one.store.as_str()),
        ("vault", "row", "-")
    );
    assert_eq!(one.id, format!("{owner}/{}", purpose.as_str()));
}

#[test]
fn a_tombstone_that_is_gone_is_missed_and_counted() {
    let test = lived();
    let mut image = test.store.image();
    let dead = image.vault().find(|row| row.erased_by().is_some()).unwrap();
    let (owner, purpose) = (dead.owner, dead.purpose);
    image.erase(owner, purpose);
    let found = differences(&test, &image);
    let told: Vec<_> = found.iter().map(|one| (one.what, one.field)).collect();
    let wanted = vec![("vault", "row"), ("erasure", "count")];
    if purpose == Purpose::Number {
        assert!(told.ends_with(&wanted), "{found:?}");
    } else {
        assert_eq!(told, wanted);
    }
}

#[test]
fn completed_rows_are_those_of_the_store_with_what_no_entry_tells() {
    let test = lived();
    let image = test.store.image();
    let judge = test.gateway.judge();
    let mut shelf = MemoryShelf::default();
    compare(&image, &mut shelf, &judge, &mut |one| panic!("{one}")).unwrap();
    complete(&image, &mut shelf, &judge).unwrap();

    let (all, view): (_, &dyn View) = (usize::MAX, &image);
    assert_eq!(shelf.messages(None, all), view.messages(None, all));
    assert_eq!(shelf.inbounds(None, all), view.inbounds(None, all));
    assert_eq!(shelf.opt_outs(None, all), view.opt_outs(None, all));
    assert_eq!(shelf.clients(), view.clients());
}

#[test]
fn an_entry_that_is_not_that_of_its_leaf_hash_is_named() {
    let test = lived();
    let mut image = test.store.image();
    let index = image.entries().len() / 2;
    let bytes = image.entries()[index].bytes.clone();
    image.put_entry(index, bytes, ledger::leaf_hash(b"what it was"));
    let found = differences(&test, &image);
    let [one] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((one.what, one.field), ("entry", "leaf"));
    assert_eq!(one.id, index.to_string());
}
