//! Counts in memory, shared by their copies: they outlive the process of a test's gateway.

use std::sync::{Arc, Mutex};

use engine::ports::Counts;
use engine::ports::counts::CountsError;

/// The keeper.
#[derive(Clone, Debug, Default)]
pub struct MemoryCounts(Arc<Mutex<Option<Vec<u8>>>>);

impl MemoryCounts {
    /// Puts something else there, or nothing.
    pub fn put(&self, value: Option<Vec<u8>>) {
        *self.0.lock().unwrap() = value;
    }
}

impl Counts for MemoryCounts {
    fn kept(&self) -> Result<Option<Vec<u8>>, CountsError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn keep(&self, sealed: &[u8]) -> Result<(), CountsError> {
        self.put(Some(sealed.to_vec()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_of_the_port_holds() {
        let fresh = MemoryCounts::default();
        let again = fresh.clone();
        crate::contract::counts::run(&fresh, &|| Box::new(again.clone()));
    }
}
