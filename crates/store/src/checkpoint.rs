//! Keeps the write-ahead log bounded. A thread copies it into the database while commits go on; what it
//! could not see is little, and the writer copies that itself, so that its next commit begins the log
//! anew.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use crate::config::Bounds;
use crate::connect::BUSY_TIMEOUT;
use crate::embedded::Shared;
use crate::failure;
use crate::log::frames_bytes;
use crate::queue::Job;

/// Frames that the writer copies itself without keeping anybody waiting for long.
const REST_FRAMES_MAX: u64 = 512;

/// What the two threads agree on.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    start_frames: u64,
    hard_frames: u64,
    progress: Mutex<Progress>,
    wake: Condvar,
}

#[derive(Debug)]
struct Progress {
    stage: Stage,
    /// Frames at which the next round begins.
    next_at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Wanted,
    Copying,
    /// The thread has copied so many frames.
    Copied(u64),
    Stopped,
}

impl Checkpoint {
    /// Nothing to do yet.
    pub(crate) fn new(bounds: &Bounds) -> Self {
        let frame = frames_bytes(1);
        let start_frames = (bounds.checkpoint_start_bytes / frame).max(1);
        let hard_frames = (bounds.checkpoint_hard_bytes / frame).max(start_frames);
        let progress = Progress {
            stage: Stage::Idle,
            next_at: start_frames,
        };
        Self {
            start_frames,
            hard_frames,
            progress: Mutex::new(progress),
            wake: Condvar::new(),
        }
    }

    /// Whether the log is long enough to be looked at.
    pub(crate) const fn is_due(&self, frames: u64) -> bool {
        frames >= self.start_frames
    }

    /// For the writer, between two groups.
    pub(crate) fn after_commit(&self, database: &Connection, frames: u64) -> rusqlite::Result<()> {
        let mut progress = self.lock();
        match progress.stage {
            Stage::Idle if frames >= progress.next_at => {
                progress.stage = Stage::Wanted;
                self.wake.notify_one();
            }
            Stage::Copied(copied) => {
                let rest = frames.saturating_sub(copied);
                if rest > REST_FRAMES_MAX && frames < self.hard_frames {
                    progress.stage = Stage::Wanted;
                    self.wake.notify_one();
                } else {
                    progress.stage = Stage::Idle;
                    drop(progress);
                    let is_empty = copy(database)?.is_none();
                    // A reader that looks at the log keeps it from beginning anew; try again later.
                    let base = if is_empty { 0 } else { frames };
                    self.lock().next_at = base + self.start_frames;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.lock().stage = Stage::Stopped;
        self.wake.notify_one();
    }

    /// Waits until the log is to be copied; `false` when the thread is to end.
    fn wait(&self) -> bool {
        let mut progress = self.lock();
        loop {
            match progress.stage {
                Stage::Stopped => return false,
                Stage::Wanted => {
                    progress.stage = Stage::Copying;
                    return true;
                }
                _ => progress = self.wait_on(progress),
            }
        }
    }

    fn wait_on<'a>(&self, progress: MutexGuard<'a, Progress>) -> MutexGuard<'a, Progress> {
        self.wake
            .wait(progress)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn copied(&self, frames: u64) {
        let mut progress = self.lock();
        if progress.stage == Stage::Copying {
            progress.stage = Stage::Copied(frames);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's work.
pub(crate) fn run(shared: &Arc<Shared>) {
    while shared.checkpoint.wait() {
        if !shared.is_available() {
            // What a writer that failed left in the log may have to be taken back.
            shared.checkpoint.copied(0);
            continue;
        }
        match shared.keeper.with(|database| copy(database)) {
            Ok(copied) => shared.checkpoint.copied(copied.unwrap_or(u64::MAX)),
            Err(error) => {
                shared.checkpoint.copied(0);
                if shared.is_available() {
                    tracing::error!(reason = %error, "the write-ahead log could not be copied");
                    shared.queue.push(Job::Fail(failure::of_database(&error)));
                }
            }
        }
    }
}

/// Whether a log holds nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emptied {
    /// It has no octet.
    Wholly,
    /// A reader needs what is in it.
    Partly,
}

/// How long the writer waits for readers when it empties the log. Commits wait as long.
const READERS_MAX: Duration = Duration::from_millis(100);

/// Copies the whole log into the database and cuts the file to nothing. Only for the writer.
pub(crate) fn empty(database: &Connection) -> rusqlite::Result<Emptied> {
    database.busy_timeout(READERS_MAX)?;
    let result = database.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE);
    database.busy_timeout(BUSY_TIMEOUT)?;
    match result {
        Ok((frames, copied)) if frames == copied => Ok(Emptied::Wholly),
        Ok(_) => Ok(Emptied::Partly),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            Ok(Emptied::Partly)
        }
        Err(error) => Err(error),
    }
}

/// Copies what nobody reads any more. `None` when that is the whole log, else the frames copied.
pub(crate) fn copy(database: &Connection) -> rusqlite::Result<Option<u64>> {
    match database.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
        Ok((frames, copied)) if frames == copied => Ok(None),
        Ok((_, copied)) => Ok(Some(u64::try_from(copied).unwrap_or(0))),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(Some(0)),
        Err(error) => Err(error),
    }
}
