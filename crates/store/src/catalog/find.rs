//! Which blocks may hold what is wanted, by the catalogue alone, newest first.

use std::collections::HashMap;

use engine::ports::catalog::EntryQuery;
use rusqlite::Connection;

use super::blocks::{BlockSet, FANOUT, place_of};
use super::digest::{Digest, Times, id_hash, is_wanted};
use super::file::{self, Mark, bucket_of, get, range};
use super::record::{self, Numbers, Table, damaged};
use super::span::Span;
use crate::columns::{integer, natural};

/// So many of the newest segments are looked at first; then ever twice as many. What is frequent is
/// found among the first, what is rare costs few looks.
const SEGMENTS_FIRST: usize = 4;

/// What the catalogue says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Blocks that are in the catalogue: it knows nothing of entries above them.
    pub(crate) catalogued: u64,
    /// The blocks below that may hold what is wanted, newest first; no more than were asked for.
    pub(crate) blocks: Vec<u64>,
}

/// Finds at most `most` blocks for a query, within a range of indices.
pub(crate) fn blocks(
    catalog: &mut Connection,
    query: &EntryQuery,
    (first, below): (u64, u64),
    most: usize,
) -> rusqlite::Result<Found> {
    let snapshot = catalog.transaction()?;
    let mark = file::mark(&snapshot)?.ok_or_else(damaged)?;
    let mut found = Found {
        catalogued: mark.blocks,
        blocks: Vec::new(),
    };
    let Some(last) = below.min(mark.blocks.saturating_mul(FANOUT)).checked_sub(1) else {
        return Ok(found);
    };
    let search = Search {
        catalog: &snapshot,
        query,
        triples: wanted_triples(&snapshot, query, mark)?,
        known: mark.triples,
        hash: query.object.as_deref().map(id_hash),
        first: first / FANOUT,
        last: last / FANOUT,
    };
    let is_hopeless = search.triples.as_ref().is_some_and(Vec::is_empty);
    if first <= last && !is_hopeless {
        let segments = mark.blocks / FANOUT;
        search.unfinished(segments, &mut found.blocks)?;
        search.finished(segments, most, &mut found.blocks)?;
        found.blocks.truncate(most);
    }
    Ok(found)
}

/// The triples that pass; `None` when all do.
fn wanted_triples(
    catalog: &Connection,
    query: &EntryQuery,
    mark: Mark,
) -> rusqlite::Result<Option<Vec<u32>>> {
    if query.kinds.is_empty() && query.outcome.is_none() && query.client.is_none() {
        return Ok(None);
    }
    let mut wanted = Vec::new();
    for (number, text) in file::triples(catalog, mark)? {
        if is_wanted(&text, query)? {
            wanted.push(number);
        }
    }
    wanted.sort_unstable();
    Ok(Some(wanted))
}

struct Search<'s> {
    catalog: &'s Connection,
    query: &'s EntryQuery,
    triples: Option<Vec<u32>>,
    /// How many triples there are.
    known: u32,
    hash: Option<u32>,
    /// The first and the last block.
    first: u64,
    last: u64,
}

impl Search<'_> {
    /// Among the blocks above the full segments.
    fn unfinished(&self, segments: u64, found: &mut Vec<u64>) -> rusqlite::Result<()> {
        let first = self.first.max(segments * FANOUT);
        if first > self.last {
            return Ok(());
        }
        for (block, content) in range(self.catalog, Table::Block, (first, self.last))? {
            let digest = Digest::of_octets(&content)?;
            if digest
                .triples
                .last()
                .is_some_and(|last| *last >= self.known)
            {
                return Err(damaged());
            }
            let has = |wanted: &[u32]| {
                let mut there = digest.triples.iter();
                there.any(|triple| wanted.binary_search(triple).is_ok())
            };
            let is_about = |hash: u32| digest.hashes.binary_search(&hash).is_ok();
            if digest.times.may_hold(self.query)
                && self.triples.as_deref().is_none_or(has)
                && self.hash.is_none_or(is_about)
            {
                found.push(block);
            }
        }
        Ok(())
    }

    /// Among the full segments, until there are enough.
    fn finished(&self, segments: u64, most: usize, found: &mut Vec<u64>) -> rusqlite::Result<()> {
        let spans = self.spans(segments)?;
        let (mut rest, mut size) = (spans.as_slice(), SEGMENTS_FIRST);
        while !rest.is_empty() && found.len() < most {
            let (chunk, further) = rest.split_at(size.min(rest.len()));
            let posted = self.posted(chunk)?;
            for (segment, span) in chunk {
                let posted = match &posted {
                    Some(posted) => posted.get(segment).copied().unwrap_or_default(),
                    None => BlockSet::ALL,
                };
                let passing = self.narrowed(*segment, span.times, posted)?;
                let blocks = passing.descending();
                found.extend(blocks.map(|place| segment * FANOUT + u64::from(place)));
                if found.len() >= most {
                    break;
                }
            }
            (rest, size) = (further, size.saturating_mul(2));
        }
        Ok(())
    }

    /// The full segments within reach that may hold the wanted times, newest first.
    fn spans(&self, segments: u64) -> rusqlite::Result<Vec<(u64, Span)>> {
        let Some(newest) = segments.checked_sub(1) else {
            return Ok(Vec::new());
        };
        let reach = (self.first / FANOUT, (self.last / FANOUT).min(newest));
        let mut spans = Vec::new();
        for (segment, content) in range(self.catalog, Table::Span, reach)? {
            let span = Span::of_octets(&content)?;
            if !span.triples.is_below(self.known) {
                return Err(damaged());
            }
            if span.times.may_hold(self.query) {
                spans.push((segment, span));
            }
        }
        Ok(spans)
    }

    /// In which blocks of these segments the triples occur; `None` when none is asked for. A triple that a
    /// segment has must have its posting there.
    fn posted(&self, segments: &[(u64, Span)]) -> rusqlite::Result<Option<HashMap<u64, BlockSet>>> {
        let (Some(triples), Some((newest, _)), Some((oldest, _))) =
            (&self.triples, segments.first(), segments.last())
        else {
            return Ok(None);
        };
        let sql = "SELECT segment, body FROM posting
            WHERE triple = ?1 AND segment >= ?2 AND segment <= ?3";
        let mut statement = self.catalog.prepare_cached(sql)?;
        let mut posted: HashMap<u64, BlockSet> = HashMap::new();
        for triple in triples {
            let mut having = segments
                .iter()
                .filter(|(_, span)| span.triples.contains(*triple))
                .count();
            let is_asked = |segment: u64| {
                let place = segments.binary_search_by(|(other, _)| segment.cmp(other));
                place.is_ok()
            };
            let mut rows =
                statement.query([i64::from(*triple), integer(*oldest), integer(*newest)])?;
            while let Some(row) = rows.next()? {
                let segment = natural(row, 0)?;
                let keys = [u64::from(*triple), segment];
                let body = record::open(Table::Posting, &keys, row.get_ref(1)?.as_blob()?)?;
                let there = posted.entry(segment).or_default();
                *there = there.or(BlockSet::of_octets(body)?);
                if is_asked(segment) {
                    having = having.checked_sub(1).ok_or_else(damaged)?;
                }
            }
            if having > 0 {
                return Err(damaged());
            }
        }
        Ok(Some(posted))
    }

    /// Those of a segment's blocks that pass everything else too.
    fn narrowed(&self, segment: u64, span: Times, posted: BlockSet) -> rusqlite::Result<BlockSet> {
        let mut passing = posted.filter(|place| {
            let block = segment * FANOUT + u64::from(place);
            (self.first..=self.last).contains(&block)
        });
        if let Some(hash) = self.hash.filter(|_| !passing.is_empty()) {
            passing = passing.and(self.about(segment, hash)?);
        }
        if !passing.is_empty() && !span.lies_in(self.query) {
            passing = self.timely(segment, passing)?;
        }
        Ok(passing)
    }

    /// The blocks of a segment that name an id of this hash.
    fn about(&self, segment: u64, hash: u32) -> rusqlite::Result<BlockSet> {
        let (bucket, rest) = bucket_of(hash);
        let content = get(self.catalog, Table::Bucket, segment * FANOUT + bucket)?;
        let records = Numbers(&content.ok_or_else(damaged)?).shorts()?;
        let from = records.partition_point(|record| *record < rest);
        let mut blocks = BlockSet::default();
        let same = records.iter().skip(from);
        same.take_while(|record| **record & !0xff == rest)
            .for_each(|record| blocks.insert(place_of(u64::from(*record))));
        Ok(blocks)
    }

    /// Those of the blocks that may hold the wanted times.
    fn timely(&self, segment: u64, blocks: BlockSet) -> rusqlite::Result<BlockSet> {
        let content = get(self.catalog, Table::Times, segment)?.ok_or_else(damaged)?;
        let mut numbers = Numbers(&content);
        let mut timely = BlockSet::default();
        for place in 0..=u8::MAX {
            if Times::read(&mut numbers)?.may_hold(self.query) && blocks.contains(place) {
                timely.insert(place);
            }
        }
        Ok(timely)
    }
}
