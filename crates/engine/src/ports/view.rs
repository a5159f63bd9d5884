//! A store as it stands at one moment: its entries and every row that they must give again. What is read
//! belongs together, whatever is committed meanwhile.

use ledger::Hash;

use super::store::ReadError;
use crate::rows::{
    ClientRow, FactorRow, InboundRow, KekRow, MessageRow, OptOutRow, SecretRow, VaultRow,
};

/// Reads one moment of a store, page by page. Blocks.
///
/// Pages hold the rows whose key lies above `after` (from the first without it) in ascending order, at
/// most `most`; fewer only at the end. The key is the sequence, of sealed rows [`VaultRow::key`].
pub trait View {
    /// The index of the first entry whose bytes are still there.
    fn minimum(&self) -> u64;
    /// A part of the sealed snapshot of the state before the minimum; parts are counted from 0.
    fn snapshot(&self, part: u32) -> Result<Option<Vec<u8>>, ReadError>;
    /// How many entries there are.
    fn size(&self) -> u64;
    /// The entries from `from` on, in order: at most `most`, fewer at the end.
    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError>;
    /// The leaf hashes of the same entries, as they are kept.
    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError>;
    /// Messages to handsets.
    fn messages(&self, after: Option<u64>, most: usize) -> Result<Vec<MessageRow>, ReadError>;
    /// Messages from handsets.
    fn inbounds(&self, after: Option<u64>, most: usize) -> Result<Vec<InboundRow>, ReadError>;
    /// The index of the first entry of the commit that brought a message, of either way, as its row says:
    /// by the sequence of its id. `None` when it says nothing.
    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError>;
    /// Opt-outs and their removals.
    fn opt_outs(&self, after: Option<u64>, most: usize) -> Result<Vec<OptOutRow>, ReadError>;
    /// Factors.
    fn factors(&self, after: Option<u64>, most: usize) -> Result<Vec<FactorRow>, ReadError>;
    /// Sealed rows.
    fn vault(&self, after: Option<u64>, most: usize) -> Result<Vec<VaultRow>, ReadError>;
    /// Every client, in the order of their ids.
    fn clients(&self) -> Result<Vec<ClientRow>, ReadError>;
    /// Every secret of the gateway.
    fn secrets(&self) -> Result<Vec<SecretRow>, ReadError>;
    /// Every key-encryption key.
    fn keks(&self) -> Result<Vec<KekRow>, ReadError>;
    /// The sequences of the parts of longer messages that still wait; they own sealed rows.
    fn parts(&self) -> Result<Vec<u64>, ReadError>;
}
