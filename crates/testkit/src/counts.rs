//! Counts in memory, shared by their copies: they outlive the process of a test's gateway.

use std::sync::{Arc, Mutex};

use engine::ports::Counts;
use engine::ports::counts::CountsError;

/// The keeper.
#[derive(Clone, Debug, Default)]
pub struct MemoryCounts(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    value: Option<Vec<u8>>,
    /// What was given last, while it is late; `None` while nothing is.
    late: Option<Option<Vec<u8>>>,
}

impl MemoryCounts {
    /// Puts something else there, or nothing.
    pub fn put(&self, value: Option<Vec<u8>>) {
        self.0.lock().unwrap().value = value;
    }

    /// From now on loses the last that it is given: the process ends before that is durable.
    pub fn lose_last(&self) {
        self.0.lock().unwrap().late = Some(None);
    }
}

impl Counts for MemoryCounts {
    fn kept(&self) -> Result<Option<Vec<u8>>, CountsError> {
        Ok(self.0.lock().unwrap().value.clone())
    }

    fn keep(&self, sealed: &[u8]) -> Result<(), CountsError> {
        let mut held = self.0.lock().unwrap();
        let sealed = Some(sealed.to_vec());
        match held.late.take() {
            None => held.value = sealed,
            Some(None) => held.late = Some(sealed),
            Some(earlier) => {
                held.value = earlier;
                held.late = Some(sealed);
            }
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
