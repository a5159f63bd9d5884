//! The search port: entries of the ledger by what they say, found without reading all of them.

use ledger::entry::skim::{Skimmed, skim};
use ledger::{Kind, Outcome};

use super::store::ReadError;

/// The most rows of one page.
pub const ROWS_MAX: u16 = 1_000;

/// Which entries are wanted: those that pass every filter that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryQuery {
    /// Only of one of these kinds; of any, when there are none.
    pub kinds: Vec<Kind>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// Only on behalf of this client, or about its traffic.
    pub client: Option<Box<str>>,
    /// Only about the thing of this id, or of the request of this id (`object` or `correlation`).
    pub object: Option<Box<str>>,
    /// Only from this time on, in microseconds of UTC since 1970.
    pub since: Option<u64>,
    /// Only before this time, in microseconds of UTC since 1970.
    pub until: Option<u64>,
    /// Only from this index on.
    pub first: Option<u64>,
    /// Only below this index.
    pub below: Option<u64>,
    /// Where the page before ended.
    pub cursor: Option<u64>,
    /// At most so many rows: 1 to [`ROWS_MAX`]. What lies outside counts as the nearer end.
    pub limit: u16,
}

impl EntryQuery {
    /// Whether an entry passes the filters. One that cannot be read passes only when there are none.
    pub fn takes(&self, entry: &[u8]) -> bool {
        self.is_open() || skim(entry).is_ok_and(|entry| self.takes_skimmed(&entry))
    }

    /// Whether no filter is set but bounds of the index.
    pub fn is_open(&self) -> bool {
        let Self {
            kinds,
            outcome,
            client,
            object,
            since,
            until,
            ..
        } = self;
        kinds.is_empty()
            && outcome.is_none()
            && (client.is_none() && object.is_none())
            && (since.is_none() && until.is_none())
    }

    /// Whether an entry of this kind and outcome, of this client, may pass.
    pub fn takes_triple(&self, kind: Kind, outcome: Outcome, client: Option<&str>) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.outcome.is_none_or(|wanted| wanted == outcome)
            && (self.client.is_none() || self.client.as_deref() == client)
    }

    fn takes_skimmed(&self, entry: &Skimmed<'_>) -> bool {
        let is_about = |wanted: &str| {
            entry.object.as_deref() == Some(wanted) || entry.correlation.as_deref() == Some(wanted)
        };
        self.takes_triple(entry.kind, entry.outcome, entry.client.as_deref())
            && self.object.as_deref().is_none_or(is_about)
            && self.since.is_none_or(|since| entry.time_micros >= since)
            && self.until.is_none_or(|until| entry.time_micros < until)
    }

    /// The indices that may be wanted in a ledger of so many entries: from the first on, below the
    /// second.
    pub fn span(&self, size: u64) -> (u64, u64) {
        let below = [self.below, self.cursor, Some(size)];
        let below = below.into_iter().flatten().min().unwrap_or(0);
        (self.first.unwrap_or(0), below)
    }

    /// How many rows at most.
    pub fn rows_max(&self) -> usize {
        usize::from(self.limit.clamp(1, ROWS_MAX))
    }
}

/// One entry that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Its index in the ledger.
    pub index: u64,
    /// Its octets.
    pub bytes: Vec<u8>,
}

/// A page of entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryPage {
    /// The entries, newest first.
    pub rows: Vec<EntryRow>,
    /// The cursor of the next page; `None` when nothing further down can be wanted.
    pub next: Option<u64>,
}

/// Finds entries of the ledger. It blocks; async callers use a blocking task.
///
/// Every durable entry that passes is found, newest first, none twice: a search is never behind the
/// ledger, whatever it keeps to be fast. The work of one call is bounded, so that a page may come back
/// short, even empty, with a cursor to go on from. Entries that come while somebody pages lie above
/// the cursor and change nothing in the pages below.
pub trait Catalog: Send + Sync {
    /// One page.
    fn search(&self, query: &EntryQuery) -> Result<EntryPage, ReadError>;
}
