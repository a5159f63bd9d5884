//! Somebody who knows of SIMs without a wire: says what the test told it to, and remembers how often it
//! was asked.

use std::sync::{Arc, Mutex, PoisonError};

use domain::msisdn::Msisdn;
use domain::verification::risk::{MaxAgeHours, SimSwap};
use engine::ports::Risk;
use engine::ports::risk::{Asking, Told};

/// Such a one.
#[derive(Debug)]
pub struct MemoryRisk {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    says: SimSwap,
    asked: Vec<(u64, u16)>,
}

impl MemoryRisk {
    /// One that says this of every number.
    pub fn saying(says: SimSwap) -> Arc<Self> {
        let asked = Vec::new();
        Arc::new(Self {
            inner: Mutex::new(Inner { says, asked }),
        })
    }

    /// Says this from now on.
    pub fn say(&self, says: SimSwap) {
        self.inner().says = says;
    }

    /// What it was asked: digits of the number, and hours.
    pub fn asked(&self) -> Vec<(u64, u16)> {
        self.inner().asked.clone()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Risk for MemoryRisk {
    fn sim_swap(&self, number: Msisdn, max_age: MaxAgeHours) -> Asking<'_> {
        let mut inner = self.inner();
        inner.asked.push((number.reveal(), max_age.get()));
        let told = Told::Answered(inner.says);
        Box::pin(std::future::ready(told))
    }
}
