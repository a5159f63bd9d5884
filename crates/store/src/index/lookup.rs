//! Searching with the index: first a snapshot of the main database, then the index, whose mark can only
//! be further on; what lies past the mark is in the snapshot's fresh records.

use rusqlite::Connection;

use super::fresh::{self, FreshKind, subject_key};
use super::{Health, indexer};
use crate::columns::integer;
use crate::embedded::Shared;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// In which table.
    pub(crate) kind: FreshKind,
    /// The number's blind index.
    pub(crate) subject: [u8; 16],
    /// Only rows below this sequence.
    pub(crate) below: i64,
    /// At most so many, the newest.
    pub(crate) rows_max: usize,
}

/// The sequences of rows that may be the subject's, newest first, without gaps. `None` when the index
/// cannot be used now. `snapshot` is an open transaction.
pub(crate) fn by_subject(
    shared: &Shared,
    snapshot: &Connection,
    wanted: Wanted,
) -> rusqlite::Result<Option<Vec<i64>>> {
    if shared.index.health() != Health::Ready {
        return Ok(None);
    }
    let trimmed = indexer::trimmed(snapshot)?;
    let found = shared.index.pool.with(|index| indexed(index, wanted));
    let (mark, mut sequences) = match found {
        Ok(Some((mark, sequences))) if mark >= trimmed => (mark, sequences),
        other => {
            if let Err(error) = other {
                tracing::warn!(reason = %error, "the index cannot be read");
            }
            if shared.index.health() == Health::Ready {
                shared.index.set_health(Health::Suspect);
            }
            return Ok(None);
        }
    };
    sequences.extend(past_mark(snapshot, mark, wanted)?);
    sequences.sort_unstable_by(|left, right| right.cmp(left));
    sequences.dedup();
    sequences.truncate(wanted.rows_max);
    Ok(Some(sequences))
}

/// The mark and what lies below it.
fn indexed(index: &mut Connection, wanted: Wanted) -> rusqlite::Result<Option<(u64, Vec<i64>)>> {
    let snapshot = index.transaction()?;
    let Some(mark) = super::file::mark(&snapshot)? else {
        return Ok(None);
    };
    let sql = match wanted.kind {
        FreshKind::Message => {
            "SELECT seq FROM message_subject WHERE key = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
        }
        FreshKind::Inbound => {
            "SELECT seq FROM inbound_subject WHERE key = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
        }
    };
    let rows_max = i64::try_from(wanted.rows_max).unwrap_or(i64::MAX);
    let mut statement = snapshot.prepare_cached(sql)?;
    let found = statement.query_map(
        [subject_key(wanted.subject), wanted.below, rows_max],
        |row| row.get(0),
    )?;
    let sequences = found.collect::<rusqlite::Result<Vec<i64>>>()?;
    Ok(Some((mark.size, sequences)))
}

fn past_mark(snapshot: &Connection, mark: u64, wanted: Wanted) -> rusqlite::Result<Vec<i64>> {
    let key = subject_key(wanted.subject);
    let mut sequences = Vec::new();
    let mut statement = snapshot.prepare_cached("SELECT rows FROM fresh WHERE first >= ?1")?;
    let mut found = statement.query([integer(mark)])?;
    while let Some(row) = found.next()? {
        let records = fresh::read(row.get_ref(0)?.as_blob()?);
        let mine = records.filter(|record| record.key == key && record.kind() == wanted.kind);
        sequences.extend(
            mine.map(fresh::Fresh::sequence)
                .filter(|seq| *seq < wanted.below),
        );
    }
    Ok(sequences)
}

/// The segments that the file knows under a carrier's key.
pub(crate) fn by_carrier_key(index: &Connection, key: i64) -> rusqlite::Result<Vec<(u64, u8)>> {
    let mut statement =
        index.prepare_cached("SELECT message, segment FROM carrier_id WHERE key = ?1 LIMIT 64")?;
    let found = statement.query_map([key], |row| {
        Ok((
            crate::columns::natural(row, 0)?,
            crate::columns::natural(row, 1)?,
        ))
    })?;
    found.collect()
}
