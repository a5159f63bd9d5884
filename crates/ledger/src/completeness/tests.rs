//! Vaults that are whole, that were emptied by the book, and that were emptied otherwise.

use super::*;
use crate::commitment::Commitment;
use crate::entry::actor::{Actor, ObjectType};
use crate::entry::draft::Draft;
use crate::entry::facts::{Facts, UtcMicros};
use crate::entry::stamp::{NodeName, Stamp};

fn key() -> CommitmentKey {
    CommitmentKey::from_bytes([7; 32])
}

fn finish(draft: &Draft, index: u64) -> Vec<u8> {
    let node = NodeName::parse("gw-1").unwrap();
    draft.finish(&Stamp {
        node: &node,
        epoch: 0,
        node_seq: index,
        time_micros: index * 10,
    })
}

fn message(index: u64) -> Vec<u8> {
    let draft = Draft::of(
        Kind::MessageAccepted,
        Actor::client(&"a"),
        Outcome::Accepted,
    )
    .private("number", &Commitment::of(&key(), "number", b"+1"))
    .private("text", &Commitment::of(&key(), "text", b"hi"));
    finish(&draft.build().unwrap(), index)
}

fn subject_erased(index: u64, count: u64, outcome: Outcome) -> Vec<u8> {
    let draft = Draft::of(Kind::SubjectErased, Actor::os_user(&"root"), outcome)
        .object(ObjectType::Subject, &"s")
        .data(Facts::new().put("basis", "request").put("count", count));
    finish(&draft.build().unwrap(), index)
}

fn retention(index: u64, purpose: &str, before: u64, count: u64) -> Vec<u8> {
    let facts = Facts::new()
        .put("purpose", purpose)
        .put("before", UtcMicros(before))
        .put("count", count);
    let draft = Draft::of(
        Kind::RetentionExpired,
        Actor::system(&"retention"),
        Outcome::Done,
    );
    finish(&draft.data(facts).build().unwrap(), index)
}

fn opens(value: &[u8]) -> Opening {
    Opening::Opens {
        key: key(),
        value: value.to_vec(),
    }
}

fn whole(field: &str) -> Opening {
    opens(if field == "text" { b"hi" } else { b"+1" })
}

/// Goes over a log; `vault` says what there is by index and field.
fn faults(log: &[Vec<u8>], vault: impl Fn(u64, &str) -> Opening) -> Vec<(FaultKind, Option<u64>)> {
    let mut rule = Completeness::new();
    let mut faults = Vec::new();
    for (index, bytes) in (0..).zip(log) {
        let entry = Entry::parse(bytes).unwrap();
        faults.extend(rule.entry(index, &entry, |field| vault(index, field)));
    }
    faults.extend(rule.finish());
    faults
        .into_iter()
        .map(|fault| (fault.kind, fault.index))
        .collect()
}

#[test]
fn a_whole_vault_passes() {
    let log = [message(0), message(1)];
    assert_eq!(faults(&log, |_, field| whole(field)), []);
}

#[test]
fn a_deleted_row_is_named() {
    let log = [message(0), message(1)];
    let vault = |index, field: &str| {
        if index == 1 && field == "text" {
            Opening::Absent
        } else {
            whole(field)
        }
    };
    assert_eq!(
        faults(&log, vault),
        [(FaultKind::CommitmentUnopened, Some(1))]
    );
}

#[test]
fn a_changed_value_is_named() {
    let log = [message(0)];
    let vault = |_, field: &str| {
        if field == "text" {
            opens(b"ho")
        } else {
            whole(field)
        }
    };
    assert_eq!(
        faults(&log, vault),
        [(FaultKind::CommitmentMismatch, Some(0))]
    );
}

#[test]
fn a_later_erasure_covers_what_it_counts() {
    let log = [message(0), message(1), subject_erased(2, 4, Outcome::Done)];
    assert_eq!(faults(&log, |_, _| Opening::Erased { by: 2 }), []);
    let log = [message(0), message(1), subject_erased(2, 2, Outcome::Done)];
    let vault = |index, field: &str| {
        if index == 0 {
            Opening::Erased { by: 2 }
        } else {
            whole(field)
        }
    };
    assert_eq!(faults(&log, vault), []);
}

#[test]
fn an_erasure_that_never_was_is_named() {
    let unfounded = [(FaultKind::ErasureUnfounded, Some(0))];
    let log = [
        message(0),
        message(1),
        subject_erased(2, 2, Outcome::Failed),
    ];
    for by in [1, 2, 3, u64::MAX] {
        let vault = |index, field: &str| {
            if index == 0 {
                Opening::Erased { by }
            } else {
                whole(field)
            }
        };
        assert_eq!(faults(&log, vault), unfounded, "by {by}");
    }
}

#[test]
fn an_erasure_covers_nothing_that_came_after_it() {
    let log = [subject_erased(0, 0, Outcome::Done), message(1)];
    let expected = [(FaultKind::ErasureUnfounded, Some(1)); 2];
    assert_eq!(faults(&log, |_, _| Opening::Erased { by: 0 }), expected);
}

#[test]
fn an_erasure_of_more_or_fewer_values_than_it_says_is_named() {
    for count in [1, 3] {
        let log = [message(0), subject_erased(1, count, Outcome::Done)];
        let expected = [(FaultKind::ErasureMiscounted, Some(1))];
        assert_eq!(faults(&log, |_, _| Opening::Erased { by: 1 }), expected);
    }
    // An erasure of nobody's values hides nothing, but does not do what it says.
    let log = [message(0), subject_erased(1, 1, Outcome::Done)];
    assert_eq!(
        faults(&log, |_, field| whole(field)),
        [(FaultKind::ErasureMiscounted, Some(1))]
    );
}

#[test]
fn retention_covers_its_own_purpose_and_time_only() {
    let text_gone = |by| {
        move |index: u64, field: &str| {
            if field == "text" && index < 2 {
                Opening::Erased { by }
            } else {
                whole(field)
            }
        }
    };
    let log = |purpose: &str, before| {
        [
            message(0),
            message(1),
            message(2),
            retention(3, purpose, before, 2),
        ]
    };
    assert_eq!(faults(&log("text", 11), text_gone(3)), []);
    let unfounded = [(FaultKind::ErasureUnfounded, Some(0))];
    assert_eq!(faults(&log("text", 10), text_gone(3)), unfounded);
    assert_eq!(faults(&log("number", 11), text_gone(3)), unfounded);
}
