//! Where the seals of the ledger are kept, and the one key that makes the next: each use overwrites it.

use ledger::seal::{Seal, SealKey, SealStart, SealState};
use thiserror::Error;

/// A chain of seals as it was left.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Where it began.
    pub start: SealStart,
    /// The state that was kept last.
    pub state: SealState,
    /// Seals that were kept and whose state was not, in order: the process died in between.
    pub ahead: Vec<Seal>,
}

/// Why seals cannot be read or kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealsError {
    /// Their place cannot be read or written now.
    #[error("the seals of the ledger cannot be used: {0}")]
    Failed(String),
    /// What is there is not what was kept: only a person can tell what became of it.
    #[error("the seals of the ledger are damaged: {0}")]
    Damaged(String),
}

/// Keeps the seals and the state that makes the next one. Everything blocks.
///
/// Each call is durable before it returns. `append` keeps the seals first and then the state, in place of
/// the one before, whose octets are overwritten: a crash within leaves whole seals of a beginning of what
/// was given, and either state, never none. Seals whose state was not kept are told as `ahead` until a
/// state that covers them is. A chain whose state is lost is damaged, and never begun again. Nobody else
/// changes a chain while it is used.
pub trait Seals: Send + Sync {
    /// What is there; `None` before the first chain.
    fn read(&self) -> Result<Option<Kept>, SealsError>;
    /// Begins a chain, and lays its first key where a person takes it from. Only when none is there.
    fn begin(
        &self,
        start: &SealStart,
        first: &SealKey,
        state: &SealState,
    ) -> Result<(), SealsError>;
    /// Keeps further seals, perhaps none, and the state behind them, which is of a later epoch than the
    /// one before. After [`Seals::begin`] or [`Seals::read`] only.
    fn append(&self, seals: &[Seal], state: &SealState) -> Result<(), SealsError>;
}
