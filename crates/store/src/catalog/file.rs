//! The catalogue's file: its tables, its mark, and what is written to it.
//!
//! What has filled a segment lies by what is asked for: triples by the blocks they occur in, hashes in
//! 256 buckets, so that a search reads a few octets of each segment. The blocks of the last segment,
//! which is not full, lie one by one.

use std::collections::BTreeMap;

use ledger::Hash;
use rusqlite::{Connection, OptionalExtension, params};

use super::blocks::{BlockSet, FANOUT, place_of};
use super::digest::{Digest, Times, Triples};
use super::record::{self, Numbers, Table, damaged};
use super::span::{Span, TripleSet};
use crate::columns::{integer, natural};

/// The version of the tables. A catalogue of another one is built anew.
const VERSION: i64 = 2;

const TABLES: &str = "
    CREATE TABLE mark(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE triple(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE block(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE span(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE times(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE bucket(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
    CREATE TABLE posting(triple INTEGER NOT NULL, segment INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY(triple, segment)) STRICT, WITHOUT ROWID;";

/// The key of the one mark.
const MARK: u64 = 1;

/// Up to where the ledger is catalogued. The leaf of the last entry tells whether it is the same ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Blocks that are in the catalogue.
    pub(crate) blocks: u64,
    /// Triples that are in it, numbered from 0 without a gap.
    pub(crate) triples: u32,
    /// `None` before the first block.
    pub(crate) leaf: Option<Hash>,
}

/// Blocks to be written, in order.
pub(crate) struct Batch {
    /// The number of the first.
    pub(crate) first: u64,
    /// What they are.
    pub(crate) digests: Vec<Digest>,
    /// The mark behind them.
    pub(crate) mark: Mark,
}

/// Makes the tables in an empty file.
pub(crate) fn create(catalog: &Connection) -> rusqlite::Result<()> {
    catalog.execute_batch("BEGIN;")?;
    catalog.execute_batch(TABLES)?;
    put(catalog, Table::Mark, MARK, Mark::EMPTY.to_octets())?;
    catalog.execute_batch(&format!("PRAGMA user_version = {VERSION}; COMMIT;"))
}

/// The mark, when the tables are of this version.
pub(crate) fn mark(catalog: &Connection) -> rusqlite::Result<Option<Mark>> {
    let version: i64 = catalog.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Ok(None);
    }
    let content = get(catalog, Table::Mark, MARK)?.ok_or_else(damaged)?;
    Mark::of_octets(&content).map(Some)
}

/// The triples with their numbers: so many as the mark says, and none may be missing.
pub(crate) fn triples(catalog: &Connection, mark: Mark) -> rusqlite::Result<Vec<(u32, Vec<u8>)>> {
    let found = there(catalog, Table::Triple, (0, u64::MAX))?;
    let wanted = (0..u64::from(mark.triples)).rev();
    if !wanted.eq(found.iter().map(|(id, _)| *id)) {
        return Err(damaged());
    }
    let number = |id: u64| u32::try_from(id).map_err(|_| damaged());
    let numbered = found.into_iter().map(|(id, text)| Ok((number(id)?, text)));
    numbered.collect()
}

/// Writes a batch in one transaction.
pub(crate) fn write(
    catalog: &mut Connection,
    batch: Batch,
    triples: &mut Triples,
) -> rusqlite::Result<()> {
    let transaction = catalog.transaction()?;
    for (number, text) in triples.take_fresh() {
        put(&transaction, Table::Triple, number.into(), text)?;
    }
    for (block, digest) in (batch.first..).zip(batch.digests) {
        put(&transaction, Table::Block, block, digest.to_octets())?;
        if block % FANOUT == FANOUT - 1 {
            finish_segment(&transaction, block / FANOUT)?;
        }
    }
    put(&transaction, Table::Mark, MARK, batch.mark.to_octets())?;
    transaction.commit()
}

/// Turns the blocks of a full segment into what is searched quickly.
fn finish_segment(catalog: &Connection, segment: u64) -> rusqlite::Result<()> {
    let (first, last) = (segment * FANOUT, segment * FANOUT + FANOUT - 1);
    let mut full = Segment::new();
    let blocks = range(catalog, Table::Block, (first, last))?;
    for (block, content) in blocks.into_iter().rev() {
        full.add(place_of(block), &Digest::of_octets(&content)?);
    }
    let span = Span {
        times: full.span,
        triples: TripleSet::of(full.triples.keys().copied()),
    };
    put(catalog, Table::Span, segment, span.to_octets())?;
    put(catalog, Table::Times, segment, full.times)?;
    for (triple, blocks) in full.triples {
        let keys = [u64::from(triple), segment];
        let body = record::close(Table::Posting, &keys, blocks.to_octets());
        catalog
            .prepare_cached("INSERT OR REPLACE INTO posting VALUES (?1, ?2, ?3)")?
            .execute(params![triple, integer(segment), body])?;
    }
    for bucket in 0..FANOUT {
        let mut hashes = full.buckets.remove(&bucket).unwrap_or_default();
        hashes.sort_unstable();
        let content = hashes.into_iter().flat_map(u32::to_be_bytes).collect();
        put(catalog, Table::Bucket, segment * FANOUT + bucket, content)?;
    }
    catalog
        .prepare_cached("DELETE FROM block WHERE id >= ?1 AND id <= ?2")?
        .execute([integer(first), integer(last)])?;
    Ok(())
}

/// A segment that is full.
struct Segment {
    span: Times,
    /// Of each block, as octets.
    times: Vec<u8>,
    triples: BTreeMap<u32, BlockSet>,
    /// By bucket, what [`bucket_of`] leaves of a hash, with the place of the block.
    buckets: BTreeMap<u64, Vec<u32>>,
}

impl Segment {
    const fn new() -> Self {
        Self {
            span: Times::NONE,
            times: Vec::new(),
            triples: BTreeMap::new(),
            buckets: BTreeMap::new(),
        }
    }

    fn add(&mut self, place: u8, digest: &Digest) {
        self.span.widen(digest.times);
        self.times.extend(digest.times.to_octets());
        for triple in &digest.triples {
            self.triples.entry(*triple).or_default().insert(place);
        }
        for hash in &digest.hashes {
            let (bucket, rest) = bucket_of(*hash);
            let records = self.buckets.entry(bucket).or_default();
            records.push(rest | u32::from(place));
        }
    }
}

/// In which bucket of its segment a hash lies, and what is left of it there: its lowest octet is
/// free for the place of the block.
pub(crate) fn bucket_of(hash: u32) -> (u64, u32) {
    (u64::from(hash >> 24), hash << 8)
}

impl Mark {
    /// That of an empty catalogue.
    pub(crate) const EMPTY: Self = Self {
        blocks: 0,
        triples: 0,
        leaf: None,
    };

    fn to_octets(self) -> Vec<u8> {
        let leaf = self.leaf.iter().flat_map(|leaf| *leaf.as_bytes());
        let blocks = self.blocks.to_be_bytes().into_iter();
        let numbers = blocks.chain(self.triples.to_be_bytes());
        numbers.chain(leaf).collect()
    }

    fn of_octets(octets: &[u8]) -> rusqlite::Result<Self> {
        let mut numbers = Numbers(octets);
        let blocks = numbers.long()?;
        let triples = numbers.short()?;
        let leaf = match numbers.0 {
            [] => None,
            leaf => Some(
                leaf.try_into()
                    .map(Hash::from_bytes)
                    .map_err(|_| damaged())?,
            ),
        };
        Ok(Self {
            blocks,
            triples,
            leaf,
        })
    }
}

/// The content of a row.
pub(crate) fn get(
    catalog: &Connection,
    table: Table,
    id: u64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = format!("SELECT body FROM {} WHERE id = ?1", table.name());
    let mut statement = catalog.prepare_cached(&sql)?;
    let found = statement.query_row([integer(id)], |row| {
        let body = row.get_ref(0)?.as_blob()?;
        record::open(table, &[id], body).map(<[u8]>::to_vec)
    });
    found.optional()
}

/// The contents of the rows from the first to the last, the newest first. None may be missing.
pub(crate) fn range(
    catalog: &Connection,
    table: Table,
    (first, last): (u64, u64),
) -> rusqlite::Result<Vec<(u64, Vec<u8>)>> {
    let found = there(catalog, table, (first, last))?;
    let wanted = (last + 1).saturating_sub(first);
    let is_whole = u64::try_from(found.len()) == Ok(wanted);
    is_whole.then_some(found).ok_or_else(damaged)
}

/// The contents of those rows that are there.
fn there(
    catalog: &Connection,
    table: Table,
    (first, last): (u64, u64),
) -> rusqlite::Result<Vec<(u64, Vec<u8>)>> {
    let sql = format!(
        "SELECT id, body FROM {} WHERE id >= ?1 AND id <= ?2 ORDER BY id DESC",
        table.name()
    );
    let mut statement = catalog.prepare_cached(&sql)?;
    let found = statement.query_map([integer(first), integer(last)], |row| {
        let id = natural(row, 0)?;
        let body = row.get_ref(1)?.as_blob()?;
        Ok((id, record::open(table, &[id], body)?.to_vec()))
    })?;
    found.collect()
}

fn put(catalog: &Connection, table: Table, id: u64, content: Vec<u8>) -> rusqlite::Result<()> {
    let sql = format!("INSERT OR REPLACE INTO {} VALUES (?1, ?2)", table.name());
    let body = record::close(table, &[id], content);
    catalog
        .prepare_cached(&sql)?
        .execute(params![integer(id), body])?;
    Ok(())
}
