//! Reading the ledger's entries: always from the main database, and only what is durable.

use std::ops::Range;

use ledger::Hash;
use rusqlite::{Connection, Row};

use crate::columns::{Hole, integer, natural, octets, unreadable};
use crate::embedded::Shared;
use crate::recent::TimedLeaf;
use crate::shrink;

/// The leaf hashes from `from` on, at most `most`.
pub(crate) fn leaves(shared: &Shared, from: u64, most: usize) -> rusqlite::Result<Vec<Hash>> {
    let Some(wanted) = durable(shared, from, most) else {
        return Ok(Vec::new());
    };
    let most = usize::try_from(wanted.end - wanted.start).unwrap_or(usize::MAX);
    if let Some(found) = shared.recent.stamps(wanted.start, most) {
        return Ok(found.into_iter().map(|(_, leaf)| leaf).collect());
    }
    shared.readers.with(|database| {
        // Dropping moves hashes from one table to the other: both are read at one moment.
        let moment = database.transaction()?;
        let mut found = shrink::leaves(&moment, &wanted)?;
        let rest = wanted.start + u64::try_from(found.len()).unwrap_or(u64::MAX)..wanted.end;
        found.extend(leaves_of(&moment, rest)?);
        Ok(found)
    })
}

/// Times and leaf hashes of entries from `from` on that are in memory, at most `most`.
pub(crate) fn stamps(shared: &Shared, from: u64, most: usize) -> Vec<TimedLeaf> {
    let Some(wanted) = durable(shared, from, most) else {
        return Vec::new();
    };
    let most = usize::try_from(wanted.end - wanted.start).unwrap_or(usize::MAX);
    let found = shared.recent.stamps(wanted.start, most);
    found.unwrap_or_default()
}

/// The entries from `from` on, at most `most`.
pub(crate) fn entries(shared: &Shared, from: u64, most: usize) -> rusqlite::Result<Vec<Vec<u8>>> {
    let Some(wanted) = durable(shared, from, most) else {
        return Ok(Vec::new());
    };
    let most = usize::try_from(wanted.end - wanted.start).unwrap_or(usize::MAX);
    if let Some(found) = shared.recent.entries(wanted.start, most) {
        return Ok(found);
    }
    shared.readers.with(|database| bytes_of(database, wanted))
}

const LEAVES: &str = "SELECT idx, leaf FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
const BYTES: &str = "SELECT idx, bytes FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";

/// The entries of a range as one transaction sees them, durable or not.
pub(crate) fn bytes_of(
    database: &Connection,
    wanted: Range<u64>,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    range(database, BYTES, wanted, |row| row.get(1))
}

/// The leaf hashes that lie beside the entries of a range, as one transaction sees them.
pub(crate) fn leaves_of(database: &Connection, wanted: Range<u64>) -> rusqlite::Result<Vec<Hash>> {
    range(database, LEAVES, wanted, |row| {
        octets(row, 1).map(Hash::from_bytes)
    })
}

/// The index of the first entry of the commit that wrote a message or inbound message; `None` for one
/// that is not there, and for one from before this was written down.
pub(crate) fn of_sequence(shared: &Shared, sequence: u64) -> rusqlite::Result<Option<u64>> {
    let size = shared.size();
    let sql = "SELECT entry FROM message WHERE seq = ?1
        UNION ALL SELECT entry FROM inbound WHERE seq = ?1";
    let found = shared.readers.with(|database| {
        let mut statement = database.prepare_cached(sql)?;
        let rows = statement.query_map([integer(sequence)], |row| row.get::<_, Option<i64>>(0))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    })?;
    let indices = found.into_iter().flatten();
    Ok(indices
        .filter_map(|index| u64::try_from(index).ok())
        .find(|index| *index < size))
}

/// What is durable of a page; `None` when nothing is.
fn durable(shared: &Shared, from: u64, most: usize) -> Option<Range<u64>> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let end = shared.size().min(from.saturating_add(most));
    (from < end).then_some(from..end)
}

/// The rows of a range, which has no gap: a ledger with one is not to be proved from.
fn range<T>(
    database: &Connection,
    sql: &str,
    wanted: Range<u64>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query([integer(wanted.start), integer(wanted.end)])?;
    let mut found = Vec::new();
    for index in wanted {
        let row = rows.next()?;
        let row = row.filter(|row| natural(row, 0).is_ok_and(|found: u64| found == index));
        let Some(row) = row else {
            return Err(missing(database, index));
        };
        found.push(read(row)?);
    }
    Ok(found)
}

fn missing(database: &Connection, index: u64) -> rusqlite::Error {
    let is_pruned = shrink::minimum(database).is_ok_and(|minimum| index < minimum);
    if is_pruned {
        unreadable(0, format!("ledger entry {index} was pruned").into())
    } else {
        unreadable(0, Box::new(Hole(index)))
    }
}
