//! One page of a search: the entries that are not catalogued, then the blocks that the catalogue
//! names, each looked at entry by entry from above.

use std::ops::Range;

use engine::ports::catalog::{EntryPage, EntryQuery, EntryRow};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::blocks::FANOUT;
use super::find::{self, Found};
use crate::columns::{integer, natural};
use crate::embedded::Shared;
use crate::index::Health;
use crate::shrink;

/// Searches the ledger.
pub(crate) fn search(shared: &Shared, query: &EntryQuery) -> rusqlite::Result<EntryPage> {
    let (first, below) = query.span(shared.size());
    if first >= below {
        return Ok(EntryPage::default());
    }
    let found = named(shared, query, (first, below));
    shared.readers.with(|main| {
        // What is pruned but not dropped yet is not shown any more.
        let first = first.max(shrink::minimum(main)?);
        let mut page = Page {
            main,
            query,
            span: first..below,
            looks: shared.catalog.page_blocks_max,
            rows: Vec::new(),
        };
        let next = page.fill(&found)?;
        Ok(EntryPage {
            rows: page.rows,
            next: next.filter(|next| *next > first),
        })
    })
}

/// What the catalogue says, one block more than a page looks at; nothing when it cannot be used now.
fn named(shared: &Shared, query: &EntryQuery, span: (u64, u64)) -> Found {
    if shared.catalog.health() != Health::Ready {
        return Found::default();
    }
    let most = shared.catalog.page_blocks_max.saturating_add(1);
    let pool = &shared.catalog.pool;
    let found = pool.with(|catalog| find::blocks(catalog, query, span, most));
    found.unwrap_or_else(|error| {
        tracing::warn!(reason = %error, "the catalogue cannot be read; searching without it");
        if shared.catalog.health() == Health::Ready {
            shared.catalog.set_health(Health::Suspect);
        }
        Found::default()
    })
}

struct Page<'p> {
    main: &'p Connection,
    query: &'p EntryQuery,
    span: Range<u64>,
    /// How many more blocks may be looked at.
    looks: usize,
    rows: Vec<EntryRow>,
}

impl Page<'_> {
    /// Gives where the next page begins, if anything is left.
    fn fill(&mut self, found: &Found) -> rusqlite::Result<Option<u64>> {
        let floor = self.span.start.max(found.catalogued.saturating_mul(FANOUT));
        let mut top = self.span.end;
        while top > floor {
            let start = ((top - 1) / FANOUT * FANOUT).max(floor);
            if let Some(next) = self.look(start..top)? {
                return Ok(Some(next));
            }
            top = start;
        }
        for block in &found.blocks {
            let start = (block * FANOUT).max(self.span.start);
            let end = (block * FANOUT + FANOUT).min(self.span.end);
            if let Some(next) = self.look(start..end)? {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    /// Looks at entries from above. Gives where to go on when the page is full or may look no further.
    fn look(&mut self, range: Range<u64>) -> rusqlite::Result<Option<u64>> {
        let Some(looks) = self.looks.checked_sub(1) else {
            return Ok(Some(range.end));
        };
        self.looks = looks;
        let sql = "SELECT idx, bytes FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx DESC";
        let mut statement = self.main.prepare_cached(sql)?;
        let mut rows = statement.query([integer(range.start), integer(range.end)])?;
        while let Some(row) = rows.next()? {
            let index: u64 = natural(row, 0)?;
            if self.rows.len() >= self.query.rows_max() {
                return Ok(Some(index + 1));
            }
            if let ValueRef::Blob(entry) = row.get_ref(1)?
                && self.query.takes(entry)
            {
                let bytes = entry.to_vec();
                self.rows.push(EntryRow { index, bytes });
            }
        }
        Ok(None)
    }
}
