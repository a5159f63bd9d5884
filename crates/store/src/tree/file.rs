//! The tree's file: its tables and what is read from and written to them.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use engine::ports::log::{Node, Published};
use ledger::Hash;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{FANOUT, STRIDE, TreeError, build};
use crate::columns::{integer, is_hole, natural, octets};
use crate::connect::{self, Role};
use crate::embedded::Shared;
use crate::log::FileId;
use crate::untouched;

/// The version of the tables. A file of another one is made anew.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE node(level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL,
        PRIMARY KEY(level, idx)) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, hour INTEGER NOT NULL, root BLOB NOT NULL,
        note TEXT NOT NULL) STRICT;";

/// For how many hours one checkpoint an hour is kept: 30 days.
const HOURS_KEPT: u64 = 30 * 24;
/// Pages copied in one step.
const PAGES_A_STEP: i32 = 1_024;

/// The file, open. The nodes of each level in it have no gap and begin at 0, and there is none above
/// nodes that are not there.
#[derive(Debug)]
pub(crate) struct TreeFile {
    connection: Connection,
    /// Where the file lies, and which one it is; `None` when it has no name.
    place: Option<(PathBuf, FileId)>,
}

impl TreeFile {
    /// Opens the file, made if it is missing. Nodes that are not those of this ledger are dropped.
    pub(crate) fn open(shared: &Shared) -> Result<Self, TreeError> {
        let path = shared.folder.tree();
        if !path.exists() {
            // A log without its file would only confuse.
            shared.folder.remove_tree()?;
            shared.folder.prepare_tree()?;
        }
        let connection = connect::open(&path, Role::Tree, shared.config.durability)?;
        prepare(&connection)?;
        let id = FileId::of(&fs::metadata(&path)?);
        Self::of_ledger(connection, Some((path, id)), shared)
    }

    /// What the file holds, in a file without a name that SQLite makes once it outgrows memory. The file
    /// itself is only read; one that is damaged counts as missing.
    pub(crate) fn copied(shared: &Shared) -> Result<Self, TreeError> {
        let path = shared.folder.tree();
        if !path.exists() {
            return Self::empty();
        }
        let copied = copy(&path).and_then(|connection| {
            prepare(&connection)?;
            Self::of_ledger(connection, None, shared)
        });
        match copied {
            Err(error) if error.is_damage() => {
                tracing::warn!(reason = %error, "the ledger's tree cannot be read; computing it");
                Self::empty()
            }
            copied => copied,
        }
    }

    /// A tree without a node, in no file.
    pub(crate) fn empty() -> Result<Self, TreeError> {
        let connection = Connection::open("")?;
        prepare(&connection)?;
        let place = None;
        Ok(Self { connection, place })
    }

    fn of_ledger(
        connection: Connection,
        place: Option<(PathBuf, FileId)>,
        shared: &Shared,
    ) -> Result<Self, TreeError> {
        let file = Self { connection, place };
        let is_sound = match build::is_sound(&file, shared) {
            // Who only reads looks at all there is, and finds the hole where it is.
            Err(TreeError::Ledger(error)) if file.place.is_none() && is_hole(&error) => true,
            judged => judged?,
        };
        if !is_sound {
            tracing::warn!("the ledger's tree is not that of the ledger; computing it anew");
            file.connection.execute("DELETE FROM node", [])?;
        }
        Ok(file)
    }

    /// Whether the file still lies where it was opened.
    pub(crate) fn check_place(&self) -> Result<(), TreeError> {
        let Some((path, id)) = &self.place else {
            return Ok(());
        };
        let there = fs::metadata(path).is_ok_and(|found| FileId::of(&found) == *id);
        there.then_some(()).ok_or(TreeError::Replaced)
    }

    /// How many nodes of a level there are.
    pub(crate) fn count(&self, level: u8) -> Result<u64, TreeError> {
        count(&self.connection, level)
    }

    /// How many rows of a level there are, and how many there are if they have no gap.
    pub(crate) fn count_rows(&self, level: u8) -> Result<(u64, u64), TreeError> {
        let sql = "SELECT count(*) FROM node WHERE level = ?1";
        let rows = self
            .connection
            .query_row(sql, [level], |row| natural(row, 0))?;
        Ok((rows, self.count(level)?))
    }

    /// The nodes of a range, all of which must be there.
    pub(crate) fn nodes(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, TreeError> {
        nodes(&self.connection, level, range)
    }

    /// Appends nodes of the lowest level behind the first `have`, and those above them that this
    /// finishes. Does nothing when somebody else appended meanwhile.
    pub(crate) fn extend(&mut self, have: u64, hashes: &[Hash]) -> Result<(), TreeError> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        if count(&transaction, STRIDE)? == have {
            for (index, hash) in (have..).zip(hashes) {
                insert(&transaction, STRIDE, index, hash)?;
            }
            raise(&transaction)?;
        }
        Ok(transaction.commit()?)
    }

    /// Keeps nodes and a checkpoint, and forgets what no longer needs keeping.
    pub(crate) fn publish(
        &mut self,
        nodes: &[Node],
        checkpoint: &Published,
        hour: u64,
    ) -> Result<(), TreeError> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior)?;
        nodes.iter().try_for_each(|node| keep(&transaction, node))?;
        raise(&transaction)?;
        let (size, root) = (integer(checkpoint.size), checkpoint.root.as_bytes());
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO checkpoint(size, hour, root, note) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![size, integer(hour), root, checkpoint.note])?;
        let oldest = hour.saturating_sub(HOURS_KEPT);
        transaction
            .prepare_cached("DELETE FROM checkpoint WHERE size < ?1 AND (hour = ?2 OR hour < ?3)")?
            .execute([size, integer(hour), integer(oldest)])?;
        Ok(transaction.commit()?)
    }

    /// The checkpoint of the largest size.
    pub(crate) fn latest(&self) -> Result<Option<Published>, TreeError> {
        let sql = "SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1";
        let found = self.connection.prepare_cached(sql)?.query_row([], |row| {
            Ok(Published {
                size: natural(row, 0)?,
                root: Hash::from_bytes(octets(row, 1)?),
                note: row.get(2)?,
            })
        });
        Ok(found.optional()?)
    }
}

/// The file as it is now, in one without a name.
fn copy(path: &Path) -> Result<Connection, TreeError> {
    let source = untouched::open(path)?;
    let mut copy = Connection::open("")?;
    let backup = Backup::new(&source, &mut copy)?;
    while backup.step(PAGES_A_STEP)? != StepResult::Done {}
    drop(backup);
    Ok(copy)
}

/// Makes the tables in an empty file, and checks the pages of another.
fn prepare(connection: &Connection) -> Result<(), TreeError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if (version, tables) == (0, 0) {
        connection.execute_batch(&format!(
            "BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
        return Ok(());
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if version == VERSION && verdict == "ok" {
        Ok(())
    } else {
        Err(TreeError::Damaged)
    }
}

fn count(connection: &Connection, level: u8) -> Result<u64, TreeError> {
    let sql = "SELECT ifnull(max(idx) + 1, 0) FROM node WHERE level = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([level], |row| natural(row, 0))?)
}

fn nodes(connection: &Connection, level: u8, range: Range<u64>) -> Result<Vec<Hash>, TreeError> {
    let wanted = range.end.saturating_sub(range.start);
    let sql = "SELECT hash FROM node WHERE level = ?1 AND idx >= ?2 AND idx < ?3 ORDER BY idx";
    let mut statement = connection.prepare_cached(sql)?;
    let bounds = params![level, integer(range.start), integer(range.end)];
    let found = statement.query_map(bounds, |row| octets(row, 0).map(Hash::from_bytes))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    let is_whole = u64::try_from(found.len()) == Ok(wanted);
    is_whole.then_some(found).ok_or(TreeError::Damaged)
}

fn insert(connection: &Connection, level: u8, index: u64, hash: &Hash) -> Result<(), TreeError> {
    let sql = "INSERT INTO node(level, idx, hash) VALUES (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.execute(params![level, integer(index), hash.as_bytes()])?;
    Ok(())
}

/// Keeps a node that comes next in its level. One that is there must be the same; one that leaves a gap
/// is left out, and computed when it is asked for.
fn keep(connection: &Connection, node: &Node) -> Result<(), TreeError> {
    let Node { level, index, hash } = *node;
    let have = count(connection, level)?;
    if index < have {
        let kept = nodes(connection, level, index..index + 1)?;
        let is_same = kept.first() == Some(&hash);
        return is_same
            .then_some(())
            .ok_or(TreeError::Node { level, index });
    }
    if index == have && index < finished(connection, level)? {
        insert(connection, level, index, &hash)?;
    }
    Ok(())
}

/// How many nodes of a level the nodes below allow. Nothing lies below the lowest but leaves.
fn finished(connection: &Connection, level: u8) -> Result<u64, TreeError> {
    if level <= STRIDE {
        return Ok(u64::MAX);
    }
    Ok(count(connection, level - STRIDE)? / FANOUT)
}

/// Computes the nodes whose children are all there, level by level.
fn raise(connection: &Connection) -> Result<(), TreeError> {
    for level in build::levels_above(STRIDE) {
        let finished = finished(connection, level)?;
        for index in count(connection, level)?..finished {
            let children = index * FANOUT..(index + 1) * FANOUT;
            let hash = build::root_of(&nodes(connection, level - STRIDE, children)?);
            insert(connection, level, index, &hash)?;
        }
        if finished < FANOUT {
            break;
        }
    }
    Ok(())
}
