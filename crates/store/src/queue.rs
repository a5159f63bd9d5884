//! The bounded queue before the writer. A commit takes its place at the call; one that is refused for
//! want of room keeps a place too, so that every answer comes from the writer and in order.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use engine::changes::{Changes, Haste};
use engine::ports::storage::Failure;
use engine::ports::store::{Done, ReadError};

use crate::checkpoint::Emptied;

/// Something for the writer to do.
pub(crate) enum Job {
    /// Commit this and tell how it went.
    Commit(Box<Changes>, Done),
    /// Tell that there was no room.
    Refuse(Done),
    /// Delete what is of no more use.
    Prune {
        now: Timestamp,
        unmatched_before: Timestamp,
    },
    /// The index database holds everything before this ledger index, durably.
    Indexed(u64),
    /// Leave nothing in the log of what was destroyed, and tell whether that was possible.
    Purge(SyncSender<Emptied>),
    /// Keep a part of the snapshot before a minimum index, and tell.
    KeepPart {
        /// The minimum, and which part.
        place: (u64, u32),
        sealed: Vec<u8>,
        done: SyncSender<()>,
    },
    /// Drop some entries below the minimum index, and tell how many are left.
    Shrink(SyncSender<u64>),
    /// The database failed outside a commit, and why: take nothing more.
    Fail(Failure),
    /// Close the database and open it again.
    Reopen(SyncSender<Result<(), ReadError>>),
    /// Stop after everything that came before.
    Close,
}

/// Whether the queue takes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entrance {
    Open,
    Shut,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    commits_max: usize,
}

struct Waiting {
    jobs: VecDeque<Job>,
    commits: usize,
    entrance: Entrance,
}

/// How long a commit that nobody waits for may wait for another.
const PATIENCE: Duration = Duration::from_millis(5);
/// So many of them are worth a sync of their own.
const PATIENT_MAX: usize = 64;

impl Waiting {
    /// Whether nobody waits for any of the jobs.
    fn can_wait(&self) -> bool {
        let is_patient = |job: &Job| match job {
            Job::Commit(changes, _) => changes.haste() == Haste::Soon,
            _ => false,
        };
        self.jobs.len() < PATIENT_MAX && self.jobs.iter().all(is_patient)
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting({} jobs)", self.jobs.len())
    }
}

impl Queue {
    /// A queue of at most so many commits.
    pub(crate) fn new(commits_max: usize) -> Self {
        let waiting = Waiting {
            jobs: VecDeque::new(),
            commits: 0,
            entrance: Entrance::Open,
        };
        Self {
            waiting: Mutex::new(waiting),
            arrived: Condvar::new(),
            commits_max,
        }
    }

    /// Puts a commit at the end. Gives back `done` when the writer is gone.
    pub(crate) fn commit(&self, changes: Changes, done: Done) -> Result<(), Done> {
        let mut waiting = self.lock();
        if waiting.entrance == Entrance::Shut {
            return Err(done);
        }
        if waiting.commits < self.commits_max {
            waiting.commits += 1;
            waiting.jobs.push_back(Job::Commit(Box::new(changes), done));
        } else {
            waiting.jobs.push_back(Job::Refuse(done));
        }
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Puts another job at the end; drops it when the writer is gone.
    pub(crate) fn push(&self, job: Job) {
        let mut waiting = self.lock();
        if waiting.entrance == Entrance::Open {
            waiting.jobs.push_back(job);
            drop(waiting);
            self.arrived.notify_one();
        }
    }

    /// Takes nothing more, and lets the writer stop after what waits.
    pub(crate) fn shut(&self) {
        let mut waiting = self.lock();
        if waiting.entrance == Entrance::Open {
            waiting.entrance = Entrance::Shut;
            waiting.jobs.push_back(Job::Close);
            drop(waiting);
            self.arrived.notify_one();
        }
    }

    /// Moves waiting jobs to `into` until it holds `jobs_max`. Waits for one only if it is empty; what
    /// nobody waits for waits a little longer, to share the sync of something that cannot.
    pub(crate) fn take(&self, into: &mut VecDeque<Job>, jobs_max: usize) {
        let mut waiting = self.lock();
        while into.is_empty() && waiting.jobs.is_empty() {
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if into.is_empty() {
            let patience = self
                .arrived
                .wait_timeout_while(waiting, PATIENCE, |waiting| waiting.can_wait());
            waiting = patience.unwrap_or_else(PoisonError::into_inner).0;
        }
        let room = jobs_max.saturating_sub(into.len());
        let Waiting { jobs, commits, .. } = &mut *waiting;
        for job in jobs.drain(..room.min(jobs.len())) {
            *commits -= usize::from(matches!(job, Job::Commit(..)));
            into.push_back(job);
        }
    }

    /// Puts jobs back that were taken and not begun.
    pub(crate) fn give_back(&self, jobs: &mut VecDeque<Job>) {
        let mut waiting = self.lock();
        while let Some(job) = jobs.pop_back() {
            waiting.commits += usize::from(matches!(job, Job::Commit(..)));
            waiting.jobs.push_front(job);
        }
    }

    /// Takes every commit out, for somebody else than the writer to refuse.
    pub(crate) fn drain_commits(&self) -> Vec<Done> {
        let mut waiting = self.lock();
        let mut commits = Vec::new();
        for job in std::mem::take(&mut waiting.jobs) {
            match job {
                Job::Commit(_, done) | Job::Refuse(done) => commits.push(done),
                other => waiting.jobs.push_back(other),
            }
        }
        waiting.commits = 0;
        commits
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ledger::{Actor, Draft, Kind, Outcome};

    use super::*;

    fn changes() -> Changes {
        let draft = Draft::of(Kind::ConfigLoaded, Actor::system(&"test"), Outcome::Done);
        Changes::new(draft.build().unwrap(), Timestamp::EPOCH)
    }

    fn push(queue: &Queue, changes: Changes) {
        assert!(queue.commit(changes, Box::new(|_| {})).is_ok());
    }

    #[test]
    fn what_nobody_waits_for_waits_for_what_somebody_does() {
        let queue = Queue::new(1_000);
        push(&queue, changes().soon());
        assert!(queue.lock().can_wait());
        push(&queue, changes());
        assert!(!queue.lock().can_wait());
        let mut taken = VecDeque::new();
        queue.take(&mut taken, 10);
        assert_eq!(taken.len(), 2, "both share one sync");
    }

    #[test]
    fn what_nobody_waits_for_is_taken_all_the_same() {
        let queue = Queue::new(1_000);
        push(&queue, changes().soon());
        let mut taken = VecDeque::new();
        queue.take(&mut taken, 10);
        assert_eq!(taken.len(), 1);
        for _ in 0..PATIENT_MAX {
            push(&queue, changes().soon());
        }
        assert!(!queue.lock().can_wait(), "so many are worth a sync");
    }
}
