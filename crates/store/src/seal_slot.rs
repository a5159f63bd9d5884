//! A slot of `keys/seal.state`: the state of a sealer, how long the file of seals was with it, and a sum
//! over both that a slot which was wiped or cut off does not have.

use ledger::seal::SealState;
use zeroize::Zeroizing;

use crate::fnv::fnv;

/// Octets of a slot.
pub(crate) const SLOT: usize = 96;
/// Where the slots lie: far enough from each other that no disk writes both at once.
pub(crate) const PLACES: [u64; 2] = [0, 4_096];

/// What a slot holds.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The state.
    pub(crate) state: SealState,
    /// How many octets of seals it covers, the start included.
    pub(crate) length: u64,
}

impl Slot {
    /// Reads a slot; `None` when none is whole there.
    pub(crate) fn parse(octets: &[u8; SLOT]) -> Option<Self> {
        let (body, sum) = octets.split_last_chunk::<8>()?;
        let (state, length) = body.split_last_chunk::<8>()?;
        let state = SealState::from_bytes(state.try_into().ok()?);
        let is_whole = fnv(body.iter().copied()) == u64::from_be_bytes(*sum);
        is_whole.then(|| Self {
            state,
            length: u64::from_be_bytes(*length),
        })
    }

    /// Its octets.
    pub(crate) fn octets(&self) -> Zeroizing<[u8; SLOT]> {
        let mut octets = Zeroizing::new([0; SLOT]);
        let (body, sum) = octets.split_at_mut(SLOT - 8);
        let (state, length) = body.split_at_mut(SLOT - 16);
        state.copy_from_slice(self.state.reveal());
        length.copy_from_slice(&self.length.to_be_bytes());
        sum.copy_from_slice(&fnv(body.iter().copied()).to_be_bytes());
        octets
    }
}
