//! Seals, in the role of the one who holds the first key: an honest log passes, over restarts and crashes,
//! and whoever takes the machine over cannot change what was sealed before.

use std::time::Duration;

use engine::ports::Log as _;
use engine::{SealParts, SealingError};
use ledger::entry::skim::skim;
use ledger::leaf_hash;
use ledger::seal::Seal;
use ledger::seal::check::{Epoch, SealChecker, SealFault};
use testkit::gateway::everything;
use testkit::ledger::ORIGIN;
use testkit::{MemorySeals, SealStep, TestGateway, settings};

const EPOCH: Duration = Duration::from_secs(10);

fn attach(test: &TestGateway, seals: &MemorySeals) {
    test.gateway.attach_seals(SealParts {
        log: test.store.clone(),
        seals: std::sync::Arc::new(seals.clone()),
        origin: ORIGIN.to_owned(),
        epoch: EPOCH,
    });
}

fn begun() -> (TestGateway, MemorySeals) {
    let test = TestGateway::queued();
    let seals = MemorySeals::default();
    attach(&test, &seals);
    assert_eq!(round(&test).unwrap(), 0);
    (test, seals)
}

fn round(test: &TestGateway) -> Result<u64, SealingError> {
    test.gateway.seal_epochs(Duration::ZERO)
}

fn act(test: &TestGateway) {
    test.add_client(everything("another"));
}

fn pass(test: &TestGateway, epochs: u32) {
    test.clock.advance(EPOCH * epochs);
}

/// Restarts over what is durable, as after a crash, and goes on sealing.
fn restarted(test: TestGateway, seals: &MemorySeals) -> TestGateway {
    let test = test.crash_and_restart(settings::usual(), 2);
    attach(&test, seals);
    test.store.sync();
    test
}

/// What the holder of the first key finds. Gives how many entries are covered.
fn check(test: &TestGateway, seals: &[Seal], first: &MemorySeals) -> Result<u64, SealFault> {
    let (start, key) = first.first();
    let mut checker = SealChecker::begin(start, key, 1_000_000);
    let entries: Vec<Vec<u8>> = test.store.with_image(|image| {
        let entries = image.entries().iter();
        entries.map(|entry| entry.bytes.clone()).collect()
    });
    for seal in seals {
        let from = usize::try_from(checker.next_index()).unwrap();
        let count = usize::try_from(seal.count).unwrap();
        let own: Vec<_> = entries.iter().skip(from).take(count).collect();
        let leaves: Vec<_> = own.iter().map(|entry| leaf_hash(entry)).collect();
        let time = |entry: &&Vec<u8>| skim(entry).unwrap().time_micros;
        let times = own.first().map(time).zip(own.last().map(time));
        checker.check(
            seal,
            Epoch {
                leaves: &leaves,
                times,
            },
        )?;
    }
    checker.finish(test.clock.peek().micros())
}

fn metric(test: &TestGateway, name: &str) -> u64 {
    let rows = test.gateway.metrics().rows;
    rows.iter().find(|row| row.name == name).unwrap().value
}

#[test]
fn an_honest_log_passes_and_an_epoch_that_was_empty_is_sealed_too() {
    let (test, seals) = begun();
    for epochs in [1, 1, 3, 1] {
        act(&test);
        pass(&test, epochs);
        assert_eq!(round(&test).unwrap(), u64::from(epochs));
        assert_eq!(round(&test).unwrap(), 0, "each is sealed once");
    }
    let counts: Vec<u64> = seals.seals().iter().map(|seal| seal.count).collect();
    assert!(counts[0] > 0 && counts[1] > 0 && counts[2] > 0);
    assert_eq!(counts[3..5], [0, 0]);
    let size = test.store.with_image(|image| image.entries().len());
    let covered = check(&test, &seals.seals(), &seals).unwrap();
    assert_eq!(usize::try_from(covered).unwrap(), size);
    assert_eq!(metric(&test, "shortstop_seals_up"), 1);
    let until = metric(&test, "shortstop_sealed_until_seconds");
    assert_eq!(until, test.clock.peek().seconds());
}

#[test]
fn entries_made_while_nothing_was_sealed_are_sealed_in_the_epochs_of_their_times() {
    let (test, seals) = begun();
    for _ in 0..5 {
        act(&test);
        pass(&test, 2);
    }
    assert_eq!(round(&test).unwrap(), 10);
    let counts: Vec<u64> = seals.seals().iter().map(|seal| seal.count).collect();
    let is_as_made = |pair: &[u64]| pair[0] > 0 && pair[1] == 0;
    assert!(counts.chunks(2).all(is_as_made), "{counts:?}");
    check(&test, &seals.seals(), &seals).unwrap();
}

#[test]
fn after_a_crash_and_a_standstill_every_epoch_is_sealed_once() {
    let (test, seals) = begun();
    act(&test);
    pass(&test, 1);
    round(&test).unwrap();
    act(&test);
    pass(&test, 20_000);
    let test = restarted(test, &seals);
    act(&test);
    let mut sealed = 0;
    loop {
        let more = round(&test).unwrap();
        sealed += more;
        if more == 0 {
            break;
        }
    }
    assert_eq!(sealed, 20_000);
    assert!(seals.appends() <= 4, "many epochs are one write");
    check(&test, &seals.seals(), &seals).unwrap();
}

#[test]
fn a_crash_between_seal_and_state_leaves_neither_a_gap_nor_a_second_seal() {
    for step in [SealStep::Seals, SealStep::State] {
        for restarts in [0, 1] {
            let (mut test, seals) = begun();
            act(&test);
            pass(&test, 3);
            seals.fail(Some(step));
            assert!(round(&test).unwrap_err().may_pass());
            assert_eq!(metric(&test, "shortstop_seals_up"), 0);
            seals.fail(None);
            let before = seals.seals();
            if restarts > 0 {
                test = restarted(test, &seals);
            }
            act(&test);
            pass(&test, 1);
            round(&test).unwrap();
            let after = seals.seals();
            assert_eq!(after[..before.len()], before);
            assert_eq!(after.len(), 4);
            check(&test, &after, &seals).unwrap();
            assert_eq!(metric(&test, "shortstop_seals_up"), 1);
        }
    }
}

#[test]
fn a_seal_that_is_not_that_of_the_entries_stops_sealing_for_good() {
    let (test, seals) = begun();
    act(&test);
    pass(&test, 2);
    seals.fail(Some(SealStep::State));
    round(&test).unwrap_err();
    seals.fail(None);
    let mut made = seals.seals();
    made[1].tag[0] ^= 1;
    seals.put(made.clone());
    let error = round(&test).unwrap_err();
    assert!(matches!(error, SealingError::Departed(1)), "{error}");
    assert!(!error.may_pass());
    assert_eq!(metric(&test, "shortstop_seals_up"), 0);
    assert_eq!(seals.seals(), made, "nothing is added");
}

#[test]
fn a_lost_state_stops_sealing_and_no_new_chain_begins() {
    let (test, seals) = begun();
    act(&test);
    pass(&test, 2);
    round(&test).unwrap();
    let before = (seals.seals(), *seals.first().1.reveal());
    seals.lose_state();
    let test = restarted(test, &seals);
    pass(&test, 2);
    for _ in 0..2 {
        assert!(!round(&test).unwrap_err().may_pass());
    }
    assert_eq!(metric(&test, "shortstop_seals_up"), 0);
    assert_eq!((seals.seals(), *seals.first().1.reveal()), before);
    let found = check(&test, &seals.seals(), &seals);
    assert_eq!(found, Err(SealFault::Ends { sealed: 2, due: 3 }));
}

#[test]
fn a_ledger_that_was_rolled_back_is_not_sealed_on() {
    let (test, seals) = begun();
    let image = test.store.with_image(Clone::clone);
    for _ in 0..10 {
        act(&test);
    }
    pass(&test, 1);
    round(&test).unwrap();
    let test = test.restart_over(image, settings::usual(), 3);
    let sealed = seals.seals()[0];
    let size = test.store.size().unwrap();
    attach(&test, &seals);
    assert!(sealed.first + sealed.count > size, "it is shorter");
    pass(&test, 1);
    let error = round(&test).unwrap_err();
    assert!(matches!(error, SealingError::RolledBack { .. }), "{error}");
}
