//! Lists: newest first, a bounded number of rows looked at per page, and a cursor that is the last
//! sequence looked at, so that a page may be short but nothing is skipped or given twice.

use std::ops::Range;

use domain::carrier_id::CarrierMessageId;
use domain::message::CarrierName;
use domain::time::Timestamp;
use engine::ports::store::Page;
use engine::rows::{
    FactorRow, InboundFilter, InboundRow, MessageFilter, MessageRow, SubjectLookup, VaultRow,
    VerificationRow,
};
use rusqlite::{Connection, Row, Transaction, params};

use crate::columns::{CLOCK_SLACK, integer, sequence_of};
use crate::embedded::Shared;
use crate::index::carrier::carrier_key;
use crate::index::fresh::FreshKind;
use crate::index::lookup::{self, Wanted};
use crate::rows::{self, Inbound, Message};

/// The most rows of one page.
const LIMIT_MAX: u16 = 1_000;

/// What a page has taken so far.
struct Pager<T> {
    rows: Vec<T>,
    limit: usize,
    /// How many more rows may be looked at.
    looks: usize,
    last_seen: u64,
}

impl<T> Pager<T> {
    fn new(limit: u16, looks: usize) -> Self {
        let limit = usize::from(limit.clamp(1, LIMIT_MAX));
        Self {
            rows: Vec::new(),
            limit,
            looks: looks.max(1),
            last_seen: 0,
        }
    }

    const fn is_full(&self) -> bool {
        self.rows.len() >= self.limit || self.looks == 0
    }

    const fn look(&mut self, sequence: u64) {
        self.looks = self.looks.saturating_sub(1);
        self.last_seen = sequence;
    }

    /// The page, when rows were left over.
    fn with_more(self) -> Page<T> {
        Page {
            next: Some(self.last_seen),
            rows: self.rows,
        }
    }

    /// The page, when every row was looked at.
    fn at_end(self) -> Page<T> {
        Page {
            next: None,
            rows: self.rows,
        }
    }
}

/// One table that lists read.
struct Listing<'a, R> {
    kind: FreshKind,
    columns: &'static str,
    table: &'static str,
    /// Whose rows the index is asked for.
    subject: Option<[u8; 16]>,
    cursor: Option<u64>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    limit: u16,
    read: fn(&Row<'_>) -> rusqlite::Result<R>,
    sequence: fn(&R) -> u64,
    matches: &'a dyn Fn(&R) -> bool,
}

/// Messages by filter.
pub(crate) fn messages(
    shared: &Shared,
    database: &mut Connection,
    filter: &MessageFilter,
) -> rusqlite::Result<Page<Message>> {
    let listing = Listing {
        kind: FreshKind::Message,
        columns: rows::MESSAGE,
        table: "message",
        subject: indexed(filter.subject, filter.lookup),
        cursor: filter.cursor,
        since: filter.since,
        until: filter.until,
        limit: filter.limit,
        read: rows::message,
        sequence: |row| row.id.sequence(),
        matches: &|row| message_matches(filter, row),
    };
    list(shared, database, &listing)
}

/// Messages that are not final, strictly between two sequences, oldest first.
pub(crate) fn unsettled(
    database: &mut Connection,
    between: Range<u64>,
    most: u16,
) -> rusqlite::Result<Vec<Message>> {
    let snapshot = database.transaction()?;
    let columns = rows::MESSAGE;
    let mut statement = snapshot.prepare_cached(&format!(
        "SELECT {columns} FROM message WHERE open = 1 AND seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3"
    ))?;
    let bounds = params![
        integer(between.start),
        integer(between.end),
        most.clamp(1, LIMIT_MAX)
    ];
    let found = statement.query_map(bounds, rows::message)?;
    let whole = |row: rusqlite::Result<MessageRow>| {
        let row = row?;
        let sealed = rows::vault_of(&snapshot, row.id.sequence())?;
        Ok((row, sealed))
    };
    found.map(whole).collect()
}

/// Inbound messages by filter.
pub(crate) fn inbounds(
    shared: &Shared,
    database: &mut Connection,
    filter: &InboundFilter,
) -> rusqlite::Result<Page<Inbound>> {
    let listing = Listing {
        kind: FreshKind::Inbound,
        columns: rows::INBOUND,
        table: "inbound",
        subject: filter.subject,
        cursor: filter.cursor,
        since: filter.since,
        until: None,
        limit: filter.limit,
        read: rows::inbound,
        sequence: |row| row.id.sequence(),
        matches: &|row| inbound_matches(filter, row),
    };
    list(shared, database, &listing)
}

/// Messages from the handset with a blind index, to any short code.
pub(crate) fn inbounds_of(
    shared: &Shared,
    database: &mut Connection,
    (subject, lookup): ([u8; 16], SubjectLookup),
    (cursor, limit): (Option<u64>, u16),
) -> rusqlite::Result<Page<Inbound>> {
    let listing = Listing {
        kind: FreshKind::Inbound,
        columns: rows::INBOUND,
        table: "inbound",
        subject: indexed(Some(subject), lookup),
        cursor,
        since: None,
        until: None,
        limit,
        read: rows::inbound,
        sequence: |row| row.id.sequence(),
        matches: &|row| row.subject == subject,
    };
    list(shared, database, &listing)
}

/// Verifications of the number with a blind index.
pub(crate) fn verifications_of(
    shared: &Shared,
    database: &mut Connection,
    (subject, lookup): ([u8; 16], SubjectLookup),
    (cursor, limit): (Option<u64>, u16),
) -> rusqlite::Result<Page<(VerificationRow, Vec<VaultRow>)>> {
    let listing = Listing {
        kind: FreshKind::Message,
        columns: rows::VERIFICATION,
        table: "verification",
        subject: indexed(Some(subject), lookup),
        cursor,
        since: None,
        until: None,
        limit,
        read: rows::verification,
        sequence: |row| row.id.sequence(),
        matches: &|row| row.subject == subject,
    };
    list(shared, database, &listing)
}

fn indexed(subject: Option<[u8; 16]>, lookup: SubjectLookup) -> Option<[u8; 16]> {
    subject.filter(|_| lookup == SubjectLookup::Index)
}

fn message_matches(filter: &MessageFilter, row: &MessageRow) -> bool {
    fn is_or_any<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
        wanted.is_none_or(|wanted| wanted == found)
    }
    filter
        .client
        .is_none_or(|client| row.head.client == Some(client))
        && is_or_any(filter.subject.as_ref(), &row.subject)
        && is_or_any(filter.state.as_ref(), &row.state)
        && is_or_any(filter.class.as_ref(), &row.head.class)
        && is_or_any(filter.from.as_ref(), &row.head.from)
        && filter.since.is_none_or(|since| row.created >= since)
        && filter.until.is_none_or(|until| row.created < until)
}

fn inbound_matches(filter: &InboundFilter, row: &InboundRow) -> bool {
    filter.short_codes.contains(&row.to)
        && filter.subject.is_none_or(|subject| row.subject == subject)
        && filter.since.is_none_or(|since| row.received >= since)
}

fn list<R>(
    shared: &Shared,
    database: &mut Connection,
    listing: &Listing<'_, R>,
) -> rusqlite::Result<Page<(R, Vec<VaultRow>)>> {
    let snapshot = database.transaction()?;
    let below = listing.below();
    if let Some(subject) = listing.subject {
        let rows_max = shared.config.bounds.page_scan_max;
        let wanted = Wanted {
            kind: listing.kind,
            subject,
            below,
            rows_max,
        };
        if let Some(sequences) = lookup::by_subject(shared, &snapshot, wanted)? {
            return listing.follow(shared, &snapshot, &sequences);
        }
    }
    listing.scan(shared, &snapshot, below)
}

impl<R> Listing<'_, R> {
    /// The first sequence that is not looked at any more, from above.
    fn below(&self) -> i64 {
        let ceiling = self
            .until
            .map(|until| sequence_of(until.saturating_add(CLOCK_SLACK)));
        let below = self
            .cursor
            .unwrap_or(u64::MAX)
            .min(ceiling.unwrap_or(u64::MAX));
        integer(below)
    }

    fn floor(&self) -> i64 {
        let floor = self
            .since
            .map(|since| sequence_of(since.saturating_sub(CLOCK_SLACK)));
        integer(floor.unwrap_or(0))
    }

    /// Looks at the rows that the index names.
    fn follow(
        &self,
        shared: &Shared,
        snapshot: &Transaction<'_>,
        sequences: &[i64],
    ) -> rusqlite::Result<Page<(R, Vec<VaultRow>)>> {
        let looks = shared.config.bounds.page_scan_max;
        let mut pager = Pager::new(self.limit, looks);
        let sql = format!("SELECT {} FROM {} WHERE seq = ?1", self.columns, self.table);
        let mut statement = snapshot.prepare_cached(&sql)?;
        for sequence in sequences {
            if pager.is_full() {
                return Ok(pager.with_more());
            }
            let mut found = statement.query([sequence])?;
            match found.next()? {
                Some(row) => self.look(snapshot, &mut pager, row)?,
                // The index was further on than this snapshot, or the row is gone.
                None => pager.look(u64::try_from(*sequence).unwrap_or(0)),
            }
        }
        Ok(if sequences.len() < looks {
            pager.at_end()
        } else {
            pager.with_more()
        })
    }

    /// Looks at every row from there down.
    fn scan(
        &self,
        shared: &Shared,
        snapshot: &Transaction<'_>,
        below: i64,
    ) -> rusqlite::Result<Page<(R, Vec<VaultRow>)>> {
        let mut pager = Pager::new(self.limit, shared.config.bounds.page_scan_max);
        let sql = format!(
            "SELECT {} FROM {} WHERE seq < ?1 AND seq >= ?2 ORDER BY seq DESC",
            self.columns, self.table
        );
        let mut statement = snapshot.prepare_cached(&sql)?;
        let mut found = statement.query([below, self.floor()])?;
        while let Some(row) = found.next()? {
            if pager.is_full() {
                return Ok(pager.with_more());
            }
            self.look(snapshot, &mut pager, row)?;
        }
        Ok(pager.at_end())
    }

    fn look(
        &self,
        snapshot: &Connection,
        pager: &mut Pager<(R, Vec<VaultRow>)>,
        row: &Row<'_>,
    ) -> rusqlite::Result<()> {
        let row = (self.read)(row)?;
        let sequence = (self.sequence)(&row);
        pager.look(sequence);
        if (self.matches)(&row) {
            let sealed = rows::vault_of(snapshot, sequence)?;
            pager.rows.push((row, sealed));
        }
        Ok(())
    }
}

/// The segments that a carrier's id may mean, each compared with its own facts.
pub(crate) fn by_carrier_id(
    shared: &Shared,
    database: &mut Connection,
    carrier: &CarrierName,
    id: &CarrierMessageId,
) -> rusqlite::Result<Vec<(MessageRow, u8)>> {
    let key = carrier_key(carrier, id);
    let mut places: Vec<(u64, u8)> = shared
        .index
        .waiting_carrier_ids(key)
        .iter()
        .map(|record| (record.message, record.segment))
        .collect();
    if let Ok(indexed) = shared
        .index
        .pool
        .with(|index| lookup::by_carrier_key(index, key))
    {
        places.extend(indexed);
    }
    places.sort_unstable();
    places.dedup();
    let snapshot = database.transaction()?;
    let mut found = Vec::new();
    for (sequence, segment) in places {
        let Some(row) = rows::message_at(&snapshot, sequence)? else {
            continue;
        };
        let facts = row.segments.get(usize::from(segment));
        let is_it = facts.is_some_and(|facts| {
            facts.carrier() == Some(carrier)
                && facts
                    .carrier_id()
                    .is_some_and(|known| known.folded() == id.folded())
        });
        if is_it {
            found.push((row, segment));
        }
    }
    Ok(found)
}
/// The oldest factors below a sequence that nobody has confirmed yet.
pub(crate) fn pending_factors(
    database: &Connection,
    before: u64,
    most: u16,
) -> rusqlite::Result<Vec<FactorRow>> {
    // The entries of the index are in the order of the row keys, so nothing is sorted.
    let sql = format!(
        "SELECT {} FROM factor INDEXED BY pending_factor WHERE pending = 1 AND seq < ?1
         ORDER BY seq LIMIT ?2",
        rows::FACTOR
    );
    let mut statement = database.prepare_cached(&sql)?;
    let found = statement.query_map([integer(before), i64::from(most)], rows::factor)?;
    found.collect()
}
