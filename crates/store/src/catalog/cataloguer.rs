//! The thread that keeps the catalogue up to date, and builds it when it is missing or wrong.

use std::sync::Arc;

use ledger::Hash;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::Task;
use super::blocks::FANOUT;
use super::digest::{Digest, Triples};
use super::file::{self, Batch, Mark};
use crate::columns::{integer, natural, octets};
use crate::connect::{self, Role};
use crate::embedded::Shared;
use crate::index::Health;
use crate::index::file::settle;

/// Why the catalogue is not up to date.
#[derive(Debug, thiserror::Error)]
enum CatalogError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    File(#[from] std::io::Error),
    #[error("the catalogue belongs to another ledger")]
    Stranger,
}

/// The file, open for writing.
struct Writer {
    file: Connection,
    triples: Triples,
}

/// The thread's work.
pub(crate) fn run(shared: &Arc<Shared>) {
    let opened = open_or_rebuild(shared).map_err(|error| report(shared, &error));
    let mut open = opened.ok();
    loop {
        let writer = open.take();
        let done = match shared.catalog.wait() {
            Task::TakeIn => take_in(shared, writer),
            Task::Rebuild => {
                drop(writer);
                rebuild(shared)
            }
            Task::Stop => {
                shared.catalog.pool.close();
                return;
            }
        };
        match done {
            Ok(writer) => open = Some(writer),
            Err(error) => report(shared, &error),
        }
    }
}

/// Opens the catalogue that is there, or makes an empty one.
fn open_or_rebuild(shared: &Shared) -> Result<Writer, CatalogError> {
    match open_existing(shared) {
        // The store cannot say whether it fits.
        Err(error) if !shared.is_available() => Err(error),
        Err(error) => {
            tracing::info!(reason = %error, "building the catalogue of the ledger");
            rebuild(shared)
        }
        opened => opened,
    }
}

fn report(shared: &Shared, error: &CatalogError) {
    // While the store is closed or has failed, its catalogue is not to blame.
    if shared.is_available() {
        tracing::warn!(reason = %error, "the catalogue is not up to date; searching without it");
    }
    shared.catalog.pool.close();
    shared.catalog.set_health(Health::Building);
}

fn open_existing(shared: &Shared) -> Result<Writer, CatalogError> {
    let durability = shared.config.durability;
    let file = connect::open(&shared.folder.catalog(), Role::IndexWriter, durability)?;
    let mark = file::mark(&file)?.ok_or(CatalogError::Stranger)?;
    let fits = mark.blocks.saturating_mul(FANOUT) <= shared.size()
        && shared
            .readers
            .with(|main| Ok(mark.leaf == last_leaf(main, mark.blocks)?))?;
    if !fits {
        return Err(CatalogError::Stranger);
    }
    open_for_reading(shared, file, mark)
}

/// Makes an empty catalogue. It can be searched at once: what is not in it is looked at in the ledger.
fn rebuild(shared: &Shared) -> Result<Writer, CatalogError> {
    shared.catalog.set_health(Health::Building);
    shared.catalog.pool.close();
    shared.folder.remove_catalog()?;
    shared.folder.prepare_catalog()?;
    let durability = shared.config.durability;
    let file = connect::open(&shared.folder.catalog(), Role::IndexWriter, durability)?;
    file::create(&file)?;
    let writer = open_for_reading(shared, file, Mark::EMPTY)?;
    shared.catalog.nudge();
    Ok(writer)
}

fn open_for_reading(shared: &Shared, file: Connection, mark: Mark) -> Result<Writer, CatalogError> {
    let triples = Triples::of(file::triples(&file, mark)?);
    shared.catalog.pool.open();
    shared.catalog.holds(mark.blocks);
    shared.catalog.set_health(Health::Ready);
    Ok(Writer { file, triples })
}

/// Takes in every full block that is not in it.
fn take_in(shared: &Shared, open: Option<Writer>) -> Result<Writer, CatalogError> {
    let mut writer = match open {
        Some(writer) => writer,
        None => open_or_rebuild(shared)?,
    };
    let mark = file::mark(&writer.file)?.ok_or(CatalogError::Stranger)?;
    let mut first = mark.blocks;
    loop {
        let full = shared.size() / FANOUT;
        let end = full.min(first + shared.catalog.batch_blocks);
        if first >= end || shared.catalog.is_stopped() {
            return Ok(writer);
        }
        let batch = read(shared, first..end, &mut writer.triples)?;
        file::write(&mut writer.file, batch, &mut writer.triples)?;
        settle(&writer.file)?;
        shared.catalog.holds(end);
        first = end;
    }
}

/// Reads the blocks of a range, from memory where they are there still. Entries that are not there any more are
/// left out.
fn read(
    shared: &Shared,
    blocks: std::ops::Range<u64>,
    triples: &mut Triples,
) -> Result<Batch, CatalogError> {
    let mut digests: Vec<Digest> = blocks.clone().map(|_| Digest::new()).collect();
    let first = blocks.start * FANOUT;
    let mut add = |index: u64, entry: &[u8]| {
        let place = usize::try_from((index - first) / FANOUT).unwrap_or(usize::MAX);
        if let Some(digest) = digests.get_mut(place) {
            digest.add(entry, triples);
        }
    };
    let leaf = match recent(shared, &blocks) {
        Some((entries, leaf)) => {
            (first..)
                .zip(entries)
                .for_each(|(index, entry)| add(index, &entry));
            Some(leaf)
        }
        None => shared.readers.with(|main| {
            let sql = "SELECT idx, bytes FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx";
            let mut statement = main.prepare_cached(sql)?;
            let bounds = [first, blocks.end * FANOUT].map(integer);
            let mut rows = statement.query(bounds)?;
            while let Some(row) = rows.next()? {
                if let ValueRef::Blob(entry) = row.get_ref(1)? {
                    add(natural(row, 0)?, entry);
                }
            }
            last_leaf(main, blocks.end)
        })?,
    };
    let mark = Mark {
        blocks: blocks.end,
        triples: triples.count(),
        leaf,
    };
    Ok(Batch {
        first: blocks.start,
        digests: digests.into_iter().map(Digest::finish).collect(),
        mark,
    })
}

/// The entries of these blocks and the leaf of the last of them, if all are in memory.
fn recent(shared: &Shared, blocks: &std::ops::Range<u64>) -> Option<(Vec<Vec<u8>>, Hash)> {
    let first = blocks.start * FANOUT;
    let count = usize::try_from(blocks.end * FANOUT - first).ok()?;
    let entries = shared.recent.entries(first, count)?;
    let leaf = shared.recent.stamps(blocks.end * FANOUT - 1, 1)?.pop()?.1;
    (entries.len() == count).then_some((entries, leaf))
}

/// The leaf of the last entry of so many blocks.
fn last_leaf(main: &Connection, blocks: u64) -> rusqlite::Result<Option<Hash>> {
    let Some(last) = blocks.saturating_mul(FANOUT).checked_sub(1) else {
        return Ok(None);
    };
    let sql = "SELECT leaf FROM entry WHERE idx = ?1";
    let leaf = main
        .query_row(sql, [integer(last)], |row| octets::<32>(row, 0))
        .optional()?;
    Ok(leaf.map(Hash::from_bytes))
}
