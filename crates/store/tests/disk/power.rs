//! The power goes while commits are on their way. Nothing that was acknowledged may be lost; and the
//! same story under `synchronous=OFF` must lose something, or it would show nothing.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use domain::message::MessageState;
use engine::ports::Store;
use store::{Durability, Embedded};

use crate::disk::{Chance, DISKS};
use crate::story::{Machine, Pending, accept, answer, dispatch, survey, verify_ledger};

/// How often the power goes in one run.
const CUTS: usize = 40;
/// Messages on their way at once.
const WINDOW: usize = 24;
const WINDOW_LENGTH: u64 = 24;

/// How far the story has come, and how far it may go.
#[derive(Clone, Copy, Default)]
struct Progress {
    accepted: u64,
    dispatched: u64,
    allowed: u64,
}

#[derive(Default)]
struct Story {
    progress: Mutex<Progress>,
    moved: Condvar,
}

impl Story {
    fn change(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }

    fn wait(&self, until: impl Fn(&Progress) -> bool) -> Progress {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = self.moved.wait_while(progress, |progress| !until(progress));
        *progress.unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts and dispatches messages, a window of them on their way, as far as it may.
    fn tell(&self, store: &Embedded) {
        let mut waiting: VecDeque<(Pending, Pending)> = VecDeque::new();
        for n in 0.. {
            if self.wait(|progress| n < progress.allowed).allowed == u64::MAX {
                break;
            }
            waiting.push_back((accept(store, n), dispatch(store, n)));
            if waiting.len() >= WINDOW {
                let (accepted, dispatched) = waiting.pop_front().unwrap();
                answer(&accepted).unwrap();
                self.change(|progress| progress.accepted += 1);
                answer(&dispatched).unwrap();
                self.change(|progress| progress.dispatched += 1);
            }
        }
    }
}

/// Runs the story and cuts the power again and again; what was lost at each cut.
fn losses(durability: Durability, seed: u64) -> Vec<String> {
    let mut machine = Machine::new();
    machine.durability = durability;
    let store = machine.open().unwrap();
    let tale = Story::default();
    let mut chance = Chance(seed);
    let mut losses = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| tale.tell(&store));
        let mut goal = 0;
        for _ in 0..CUTS {
            goal += 1 + chance.below(20);
            // The window behind the goal is on its way when the power goes.
            tale.change(|progress| progress.allowed = goal + 2 * WINDOW_LENGTH);
            // Read before the cut: the disk has at least this.
            let reached = tale.wait(|progress| progress.accepted >= goal);
            let image = Machine::new();
            DISKS.cut(&machine.folder, &image.folder, &mut chance);
            if let Err(loss) = examine(&image, reached.accepted, reached.dispatched) {
                losses.push(loss);
            }
        }
        tale.change(|progress| progress.allowed = u64::MAX);
    });
    losses
}

/// Opens what the disk held, and looks for everything that was acknowledged.
fn examine(image: &Machine, accepted: u64, dispatched: u64) -> Result<(), String> {
    let store = image
        .open()
        .map_err(|error| format!("cannot be opened: {error}"))?;
    let found = survey(&store)?;
    for n in 0..accepted {
        let at = usize::try_from(n).unwrap();
        let (_, state) = found
            .get(at)
            .filter(|(number, _)| *number == n)
            .ok_or_else(|| format!("message {n} of {accepted} is lost"))?;
        if n < dispatched && *state != MessageState::Dispatched {
            return Err(format!("the dispatch of message {n} is lost"));
        }
    }
    let entries = store.head().unwrap().size;
    // It goes on from there.
    answer(&accept(&store, 1_000_000)).map_err(|error| error.to_string())?;
    drop(store);
    assert_eq!(verify_ledger(&image.folder), entries + 1);
    Ok(())
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_goes() {
    for seed in [0x5eed_0001, 0x5eed_0002] {
        let losses = losses(Durability::Synced, seed);
        assert!(losses.is_empty(), "seed {seed:#x}: {losses:?}");
    }
}

#[test]
fn the_same_story_without_syncs_loses_what_was_acknowledged() {
    let losses = losses(Durability::UnsyncedLosesAcknowledgedData, 0x5eed_0003);
    assert!(!losses.is_empty());
}
