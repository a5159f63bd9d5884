//! The one place that reads the machine's clock: the engine's `Clock` port.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use domain::time::Timestamp;
use engine::ports::Clock;

/// The clock of the machine, in UTC.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one adapter of the machine's clock"
        )]
        let now = std::time::SystemTime::now();
        // A clock before 1970 reads as 1970: nothing is due then, and nothing expires.
        let since = now
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    fn uptime(&self) -> Duration {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one adapter of the machine's clock"
        )]
        let now = Instant::now();
        now.duration_since(*FIRST.get_or_init(|| now))
    }
}

/// The first reading: an instant of itself tells no time.
static FIRST: OnceLock<Instant> = OnceLock::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_shows_this_century() {
        let year_2025 = Timestamp::from_seconds(1_735_689_600);
        assert!(SystemClock.now() > year_2025);
    }
}
