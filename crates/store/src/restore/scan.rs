//! Reads a whole ledger once, an entry at a time, for the first place where it is not as a store wrote
//! it. It needs no key, so it cannot tell a ledger that was forged with care: checkpoints do that.

use ledger::entry::skim::{Skimmed, skim};
use ledger::leaf_hash;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::columns::natural;
use crate::shrink;

/// Where a ledger is broken, and how.
pub(super) type Broken = (u64, &'static str);

/// What the next entry follows. A folder belongs to one node, so there is one row of numbers.
struct Last {
    node: String,
    epoch: u64,
    node_seq: u64,
    time_micros: u64,
}

/// The first entry that is not what or where it should be. Memory is bounded by the largest entry.
pub(super) fn first_broken(database: &Connection) -> rusqlite::Result<Option<Broken>> {
    let mut index = match pruned(database)? {
        Ok(index) => index,
        Err(broken) => return Ok(Some(broken)),
    };
    let mut statement = database.prepare("SELECT idx, bytes, leaf FROM entry ORDER BY idx")?;
    let mut rows = statement.query([])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        match step(row, index, last.as_ref())? {
            Ok(entry) => last = Some(entry),
            Err(what) => return Ok(Some((index, what))),
        }
        index += 1;
    }
    let Some(last) = last else { return Ok(None) };
    let broken = against_meta(database, &last)?;
    Ok(broken.map(|what| (index - 1, what)))
}

/// The index of the first entry that was not dropped by a pruning. Whole tiles are, from the first on,
/// and none at or above the minimum.
fn pruned(database: &Connection) -> rusqlite::Result<Result<u64, Broken>> {
    // A backup from before entries were ever pruned has no such table.
    if !database.table_exists(None, "pruned")? {
        return Ok(Ok(0));
    }
    let sql = "SELECT tile, length(leaves) FROM pruned ORDER BY tile";
    let mut statement = database.prepare(sql)?;
    let minimum = shrink::minimum(database)?;
    let mut rows = statement.query([])?;
    let mut tiles = 0;
    while let Some(row) = rows.next()? {
        let (tile, length): (u64, u64) = (natural(row, 0)?, natural(row, 1)?);
        if tile != tiles || length != shrink::TILE * 32 {
            return Ok(Err((
                tiles * shrink::TILE,
                "was pruned without its leaf hash",
            )));
        }
        tiles += 1;
    }
    let first = tiles * shrink::TILE;
    if first > minimum {
        return Ok(Err((minimum, "was pruned above the minimum index")));
    }
    Ok(Ok(first))
}

/// One entry behind the one before.
fn step(
    row: &Row<'_>,
    index: u64,
    last: Option<&Last>,
) -> rusqlite::Result<Result<Last, &'static str>> {
    let found: i64 = row.get(0)?;
    if u64::try_from(found) != Ok(index) {
        return Ok(Err("is missing"));
    }
    let bytes = row.get_ref(1)?.as_blob()?;
    if row.get_ref(2)?.as_blob()? != leaf_hash(bytes).as_bytes() {
        return Ok(Err("does not have its leaf hash"));
    }
    let Ok(entry) = skim(bytes) else {
        return Ok(Err("is not an entry as this gateway writes them"));
    };
    Ok(match against_last(&entry, index, last) {
        Some(what) => Err(what),
        None => Ok(Last {
            node: entry.node.into_owned(),
            epoch: entry.epoch,
            node_seq: entry.node_seq,
            time_micros: entry.time_micros,
        }),
    })
}

/// A folder belongs to one node, so that the first number of a pruned ledger is its index.
fn against_last(entry: &Skimmed<'_>, index: u64, last: Option<&Last>) -> Option<&'static str> {
    let due = last.map_or(index, |last| last.node_seq.saturating_add(1));
    if last.is_some_and(|last| last.node != entry.node) {
        Some("is of another node")
    } else if entry.node_seq != due {
        Some("does not have the next number of its node")
    } else if last.is_some_and(|last| entry.epoch < last.epoch) {
        Some("goes back to an earlier epoch")
    } else if last.is_some_and(|last| entry.time_micros < last.time_micros) {
        Some("goes back in time")
    } else {
        None
    }
}

/// The store's own record of its node and epoch, which the next opening counts on from.
fn against_meta(database: &Connection, last: &Last) -> rusqlite::Result<Option<&'static str>> {
    let node: Option<String> = database
        .query_row("SELECT value FROM meta WHERE name = 'node'", [], |row| {
            row.get(0)
        })
        .optional()?;
    let epoch: Option<u64> = database
        .query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| {
            natural(row, 0)
        })
        .optional()?;
    Ok(if node.as_deref() != Some(&last.node) {
        Some("is of another node than the backup")
    } else if epoch.is_none_or(|epoch| epoch < last.epoch) {
        Some("is of a later epoch than the backup")
    } else {
        None
    })
}
