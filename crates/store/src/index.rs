//! The index database: a second file, written behind the commits, that finds rows by the number's blind
//! index and segments by the carrier's id. It can be deleted at any time; it is then built anew, and
//! until that is done lists look at the rows themselves.
//!
//! It is never behind for a reader: what it has not taken in yet lies in the main database as `fresh`
//! records, written with the commits, and a search looks at both.

pub(crate) mod carrier;
pub(crate) mod file;
pub(crate) mod fresh;
pub(crate) mod indexer;
pub(crate) mod lookup;

use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::config::Bounds;
use crate::connect::Pool;
use carrier::CarrierRecord;
use fresh::Fresh;

/// Carrier ids are taken in when so many of them wait, as a share of the bound.
const CARRIER_BATCH_SHARE: usize = 16;

/// What readers, the writer and the index's own thread share.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) pool: Pool,
    state: Mutex<State>,
    wake: Condvar,
    pub(crate) batch_rows: usize,
    waiting_max: usize,
}

/// Whether the index can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It is being opened or built.
    Building,
    /// It holds everything up to its mark.
    Ready,
    /// Something was wrong with it: build it anew.
    Suspect,
}

#[derive(Debug)]
struct State {
    health: Health,
    /// New rows since the last merge, roughly.
    fresh_rows: usize,
    /// Carrier ids that came since the last merge.
    waiting: Vec<CarrierRecord>,
    /// Carrier ids that are being merged: neither waiting any more nor in the file yet.
    merging: Vec<CarrierRecord>,
    /// Records to take out of the file: their rows' numbers were erased.
    forgetting: Vec<Fresh>,
    owed: Owed,
    /// Who waits for the file to hold nothing of what it had to forget.
    purges: Vec<Purge>,
    is_stopped: bool,
}

/// Where the outcome of a purge goes.
pub(crate) type Purge = SyncSender<Result<(), String>>;

/// Whether the file, or what is free in it, may hold what it had to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    /// It does not.
    Nothing,
    /// It may.
    Purge,
}

/// What the index's thread is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Merge,
    Rebuild,
    Purge,
    Stop,
}

impl Index {
    /// An index that is not open yet.
    pub(crate) fn new(pool: Pool, bounds: &Bounds) -> Self {
        let state = State {
            health: Health::Building,
            fresh_rows: 0,
            waiting: Vec::new(),
            merging: Vec::new(),
            forgetting: Vec::new(),
            owed: Owed::Nothing,
            purges: Vec::new(),
            is_stopped: false,
        };
        Self {
            pool,
            state: Mutex::new(state),
            wake: Condvar::new(),
            batch_rows: bounds.index_batch_rows.max(1),
            waiting_max: bounds.carrier_ids_waiting_max.max(1),
        }
    }

    /// Tells of new rows in the main database.
    pub(crate) fn saw(&self, rows: usize) {
        let mut state = self.lock();
        state.fresh_rows += rows;
        if state.fresh_rows >= self.batch_rows {
            self.wake.notify_one();
        }
    }

    /// Takes carrier ids, to be found at once and merged later.
    pub(crate) fn take_carrier_ids(&self, mut records: Vec<CarrierRecord>) {
        let mut state = self.lock();
        state.waiting.append(&mut records);
        let held = state.waiting.len() + state.merging.len();
        let excess = held
            .saturating_sub(self.waiting_max)
            .min(state.waiting.len());
        if excess > 0 {
            state.waiting.drain(..excess);
            tracing::warn!(
                count = excess,
                "carrier ids were dropped before they were indexed"
            );
        }
        if state.waiting.len() >= self.carrier_batch() {
            self.wake.notify_one();
        }
    }

    /// Has the file forget records.
    pub(crate) fn forget(&self, mut records: Vec<Fresh>) {
        if records.is_empty() {
            return;
        }
        let mut state = self.lock();
        state.forgetting.append(&mut records);
        state.owed = Owed::Purge;
        if state.forgetting.len() >= self.batch_rows {
            self.wake.notify_one();
        }
    }

    /// What is to be forgotten now.
    pub(crate) fn begin_forget(&self) -> Vec<Fresh> {
        self.lock().forgetting.clone()
    }

    /// The first so many records of the list are forgotten.
    pub(crate) fn end_forget(&self, count: usize) {
        self.lock().forgetting.drain(..count);
    }

    /// Whether the file may hold what it had to forget.
    pub(crate) fn owed(&self) -> Owed {
        self.lock().owed
    }

    /// The file was written anew, without what was to be forgotten by then.
    pub(crate) fn written_anew(&self) {
        let mut state = self.lock();
        if state.forgetting.is_empty() {
            state.owed = Owed::Nothing;
        }
    }

    /// Has the thread write a file that holds nothing of what it had to forget.
    pub(crate) fn purge(&self, reply: Purge) {
        let mut state = self.lock();
        if !state.is_stopped {
            state.purges.push(reply);
            self.wake.notify_one();
        }
    }

    /// Who waits for that.
    pub(crate) fn take_purges(&self) -> Vec<Purge> {
        std::mem::take(&mut self.lock().purges)
    }

    /// Whether it can be searched.
    pub(crate) fn health(&self) -> Health {
        self.lock().health
    }

    /// Says so. A suspect index stays suspect until it is built anew.
    pub(crate) fn set_health(&self, health: Health) {
        let mut state = self.lock();
        state.health = health;
        if health == Health::Suspect {
            self.wake.notify_one();
        }
    }

    /// Has the thread look whether there is something to do, as after a failure.
    pub(crate) fn nudge(&self) {
        self.lock().fresh_rows = self.batch_rows;
        self.wake.notify_one();
    }

    /// Ends the thread, after a last merge.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.wake.notify_one();
    }

    /// The carrier ids that are not in the file yet and have this key.
    pub(crate) fn waiting_carrier_ids(&self, key: i64) -> Vec<CarrierRecord> {
        let state = self.lock();
        let all = state.merging.iter().chain(&state.waiting);
        all.filter(|record| record.key == key).copied().collect()
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
            if !state.purges.is_empty() {
                return Task::Purge;
            }
            let is_due = state.fresh_rows >= self.batch_rows
                || state.forgetting.len() >= self.batch_rows
                || state.waiting.len() >= self.carrier_batch();
            if is_due {
                state.fresh_rows = 0;
                return Task::Merge;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Begins to merge the carrier ids that wait.
    pub(crate) fn begin_merge(&self) -> Vec<CarrierRecord> {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.merging.extend(waiting);
        state.merging.clone()
    }

    /// The carrier ids of the merge are in the file.
    pub(crate) fn end_merge(&self) {
        self.lock().merging.clear();
    }

    fn carrier_batch(&self) -> usize {
        (self.waiting_max / CARRIER_BATCH_SHARE).max(1)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
