//! The index database's file: its tables, its mark, and what is written to it.

use ledger::Hash;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, OptionalExtension, params};

use super::carrier::CarrierRecord;
use super::fresh::{Fresh, FreshKind};
use crate::columns::{integer, natural};

/// The version of the tables. An index of another one is built anew.
const VERSION: i64 = 2;

const TABLES: &str = "
    CREATE TABLE message_subject(key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(key, seq))
        STRICT, WITHOUT ROWID;
    CREATE TABLE inbound_subject(key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(key, seq))
        STRICT, WITHOUT ROWID;
    CREATE TABLE carrier_id(key INTEGER NOT NULL, message INTEGER NOT NULL, segment INTEGER NOT NULL,
        PRIMARY KEY(key, message, segment)) STRICT, WITHOUT ROWID;
    CREATE TABLE mark(one INTEGER PRIMARY KEY, size INTEGER NOT NULL, leaf BLOB) STRICT;";

/// Up to where the ledger is indexed: everything that was committed before entry `size`. The leaf of
/// the entry before tells whether it is the same ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) size: u64,
    pub(crate) leaf: Option<Hash>,
}

/// Makes the tables in an empty file.
pub(crate) fn create(index: &Connection) -> rusqlite::Result<()> {
    index.execute_batch(&format!(
        "BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
    ))
}

/// The mark, when the tables are of this version and hold one.
pub(crate) fn mark(index: &Connection) -> rusqlite::Result<Option<Mark>> {
    let version: i64 = index.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Ok(None);
    }
    let found = index
        .prepare_cached("SELECT size, leaf FROM mark WHERE one = 1")?
        .query_row([], |row| {
            let leaf: Option<[u8; 32]> = row.get(1)?;
            Ok(Mark {
                size: natural(row, 0)?,
                leaf: leaf.map(Hash::from_bytes),
            })
        });
    found.optional()
}

/// What is merged in one transaction.
pub(crate) struct Batch<'a> {
    pub(crate) rows: &'a mut [Fresh],
    pub(crate) carrier_ids: &'a mut [CarrierRecord],
    /// `None` while the index is being built: it may not be searched before it has one.
    pub(crate) mark: Option<Mark>,
}

/// Merges a batch, sorted, so that each page is touched once.
pub(crate) fn merge(index: &mut Connection, batch: Batch<'_>) -> rusqlite::Result<()> {
    batch.rows.sort_unstable();
    batch.carrier_ids.sort_unstable();
    let transaction = index.transaction()?;
    {
        let mut messages =
            transaction.prepare_cached("INSERT OR IGNORE INTO message_subject VALUES (?1, ?2)")?;
        let mut inbounds =
            transaction.prepare_cached("INSERT OR IGNORE INTO inbound_subject VALUES (?1, ?2)")?;
        for row in batch.rows {
            let statement = match row.kind() {
                FreshKind::Message => &mut messages,
                FreshKind::Inbound => &mut inbounds,
            };
            statement.execute([row.key, row.sequence()])?;
        }
        let mut carrier_ids =
            transaction.prepare_cached("INSERT OR IGNORE INTO carrier_id VALUES (?1, ?2, ?3)")?;
        for record in batch.carrier_ids {
            carrier_ids.execute(params![record.key, integer(record.message), record.segment])?;
        }
        if let Some(mark) = batch.mark {
            let leaf = mark.leaf.as_ref().map(Hash::as_bytes);
            transaction.execute(
                "INSERT OR REPLACE INTO mark(one, size, leaf) VALUES (1, ?1, ?2)",
                params![integer(mark.size), leaf],
            )?;
        }
    }
    transaction.commit()
}

/// Takes records out again.
pub(crate) fn forget(index: &mut Connection, records: &[Fresh]) -> rusqlite::Result<()> {
    let transaction = index.transaction()?;
    for record in records {
        let sql = match record.kind() {
            FreshKind::Message => "DELETE FROM message_subject WHERE key = ?1 AND seq = ?2",
            FreshKind::Inbound => "DELETE FROM inbound_subject WHERE key = ?1 AND seq = ?2",
        };
        let mut statement = transaction.prepare_cached(sql)?;
        statement.execute([record.key, record.sequence()])?;
    }
    transaction.commit()
}

/// Whether a file has everything that was merged into it, synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It has.
    Wholly,
    /// A reader was in the way.
    Partly,
}

/// Copies the log into the file and syncs it.
pub(crate) fn settle(index: &Connection) -> rusqlite::Result<Settled> {
    let (frames, copied) = index.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE)?;
    Ok(if frames == copied {
        Settled::Wholly
    } else {
        Settled::Partly
    })
}
