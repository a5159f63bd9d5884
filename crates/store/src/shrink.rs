//! Shrinking the ledger up to its minimum index: whole tiles of entries become their leaf hashes, oldest
//! first, a bounded number at a time between two groups. What goes becomes free pages of the file.

use std::ops::Range;
use std::sync::mpsc::sync_channel;

use engine::ports::Pruning;
use engine::ports::store::ReadError;
use ledger::Hash;
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::{integer, natural, octets, unreadable};
use crate::embedded::Embedded;
use crate::queue::Job;

/// Entries of a tile (C2SP tlog-tiles).
pub(crate) const TILE: u64 = 256;
/// Tiles of one step: some megabytes of entries, so that no commit waits long behind it.
const TILES_A_STEP: u64 = 16;
/// Octets of a leaf hash.
const LEAF: usize = 32;

/// The minimum index in force; 0 when nothing was pruned.
pub(crate) fn minimum(database: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT value FROM meta WHERE name = 'minimum'";
    let mut statement = database.prepare_cached(sql)?;
    let found = statement.query_row([], |row| natural(row, 0));
    Ok(found.optional()?.unwrap_or(0))
}

/// The minimum index in force, and one step towards it. Gives how many entries below it are left.
pub(crate) fn step(database: &Connection) -> rusqlite::Result<u64> {
    let minimum = minimum(database)?;
    let first: Option<u64> = database
        .prepare_cached("SELECT idx FROM entry ORDER BY idx LIMIT 1")?
        .query_row([], |row| natural(row, 0))
        .optional()?;
    let first = first.unwrap_or(0);
    if first >= minimum {
        return Ok(0);
    }
    let tiles = first / TILE..(minimum / TILE).min(first / TILE + TILES_A_STEP);
    let transaction = database.unchecked_transaction()?;
    for tile in tiles.clone() {
        drop_tile(&transaction, tile)?;
    }
    // A snapshot that the one in force has replaced.
    let sql = "DELETE FROM snapshot WHERE minimum < ?1";
    transaction.execute(sql, [integer(minimum)])?;
    transaction.commit()?;
    Ok(minimum - (tiles.end * TILE).min(minimum))
}

fn drop_tile(database: &Connection, tile: u64) -> rusqlite::Result<()> {
    let range = [integer(tile * TILE), integer((tile + 1) * TILE)];
    let sql = "SELECT leaf FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query(range)?;
    let mut leaves: Vec<u8> = Vec::new();
    while let Some(row) = rows.next()? {
        leaves.extend_from_slice(&octets::<LEAF>(row, 0)?);
    }
    if u64::try_from(leaves.len() / LEAF) != Ok(TILE) {
        return Err(unreadable(0, format!("tile {tile} is not whole").into()));
    }
    let keep = "INSERT INTO pruned(tile, leaves) VALUES (?1, ?2)";
    database
        .prepare_cached(keep)?
        .execute(params![integer(tile), leaves])?;
    let drop = "DELETE FROM entry WHERE idx >= ?1 AND idx < ?2";
    database.prepare_cached(drop)?.execute(range)?;
    Ok(())
}

/// The leaf hashes of a range as far as their entries are dropped; they are the oldest.
pub(crate) fn leaves(database: &Connection, wanted: &Range<u64>) -> rusqlite::Result<Vec<Hash>> {
    let sql = "SELECT tile, leaves FROM pruned WHERE tile >= ?1 AND tile < ?2 ORDER BY tile";
    let mut statement = database.prepare_cached(sql)?;
    let tiles = [
        integer(wanted.start / TILE),
        integer(wanted.end.div_ceil(TILE)),
    ];
    let mut rows = statement.query(tiles)?;
    let mut found = Vec::new();
    let mut next = wanted.start;
    while let Some(row) = rows.next()? {
        let tile: u64 = natural(row, 0)?;
        let leaves = row.get_ref(1)?.as_blob()?;
        if tile != next / TILE || u64::try_from(leaves.len() / LEAF) != Ok(TILE) {
            return Err(unreadable(1, format!("tile {tile} is not whole").into()));
        }
        let end = wanted.end.min((tile + 1) * TILE);
        let skipped = usize::try_from(next - tile * TILE).unwrap_or(usize::MAX);
        let taken = usize::try_from(end - next).unwrap_or(0);
        let (hashes, _) = leaves.as_chunks::<LEAF>();
        found.extend(
            hashes
                .iter()
                .skip(skipped)
                .take(taken)
                .copied()
                .map(Hash::from_bytes),
        );
        next = end;
    }
    Ok(found)
}

/// Every leaf hash whose entry is dropped, oldest first. A database from before entries could be pruned
/// has none.
pub(crate) fn each_dropped(
    database: &Connection,
    mut each: impl FnMut(Hash),
) -> rusqlite::Result<()> {
    if !database.table_exists(None, "pruned")? {
        return Ok(());
    }
    let mut statement = database.prepare("SELECT leaves FROM pruned ORDER BY tile")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (hashes, _) = row.get_ref(0)?.as_blob()?.as_chunks::<LEAF>();
        hashes
            .iter()
            .copied()
            .map(Hash::from_bytes)
            .for_each(&mut each);
    }
    Ok(())
}

/// Keeps a part of a snapshot.
pub(crate) fn keep_part(
    database: &Connection,
    (minimum, part): (u64, u32),
    sealed: &[u8],
) -> rusqlite::Result<()> {
    let transaction = database.unchecked_transaction()?;
    if part == 0 {
        let sql = "DELETE FROM snapshot WHERE minimum <> ?1";
        transaction.execute(sql, [integer(self::minimum(&transaction)?)])?;
    }
    let sql = "INSERT OR REPLACE INTO snapshot(minimum, part, sealed) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, params![integer(minimum), part, sealed])?;
    transaction.commit()
}

/// A part of the snapshot before the minimum in force.
pub(crate) fn part(database: &Connection, part: u32) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT sealed FROM snapshot WHERE minimum = ?1 AND part = ?2";
    let minimum = integer(minimum(database)?);
    let mut statement = database.prepare_cached(sql)?;
    let found = statement.query_row(params![minimum, part], |row| row.get(0));
    found.optional()
}

impl Pruning for Embedded {
    fn keep_part(&self, minimum: u64, part: u32, sealed: Vec<u8>) -> Result<(), ReadError> {
        let (done, answer) = sync_channel(1);
        self.shared.queue.push(Job::KeepPart {
            place: (minimum, part),
            sealed,
            done,
        });
        answer.recv().map_err(away)
    }

    fn drop_some(&self) -> Result<u64, ReadError> {
        let (done, answer) = sync_channel(1);
        self.shared.queue.push(Job::Shrink(done));
        answer.recv().map_err(away)
    }
}

/// The writer dropped the job: it has failed, or is gone.
fn away(_: std::sync::mpsc::RecvError) -> ReadError {
    ReadError::Failed("the store is not available".to_owned())
}
