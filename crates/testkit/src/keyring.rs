//! A keyring in memory, shared by its copies: it outlives the process of a test's gateway, and can be
//! made to fail, or to look as after a crash between two steps.

use std::sync::{Arc, Mutex, MutexGuard};

use engine::ports::Keyring;
use engine::ports::keyring::{KeyringError, Salt, Salts};

/// The keyring.
#[derive(Clone, Debug, Default)]
pub struct MemoryKeyring(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    salts: Salts,
    failing: Option<Step>,
}

/// A step that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// [`Keyring::propose`].
    Propose,
    /// [`Keyring::adopt`].
    Adopt,
}

impl MemoryKeyring {
    /// A step fails from now on; `None` is none.
    pub fn fail(&self, step: Option<Step>) {
        self.lock().failing = step;
    }

    /// What is there.
    pub fn salts(&self) -> Salts {
        self.lock().salts.clone()
    }

    /// Puts something else there, as an older copy would be.
    pub fn put(&self, salts: Salts) {
        self.lock().salts = salts;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn step(&self, step: Step) -> Result<MutexGuard<'_, Inner>, KeyringError> {
        let inner = self.lock();
        if inner.failing == Some(step) {
            return Err(KeyringError::Failed("made to fail".to_owned()));
        }
        Ok(inner)
    }
}

impl Keyring for MemoryKeyring {
    fn read(&self) -> Result<Salts, KeyringError> {
        Ok(self.salts())
    }

    fn propose(&self, salt: &Salt) -> Result<(), KeyringError> {
        self.step(Step::Propose)?.salts.next = Some(salt.clone());
        Ok(())
    }

    fn adopt(&self, salt: &Salt) -> Result<(), KeyringError> {
        let mut inner = self.step(Step::Adopt)?;
        if inner.salts.next.as_ref() == Some(salt) {
            inner.salts.current = inner.salts.next.take();
        }
        Ok(())
    }

    fn discard(&self) -> Result<(), KeyringError> {
        self.lock().salts.next = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_of_the_port_holds() {
        let keyring = MemoryKeyring::default();
        crate::contract::keyring::run(&mut || Box::new(keyring.clone()));
    }
}
