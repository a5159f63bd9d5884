//! The end of the ledger as the writer keeps it in memory: what the next entry follows.

use ledger::{Entry, Hash, Kind, leaf_hash};
use rusqlite::{Connection, OptionalExtension};

use crate::columns::natural;
use crate::open::OpenError;

/// What the next entry follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tail {
    /// Number of entries.
    pub(crate) size: u64,
    /// The number that the next entry of this node gets.
    pub(crate) next_node_seq: u64,
    /// The time of the last entry, in microseconds of UTC.
    pub(crate) time_micros: u64,
    /// The leaf of the last entry.
    pub(crate) leaf: Option<Hash>,
    /// The greatest sequence of any row.
    pub(crate) last_sequence: u64,
}

/// The end of a ledger on disk.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) tail: Tail,
    /// The kind of the last entry.
    pub(crate) last_kind: Option<Kind>,
}

/// Reads the end of the ledger and checks that the last entry is whole.
pub(crate) fn read(database: &Connection) -> Result<Found, OpenError> {
    let last = database
        .query_row(
            "SELECT idx, bytes, leaf FROM entry ORDER BY idx DESC LIMIT 1",
            [],
            |row| {
                Ok((
                    natural::<u64>(row, 0)?,
                    row.get::<_, Vec<u8>>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
                ))
            },
        )
        .optional()?;
    let last_sequence = last_sequence(database)?;
    let Some((index, bytes, leaf)) = last else {
        let tail = Tail {
            size: 0,
            next_node_seq: 0,
            time_micros: 0,
            leaf: None,
            last_sequence,
        };
        return Ok(Found {
            tail,
            last_kind: None,
        });
    };
    let hash = leaf_hash(&bytes);
    if leaf != hash.as_bytes() {
        return Err(OpenError::Damaged {
            index,
            what: "does not have its leaf hash",
        });
    }
    let damaged = OpenError::Damaged {
        index,
        what: "is not an entry as this gateway writes them",
    };
    let entry = Entry::parse(&bytes).map_err(|_| damaged)?;
    let tail = Tail {
        size: index + 1,
        next_node_seq: entry.node_seq + 1,
        time_micros: entry.time_micros,
        leaf: Some(hash),
        last_sequence,
    };
    Ok(Found {
        tail,
        last_kind: Some(entry.kind),
    })
}

/// The greatest row key of any table that is keyed by a sequence.
fn last_sequence(database: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT max(
        ifnull((SELECT max(seq) FROM message), 0), ifnull((SELECT max(seq) FROM inbound), 0),
        ifnull((SELECT max(seq) FROM part), 0), ifnull((SELECT max(seq) FROM unmatched), 0),
        ifnull((SELECT max(seq) FROM pumping), 0),
        ifnull((SELECT max(seq) FROM optout), 0), ifnull((SELECT max(seq) FROM client), 0),
        ifnull((SELECT max(seq) FROM verification), 0), ifnull((SELECT max(seq) FROM budget), 0),
        ifnull((SELECT max(seq) FROM factor), 0), ifnull((SELECT max(seq) FROM webhook), 0),
        ifnull((SELECT max(message) FROM idempotency), 0), ifnull((SELECT max(row) >> 2 FROM vault), 0))";
    database.query_row(sql, [], |row| natural(row, 0))
}
