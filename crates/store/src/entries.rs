//! Reading the ledger's entries: always from the main database, and only what is durable.

use ledger::Hash;
use rusqlite::{Connection, Row};

use crate::columns::{integer, natural, octets, unreadable};
use crate::embedded::Shared;

/// The leaf hashes from `from` on, at most `most`.
pub(crate) fn leaves(shared: &Shared, from: u64, most: usize) -> rusqlite::Result<Vec<Hash>> {
    let sql = "SELECT idx, leaf FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
    durable(shared, sql, from, most, |row| {
        octets(row, 1).map(Hash::from_bytes)
    })
}

/// The entries from `from` on, at most `most`.
pub(crate) fn entries(shared: &Shared, from: u64, most: usize) -> rusqlite::Result<Vec<Vec<u8>>> {
    durable(shared, BYTES, from, most, |row| row.get(1))
}

const BYTES: &str = "SELECT idx, bytes FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";

/// The entries of a range as one transaction sees them, durable or not.
pub(crate) fn bytes_of(
    database: &Connection,
    wanted: std::ops::Range<u64>,
) -> rusqlite::Result<Vec<Vec<u8>>> {
    range(database, BYTES, wanted, |row| row.get(1))
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

fn durable<T>(
    shared: &Shared,
    sql: &str,
    from: u64,
    most: usize,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let end = shared.size().min(from.saturating_add(most));
    if from >= end {
        return Ok(Vec::new());
    }
    shared
        .readers
        .with(|database| range(database, sql, from..end, &read))
}

/// The rows of a range, which has no gap: a ledger with one is not to be proved from.
fn range<T>(
    database: &Connection,
    sql: &str,
    wanted: std::ops::Range<u64>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = database.prepare_cached(sql)?;
    let mut rows = statement.query([integer(wanted.start), integer(wanted.end)])?;
    let mut found = Vec::new();
    for index in wanted {
        let row = rows.next()?;
        let row = row.filter(|row| natural(row, 0).is_ok_and(|found: u64| found == index));
        let missing = || unreadable(0, format!("ledger entry {index} is missing").into());
        found.push(read(row.ok_or_else(missing)?)?);
    }
    Ok(found)
}
