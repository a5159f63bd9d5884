//! What happens between a commit that failed and the state that is rebuilt from the store. A failed
//! commit, for whatever reason, leaves the state in memory ahead of the durable one; from then on
//! nothing more is committed on top of it. It is not the recovery itself: that is `recover`.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::gateway::Gateway;
use crate::ports::store::{CommitError, Committed};

/// What is to happen once the fate of a commit is known.
pub(crate) type Then = Box<dyn FnOnce(&Arc<Gateway>, Result<Committed, CommitError>) + Send>;

/// Whether the state in memory is ahead of the durable one.
#[derive(Default)]
pub(crate) struct Halt {
    /// Moves only while the state is locked, as commits are queued only while it is.
    halted: AtomicBool,
    /// How often the state was rebuilt.
    generation: AtomicU64,
    /// Commits whose fate is not known yet.
    in_flight: AtomicUsize,
    /// Commits that came since; all are answered with a failure.
    held: Mutex<Vec<Then>>,
}

impl Gateway {
    /// Whether nothing can be committed until the state is rebuilt.
    pub(crate) fn is_halted(&self) -> bool {
        self.halt.halted.load(Ordering::SeqCst)
    }

    /// Whether requests can be taken.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_halted() && self.store.is_available()
    }

    /// Whether so many commits are on their way that new requests have to wait.
    pub(crate) fn is_crowded(&self) -> bool {
        let most = self.store.commits_max();
        self.halt.in_flight.load(Ordering::SeqCst) >= most - most / 4
    }

    /// Takes a place among the commits on their way. Without one everything comes to a halt: what this
    /// commit would have made durable is in memory, and later ones may build on it. Call it while the
    /// state is locked.
    pub(crate) fn take_off(&self) -> bool {
        let most = self.store.commits_max();
        if !self.is_halted() && self.halt.in_flight.load(Ordering::SeqCst) >= most {
            self.halt();
        }
        if self.is_halted() {
            return false;
        }
        self.halt.in_flight.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// Gives the place back.
    pub(crate) fn land(&self) {
        self.halt.in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    /// Commits nothing from now on. Call it while the state is locked.
    pub(crate) fn halt(&self) {
        self.halt.halted.store(true, Ordering::SeqCst);
    }

    /// Commits again. Call it while the state is locked, with the rebuilt state in it.
    pub(crate) fn resume(&self) {
        self.halt.halted.store(false, Ordering::SeqCst);
    }

    /// Which rebuilding of the state this is: what was prepared under another one is void.
    pub(crate) fn generation(&self) -> u64 {
        self.halt.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn next_generation(&self) {
        self.halt.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Keeps a commit that came too late, to be answered when no lock is held.
    pub(crate) fn hold_back(&self, then: Then) {
        let mut held = self
            .halt
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        held.push(then);
    }

    /// Answers the commits that were held back.
    pub(crate) fn answer_held_back(&self) {
        let Some(me) = self.myself() else { return };
        loop {
            let mut held = self
                .halt
                .held
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let now = std::mem::take(&mut *held);
            drop(held);
            if now.is_empty() {
                return;
            }
            for then in now {
                then(&me, Err(CommitError::Poisoned));
            }
        }
    }
}
