//! What the store does for the rights of persons: it finds everything that it keeps of one number,
//! finds values whose time is over, and leaves no octet of what was destroyed.

use thiserror::Error;

use super::store::{Page, ReadError, Reading};
use crate::rows::{
    Bearer, FactorRow, InboundRow, OptOutRow, Purpose, SubjectLookup, VaultRow, VerificationRow,
};
use domain::message::MessageState;
use domain::verification::factor::FactorState;

/// Whose sealed values are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holders {
    /// Messages, messages from handsets, verifications, searches for them, and factors: the reference of a
    /// user ends with the numbers, once its factor is removed.
    Traffic,
    /// Opt-outs and their removals.
    OptOuts,
}

/// Which sealed values to look for.
#[derive(Clone, Copy, Debug)]
pub struct OldValues {
    /// Whose.
    pub holders: Holders,
    /// What for.
    pub purpose: Purpose,
    /// Only of owners from this sequence on.
    pub from: u64,
    /// Only of owners below this sequence.
    pub below: u64,
    /// At most so many values (1 to 1,000).
    pub limit: u16,
}

/// One sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldValue {
    /// The sequence of its owner.
    pub owner: u64,
    /// Who that is.
    pub holder: Holder,
}

/// Who owns a sealed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A message that stands so.
    Message(MessageState),
    /// A message from a handset.
    Inbound,
    /// An opt-out or its removal.
    OptOut,
    /// A verification.
    Verification,
    /// A factor that stands so.
    Factor(FactorState),
    /// An entry alone, such as that of a search by number: there is no row beside the value.
    Entry,
}

impl OldValue {
    /// The row with the blind index of its number; opt-outs have none that may go, entries none at all.
    pub const fn bearer(&self) -> Option<Bearer> {
        match self.holder {
            Holder::Message(_) => Some(Bearer::Message(self.owner)),
            Holder::Inbound => Some(Bearer::Inbound(self.owner)),
            Holder::Verification => Some(Bearer::Verification(self.owner)),
            Holder::Factor(_) => Some(Bearer::Factor(self.owner)),
            Holder::OptOut | Holder::Entry => None,
        }
    }

    /// Whether it belongs to a message that still moves, or to a factor that is in use.
    pub const fn moves(&self) -> bool {
        match self.holder {
            Holder::Message(state) => !state.is_final(),
            Holder::Factor(state) => !matches!(state, FactorState::Removed),
            Holder::Inbound | Holder::OptOut | Holder::Verification | Holder::Entry => false,
        }
    }
}

/// Why octets of destroyed values may still lie on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PurgeError {
    /// Somebody still reads what was there before.
    #[error("{0}; try again when it has ended")]
    InTheWay(&'static str),
    /// The disk or the database failed.
    #[error("the store could not be cleaned: {0}")]
    Failed(String),
}

impl From<ReadError> for PurgeError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Failed(text) | ReadError::Place(text) | ReadError::Unwritten(text) => {
                Self::Failed(text)
            }
            hole @ ReadError::Missing(_) => Self::Failed(hole.to_string()),
        }
    }
}

/// Finds what is kept of a person and what is past its time, and cleans up behind those who destroyed it.
///
/// Reads see at least every commit that was answered before. Tombstones are no values: `old_values`
/// passes them over.
pub trait Erasure: Send + Sync {
    /// Messages from the handset with this blind index, to any short code, newest first: at most `limit`
    /// (1 to 1,000), from below the cursor on. A page may be short or empty without being the last.
    fn inbounds_of(
        &self,
        subject: [u8; 16],
        cursor: Option<u64>,
        limit: u16,
        lookup: SubjectLookup,
    ) -> Reading<'_, Page<(InboundRow, Vec<VaultRow>)>>;

    /// Every row of the record of opt-outs with this suppression hash, oldest first, with its sealed
    /// fields. It looks at the whole record.
    fn opt_outs_of(&self, suppression: [u8; 16]) -> Reading<'_, Vec<(OptOutRow, Vec<VaultRow>)>>;

    /// Verifications of the number with this blind index, newest first, with their sealed fields: at most
    /// `limit` (1 to 1,000), from below the cursor on. A page may be short or empty without being the
    /// last.
    fn verifications_of(
        &self,
        subject: [u8; 16],
        cursor: Option<u64>,
        limit: u16,
        lookup: SubjectLookup,
    ) -> Reading<'_, Page<(VerificationRow, Vec<VaultRow>)>>;

    /// Every factor with this blind index of its user, oldest first, with its sealed fields. It looks at the
    /// whole record.
    fn factors_of(&self, subject: [u8; 16]) -> Reading<'_, Vec<(FactorRow, Vec<VaultRow>)>>;

    /// Sealed values by the age of their owner, oldest first. A page may be short or empty without being
    /// the last; `next` is the owner to go on from.
    fn old_values(&self, query: OldValues) -> Reading<'_, Page<OldValue>>;

    /// The sealed rows of these owners, tombstones too, in the order of the owners. Blocks.
    fn sealed_of(&self, owners: &[u64]) -> Result<Vec<VaultRow>, ReadError>;

    /// Sees to it that no file of the store holds an octet of what was destroyed or replaced by commits
    /// that were answered before, or a blind index that they blanked: not in a log, an index or a free page.
    fn purge(&self) -> std::pin::Pin<Box<dyn Future<Output = Result<(), PurgeError>> + Send + '_>>;
}
