//! What is turned away while nothing can be recorded, or while the room for the ledger runs out: since
//! when, why, and how many. The ledger tells of it once it can, in `ledger.degraded` and `ledger.gap`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::time::Timestamp;
use ledger::Outcome;

use crate::changes::Changes;
use crate::entries;
use crate::gateway::Gateway;
use crate::ports::storage::{Level, Room};
use crate::ports::store::ReadError;
use crate::queries::LookupError;

/// The cause of a gap that no disk brought about: more waited to be recorded than may, or a commit was
/// decided on a state that had moved.
const OVERLOAD: &str = "overload";
/// The cause of a gap in which only new messages were turned away, to save room.
pub(crate) const STORAGE_LOW: &str = "storage-low";

/// A time in which things were turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: Timestamp,
    pub(crate) cause: &'static str,
}

/// What is turned away now, and what was.
#[derive(Debug, Default)]
pub(crate) struct Shortage {
    /// Since when nothing can be recorded.
    away: Mutex<Option<Gap>>,
    /// The end of the last such time, for those who found out late.
    ended: Mutex<Option<Gap>>,
    refused: AtomicU64,
    refused_ever: AtomicU64,
    /// Since when the room is low, as the ledger says.
    low: Mutex<Option<Timestamp>>,
    refused_low: AtomicU64,
}

impl Shortage {
    /// Nothing can be recorded from now on; the first word counts.
    fn begin(&self, gap: Gap) {
        lock(&self.away).get_or_insert(gap);
    }

    /// Counts what was turned away. Gives what is in no entry yet.
    fn take_refused(&self) -> u64 {
        self.refused.swap(0, Ordering::Relaxed)
    }

    /// The entry could not be written: the count waits for the next.
    fn give_back(&self, refused: u64) {
        self.refused.fetch_add(refused, Ordering::Relaxed);
    }

    /// How many were turned away since the start.
    pub(crate) fn refused_ever(&self) -> u64 {
        self.refused_ever.load(Ordering::Relaxed)
    }
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gateway {
    /// Counts what was asked for and is turned away because nothing can be recorded.
    pub(crate) fn turned_away(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.shortage.refused.fetch_add(count, Ordering::Relaxed);
        let ever = &self.shortage.refused_ever;
        ever.fetch_add(count, Ordering::Relaxed);
    }

    /// A read that failed; while the store is away it counts among what is turned away.
    pub(crate) fn unread(&self, error: ReadError) -> LookupError {
        if !self.is_open() {
            self.turned_away(1);
        }
        error.into()
    }

    /// Whether new messages are turned away to save room for what is on its way.
    pub(crate) fn is_short_of_room(&self) -> bool {
        let is_low = |room: Room| room.level == Level::Low;
        self.store.room().is_some_and(is_low) || lock(&self.shortage.low).is_some()
    }

    /// Counts a new message that is turned away to save room.
    pub(crate) fn turned_away_for_room(&self) {
        let shortage = &self.shortage;
        shortage.refused_low.fetch_add(1, Ordering::Relaxed);
        shortage.refused_ever.fetch_add(1, Ordering::Relaxed);
    }

    /// A commit failed that was to be recorded at this time: nothing can be recorded since.
    pub(crate) fn is_away_since(&self, from: Timestamp) {
        let failure = self.store.failure();
        let cause = failure.map_or(OVERLOAD, crate::ports::storage::Failure::as_str);
        self.shortage.begin(Gap { from, cause });
    }

    /// The gap that is to be recorded: since when and why nothing can be.
    pub(crate) fn gap(&self, noticed: Timestamp) -> Gap {
        self.is_away_since(noticed);
        let from = noticed;
        let cause = OVERLOAD;
        lock(&self.shortage.away).unwrap_or(Gap { from, cause })
    }

    /// `ledger.gap` from its beginning until now, and how many it counts.
    pub(crate) fn gap_entry(&self, gap: Gap, until: Timestamp) -> (Changes, u64) {
        let refused = self.shortage.take_refused();
        let entry = entries::gap(&gap, until.max(gap.from), refused);
        (Changes::new(entry, until), refused)
    }

    /// The gap could not be recorded yet.
    pub(crate) fn gap_goes_on(&self, refused: u64) {
        self.shortage.give_back(refused);
    }

    /// The gap is in the ledger up to this time; what is turned away until commits are taken again
    /// comes after it.
    pub(crate) fn gap_recorded(&self, gap: Gap, until: Timestamp) {
        *lock(&self.shortage.ended) = Some(Gap { from: until, ..gap });
    }

    /// Commits are taken again. Call it while the state is locked.
    pub(crate) fn is_back(&self) {
        *lock(&self.shortage.away) = None;
    }

    /// Records what was turned away while the gap was being recorded: between its entry and the moment
    /// from which commits were taken again.
    pub(crate) fn record_stragglers(&self, now: Timestamp) {
        let Some(gap) = *lock(&self.shortage.ended) else {
            return;
        };
        let _state = self.state();
        if self.is_halted() || self.shortage.refused.load(Ordering::Relaxed) == 0 {
            return;
        }
        let (changes, refused) = self.gap_entry(gap, now);
        self.commit(changes, move |gateway, result| match result {
            Ok(_) => *lock(&gateway.shortage.ended) = Some(Gap { from: now, ..gap }),
            Err(_) => gateway.gap_goes_on(refused),
        });
    }

    /// Records that the room runs out, or that there is enough again.
    pub(crate) fn watch_room(&self, now: Timestamp) {
        let Some(room) = self.store.room() else {
            return;
        };
        let since = *lock(&self.shortage.low);
        match (since, room.level) {
            (None, Level::Low) => self.room_runs_out(room, now),
            (Some(since), Level::Enough) => self.room_is_back(room, since, now),
            _ => {}
        }
    }

    fn room_runs_out(&self, room: Room, now: Timestamp) {
        tracing::error!(
            free_mib = room.free_bytes >> 20,
            low_water_mib = room.low_water_bytes >> 20,
            "the disk is nearly full: new messages are refused until there is room"
        );
        let entry = entries::degraded(Outcome::Accepted, room);
        let _state = self.state();
        *lock(&self.shortage.low) = Some(now);
        self.commit(Changes::new(entry, now), |gateway, result| {
            if result.is_err() {
                // It is told once there is something to tell it with.
                *lock(&gateway.shortage.low) = None;
            }
        });
    }

    fn room_is_back(&self, room: Room, since: Timestamp, now: Timestamp) {
        tracing::warn!(free_mib = room.free_bytes >> 20, "there is room again");
        let mut changes = Changes::new(entries::degraded(Outcome::Done, room), now);
        let refused = self.add_low_gap(&mut changes, since, now);
        let _state = self.state();
        *lock(&self.shortage.low) = None;
        self.commit(changes, move |gateway, result| {
            if result.is_err() {
                *lock(&gateway.shortage.low) = Some(since);
                let count = &gateway.shortage.refused_low;
                count.fetch_add(refused, Ordering::Relaxed);
            }
        });
    }

    /// Adds the gap of new messages that were turned away to save room, if any was.
    fn add_low_gap(&self, changes: &mut Changes, since: Timestamp, now: Timestamp) -> u64 {
        let refused = self.shortage.refused_low.swap(0, Ordering::Relaxed);
        if refused > 0 {
            let gap = Gap {
                from: since,
                cause: STORAGE_LOW,
            };
            changes.entry(entries::gap(&gap, now.max(since), refused));
        }
        refused
    }

    /// At the stop: what was turned away so far to save room.
    pub(crate) fn record_low_gap(&self, now: Timestamp) {
        let refused = self.shortage.refused_low.swap(0, Ordering::Relaxed);
        if refused == 0 {
            return;
        }
        let from = lock(&self.shortage.low).unwrap_or(now);
        let cause = STORAGE_LOW;
        let entry = entries::gap(&Gap { from, cause }, now.max(from), refused);
        let _state = self.state();
        self.commit(Changes::new(entry, now), |_, _| {});
    }
}
