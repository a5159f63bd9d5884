//! The writer's thread: takes what waits, commits it as one group, answers in order. After a failure
//! it answers everything at once until it is told to open again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use engine::ports::storage::Failure;
use engine::ports::store::{CommitError, ReadError};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use crate::checkpoint::{self, Emptied};
use crate::columns::integer;
use crate::embedded::Shared;
use crate::failure;
use crate::group::{Answer, GroupWriter, Signature, answer};
use crate::index::Owed;
use crate::log::{Log, LogError};
use crate::open;
use crate::prune::Pruner;
use crate::queue::Job;
use crate::shrink;
use crate::tail::Tail;

/// An open database and what is known of its log.
pub(crate) struct Session {
    pub(crate) database: Connection,
    pub(crate) log: Log,
}

/// The writer.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    signature: Signature,
    tail: Tail,
    jobs: VecDeque<Job>,
    answers: Vec<Answer>,
    pruner: Pruner,
}

/// Why a session ended.
enum Exit {
    Failed,
    Reopen(SyncSender<Result<(), ReadError>>),
    Close,
}

/// Why a group is not durable.
#[derive(Debug, thiserror::Error)]
enum GroupError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the write-ahead log could not be copied into the database")]
    Checkpoint(Failure),
    #[error("the disk took too long")]
    Stalled,
}

impl GroupError {
    fn failure(&self) -> Failure {
        match self {
            Self::Database(error) => failure::of_database(error),
            Self::Log(LogError::Replaced(_)) => Failure::FileMissing,
            Self::Log(LogError::Io(error)) => failure::of_io(error),
            Self::Checkpoint(failure) => *failure,
            Self::Stalled => Failure::Stalled,
        }
    }
}

impl Writer {
    /// A writer that goes on where the ledger ends.
    pub(crate) fn new(shared: Arc<Shared>, signature: Signature, tail: Tail) -> Self {
        let pruner = Pruner::new(shared.config.bounds.prune_rows_max);
        Self {
            shared,
            signature,
            tail,
            jobs: VecDeque::new(),
            answers: Vec::new(),
            pruner,
        }
    }

    /// Works until it is told to stop.
    pub(crate) fn run(mut self, first: Session) {
        let mut session = Some(first);
        let mut last_log = None;
        loop {
            let exit = match session.take() {
                Some(open) => {
                    let (exit, log) = self.work(open);
                    last_log = Some(log);
                    exit
                }
                None => self.refuse(),
            };
            match exit {
                Exit::Failed => {}
                Exit::Close => return,
                Exit::Reopen(reply) => {
                    let reopened = self.reopen(last_log.as_ref());
                    // Whoever asked may have given up waiting.
                    let _ = reply.send(reopened.map(|open| session = Some(open)));
                }
            }
        }
    }

    /// Serves a session to its end, and closes it so that nothing but good commits is left in the log.
    fn work(&mut self, mut session: Session) -> (Exit, Log) {
        let exit = match self.serve(&session.database, &mut session.log) {
            Ok(exit) => exit,
            Err(error) => {
                tracing::error!(reason = %error, "the store failed and takes nothing");
                self.shared.fail(error.failure());
                self.answers
                    .extend(self.shared.watch.leave().unwrap_or_default());
                for (done, _) in self.answers.drain(..) {
                    answer(done, Err(CommitError::Poisoned));
                }
                Exit::Failed
            }
        };
        self.shared.set_away();
        self.shared.close_pools();
        let Session { database, log } = session;
        if matches!(exit, Exit::Failed) {
            // A disk that fails is not asked to do more than it must.
            let _ = database.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        drop(database);
        if let Err(error) = log.cut() {
            tracing::warn!(reason = %error, "the write-ahead log could not be cut yet");
        }
        (exit, log)
    }

    fn serve(&mut self, database: &Connection, log: &mut Log) -> Result<Exit, GroupError> {
        let bounds = self.shared.config.bounds;
        let mut group = GroupWriter::new(database, self.signature.clone(), bounds)?;
        loop {
            self.shared
                .queue
                .take(&mut self.jobs, bounds.group_changes_max);
            let Some(job) = self.jobs.pop_front() else {
                continue;
            };
            if matches!(job, Job::Commit(..) | Job::Refuse(_)) {
                self.jobs.push_front(job);
                self.commit(&mut group, log)?;
            } else {
                // Whatever hangs from here on, nobody behind it waits in this thread's hands.
                self.shared.queue.give_back(&mut self.jobs);
                match job {
                    Job::Prune {
                        now,
                        unmatched_before,
                    } => self.watched(log, |writer| {
                        writer.pruner.prune(database, now, unmatched_before)
                    })?,
                    Job::Indexed(before) => {
                        let owed = self.shared.index.owed();
                        self.watched(log, |_| trim(database, before, owed))?;
                    }
                    Job::KeepPart {
                        place,
                        sealed,
                        done,
                    } => {
                        self.watched(log, |_| shrink::keep_part(database, place, &sealed))?;
                        let _ = done.send(());
                    }
                    Job::Shrink(done) => {
                        let left = self.watched(log, |_| shrink::step(database))?;
                        let _ = done.send(left);
                    }
                    Job::Purge(reply) => {
                        let purged = self.purge(database, log)?;
                        // Whoever asked may have gone away.
                        let _ = reply.send(purged);
                    }
                    Job::Fail(failure) => return Err(GroupError::Checkpoint(failure)),
                    Job::Reopen(reply) => return Ok(Exit::Reopen(reply)),
                    Job::Close => return Ok(Exit::Close),
                    Job::Commit(..) | Job::Refuse(_) => {}
                }
            }
            self.after_commit(database, log)?;
        }
    }

    /// Commits one group and gives its answers.
    fn commit(&mut self, group: &mut GroupWriter<'_>, log: &mut Log) -> Result<(), GroupError> {
        let next = group.fill(&mut self.jobs, &mut self.answers, &self.tail)?;
        self.shared.queue.give_back(&mut self.jobs);
        let answers = std::mem::take(&mut self.answers);
        self.shared.watch.enter(answers);
        let new_rows = group.finish()?;
        // Only what came in time is good: the log remembers it, and takes back the rest.
        self.answers = self.shared.watch.leave().ok_or(GroupError::Stalled)?;
        log.committed()?;
        self.tail = next;
        group.pass_on(&self.shared.recent);
        self.shared.publish(next.size, next.last_sequence);
        // Before the answers: whoever then has the store cleaned finds it in the list.
        self.shared.index.forget(group.take_forgotten());
        for (done, result) in self.answers.drain(..) {
            answer(done, result);
        }
        self.shared.index.saw(new_rows);
        self.shared.catalog.saw(next.size);
        Ok(())
    }

    /// Writes something that nobody waits for.
    fn watched<T>(
        &mut self,
        log: &mut Log,
        write: impl FnOnce(&mut Self) -> rusqlite::Result<T>,
    ) -> Result<T, GroupError> {
        self.shared.watch.enter(Vec::new());
        let written = write(self)?;
        self.shared.watch.leave().ok_or(GroupError::Stalled)?;
        log.committed()?;
        Ok(written)
    }

    /// Leaves nothing of what was destroyed in the database and its log.
    fn purge(&self, database: &Connection, log: &mut Log) -> Result<Emptied, GroupError> {
        self.shared.watch.enter(Vec::new());
        if self.shared.index.owed() == Owed::Nothing {
            database.execute("DELETE FROM meta WHERE name = 'index_owes'", [])?;
        }
        let emptied = checkpoint::empty(database)?;
        self.shared.watch.leave().ok_or(GroupError::Stalled)?;
        match emptied {
            Emptied::Wholly => log.emptied()?,
            Emptied::Partly => log.committed()?,
        }
        Ok(emptied)
    }

    /// Keeps the log short.
    fn after_commit(&self, database: &Connection, log: &Log) -> Result<(), GroupError> {
        if !self.shared.checkpoint.is_due(log.frames()) {
            return Ok(());
        }
        self.shared.watch.enter(Vec::new());
        self.shared
            .checkpoint
            .after_commit(database, log.frames())?;
        self.shared
            .watch
            .leave()
            .map(drop)
            .ok_or(GroupError::Stalled)
    }

    /// Answers everything at once until it is told to open again or to stop.
    fn refuse(&mut self) -> Exit {
        loop {
            self.shared.queue.take(&mut self.jobs, usize::MAX);
            while let Some(job) = self.jobs.pop_front() {
                match job {
                    Job::Commit(_, done) | Job::Refuse(done) => {
                        answer(done, Err(CommitError::Poisoned));
                    }
                    Job::Reopen(reply) => return Exit::Reopen(reply),
                    Job::Close => return Exit::Close,
                    // Whoever waits for a purge sees that the reply is dropped.
                    Job::Prune { .. }
                    | Job::KeepPart { .. }
                    | Job::Shrink(_)
                    | Job::Indexed(_)
                    | Job::Purge(_)
                    | Job::Fail(_) => {}
                }
            }
        }
    }

    /// Opens the database again, and takes it only if it ends where the last good commit ended.
    fn reopen(&self, log: Option<&Log>) -> Result<Session, ReadError> {
        let failed = |reason: &dyn std::fmt::Display| ReadError::Failed(reason.to_string());
        if let Some(log) = log {
            log.cut().map_err(|error| failed(&error))?;
        }
        let (session, found) = open::session(&self.shared.folder, self.shared.config.durability)
            .map_err(|error| failed(&error))?;
        let (here, there) = (self.tail, found.tail);
        if (here.size, here.leaf) != (there.size, there.leaf) {
            let text = format!(
                "the ledger on disk has {} entries, but {} were committed, or its last one differs",
                there.size, here.size
            );
            return Err(ReadError::Failed(text));
        }
        self.shared.open_pools();
        self.shared.set_available();
        self.shared.index.nudge();
        self.shared.catalog.nudge();
        Ok(session)
    }
}

/// Forgets what the index database holds durably.
fn trim(database: &Connection, before: u64, owed: Owed) -> rusqlite::Result<()> {
    let transaction = database.unchecked_transaction()?;
    if owed == Owed::Nothing {
        transaction.execute("DELETE FROM meta WHERE name = 'index_owes'", [])?;
    }
    transaction.execute("DELETE FROM fresh WHERE first < ?1", [integer(before)])?;
    transaction.execute(
        "INSERT OR REPLACE INTO meta(name, value) VALUES ('trimmed', ?1)",
        params![integer(before)],
    )?;
    transaction.commit()
}
