//! The catalogue of the ledger: a file of its own, written behind the commits, by which entries are
//! found by kind, outcome, client, id and time. It can be deleted at any time; it is then built anew.
//!
//! It takes in whole blocks of 256 entries. It is never behind for a reader: what is not in it is
//! looked at in the ledger itself.

pub(crate) mod blocks;
pub(crate) mod cataloguer;
pub(crate) mod digest;
pub(crate) mod file;
pub(crate) mod find;
pub(crate) mod page;
pub(crate) mod record;
pub(crate) mod span;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::config::Bounds;
use crate::connect::Pool;
use crate::index::Health;
use blocks::FANOUT;

/// What readers, the writer and the catalogue's own thread share.
#[derive(Debug)]
pub(crate) struct EntryCatalog {
    pub(crate) pool: Pool,
    state: Mutex<State>,
    changed: Condvar,
    /// Blocks that are taken in at once.
    pub(crate) batch_blocks: u64,
    /// Blocks that one page may look at.
    pub(crate) page_blocks_max: usize,
}

#[derive(Debug)]
struct State {
    health: Health,
    /// Entries in the ledger.
    size: u64,
    /// At which size the thread looks for new blocks.
    due: u64,
    /// Blocks that are in the catalogue.
    blocks: u64,
    is_stopped: bool,
}

/// What the catalogue's thread is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Take in new blocks.
    TakeIn,
    /// Build it anew.
    Rebuild,
    Stop,
}

impl EntryCatalog {
    /// A catalogue that is not open yet.
    pub(crate) fn new(pool: Pool, bounds: &Bounds) -> Self {
        let state = State {
            health: Health::Building,
            size: 0,
            due: 0,
            blocks: 0,
            is_stopped: false,
        };
        Self {
            pool,
            state: Mutex::new(state),
            changed: Condvar::new(),
            batch_blocks: u64::try_from(bounds.catalog_batch_blocks)
                .unwrap_or(u64::MAX)
                .clamp(1, FANOUT),
            page_blocks_max: bounds.page_blocks_max.max(1),
        }
    }

    /// Tells of the size of the ledger after a commit.
    pub(crate) fn saw(&self, size: u64) {
        let mut state = self.lock();
        state.size = size;
        if size >= state.due {
            self.changed.notify_all();
        }
    }

    /// Has the thread look whether there is something to do, as after a failure.
    pub(crate) fn nudge(&self) {
        self.lock().due = 0;
        self.changed.notify_all();
    }

    /// Whether it can be searched.
    pub(crate) fn health(&self) -> Health {
        self.lock().health
    }

    /// Says so.
    pub(crate) fn set_health(&self, health: Health) {
        self.lock().health = health;
        self.changed.notify_all();
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// Tells how many blocks are in it.
    pub(crate) fn holds(&self, blocks: u64) {
        self.lock().blocks = blocks;
        self.changed.notify_all();
    }

    /// Waits for something to do.
    pub(crate) fn wait(&self) -> Task {
        let mut state = self.lock();
        loop {
            if state.is_stopped {
                return Task::Stop;
            }
            if state.health == Health::Suspect {
                return Task::Rebuild;
            }
            if state.size >= state.due {
                let batch = self.batch_blocks * FANOUT;
                state.due = state.size / FANOUT * FANOUT + batch;
                return Task::TakeIn;
            }
            state = self.sleep(state);
        }
    }

    /// Waits until every full block of a ledger of this size is in it, or the store is closed.
    pub(crate) fn wait_for(&self, size: u64) {
        self.nudge();
        let mut state = self.lock();
        while !state.is_stopped && (state.blocks < size / FANOUT || state.health != Health::Ready) {
            state = self.sleep(state);
        }
    }

    fn sleep<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let woken = self.changed.wait(state);
        woken.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
