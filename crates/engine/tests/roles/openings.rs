//! The vault against the commitments of the ledger: whole, emptied by the book, and emptied otherwise.

use std::time::Duration;

use domain::message::ReceiptState;
use engine::rows::{Purpose, VaultRow};
use engine::{ErasureBasis, ErasureScope, check_openings};
use ledger::verify::fault::FaultKind;
use testkit::gateway::handset;
use testkit::{Image, TestGateway};

use super::stage::{accept, deliver, mobile, receipt, running, submit_to};

type Told = Vec<(FaultKind, Option<u64>)>;

fn faults(test: &TestGateway, image: &Image) -> Told {
    let mut found = Vec::new();
    let mut tell = |fault: ledger::Fault| found.push((fault.kind, fault.index));
    let checked = check_openings(image, &test.gateway.judge(), &mut tell).unwrap();
    assert_eq!(checked.faults, u64::try_from(found.len()).unwrap());
    assert_eq!(
        checked.entries,
        u64::try_from(image.entries().len()).unwrap()
    );
    found
}

/// One message to and one from each of three handsets; the first asks to be forgotten after the texts
/// of all have expired.
fn lived() -> TestGateway {
    let test = running();
    for to in 1..=3 {
        submit_to(&test, to, domain::class::TrafficClass::Alert, "hello").unwrap();
        let handed = test.carriers.take().remove(0);
        accept(&test, &handed);
        let told = receipt(handed.submission.token, ReceiptState::Delivered);
        deliver(&test, vec![told, mobile(to, "hello back")]);
    }
    test.clock.advance(Duration::from_hours(31 * 24));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    assert_eq!(test.settle(test.gateway.expire_values()).unwrap(), 6);
    deliver(&test, vec![mobile(1, "after that"), mobile(2, "and that")]);
    let basis = ErasureBasis::parse("case 7", handset(1)).unwrap();
    let scope = ErasureScope::KeepConsent;
    let erasing = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    assert_eq!(test.settle(erasing).unwrap().values, 4);
    test
}

/// The index of the last entry of a kind.
fn last(image: &Image, kind: &str) -> u64 {
    let is_it = |logged: &testkit::memory::Logged| {
        let entry: serde_json::Value = serde_json::from_slice(&logged.bytes).unwrap();
        entry["kind"] == kind
    };
    let place = image.entries().iter().rposition(is_it).unwrap();
    u64::try_from(place).unwrap()
}

/// The live rows of a purpose, oldest first.
fn live(image: &Image, purpose: Purpose) -> Vec<VaultRow> {
    let is_live = |row: &&VaultRow| row.purpose == purpose && row.erased_by().is_none();
    image.vault().filter(is_live).cloned().collect()
}

#[test]
fn what_was_erased_and_expired_by_the_book_passes() {
    let test = lived();
    assert_eq!(faults(&test, &test.store.image()), []);
}

#[test]
fn a_deleted_row_is_named_by_its_entry() {
    let test = lived();
    let mut image = test.store.image();
    let text = live(&image, Purpose::Text).remove(0);
    image.erase(text.owner, Purpose::Text);
    // It came after everything that expired: its entry is the last message from a handset.
    let index = last(&image, "mo.received");
    let expected = [(FaultKind::CommitmentUnopened, Some(index))];
    assert_eq!(faults(&test, &image), expected);
}

#[test]
fn a_deleted_row_that_retention_would_cover_is_one_too_many() {
    let test = lived();
    test.clock.advance(Duration::from_hours(370 * 24));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    // Deleted before its time, so that retention destroys one fewer than is gone.
    let mut image = test.store.image();
    let number = live(&image, Purpose::Number).remove(0);
    image.erase(number.owner, Purpose::Number);
    let test = test.restart_over(image, testkit::settings::usual(), 3);
    test.settle(test.gateway.expire_values()).unwrap();
    let image = test.store.image();
    let index = last(&image, "retention.expired");
    // The texts of the last two messages expired with it.
    let told = faults(&test, &image);
    assert!(
        told.iter()
            .any(|(kind, at)| *kind == FaultKind::ErasureMiscounted
                && at.is_some_and(|at| at <= index)),
        "{told:?}"
    );
}

#[test]
fn a_swapped_row_is_named() {
    let test = lived();
    let mut image = test.store.image();
    let numbers = live(&image, Purpose::Number);
    let (one, other) = (numbers[0].clone(), numbers[1].clone());
    image.put_sealed(VaultRow {
        owner: one.owner,
        ..other.clone()
    });
    image.put_sealed(VaultRow {
        owner: other.owner,
        ..one
    });
    let told = faults(&test, &image);
    let kinds: Vec<FaultKind> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [FaultKind::CommitmentUnopened; 2], "{told:?}");
}

#[test]
fn a_forged_tombstone_is_named_whatever_it_names() {
    let test = lived();
    let whole = test.store.image();
    let number = live(&whole, Purpose::Number).remove(0);
    let erased = last(&whole, "subject.erased");
    let forged = |by| {
        let mut image = whole.clone();
        image.put_sealed(VaultRow::tombstone(number.owner, Purpose::Number, by));
        faults(&test, &image)
            .into_iter()
            .map(|(kind, _)| kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(forged(erased), [FaultKind::ErasureMiscounted]);
    for by in [0, last(&whole, "retention.expired"), u64::MAX] {
        assert_eq!(forged(by), [FaultKind::ErasureUnfounded], "by {by}");
    }
}
