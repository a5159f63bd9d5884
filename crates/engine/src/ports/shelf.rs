//! Where a rebuilding puts the rows that the entries tell of. It begins empty, is used once and thrown
//! away; nothing in it is durable.

use domain::time::Timestamp;
use ledger::Commitment;

use super::store::ReadError;
use crate::rows::{ClientRow, FactorRow, InboundRow, MessageRow, OptOutRow, Purpose};

/// A row that the entries tell of. What they do not tell is left empty in it: the blind indices of
/// users and numbers, a factor's secret and a message's reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A message to a handset; it takes the place of an earlier one of the same sequence.
    Message(Box<MessageRow>),
    /// A message from a handset.
    Inbound(Box<InboundRow>),
    /// An opt-out or its removal.
    OptOut(OptOutRow),
    /// A factor; it takes the place of an earlier one of the same sequence.
    Factor(Box<FactorRow>),
    /// A client; it takes the place of an earlier one of the same id.
    Client(Box<ClientRow>),
    /// A value that the vault must hold.
    Promise(Promise),
}

/// A value that an entry commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The sequence of the id it belongs to.
    pub owner: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// The index of the entry.
    pub index: u64,
    /// Its time.
    pub at: Timestamp,
    /// The commitment.
    pub commitment: Commitment,
}

impl Promise {
    /// The key of the sealed row that must hold it.
    pub const fn key(&self) -> u64 {
        crate::rows::vault_key(self.owner, self.purpose)
    }
}

/// Keeps rebuilt rows and gives them back in the order of their keys. Blocks.
///
/// Pages are those of [`super::View`]: the rows above `after`, in ascending order, at most `most`.
pub trait Shelf {
    /// Puts a row; one of the same key makes room.
    fn put(&mut self, row: Told) -> Result<(), ReadError>;
    /// A message that was put, by the sequence of its id.
    fn message(&self, sequence: u64) -> Result<Option<MessageRow>, ReadError>;
    /// The messages to handsets.
    fn messages(&self, after: Option<u64>, most: usize) -> Result<Vec<MessageRow>, ReadError>;
    /// The messages from handsets.
    fn inbounds(&self, after: Option<u64>, most: usize) -> Result<Vec<InboundRow>, ReadError>;
    /// The opt-outs and their removals.
    fn opt_outs(&self, after: Option<u64>, most: usize) -> Result<Vec<OptOutRow>, ReadError>;
    /// A factor that was put, by the sequence of its id.
    fn factor(&self, sequence: u64) -> Result<Option<FactorRow>, ReadError>;
    /// The factors.
    fn factors(&self, after: Option<u64>, most: usize) -> Result<Vec<FactorRow>, ReadError>;
    /// The promised values, by [`Promise::key`].
    fn promises(&self, after: Option<u64>, most: usize) -> Result<Vec<Promise>, ReadError>;
    /// Every client, in the order of their ids.
    fn clients(&self) -> Result<Vec<ClientRow>, ReadError>;
}
