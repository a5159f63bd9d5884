//! The writes of one commit. What carries an expectation is settled before anything else is written,
//! so that a conflict leaves nothing behind and costs the other commits of the group nothing.

mod put;

use std::collections::HashMap;

use engine::changes::{Changes, Write};
use engine::rows::KekRow;
use rusqlite::OptionalExtension;

use crate::columns::integer;
use crate::statements::Statements;

/// What became of one commit's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// All were made.
    Whole,
    /// An expectation does not hold; none was made.
    Conflict,
}

/// The buffers of the writer, kept from commit to commit.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    head: Vec<u8>,
    segments: Vec<u8>,
    versions: HashMap<(Table, u64), u32>,
    /// What the index database has to learn of the group.
    pub(crate) fresh: Vec<u8>,
    /// The greatest sequence of any row in the group.
    pub(crate) last_sequence: u64,
    /// Roughly how many octets the rows of the group have.
    pub(crate) octets: usize,
}

/// The tables whose rows carry an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Message,
    Inbound,
    Kek,
}

/// Makes the writes of one commit, or none of them.
pub(crate) fn apply(
    statements: &mut Statements<'_>,
    scratch: &mut Scratch,
    changes: &Changes,
) -> rusqlite::Result<Applied> {
    let mut applying = Applying {
        statements,
        scratch,
    };
    let mut expecting = changes
        .writes()
        .iter()
        .filter(|write| expectation(write).is_some());
    // One expectation is settled by its own write, if that comes first; more are looked up before.
    let (first, second) = (expecting.next(), expecting.next());
    let settled = match (first, second) {
        (Some(only), None) => applying.put(only)?,
        (Some(_), Some(_)) => applying.check_all(changes.writes())?,
        _ => Applied::Whole,
    };
    if settled == Applied::Conflict {
        return Ok(Applied::Conflict);
    }
    let done = if second.is_none() { first } else { None };
    for write in changes.writes() {
        let is_done = done.is_some_and(|done| std::ptr::eq(done, write));
        if !is_done && applying.put(write)? == Applied::Conflict {
            // The check said that it holds, and nobody else writes.
            return Err(rusqlite::Error::StatementChangedRows(0));
        }
    }
    Ok(Applied::Whole)
}

/// The row that a write expects something of, and the version it expects; 0 is absence.
fn expectation(write: &Write) -> Option<(Table, u64, u32)> {
    match write {
        Write::Message(row) => Some((Table::Message, row.id.sequence(), 0)),
        Write::Update(row) => Some((Table::Message, row.sequence, row.version.saturating_sub(1))),
        Write::Inbound(row) => Some((Table::Inbound, row.id.sequence(), 0)),
        Write::Kek(row) => Some((Table::Kek, kek_key(row), 0)),
        _ => None,
    }
}

fn kek_key(row: &KekRow) -> u64 {
    (u64::from(row.week) << 2) | u64::from(row.purpose.code())
}

/// One commit on its way into the tables.
struct Applying<'a, 'c> {
    statements: &'a mut Statements<'c>,
    scratch: &'a mut Scratch,
}

impl Applying<'_, '_> {
    /// Checks every expectation, each against what the writes before it will have made.
    fn check_all(&mut self, writes: &[Write]) -> rusqlite::Result<Applied> {
        self.scratch.versions.clear();
        for write in writes {
            let Some((table, key, expected)) = expectation(write) else {
                continue;
            };
            let known = self.scratch.versions.get(&(table, key)).copied();
            let stands = match known {
                Some(version) => version,
                None => self.version_of(table, key)?,
            };
            if stands != expected {
                return Ok(Applied::Conflict);
            }
            let becomes = match write {
                Write::Message(row) => row.version,
                Write::Update(row) => row.version,
                _ => 1,
            };
            self.scratch.versions.insert((table, key), becomes);
        }
        Ok(Applied::Whole)
    }

    /// The version at which a row stands; 0 when there is none.
    fn version_of(&mut self, table: Table, key: u64) -> rusqlite::Result<u32> {
        let statement = match table {
            Table::Message => &mut self.statements.message_version,
            Table::Inbound => &mut self.statements.inbound_exists,
            Table::Kek => &mut self.statements.kek_exists,
        };
        let found: Option<u32> = statement
            .query_row([integer(key)], |row| row.get(0))
            .optional()?;
        Ok(found.unwrap_or(0))
    }
}
