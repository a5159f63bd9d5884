//! Sealing and checking, a worked example, and the ways to cheat that are known of other logs.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::check::{Epoch, SealChecker, SealFault};
use super::*;
use crate::leaf::leaf_hash;

const SECOND: u64 = 1_000_000;

fn start() -> SealStart {
    SealStart {
        origin: "log.example".into(),
        began_micros: 1_000 * SECOND,
        epoch_micros: 10 * SECOND,
        first: 7,
    }
}

fn key(octet: u8) -> SealKey {
    SealKey::from_bytes([octet; 32])
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

/// The counts of entries in each epoch; three of them empty.
const COUNTS: [u64; 8] = [2, 0, 3, 1, 0, 0, 5, 1];

fn sealed() -> Vec<Seal> {
    let mut sealer = Sealer::begin(start(), key(1));
    let seals = COUNTS.map(|count| {
        let first = sealer.next_index();
        let leaves: Vec<Hash> = (first..first + count).map(leaf).collect();
        sealer.seal(&leaves)
    });
    seals.to_vec()
}

fn check_all(seals: &[Seal], key: SealKey, now: u64) -> Result<u64, SealFault> {
    let mut checker = SealChecker::begin(start(), key, SECOND);
    for seal in seals {
        let first = checker.next_index();
        let leaves: Vec<Hash> = (first..first.saturating_add(seal.count.min(99)))
            .map(leaf)
            .collect();
        let time = start().begin_of(seal.epoch) + SECOND;
        let times = leaves.first().map(|_| (time, time));
        checker.check(
            seal,
            Epoch {
                leaves: &leaves,
                times,
            },
        )?;
    }
    checker.finish(now)
}

fn end() -> u64 {
    start().begin_of(8)
}

#[test]
fn every_epoch_is_sealed_and_checks_empty_ones_too() {
    let entries: u64 = COUNTS.iter().sum();
    assert_eq!(check_all(&sealed(), key(1), end()), Ok(7 + entries));
}

#[test]
fn a_wrong_first_key_is_a_fault_at_once() {
    assert_eq!(
        check_all(&sealed(), key(2), end()),
        Err(SealFault::Tag { epoch: 0 })
    );
}

#[test]
fn a_seal_left_out_doubled_or_exchanged_is_a_fault() {
    let seals = sealed();
    for place in 0..seals.len() {
        let mut without = seals.clone();
        without.remove(place);
        assert!(
            check_all(&without, key(1), end() + SECOND).is_err(),
            "without {place}"
        );
        let mut twice = seals.clone();
        twice.insert(place, seals[place]);
        assert!(
            check_all(&twice, key(1), end() + SECOND).is_err(),
            "twice {place}"
        );
        let mut swapped = seals.clone();
        swapped.swap(place, (place + 1) % seals.len());
        assert!(
            check_all(&swapped, key(1), end() + SECOND).is_err(),
            "swapped {place}"
        );
    }
}

#[test]
fn seals_that_end_early_are_a_fault_and_not_a_pass() {
    let seals = sealed();
    let cut = check_all(&seals[..6], key(1), end() + SECOND);
    assert_eq!(cut, Err(SealFault::Ends { sealed: 6, due: 8 }));
    assert_eq!(
        check_all(&[], key(1), end() + SECOND),
        Err(SealFault::Ends { sealed: 0, due: 8 })
    );
    assert!(check_all(&seals[..7], key(1), end() + SECOND - 1).is_ok());
}

#[test]
fn every_field_of_a_seal_is_under_its_tag() {
    let bends: [fn(&mut Seal); 5] = [
        |seal| seal.epoch ^= 1,
        |seal| seal.first ^= 1,
        |seal| seal.count ^= 1,
        |seal| seal.leaves = leaf(99),
        |seal| seal.tag[31] ^= 1,
    ];
    for bend in bends {
        for place in 0..COUNTS.len() {
            let mut seals = sealed();
            bend(&mut seals[place]);
            assert!(check_all(&seals, key(1), end()).is_err());
        }
    }
}

#[test]
fn a_later_key_cannot_seal_an_earlier_epoch_anew() {
    let mut sealer = Sealer::begin(start(), key(1));
    let honest: Vec<Seal> = (0..3).map(|_| sealer.seal(&[])).collect();
    // The thief has the state after epoch 2 and all that is on disk, and rewrites epoch 2.
    let state = sealer.state();
    let mut bytes = *state.reveal();
    bytes[..8].copy_from_slice(&2_u64.to_be_bytes());
    bytes[48..].copy_from_slice(&honest[1].tag);
    let mut thief = Sealer::resume(start(), &bytes).unwrap();
    let forged = [honest[0], honest[1], thief.seal(&[leaf(7)])];
    assert_eq!(
        check_all(&forged, key(1), 0),
        Err(SealFault::Tag { epoch: 2 })
    );
}

#[test]
fn changed_entries_and_times_of_other_epochs_are_faults() {
    let mut checker = SealChecker::begin(start(), key(1), SECOND);
    let seal = sealed()[0];
    let time = start().began_micros;
    let check = |leaves: &[Hash], times| checker.clone().check(&seal, Epoch { leaves, times });
    let good = [leaf(7), leaf(8)];
    assert_eq!(
        check(&[leaf(8), leaf(7)], None),
        Err(SealFault::Leaves { epoch: 0 })
    );
    assert_eq!(check(&good[..1], None), Err(SealFault::Leaves { epoch: 0 }));
    let late = Some((time, time + 11 * SECOND));
    assert_eq!(check(&good, late), Err(SealFault::Time { epoch: 0 }));
    let early = Some((time - SECOND - 1, time));
    assert_eq!(check(&good, early), Err(SealFault::Time { epoch: 0 }));
    assert_eq!(
        checker.check(
            &seal,
            Epoch {
                leaves: &good,
                times: Some((time - SECOND, time))
            }
        ),
        Ok(())
    );
}

#[test]
fn what_began_at_another_time_or_log_does_not_check() {
    let others = [
        SealStart {
            origin: "lag.example".into(),
            ..start()
        },
        SealStart {
            began_micros: 1_001 * SECOND,
            ..start()
        },
        SealStart {
            epoch_micros: 11 * SECOND,
            ..start()
        },
    ];
    for other in others {
        let mut checker = SealChecker::begin(other, key(1), SECOND);
        let leaves = [leaf(7), leaf(8)];
        let fault = checker.check(
            &sealed()[0],
            Epoch {
                leaves: &leaves,
                times: None,
            },
        );
        assert_eq!(fault, Err(SealFault::Tag { epoch: 0 }));
    }
}

#[test]
fn after_a_standstill_every_epoch_is_due() {
    let mut sealer = Sealer::begin(start(), key(1));
    assert_eq!(sealer.due(0), 0);
    assert_eq!(sealer.due(start().begin_of(1) - 1), 0);
    assert_eq!(sealer.due(start().begin_of(1)), 1);
    assert_eq!(sealer.due(start().begin_of(3) + 5), 3);
    sealer.seal(&[]);
    assert_eq!(
        (sealer.due(start().begin_of(3)), sealer.next_epoch()),
        (2, 1)
    );
}

#[test]
fn a_sealer_goes_on_where_it_was_left() {
    let mut straight = Sealer::begin(start(), key(1));
    let mut stored = straight.state();
    for count in COUNTS {
        let mut resumed = Sealer::resume(start(), stored.reveal()).unwrap();
        let leaves: Vec<Hash> = (0..count).map(leaf).collect();
        assert_eq!(resumed.seal(&leaves), straight.seal(&leaves));
        stored = resumed.state();
    }
    assert!(Sealer::resume(start(), &stored.reveal()[1..]).is_none());
}

#[test]
fn keys_and_states_never_show_themselves() {
    let sealer = Sealer::begin(start(), key(0xab));
    let shown = format!("{sealer:?} {:?} {:?}", sealer.state(), key(0xab));
    assert!(
        !shown.contains("ab, ab") && !shown.contains("171, 171"),
        "{shown}"
    );
}

/// The same tag by the formula of the page, with a plain HMAC.
#[test]
fn tags_follow_the_published_formula() {
    let hmac = |key: &[u8; 32], parts: &[&[u8]]| -> [u8; 32] {
        let key = hmac::Key::new(HMAC_SHA256, key);
        hmac::sign(&key, &parts.concat())
            .as_ref()
            .try_into()
            .unwrap()
    };
    let label = b"shortstop/seal/v1\n".as_slice();
    let (k0, seals) = ([1; 32], sealed());
    let numbers: Vec<u8> = [1_000 * SECOND, 10 * SECOND, 7]
        .iter()
        .flat_map(|n| n.to_be_bytes())
        .collect();
    let before = hmac(&k0, &[label, b"start", &numbers, b"log.example"]);
    let body = |seal: &Seal| {
        let mut body: Vec<u8> = [seal.epoch, seal.first, seal.count]
            .iter()
            .flat_map(|n| n.to_be_bytes())
            .collect();
        body.extend_from_slice(seal.leaves.as_bytes());
        body
    };
    assert_eq!(
        hmac(&k0, &[label, b"tag", &body(&seals[0]), &before]),
        seals[0].tag
    );
    let k1 = hmac(&k0, &[label, b"next"]);
    assert_eq!(
        hmac(&k1, &[label, b"tag", &body(&seals[1]), &seals[0].tag]),
        seals[1].tag
    );
}

proptest! {
    #[test]
    fn a_line_reads_back(numbers in any::<[u32; 3]>(), leaves in any::<[u8; 32]>(), tag in any::<[u8; 32]>()) {
        let [epoch, first, count] = numbers.map(u64::from);
        let seal = Seal { epoch, first, count, leaves: Hash::from_bytes(leaves), tag };
        prop_assert_eq!(Seal::parse(&seal.line()), Some(seal));
        prop_assert_eq!(Seal::parse(&(seal.line() + " ")), None);
    }

    #[test]
    fn reading_a_line_never_panics(line in "seal [0-9 A-Z=]{0,120}") {
        if let Some(seal) = Seal::parse(&line) {
            prop_assert_eq!(seal.line(), line);
        }
    }
}

#[test]
fn the_line_of_a_start_says_all_of_it_and_has_one_spelling() {
    let line = "seals log.example 1000000000 10000000 7";
    assert_eq!(start().line(), line);
    assert_eq!(SealStart::parse(line), Some(start()));
    for wrong in [
        "seals log.example 1000000000 0 7",
        "seals log.example 1000000000 10000000 07",
        "seals log.example 1000000000 10000000 7 ",
        "seals  1000000000 10000000 7",
        "seal log.example 1000000000 10000000 7",
    ] {
        assert_eq!(SealStart::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_state_tells_its_epoch_and_the_tag_of_the_last_seal() {
    let mut sealer = Sealer::begin(start(), key(1));
    let seal = sealer.seal(&[leaf(7)]);
    let state = SealState::from_bytes(*sealer.state().reveal());
    assert_eq!((state.epoch(), state.tag()), (1, Some(&seal.tag)));
}
