//! The entry that tells of the restore, behind the ledger of the backup.

use domain::time::Timestamp;
use engine::Restored;
use ledger::{Frontier, Hash, NodeName, Stamp, leaf_hash};
use rusqlite::{Connection, OptionalExtension, params};

use crate::columns::{integer, natural, octets};
use crate::open::OpenError;
use crate::shrink;
use crate::tail;

/// Who restores, and when.
#[derive(Clone, Copy, Debug)]
pub struct RestoredBy<'a> {
    /// The login name of the user.
    pub user: &'a str,
    /// The time of the entry; not before that of the last one.
    pub at: Timestamp,
}

/// Appends the entry, in the epoch that the store is in. A store that never began to write has no node to
/// write it.
pub(super) fn append(
    database: &Connection,
    by: &RestoredBy<'_>,
    bytes: u64,
) -> Result<(), OpenError> {
    let Some(node) = node(database)? else {
        return Ok(());
    };
    let epoch = database.query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| {
        natural(row, 0)
    })?;
    let tail = tail::read(database)?.tail;
    let root = root(database)?;
    let restored = Restored {
        user: by.user,
        octets: bytes,
        entries: tail.size,
        root: &root,
    };
    let stamp = Stamp {
        node: &node,
        epoch,
        node_seq: tail.next_node_seq,
        time_micros: tail.time_micros.max(by.at.micros()),
    };
    let mut entry = Vec::new();
    restored.entry().finish_into(&stamp, &mut entry);
    let leaf = leaf_hash(&entry);
    database.execute(
        "INSERT INTO entry(idx, bytes, leaf) VALUES (?1, ?2, ?3)",
        params![integer(tail.size), entry, leaf.as_bytes()],
    )?;
    Ok(())
}

fn node(database: &Connection) -> rusqlite::Result<Option<NodeName>> {
    let name: Option<String> = database
        .query_row("SELECT value FROM meta WHERE name = 'node'", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(name.and_then(|name| NodeName::parse(&name).ok()))
}

fn root(database: &Connection) -> rusqlite::Result<Hash> {
    let mut frontier = Frontier::new();
    shrink::each_dropped(database, |leaf| frontier.append(leaf))?;
    let mut statement = database.prepare("SELECT leaf FROM entry ORDER BY idx")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        frontier.append(Hash::from_bytes(octets(row, 0)?));
    }
    Ok(frontier.root())
}
