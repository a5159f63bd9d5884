//! One durable transaction for the commits that wait: their writes, their entries with leaf hashes, and
//! one record for the index database.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::changes::Changes;
use engine::ports::store::{CommitError, Committed, Done};
use ledger::{NodeName, Stamp, leaf_hash};
use rusqlite::{Connection, params};

use crate::apply::{Applied, Scratch, Trust, apply};
use crate::columns::integer;
use crate::config::Bounds;
use crate::index::fresh::{Fresh, RECORD_OCTETS};
use crate::queue::Job;
use crate::recent::{Group, Recent};
use crate::statements::Statements;
use crate::tail::Tail;

/// What leaf and index add to an entry in its row, in octets.
const LEAF_OCTETS: usize = 40;

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
    /// The entries of the transaction.
    recent: Group,
    /// The commits of the transaction, kept in case that it must be written again.
    taken: Vec<Option<Box<Changes>>>,
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
            recent: Group::default(),
            taken: Vec::new(),
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
        let mut trust = Trust::Trusted;
        let mut next = self.begin(tail)?;
        self.taken.clear();
        while self.has_room() {
            match jobs.pop_front() {
                Some(Job::Commit(changes, done)) => {
                    // The answer is in its place before anything can fail.
                    answers.push((done, Err(CommitError::Conflict)));
                    self.taken.push(Some(changes));
                }
                Some(Job::Refuse(done)) => {
                    answers.push((done, Err(CommitError::Busy)));
                    self.taken.push(None);
                }
                Some(other) => {
                    jobs.push_front(other);
                    break;
                }
                None => break,
            }
            let last = self.taken.len() - 1;
            if self.write(last, answers, &mut next, trust)? == Applied::Broken {
                trust = Trust::Checked;
                self.statements.rollback.execute([])?;
                next = self.begin(tail)?;
                for place in 0..=last {
                    self.write(place, answers, &mut next, trust)?;
                }
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

    fn begin(&mut self, tail: &Tail) -> rusqlite::Result<Tail> {
        self.scratch.octets = 0;
        self.scratch.fresh.clear();
        self.scratch.forgotten.clear();
        self.scratch.prunes = false;
        self.recent.begin(tail.size);
        self.scratch.last_sequence = tail.last_sequence;
        self.statements.begin.execute([])?;
        Ok(*tail)
    }

    fn has_room(&self) -> bool {
        self.taken.len() < self.bounds.group_changes_max
            && self.scratch.octets < self.bounds.group_bytes_max
    }

    /// Writes one of the commits that were taken, and settles its answer.
    fn write(
        &mut self,
        place: usize,
        answers: &mut [Answer],
        next: &mut Tail,
        trust: Trust,
    ) -> rusqlite::Result<Applied> {
        let Some(Some(changes)) = self.taken.get(place) else {
            return Ok(Applied::Whole);
        };
        self.scratch.first_entry = next.size;
        let applied = apply(&mut self.statements, &mut self.scratch, changes, trust)?;
        match (applied, trust) {
            (Applied::Whole, _) => {
                let first_index = next.size;
                self.append(place, next)?;
                settle(answers, place, Ok(Committed { first_index }));
            }
            (Applied::Conflict, _) => settle(answers, place, Err(CommitError::Conflict)),
            (Applied::Broken, Trust::Trusted) => {}
            // Everything was looked up, and nobody else writes.
            (Applied::Broken, Trust::Checked) => {
                return Err(rusqlite::Error::StatementChangedRows(0));
            }
        }
        Ok(applied)
    }

    /// Makes the transaction durable. Gives the number of rows in it that are new to the index.
    pub(crate) fn finish(&mut self) -> rusqlite::Result<usize> {
        self.statements.commit.execute([])?;
        self.taken.clear();
        Ok(self.scratch.fresh.len() / RECORD_OCTETS)
    }

    /// Gives the entries of the transaction, which is durable, to those who follow the ledger.
    pub(crate) fn pass_on(&mut self, recent: &Recent) {
        if self.scratch.prunes {
            // What is pruned is read by nobody any more, from memory as little as from the disk.
            recent.clear();
        } else {
            recent.add(std::mem::take(&mut self.recent));
        }
    }

    /// What the index database has to forget after the transaction.
    pub(crate) fn take_forgotten(&mut self) -> Vec<Fresh> {
        std::mem::take(&mut self.scratch.forgotten)
    }

    /// Appends the entries of a commit to the ledger.
    fn append(&mut self, place: usize, next: &mut Tail) -> rusqlite::Result<()> {
        let Some(Some(changes)) = self.taken.get(place) else {
            return Ok(());
        };
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
            self.recent.push(&self.entry, (next.time_micros, leaf));
            self.scratch.octets += self.entry.len() + LEAF_OCTETS;
            next.size += 1;
            next.next_node_seq += 1;
            next.leaf = Some(leaf);
        }
        Ok(())
    }
}

fn settle(answers: &mut [Answer], place: usize, result: Result<Committed, CommitError>) {
    if let Some((_, settled)) = answers.get_mut(place) {
        *settled = result;
    }
}

/// Gives one answer. Whatever it does there, it must not stop the thread.
pub(crate) fn answer(done: Done, result: Result<Committed, CommitError>) {
    if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
        tracing::error!("an answer to a commit panicked");
    }
}
