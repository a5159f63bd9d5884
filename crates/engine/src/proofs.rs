//! What outsiders read of the ledger: checkpoints, tiles, and the receipt that proves to a client
//! that its message is in it, or its verification. Only what a published checkpoint covers is shown.

use std::fmt;
use std::sync::Arc;

use domain::id::{InboundId, MessageId, VerificationId};
use domain::time::Timestamp;
use ledger::checkpoint::SignedCheckpoint;
use ledger::proof::LogProof;
use ledger::tile::{Content, Tile, bundle};
use ledger::tree::{Nodes, inclusion};
use ledger::{Entry, Kind, Outcome};
use tokio::task::spawn_blocking;

use crate::checkpoints::Ledger;
use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::ports::Log;
use crate::ports::catalog::EntryQuery;
use crate::ports::log::Published;
use crate::ports::store::ReadError;
use crate::queries::LookupError;
use crate::rows::VaultRow;
use crate::tree;

/// The octets of a tile or an entry bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileBody {
    /// The octets.
    pub octets: Vec<u8>,
}

/// What opens one commitment of an entry.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// The name under `private` in the entry.
    pub field: &'static str,
    /// The commitment key, 64 lower-case hex digits.
    pub key_hex: String,
    /// The value.
    pub value: String,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening({}, masked)", self.field)
    }
}

/// Proof that a message or a verification is in the ledger, for anyone who has the log's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerReceipt {
    /// The entry, as canonical JSON.
    pub entry: String,
    /// Its `tlog-proof`.
    pub proof: String,
    /// What opens its commitments, as far as they have not been erased.
    pub openings: Vec<Opening>,
}

/// Why there is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// This client has no such message or verification, or this gateway's ledger is not signed.
    #[error("there is no such thing to prove")]
    NotFound,
    /// The entry was pruned from the ledger.
    #[error("the entry was pruned from the ledger")]
    Pruned,
    /// No checkpoint covers the entry yet; come back in a second.
    #[error("no checkpoint covers the entry yet")]
    Pending,
    /// The ledger cannot be read now.
    #[error("the ledger cannot be read now")]
    Unavailable,
}

impl From<LookupError> for ReceiptError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::NotFound => Self::NotFound,
            LookupError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<ReadError> for ReceiptError {
    fn from(error: ReadError) -> Self {
        LookupError::from(error).into()
    }
}

/// The most entries that one commit holds before that of a message in it.
pub(crate) const COMMIT_ENTRIES_MAX: usize = 4_096;

impl Gateway {
    /// The checkpoint published last.
    pub fn checkpoint(&self, caller: &Caller) -> Option<String> {
        self.count_ledger_read(caller);
        Some(self.ledger.get()?.published()?.note)
    }

    /// A tile or entry bundle of the published tree by its C2SP path (`tile/…`).
    pub async fn tile_at(
        &self,
        caller: &Caller,
        path: &str,
    ) -> Result<Option<TileBody>, LookupError> {
        self.count_ledger_read(caller);
        let (Some(ledger), Some(tile)) = (self.ledger.get().map(Arc::clone), Tile::parse(path))
        else {
            return Ok(None);
        };
        let reading = spawn_blocking(move || read_tile(&ledger, tile));
        let read = reading.await.map_err(|_| LookupError::Unavailable)?;
        read.map_err(|error| self.unread(error))
    }

    /// The minimum index: entries below it are pruned, their hashes are not.
    pub async fn minimum_index(&self, caller: &Caller) -> Result<u64, LookupError> {
        self.count_ledger_read(caller);
        let Some(ledger) = self.ledger.get().map(Arc::clone) else {
            return Ok(0);
        };
        let reading = spawn_blocking(move || ledger.parts.log.minimum());
        Ok(reading.await.map_err(|_| LookupError::Unavailable)??)
    }

    /// Whether a path names an entry bundle that was pruned.
    pub async fn is_pruned(&self, path: &str) -> Result<bool, LookupError> {
        let (Some(ledger), Some(tile)) = (self.ledger.get().map(Arc::clone), Tile::parse(path))
        else {
            return Ok(false);
        };
        let reading = spawn_blocking(move || ledger.parts.log.minimum());
        let minimum = reading.await.map_err(|_| LookupError::Unavailable)??;
        Ok(tile.content() == Content::Entries && tile.index() < minimum / 256)
    }

    fn count_ledger_read(&self, caller: &Caller) {
        let now = self.now();
        let who = Who::Client(caller.client);
        self.state()
            .coalescer
            .count(Kind::LedgerRead, Outcome::Done, who, "", now);
    }

    /// Proof that a message of the caller's is in the ledger.
    pub async fn message_receipt(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<LedgerReceipt, ReceiptError> {
        let ledger = self
            .ledger
            .get()
            .map(Arc::clone)
            .ok_or(ReceiptError::NotFound)?;
        let stored = self.store.message(id).await;
        let stored = stored.map_err(|error| self.unread(error))?;
        let (row, vault) = stored.ok_or(ReceiptError::NotFound)?;
        if row.head.client != Some(caller.client) {
            return Err(ReceiptError::NotFound);
        }
        let now = self.now();
        let who = Who::Client(caller.client);
        self.state()
            .coalescer
            .count(Kind::MessageRead, Outcome::Done, who, "receipt", now);
        let proving = spawn_blocking(move || prove(&ledger, &Wanted::message(id)));
        let (entry, proof) = proving.await.map_err(|_| ReceiptError::Unavailable)??;
        Ok(LedgerReceipt {
            entry,
            proof,
            openings: self.openings(&vault),
        })
    }

    pub(crate) fn openings(&self, vault: &[VaultRow]) -> Vec<Opening> {
        let open = |row: &VaultRow| {
            let (value, key) = self.vault.open_with_key(row).ok()?;
            Some(Opening {
                field: row.purpose.as_str(),
                key_hex: hex(key.reveal()),
                value: String::from_utf8(value.to_vec()).ok()?,
            })
        };
        vault.iter().filter_map(open).collect()
    }
}

fn hex(octets: &[u8]) -> String {
    let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 0xf]);
    digits
        .map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'))
        .collect()
}

fn read_tile(ledger: &Ledger, tile: Tile) -> Result<Option<TileBody>, ReadError> {
    let log = ledger.parts.log.as_ref();
    let size = ledger.published().map_or(0, |published| published.size);
    let (level, width) = (tile.content(), usize::from(tile.width()));
    let there = match level {
        Content::Entries => size,
        Content::Hashes(level) => size.checked_shr(8 * u32::from(level)).unwrap_or(0),
    };
    let from = tile.index().saturating_mul(256);
    if from.saturating_add(u64::from(tile.width())) > there {
        return Ok(None);
    }
    let octets = match level {
        Content::Entries if from < log.minimum()? => None,
        Content::Entries => {
            let entries = log.entries(from, width)?;
            bundle::encode(entries.iter().map(Vec::as_slice)).ok()
        }
        Content::Hashes(level) => {
            let hashes = match level {
                0 => log.leaves(from, width)?,
                level => log.nodes(8 * level, from, width)?,
            };
            let whole = hashes.len() == width;
            whole.then(|| hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
        }
    };
    Ok(octets.map(|octets| TileBody { octets }))
}

/// The entry that tells of something's beginning.
pub(crate) struct Wanted {
    /// What it is, as in `object.type`.
    pub(crate) sort: &'static str,
    /// Its id.
    pub(crate) object: String,
    sequence: u64,
    /// No entry of it is older; where its commit's first entry is not known.
    since: Option<Timestamp>,
}

impl Wanted {
    /// The entry that accepted a message.
    pub(crate) fn message(id: MessageId) -> Self {
        Self {
            sort: "message",
            object: id.to_string(),
            sequence: id.sequence(),
            since: None,
        }
    }

    /// The entry that took a message from a handset in.
    pub(crate) fn inbound(id: InboundId) -> Self {
        Self {
            sort: "inbound",
            object: id.to_string(),
            sequence: id.sequence(),
            since: None,
        }
    }

    /// The entry of something that is found by its time only.
    pub(crate) fn since(
        sort: &'static str,
        id: &dyn fmt::Display,
        sequence: u64,
        since: Timestamp,
    ) -> Self {
        Self {
            sort,
            object: id.to_string(),
            sequence,
            since: Some(since),
        }
    }

    /// An entry that is not behind it, if what is kept of it is right.
    fn first(&self, log: &dyn Log) -> Result<Option<u64>, ReadError> {
        match self.since {
            None => log.entry_of(self.sequence),
            Some(since) => first_since(log, since).map(Some),
        }
    }
}

/// The kinds of entries that tell of something's beginning.
const BEGINNINGS: [Kind; 6] = [
    Kind::MessageAccepted,
    Kind::MoReceived,
    Kind::OptoutRecorded,
    Kind::OptoutRemoved,
    Kind::FactorEnrolled,
    Kind::VerificationStarted,
];

/// The kinds of entries that tell of an end that has a receipt.
const ENDS: [Kind; 1] = [Kind::VerificationEnded];

fn is_of(entry: &[u8], kinds: &[Kind], object: &str) -> bool {
    Entry::parse(entry).is_ok_and(|entry| {
        let about = entry.object.as_ref();
        kinds.contains(&entry.kind) && about.is_some_and(|it| it.id == object)
    })
}

fn is_beginning(entry: &[u8], object: &str) -> bool {
    is_of(entry, &BEGINNINGS, object)
}

/// The first entry that is not older than a moment. Times in the ledger never go back.
fn first_since(log: &dyn Log, since: Timestamp) -> Result<u64, ReadError> {
    let (mut low, mut high) = (log.minimum()?, log.size()?);
    while low < high {
        let middle = low + (high - low) / 2;
        let entry = log.entries(middle, 1)?;
        let entry = entry.first().and_then(|octets| Entry::parse(octets).ok());
        if entry.is_some_and(|entry| entry.time_micros < since.micros()) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The entry that tells of something's beginning, and its proof.
pub(crate) fn prove(ledger: &Ledger, wanted: &Wanted) -> Result<(String, String), ReceiptError> {
    let log = ledger.parts.log.as_ref();
    let first = wanted.first(log)?;
    let minimum = log.minimum()?;
    let published = ledger.published().ok_or(ReceiptError::Pending)?;
    let is_pruned = minimum > 0 && first.is_some_and(|first| first <= minimum);
    let found = beginning(log, first, &wanted.object)?.ok_or(if is_pruned {
        ReceiptError::Pruned
    } else {
        ReceiptError::NotFound
    })?;
    proven(ledger, &published, found)
}

/// The entry that tells how a verification ended, and its proof.
pub(crate) fn prove_end(
    ledger: &Ledger,
    id: VerificationId,
) -> Result<(String, String), ReceiptError> {
    let published = ledger.published().ok_or(ReceiptError::Pending)?;
    let object = id.to_string();
    let found = catalogued(ledger.parts.log.as_ref(), &ENDS, &object)?;
    proven(ledger, &published, found.ok_or(ReceiptError::Unavailable)?)
}

/// An entry that was found, and its proof up to the published checkpoint.
fn proven(
    ledger: &Ledger,
    published: &Published,
    (index, entry): (u64, Vec<u8>),
) -> Result<(String, String), ReceiptError> {
    if index >= published.size {
        return Err(ReceiptError::Pending);
    }
    let proof = proof_of(ledger, published, index).ok_or(ReceiptError::Unavailable)?;
    let entry = String::from_utf8(entry).map_err(|_| ReceiptError::Unavailable)?;
    Ok((entry, proof))
}

/// The `tlog-proof` of an entry; `None` when the checkpoint does not cover it, or the tree cannot be
/// read.
pub(crate) fn proof_of(ledger: &Ledger, published: &Published, index: u64) -> Option<String> {
    let log = ledger.parts.log.as_ref();
    if index >= published.size {
        return None;
    }
    let prove = |nodes: Nodes<'_>| inclusion::prove(nodes, index, published.size);
    let proof = LogProof {
        extra: None,
        index,
        hashes: tree::with_nodes(log, prove).ok()?.ok()?,
        checkpoint: SignedCheckpoint::parse(published.note.as_bytes()).ok()?,
    };
    Some(proof.to_string())
}

/// The entry that accepted a message, and its index; `None` when there is none, or none any more. What
/// the message's row says of it is only where to look first.
pub fn acceptance(log: &dyn Log, id: MessageId) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    let first = log.entry_of(id.sequence())?;
    beginning(log, first, &id.to_string())
}

/// Looks in the commit that begins there; if that one is of something else, in the whole ledger.
fn beginning(
    log: &dyn Log,
    first: Option<u64>,
    object: &str,
) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    let first = first.map(|first| Ok(first.max(log.minimum()?)));
    if let Some(first) = first.transpose()?
        && let Ok(Some(found)) = within(log, first, object)
    {
        return Ok(Some(found));
    }
    catalogued(log, &BEGINNINGS, object)
}

/// A commit can hold several entries before the one that is wanted; it is told by its object.
fn within(log: &dyn Log, first: u64, object: &str) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    for most in [COMMIT_ENTRIES_MAX.min(16), COMMIT_ENTRIES_MAX] {
        let entries = (first..u64::MAX).zip(log.entries(first, most)?);
        let found = entries
            .into_iter()
            .find(|(_, entry)| is_beginning(entry, object));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn catalogued(
    log: &dyn Log,
    kinds: &[Kind],
    object: &str,
) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
    let mut query = EntryQuery {
        kinds: kinds.to_vec(),
        object: Some(object.into()),
        limit: 16,
        ..EntryQuery::default()
    };
    loop {
        let page = log.search(&query)?;
        let mut rows = page.rows.into_iter();
        if let Some(row) = rows.find(|row| is_of(&row.bytes, kinds, object)) {
            return Ok(Some((row.index, row.bytes)));
        }
        if page.next.is_none() {
            return Ok(None);
        }
        query.cursor = page.next;
    }
}

/// Whether no entry of something lies before an index: it is where the commit begins that brought it,
/// or nothing before it is kept.
pub(crate) fn leads_to(log: &dyn Log, first: u64, object: &str) -> bool {
    log.minimum().is_ok_and(|minimum| first <= minimum)
        || matches!(within(log, first, object), Ok(Some(_)))
}
