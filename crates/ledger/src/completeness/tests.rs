//! Vaults that are whole, that were emptied by the book, and that were emptied otherwise.

use super::*;
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
    faults_within(log, Reach::Whole, vault)
}

fn faults_within(
    log: &[Vec<u8>],
    reach: Reach,
    vault: impl Fn(u64, &str) -> Opening,
) -> Vec<(FaultKind, Option<u64>)> {
    let mut rule = Completeness::new();
    let mut faults = Vec::new();
    let indexed: Vec<(u64, &Vec<u8>)> = (0..).zip(log).collect();
    for (index, bytes) in indexed.into_iter().rev() {
        let entry = Entry::parse(bytes).unwrap();
        faults.extend(rule.entry(index, &entry, None, |field| vault(index, field)));
    }
    faults.extend(rule.finish(reach));
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
fn a_deleted_row_and_one_that_does_not_open_are_named() {
    let log = [message(0), message(1)];
    for lost in [|| Opening::Absent, || Opening::Shut] {
        let vault = |index, field: &str| {
            if index == 1 && field == "text" {
                lost()
            } else {
                whole(field)
            }
        };
        let expected = [(FaultKind::CommitmentUnopened, Some(1))];
        assert_eq!(faults(&log, vault), expected);
    }
}

#[test]
fn a_row_that_does_not_open_is_covered_by_no_retention() {
    let log = [message(0), retention(1, "text", 99, 1)];
    let vault = |_, field: &str| match field {
        "text" => Opening::Shut,
        field => whole(field),
    };
    let expected = [
        (FaultKind::CommitmentUnopened, Some(0)),
        (FaultKind::ErasureMiscounted, Some(1)),
    ];
    assert_eq!(faults(&log, vault), expected);
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
    let unfounded = [(FaultKind::ErasureUnfounded, Some(0)); 2];
    let log = [
        message(0),
        message(1),
        subject_erased(2, 2, Outcome::Failed),
        retention(3, "text", 99, 0),
    ];
    // One that is no erasure, one that failed, one by retention, and those that are not there.
    for by in [1, 2, 3, 4, u64::MAX] {
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

/// The text of the first two is gone.
fn text_gone(index: u64, field: &str) -> Opening {
    if field == "text" && index < 2 {
        Opening::Absent
    } else {
        whole(field)
    }
}

#[test]
fn retention_covers_its_own_purpose_and_time_only() {
    let log = |purpose: &str, before| {
        [
            message(0),
            message(1),
            message(2),
            retention(3, purpose, before, 2),
        ]
    };
    assert_eq!(faults(&log("text", 11), text_gone), []);
    let unopened = |index| (FaultKind::CommitmentUnopened, Some(index));
    let miscounted = (FaultKind::ErasureMiscounted, Some(3));
    let expected = [unopened(1), miscounted];
    assert_eq!(faults(&log("text", 10), text_gone), expected);
    let expected = [unopened(1), unopened(0), miscounted];
    assert_eq!(faults(&log("number", 11), text_gone), expected);
    // Nor what came after it.
    let log = [retention(0, "text", 99, 1), message(1)];
    let expected = [unopened(1), (FaultKind::ErasureMiscounted, Some(0))];
    assert_eq!(faults(&log, text_gone), expected);
}

#[test]
fn the_counts_of_a_purpose_add_up_over_its_entries() {
    let log = |first, second| {
        [
            message(0),
            message(1),
            retention(2, "text", 5, first),
            retention(3, "text", 15, second),
        ]
    };
    assert_eq!(faults(&log(1, 1), text_gone), []);
    for (first, second) in [(1, 0), (2, 1)] {
        let expected = [(FaultKind::ErasureMiscounted, Some(3))];
        assert_eq!(faults(&log(first, second), text_gone), expected);
    }
    let part = faults_within(&log(9, 9), Reach::Part, text_gone);
    assert_eq!(part, [], "entries that were pruned cannot be counted");
}

#[test]
fn an_object_that_was_made_before_its_entry_says_counts_by_its_own_time() {
    let log = [message(7), retention(8, "text", 40, 1)];
    let mut rule = Completeness::new();
    let last = Entry::parse(&log[1]).unwrap();
    assert_eq!(rule.entry(1, &last, None, whole).len(), 0);
    let first = Entry::parse(&log[0]).unwrap();
    let faults = rule.entry(0, &first, Some(39), |field| text_gone(0, field));
    assert_eq!(faults.len(), 0, "the entry's own time is 70");
}
