//! Seals in memory, shared by copies: they outlive the process of a test's gateway, and can be made to
//! fail between the two steps of keeping.

use std::sync::{Arc, Mutex, MutexGuard};

use engine::ports::Seals;
use engine::ports::sealing::{Kept, SealsError};
use ledger::seal::{Seal, SealKey, SealStart, SealState};

/// The seals of one log.
#[derive(Clone, Debug, Default)]
pub struct MemorySeals(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    chain: Option<(SealStart, SealKey)>,
    state: Option<SealState>,
    seals: Vec<Seal>,
    appends: usize,
    failing: Option<SealStep>,
}

/// A step of [`Seals::append`] that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealStep {
    /// No seal is kept.
    Seals,
    /// The seals are kept, and their state is not.
    State,
}

impl MemorySeals {
    /// A step fails from now on; `None` is none.
    pub fn fail(&self, step: Option<SealStep>) {
        self.lock().failing = step;
    }

    /// Loses the state.
    pub fn lose_state(&self) {
        self.lock().state = None;
    }

    /// Everything that was sealed.
    pub fn seals(&self) -> Vec<Seal> {
        self.lock().seals.clone()
    }

    /// Puts other seals there.
    pub fn put(&self, seals: Vec<Seal>) {
        self.lock().seals = seals;
    }

    /// How often something was kept.
    pub fn appends(&self) -> usize {
        self.lock().appends
    }

    /// The start of the chain and its first key, as the one who checks was given them.
    pub fn first(&self) -> (SealStart, SealKey) {
        self.lock().chain.clone().unwrap()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Seals for MemorySeals {
    fn read(&self) -> Result<Option<Kept>, SealsError> {
        let inner = self.lock();
        let Some((start, _)) = inner.chain.clone() else {
            return Ok(None);
        };
        let lost = || SealsError::Damaged("the state is lost".to_owned());
        let state = inner.state.clone().ok_or_else(lost)?;
        let sealed = usize::try_from(state.epoch()).unwrap();
        let ahead = inner.seals.get(sealed..).ok_or_else(lost)?.to_vec();
        Ok(Some(Kept {
            start,
            state,
            ahead,
        }))
    }

    fn begin(
        &self,
        start: &SealStart,
        first: &SealKey,
        state: &SealState,
    ) -> Result<(), SealsError> {
        let mut inner = self.lock();
        if inner.chain.is_some() {
            return Err(SealsError::Damaged("a chain is there".to_owned()));
        }
        inner.chain = Some((start.clone(), first.clone()));
        inner.state = Some(state.clone());
        Ok(())
    }

    fn append(&self, seals: &[Seal], state: &SealState) -> Result<(), SealsError> {
        let mut inner = self.lock();
        let failed = || SealsError::Failed("made to fail".to_owned());
        if inner.failing == Some(SealStep::Seals) {
            return Err(failed());
        }
        inner.appends += 1;
        inner.seals.extend_from_slice(seals);
        if inner.failing == Some(SealStep::State) {
            return Err(failed());
        }
        inner.state = Some(state.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_of_the_port_holds() {
        let seals = MemorySeals::default();
        crate::contract::seals::run(&mut || Box::new(seals.clone()));
    }
}
