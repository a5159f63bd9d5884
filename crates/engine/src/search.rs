//! Searching the ledger: what was asked for is recorded before anything is shown. Entries hold nothing
//! personal; who looks for a person by number finds entries through the keyed index, and the ledger
//! says that somebody did, never for whom.

mod by_number;
mod record;
mod terms;

use std::sync::Arc;

use domain::id::ClientId;
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use ledger::{Kind, Outcome};
use tokio::task::spawn_blocking;

use crate::checkpoints::Ledger;
use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::ports::catalog::{EntryPage, EntryQuery, EntryRow};
use crate::ports::store::ReadError;
use crate::proofs;

pub use ledger::{Kind as EntryKind, Outcome as EntryOutcome};
pub(crate) use terms::holds_number;
pub use terms::{ObjectTerm, ObjectTermError, SearchCursor, SearchCursorError};

/// Who searches.
#[derive(Clone, Copy, Debug)]
pub enum Searcher<'a> {
    /// A client, over HTTPS.
    Client(&'a Caller),
    /// A user of the machine, by login name.
    OsUser(&'a str),
}

/// Whether each row comes with its proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proofs {
    /// It does not.
    #[default]
    Without,
    /// It does, as soon as a checkpoint covers it.
    With,
}

/// Which entries are looked for: those that pass every filter that is set.
#[derive(Clone, Debug, Default)]
pub struct LedgerQuery {
    /// Only of one of these kinds; of any, when there are none.
    pub kinds: Vec<Kind>,
    /// Only with this outcome.
    pub outcome: Option<Outcome>,
    /// Only on behalf of this client, or about its traffic.
    pub client: Option<ClientId>,
    /// Only about this.
    pub object: Option<ObjectTerm>,
    /// Only about messages to and from this number, and verifications of it.
    pub number: Option<Msisdn>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<SearchCursor>,
    /// At most so many.
    pub limit: u16,
    /// Whether each row comes with its proof.
    pub proofs: Proofs,
}

/// An entry that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundEntry {
    /// Its index in the ledger.
    pub index: u64,
    /// The entry, as canonical JSON.
    pub entry: String,
    /// Its `tlog-proof`, if one was asked for and a checkpoint covers it.
    pub proof: Option<String>,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPage {
    /// Newest first; by number, the newest message or verification first.
    pub rows: Vec<FoundEntry>,
    /// Where the next page begins; `None` at the end. A page may be short, even empty, and have one.
    pub next: Option<SearchCursor>,
}

/// Why nothing is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The cursor comes from a search by number and this is none, or the other way round.
    #[error("the cursor is of another search; hand back `next` with the same filters")]
    Cursor,
    /// The ledger cannot be read now, or the search not be recorded.
    #[error("the ledger cannot be searched now, or the search not be recorded")]
    Unavailable,
}

impl From<ReadError> for SearchError {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "the ledger could not be searched");
        Self::Unavailable
    }
}

/// What was found, before it is shown.
struct Found {
    rows: Vec<EntryRow>,
    next: Option<SearchCursor>,
}

impl Gateway {
    /// One page of the entries that pass. The search is recorded before it is answered: by itself, or
    /// counted when a client looks for no number.
    pub async fn search_ledger(
        &self,
        who: Searcher<'_>,
        query: LedgerQuery,
    ) -> Result<LedgerPage, SearchError> {
        let ledger = self.ledger.get().map(Arc::clone);
        let ledger = ledger.ok_or(SearchError::Unavailable)?;
        let found = match query.number {
            Some(number) => self.find_by_number(&ledger, number, &query).await?,
            None => find(&ledger, &query).await?,
        };
        self.record_search(who, &query).await?;
        let proofs = query.proofs;
        let shown = spawn_blocking(move || show(&ledger, found, proofs)).await;
        shown.map_err(|_| SearchError::Unavailable)
    }

    async fn record_search(
        &self,
        who: Searcher<'_>,
        query: &LedgerQuery,
    ) -> Result<(), SearchError> {
        let Searcher::Client(caller) = who else {
            return self.write_search(who, query).await;
        };
        if query.number.is_some() {
            return self.write_search(who, query).await;
        }
        let (now, who) = (self.now(), Who::Client(caller.client));
        self.state()
            .coalescer
            .count(Kind::LedgerSearched, Outcome::Done, who, "", now);
        Ok(())
    }
}

async fn find(ledger: &Arc<Ledger>, query: &LedgerQuery) -> Result<Found, SearchError> {
    let mut wanted = filters(query);
    wanted.cursor = match query.cursor {
        None => None,
        Some(SearchCursor::Entries { below }) => Some(below),
        Some(_) => return Err(SearchError::Cursor),
    };
    let EntryPage { rows, next } = blocking(ledger, move |log| log.search(&wanted)).await?;
    let next = next.map(|below| SearchCursor::Entries { below });
    Ok(Found { rows, next })
}

/// What a query asks of the entries themselves.
fn filters(query: &LedgerQuery) -> EntryQuery {
    EntryQuery {
        kinds: query.kinds.clone(),
        outcome: query.outcome,
        client: query.client.map(|client| client.to_string().into()),
        object: query.object.as_ref().map(|object| object.as_str().into()),
        since: query.since.map(Timestamp::micros),
        until: query.until.map(Timestamp::micros),
        limit: query.limit,
        ..EntryQuery::default()
    }
}

/// Works with the log where blocking holds nobody up.
async fn blocking<T: Send + 'static>(
    ledger: &Arc<Ledger>,
    work: impl FnOnce(&dyn crate::ports::Log) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, SearchError> {
    let ledger = Arc::clone(ledger);
    let done = spawn_blocking(move || work(ledger.parts.log.as_ref())).await;
    Ok(done.map_err(|_| SearchError::Unavailable)??)
}

fn show(ledger: &Ledger, found: Found, proofs: Proofs) -> LedgerPage {
    let published = match proofs {
        Proofs::With => ledger.published(),
        Proofs::Without => None,
    };
    let row = |row: EntryRow| FoundEntry {
        index: row.index,
        entry: String::from_utf8_lossy(&row.bytes).into_owned(),
        proof: published
            .as_ref()
            .and_then(|published| proofs::proof_of(ledger, published, row.index)),
    };
    LedgerPage {
        rows: found.rows.into_iter().map(row).collect(),
        next: found.next,
    }
}
