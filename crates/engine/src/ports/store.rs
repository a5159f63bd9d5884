//! The store port: one atomic, ordered, durable commit, and reads.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use domain::carrier_id::CarrierMessageId;
use domain::id::{FactorId, InboundId, MessageId, VerificationId};
use domain::message::CarrierName;
use domain::time::Timestamp;
use thiserror::Error;

use super::erasure::Erasure;
use super::storage::{Failure, Room};
use crate::changes::Changes;
use crate::rows::{
    BudgetRow, ClientRow, FactorRow, IdempotencyRow, InboundFilter, InboundRow, KekRow,
    MessageFilter, MessageRow, OptOutRow, PartRow, ProgressRow, PumpingRow, SecretRow,
    UnmatchedRow, VaultRow, VerificationRow, WebhookRow,
};

/// A message with its sealed fields.
pub type SealedMessage = (MessageRow, Vec<VaultRow>);

/// A read on its way.
pub type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, ReadError>> + Send + 'a>>;

/// What a commit brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The ledger index of the first entry of the changes.
    pub first_index: u64,
}

/// Why changes are not durable. In each case nothing of them is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CommitError {
    /// An expectation did not hold: somebody else moved first. Decide again.
    #[error("the state moved before the commit")]
    Conflict,
    /// The store has failed and takes nothing until it is reopened.
    #[error("the store is not available")]
    Poisoned,
    /// The bounded queue of commits is full.
    #[error("too many commits are waiting")]
    Busy,
}

/// Why a read gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The store could not be read.
    #[error("the store could not be read: {0}")]
    Failed(String),
    /// The place that was named for a copy cannot be one; nothing was written.
    #[error("{0}")]
    Place(String),
    /// A copy could not be written.
    #[error("{0}")]
    Unwritten(String),
    /// The ledger has a hole: the entry of this index, or its leaf hash, is not there.
    #[error("ledger entry {0} is missing")]
    Missing(u64),
}

/// Told once what became of a commit.
pub type Done = Box<dyn FnOnce(Result<Committed, CommitError>) + Send>;

/// A page of rows and where the next one begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Hand this back for the next page; `None` at the end.
    pub next: Option<u64>,
}

/// One row read at start, in the order of sequential rows.
#[derive(Debug)]
pub enum Loaded {
    /// A message that is not final, with its sealed number and text.
    Open(Box<MessageRow>, Vec<VaultRow>),
    /// An opt-out that stands.
    OptOut(OptOutRow),
    /// A client, revoked ones too.
    Client(Box<ClientRow>),
    /// A wrapped secret of the gateway.
    Secret(SecretRow),
    /// A wrapped key-encryption key.
    Kek(KekRow),
    /// A record of an idempotency key that has not expired.
    Idempotency(IdempotencyRow),
    /// A receipt that has found no segment yet.
    Unmatched(UnmatchedRow),
    /// A verification that has not ended, behind every open message, with its sealed number.
    Verification(Box<VerificationRow>, Vec<VaultRow>),
    /// What a number has used up at a client.
    Budget(Box<BudgetRow>),
    /// A record of the pumping guard.
    Pumping(PumpingRow),
    /// A webhook.
    Webhook(Box<WebhookRow>),
    /// How far somebody has been told of events.
    Progress(ProgressRow),
    /// A part of a long inbound message, with its sealed number and payload.
    Part(PartRow, Vec<VaultRow>),
}

/// Where the ledger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerHead {
    /// Number of entries.
    pub size: u64,
    /// The epoch (count of starts) that this process writes under.
    pub epoch: u64,
    /// Whether the epoch before ended with a `ledger.stopped` entry.
    pub clean: Shutdown,
    /// The greatest row key (id sequence) of any table; 0 in a new store. New ids must lie above it,
    /// also when the clock was set back while the gateway was off.
    pub last_sequence: u64,
}

/// How the epoch before this one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// There was none: the ledger is new.
    First,
    /// With a `ledger.stopped` entry.
    Clean,
    /// Without: a crash or a power loss.
    Crash,
}

/// How many commits may wait in a store that does not say.
const COMMITS_MAX_DEFAULT: usize = 16_384;

/// The durable state, outbox and ledger of one node.
///
/// `commit` takes its place in the order at the call, and `done` is called exactly once, in that
/// order, from a thread of the store, after the changes are durable (synced) or will never be. It
/// never blocks, and `done` must not block. All of the changes are applied or none. Entries get a
/// gap-free `node_seq`, a time that never goes back, and the ledger's next indices, in order. After
/// any failure to write, every commit answers `Poisoned` until `reopen` succeeds; a failed sync is
/// never tried again. Reads see at least every commit whose `done` has been called with success;
/// nothing may assume that they see more.
pub trait Store: Erasure + Send + Sync {
    /// Queues changes for the next group commit. Changes whose haste is `Soon` may wait a few
    /// milliseconds to share its sync; they keep their place.
    fn commit(&self, changes: Changes, done: Done);
    /// How many commits may wait. Those after them are answered `Busy`; the engine never lets it come
    /// to that, since a commit that is taken after one that was not may build on it.
    fn commits_max(&self) -> usize {
        COMMITS_MAX_DEFAULT
    }
    /// Streams what a starting engine needs: secrets and key-encryption keys before all else, each kind complete,
    /// in sequential order per kind.
    /// Blocks; call it before serving.
    fn load(&self, each: &mut dyn FnMut(Loaded)) -> Result<(), ReadError>;
    /// Streams the messages to handsets whose id's sequence lies above `after`, the newest `most` of them,
    /// in ascending order, each with its sealed number, if that is still there. Blocks; call it before
    /// serving.
    fn accepted(
        &self,
        after: u64,
        most: usize,
        each: &mut dyn FnMut(MessageRow, Option<VaultRow>),
    ) -> Result<(), ReadError>;
    /// Where the ledger stands.
    fn head(&self) -> Result<LedgerHead, ReadError>;
    /// Whether commits are taken.
    fn is_available(&self) -> bool;
    /// Why commits are not taken; `None` while they are, or when the store does not know.
    fn failure(&self) -> Option<Failure> {
        None
    }
    /// The room on the volume, as it was seen last; `None` for a store that needs none. Never blocks.
    fn room(&self) -> Option<Room> {
        None
    }
    /// After a failure: closes, opens again and replays. Blocks.
    fn reopen(&self) -> Result<(), ReadError>;
    /// One message with its sealed fields.
    fn message(&self, id: MessageId) -> Reading<'_, Option<(MessageRow, Vec<VaultRow>)>>;
    /// The same for several, each in its place.
    fn messages_of(&self, ids: Vec<MessageId>) -> Reading<'_, Vec<Option<SealedMessage>>>;
    /// Messages by filter, newest first.
    fn messages(&self, filter: MessageFilter) -> Reading<'_, Page<(MessageRow, Vec<VaultRow>)>>;
    /// Messages that are not final and whose id's sequence lies above `after` and below `before`:
    /// the oldest first, at most `most` (1 to 1,000).
    fn unsettled(
        &self,
        after: u64,
        before: u64,
        most: u16,
    ) -> Reading<'_, Vec<(MessageRow, Vec<VaultRow>)>>;
    /// One inbound message.
    fn inbound(&self, id: InboundId) -> Reading<'_, Option<(InboundRow, Vec<VaultRow>)>>;
    /// Inbound messages by filter, newest first.
    fn inbounds(&self, filter: InboundFilter) -> Reading<'_, Page<(InboundRow, Vec<VaultRow>)>>;
    /// One verification.
    fn verification(&self, id: VerificationId) -> Reading<'_, Option<VerificationRow>>;
    /// One factor with the sealed reference of its user.
    fn factor(&self, id: FactorId) -> Reading<'_, Option<(FactorRow, Vec<VaultRow>)>>;
    /// Factors that are pending and whose id's sequence lies below `before`: the oldest first, at most
    /// `most` (1 to 1,000).
    fn pending_factors(&self, before: u64, most: u16) -> Reading<'_, Vec<FactorRow>>;
    /// Remembers, in the rebuildable index, where receipts of older segments belong. Not durable by
    /// itself: after a crash the engine hands over again what is still open.
    fn index_carrier_ids(&self, rows: Vec<CarrierIdRow>);
    /// Finds the segments that a carrier's id may mean.
    fn by_carrier_id(
        &self,
        carrier: &CarrierName,
        id: &CarrierMessageId,
    ) -> Reading<'_, Vec<(MessageRow, u8)>>;
    /// Deletes a bounded number of rows that are of no more use: records of idempotency keys past
    /// their end, and unmatched receipts from before `unmatched_before`.
    fn prune(&self, now: Timestamp, unmatched_before: Timestamp);
    /// Writes a consistent copy of the whole store to a new file, online. What is personal stays
    /// sealed in it.
    fn backup(&self, to: PathBuf) -> Reading<'_, ()>;
}

/// Where the receipt of an older segment belongs.
#[derive(Clone, Debug)]
pub struct CarrierIdRow {
    /// The carrier.
    pub carrier: CarrierName,
    /// Its id of the segment.
    pub id: CarrierMessageId,
    /// The sequence of the message's id.
    pub message: u64,
    /// The segment's place, from 0.
    pub segment: u8,
}
