//! A whole gateway under random traffic, crashes, carrier faults, store failures and clock jumps: blind
//! actions, and after every one of them every invariant. The same seed gives the same run; the seed of a
//! run that fails is printed, with what happened in it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "a test may panic, and calls things by their names"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

mod simulation {
    pub mod audit;
    pub mod carrier;
    pub mod clients;
    pub mod compare;
    pub mod ending;
    pub mod faults;
    pub mod handsets;
    pub mod node;
    pub mod plan;
    pub mod rebuilt;
    pub mod world;
}

use simulation::world::World;

/// Seeds in one run of the test.
const SEEDS: u64 = 1_200;
/// Actions before the ending, for each seed.
const STEPS: usize = 200;
/// Every so many seeds, one is run twice.
const TWICE_EVERY: u64 = 40;

/// Whether a run says what it does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It does not.
    Silent,
    /// It does.
    Telling,
}

/// Runs one seed to its end. Gives a hash of everything that the ledger and the carriers saw.
fn run(seed: u64, manner: Manner) -> u64 {
    let mut world = World::new(seed, manner);
    for _ in 0..STEPS {
        world.step();
    }
    world.end()
}

/// Runs one seed, and some of them twice.
fn check(seed: u64) {
    let first = run(seed, Manner::Silent);
    if seed.is_multiple_of(TWICE_EVERY) {
        let second = run(seed, Manner::Silent);
        assert_eq!(first, second, "the same seed gave another run");
    }
}

#[test]
fn no_accepted_message_is_lost_whatever_happens() {
    let next = AtomicU64::new(0);
    let failed: Mutex<Option<u64>> = Mutex::new(None);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= SEEDS || failed.lock().unwrap().is_some() {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| check(seed))).is_err() {
                failed.lock().unwrap().get_or_insert(seed);
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let failed = *failed.lock().unwrap();
    if let Some(seed) = failed {
        println!("seed {seed} failed; this is what happens in it:");
        run(seed, Manner::Telling);
        panic!("seed {seed} failed once and then not again: the run depends on something else");
    }
}
