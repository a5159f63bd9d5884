//! The writes of one commit. The first write that carries an expectation is made before all others, so
//! that the usual conflict leaves nothing behind. A commit of many updates is trusted at first: that
//! one of the later ones fails is so rare that the whole group is then written again, with everything
//! looked up before.

mod factor;
mod forget;
mod put;
mod verify;
mod webhook;

use std::collections::HashMap;

use engine::changes::{Changes, Write};
use engine::rows::{KekRow, Purpose};
use rusqlite::OptionalExtension;

use crate::columns::integer;
use crate::index::fresh::Fresh;
use crate::statements::Statements;

/// What became of one commit's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    /// All were made.
    Whole,
    /// An expectation does not hold; none was made.
    Conflict,
    /// An expectation does not hold, and some were made: the transaction must go.
    Broken,
}

/// How much is believed of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Its expectations hold until a write shows that one does not.
    Trusted,
    /// Each is looked up before anything is written.
    Checked,
}

/// The buffers of the writer, kept from commit to commit.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    head: Vec<u8>,
    segments: Vec<u8>,
    versions: HashMap<(Table, u64), u32>,
    /// What the index database has to learn of the group.
    pub(crate) fresh: Vec<u8>,
    /// What it has to forget.
    pub(crate) forgotten: Vec<Fresh>,
    /// The index of the first entry of the commit that is being written.
    pub(crate) first_entry: u64,
    /// The greatest sequence of any row in the group.
    pub(crate) last_sequence: u64,
    /// Roughly how many octets the rows of the group have.
    pub(crate) octets: usize,
    /// Whether the group prunes entries.
    pub(crate) prunes: bool,
}

/// The tables whose rows carry an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Table {
    Message,
    Inbound,
    Factor,
    Kek,
    /// Sealed values: 1 is one that is not erased.
    Vault,
    Verification,
}

/// Makes the writes of one commit. Checked ones are made wholly or not at all.
pub(crate) fn apply(
    statements: &mut Statements<'_>,
    scratch: &mut Scratch,
    changes: &Changes,
    trust: Trust,
) -> rusqlite::Result<Applied> {
    let mut applying = Applying {
        statements,
        scratch,
    };
    if trust == Trust::Checked && applying.check_all(changes.writes())? == Applied::Conflict {
        return Ok(Applied::Conflict);
    }
    let first = changes
        .writes()
        .iter()
        .find(|write| expectation(write).is_some());
    if let Some(first) = first
        && applying.put(first)? == Applied::Conflict
    {
        return Ok(Applied::Conflict);
    }
    for write in changes.writes() {
        let is_done = first.is_some_and(|first| std::ptr::eq(first, write));
        if !is_done && applying.put(write)? == Applied::Conflict {
            return Ok(Applied::Broken);
        }
    }
    Ok(Applied::Whole)
}

/// Makes one write into tables that hold nothing of it, as the entry of this index brought it.
pub(crate) fn fill(
    statements: &mut Statements<'_>,
    scratch: &mut Scratch,
    write: &Write,
    entry: u64,
) -> rusqlite::Result<()> {
    scratch.first_entry = entry;
    scratch.fresh.clear();
    let mut applying = Applying {
        statements,
        scratch,
    };
    match write {
        // Of a factor only its last version is there.
        Write::Factor(row) => applying.new_factor(row).map(drop),
        write => applying.put(write).map(drop),
    }
}

/// The row that a write expects something of, and the version it expects; 0 is absence.
fn expectation(write: &Write) -> Option<(Table, u64, u32)> {
    match write {
        Write::Message(row) => Some((Table::Message, row.id.sequence(), 0)),
        Write::Update(row) => Some((Table::Message, row.sequence, row.version.saturating_sub(1))),
        Write::Inbound(row) => Some((Table::Inbound, row.id.sequence(), 0)),
        Write::Verification(row) => Some((Table::Verification, row.id.sequence(), 0)),
        Write::VerificationUpdate(row) => {
            let expected = row.version.saturating_sub(1);
            Some((Table::Verification, row.sequence, expected))
        }
        Write::Factor(row) => Some((
            Table::Factor,
            row.id.sequence(),
            row.version.saturating_sub(1),
        )),
        Write::Kek(row) => Some((Table::Kek, kek_key(row), 0)),
        Write::Rewrap(row) => Some((Table::Kek, kek_key(row), 1)),
        Write::Tombstone { owner, purpose } | Write::Expire { owner, purpose } => {
            Some((Table::Vault, purposed_key(*owner, *purpose), 1))
        }
        _ => None,
    }
}

fn purposed_key(owner: u64, purpose: Purpose) -> u64 {
    (owner << 2) | u64::from(purpose.code())
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
                Write::Verification(row) => row.version,
                Write::VerificationUpdate(row) => row.version,
                Write::Factor(row) => row.version,
                Write::Tombstone { .. } | Write::Expire { .. } => 0,
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
            Table::Factor => &mut self.statements.factors.version,
            Table::Kek => &mut self.statements.kek_exists,
            Table::Vault => &mut self.statements.vault_live,
            Table::Verification => &mut self.statements.verifying.version,
        };
        let found: Option<u32> = statement
            .query_row([integer(key)], |row| row.get(0))
            .optional()?;
        Ok(found.unwrap_or(0))
    }
}
