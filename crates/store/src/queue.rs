//! The bounded queue before the writer. A commit takes its place at the call; one that is refused for
//! want of room keeps a place too, so that every answer comes from the writer and in order.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use domain::time::Timestamp;
use engine::changes::Changes;
use engine::ports::store::{Done, ReadError};

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
    /// The database failed outside a commit: take nothing more.
    Fail,
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

    /// Moves waiting jobs to `into` until it holds `jobs_max`. Waits for one only if it is empty.
    pub(crate) fn take(&self, into: &mut VecDeque<Job>, jobs_max: usize) {
        let mut waiting = self.lock();
        while into.is_empty() && waiting.jobs.is_empty() {
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
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
