//! Counts in memory, shared by their copies: they outlive the process of a test's gateway.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use engine::ports::Counts;
use engine::ports::counts::CountsError;

/// The keeper.
#[derive(Clone, Debug, Default)]
pub struct MemoryCounts(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    value: Option<Vec<u8>>,
    /// How many of those given last are late: none, or one.
    late: usize,
    /// Those that are.
    waiting: VecDeque<Vec<u8>>,
}

impl MemoryCounts {
    /// Puts something else there, or nothing.
    pub fn put(&self, value: Option<Vec<u8>>) {
        self.0.lock().unwrap().value = value;
    }

    /// From now on loses the last that it is given: the process ends before that is durable.
    pub fn lose_last(&self) {
        self.0.lock().unwrap().late = 1;
    }
}

impl Counts for MemoryCounts {
    fn kept(&self) -> Result<Option<Vec<u8>>, CountsError> {
        Ok(self.0.lock().unwrap().value.clone())
    }

    fn keep(&self, sealed: &[u8]) -> Result<(), CountsError> {
        let mut held = self.0.lock().unwrap();
        held.waiting.push_back(sealed.to_vec());
        if held.waiting.len() > held.late {
            held.value = held.waiting.pop_front();
        }
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
