//! What everybody who knows of SIMs promises: an answer that is given is given back, none is kept for the
//! next time, and whatever goes wrong is "unknown" and never an error or a wait without end.

use domain::verification::risk::{MaxAgeHours, SimSwap, Unknown};
use engine::ports::Risk;
use engine::ports::risk::Told;

use crate::gateway::handset;

/// The other end of an implementation: what it will say of every number from now on.
pub trait SimService {
    /// The implementation that asks it.
    fn risk(&self) -> &dyn Risk;
    /// Says this from now on.
    fn says(&self, verdict: SimSwap);
}

/// Everything that can be said.
const VERDICTS: [SimSwap; 5] = [
    SimSwap::Unchanged,
    SimSwap::Changed,
    SimSwap::Unknown(Unknown::NotCovered),
    SimSwap::Unknown(Unknown::Failed),
    SimSwap::Unknown(Unknown::TimedOut),
];

/// Runs the scenarios.
pub async fn run(service: &dyn SimService) {
    let ask = || service.risk().sim_swap(handset(1), MaxAgeHours::default());
    for first in VERDICTS {
        for second in [first, SimSwap::Unchanged, SimSwap::Changed] {
            service.says(second);
            assert_eq!(ask().await, Told::Answered(second), "after {first:?}");
        }
    }
    a_dropped_question_leaves_the_next_alone(service).await;
}

async fn a_dropped_question_leaves_the_next_alone(service: &dyn SimService) {
    service.says(SimSwap::Changed);
    for _ in 0..100 {
        drop(service.risk().sim_swap(handset(2), MaxAgeHours::default()));
    }
    let told = service.risk().sim_swap(handset(2), MaxAgeHours::default());
    assert_eq!(told.await, Told::Answered(SimSwap::Changed));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::MemoryRisk;
    use std::sync::Arc;

    struct Memory(Arc<MemoryRisk>);

    impl SimService for Memory {
        fn risk(&self) -> &dyn Risk {
            self.0.as_ref()
        }

        fn says(&self, verdict: SimSwap) {
            self.0.say(verdict);
        }
    }

    #[tokio::test]
    async fn the_fake_keeps_the_contract() {
        let fake = MemoryRisk::saying(SimSwap::Unchanged);
        run(&Memory(Arc::clone(&fake))).await;
        assert!(!fake.asked().is_empty());
    }
}
