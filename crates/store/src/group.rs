//! One durable transaction for the commits that wait: their writes, their entries with leaf hashes, and
//! one record for the index database.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::changes::Changes;
use engine::ports::store::{CommitError, Committed, Done};
use ledger::{NodeName, Stamp, leaf_hash};
use rusqlite::{Connection, params};

use crate::apply::{Applied, Scratch, apply};
use crate::columns::integer;
use crate::config::Bounds;
use crate::index::fresh::RECORD_OCTETS;
use crate::queue::Job;
use crate::statements::Statements;
use crate::tail::Tail;

/// An answer to give once the transaction has ended.
pub(crate) type Answer = (Done, Result<Committed, CommitError>);

/// What stays the same for every entry of this process.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) node: NodeName,
    pub(crate) epoch: u64,
}

/// Writes groups on one connection.
pub(crate) struct GroupWriter<'c> {
    statements: Statements<'c>,
    signature: Signature,
    bounds: Bounds,
    scratch: Scratch,
    entry: Vec<u8>,
}

impl<'c> GroupWriter<'c> {
    /// Prepares the statements.
    pub(crate) fn new(
        database: &'c Connection,
        signature: Signature,
        bounds: Bounds,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            statements: Statements::prepare(database)?,
            signature,
            bounds,
            scratch: Scratch::default(),
            entry: Vec::new(),
        })
    }

    /// Writes what stands at the front of the jobs into a transaction, and puts what is to be answered
    /// into `answers`. Gives the end of the ledger as it will be. On an error nothing of it is durable.
    pub(crate) fn fill(
        &mut self,
        jobs: &mut VecDeque<Job>,
        answers: &mut Vec<Answer>,
        tail: &Tail,
    ) -> rusqlite::Result<Tail> {
        let mut next = *tail;
        self.scratch.octets = 0;
        self.scratch.fresh.clear();
        self.scratch.last_sequence = next.last_sequence;
        self.statements.begin.execute([])?;
        while answers.len() < self.bounds.group_changes_max
            && self.scratch.octets < self.bounds.group_bytes_max
        {
            match jobs.pop_front() {
                Some(Job::Commit(changes, done)) => {
                    // The answer is in its place before anything can fail.
                    answers.push((done, Err(CommitError::Conflict)));
                    if let Some(first_index) = self.one(&changes, &mut next)? {
                        settle(answers, Ok(Committed { first_index }));
                    }
                }
                Some(Job::Refuse(done)) => answers.push((done, Err(CommitError::Busy))),
                Some(other) => {
                    jobs.push_front(other);
                    break;
                }
                None => break,
            }
        }
        if !self.scratch.fresh.is_empty() {
            let first = integer(tail.size);
            self.statements
                .fresh
                .execute(params![first, self.scratch.fresh])?;
        }
        next.last_sequence = self.scratch.last_sequence;
        Ok(next)
    }

    /// Makes the transaction durable. Gives the number of rows in it that are new to the index.
    pub(crate) fn finish(&mut self) -> rusqlite::Result<usize> {
        self.statements.commit.execute([])?;
        Ok(self.scratch.fresh.len() / RECORD_OCTETS)
    }

    /// One commit: the index of its first entry, or `None` when an expectation does not hold.
    fn one(&mut self, changes: &Changes, next: &mut Tail) -> rusqlite::Result<Option<u64>> {
        if apply(&mut self.statements, &mut self.scratch, changes)? == Applied::Conflict {
            return Ok(None);
        }
        let first = next.size;
        next.time_micros = next.time_micros.max(changes.at().micros());
        for draft in changes.entries() {
            let stamp = Stamp {
                node: &self.signature.node,
                epoch: self.signature.epoch,
                node_seq: next.next_node_seq,
                time_micros: next.time_micros,
            };
            self.entry.clear();
            draft.finish_into(&stamp, &mut self.entry);
            let leaf = leaf_hash(&self.entry);
            let row = params![integer(next.size), self.entry, leaf.as_bytes()];
            self.statements.entry.execute(row)?;
            self.scratch.octets += self.entry.len() + 40;
            next.size += 1;
            next.next_node_seq += 1;
            next.leaf = Some(leaf);
        }
        Ok(Some(first))
    }
}

fn settle(answers: &mut [Answer], result: Result<Committed, CommitError>) {
    if let Some((_, last)) = answers.last_mut() {
        *last = result;
    }
}

/// Gives one answer. Whatever it does there, it must not stop the thread.
pub(crate) fn answer(done: Done, result: Result<Committed, CommitError>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("an answer to a commit panicked");
    }
}
