//! How long a stream rests before it tries again: twice as long each time, with jitter, so that a collector
//! that comes back is not met by everybody at once.

use std::time::Duration;

use super::StreamLimits;
use crate::ports::Entropy;

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Failures(u32);

impl Failures {
    /// One more, of a line that lived so long. One that outlived the longest pause had worked.
    pub(super) fn count(&mut self, life: Duration, limits: StreamLimits) {
        if life >= limits.pause_max {
            self.0 = 0;
        }
        self.0 = self.0.saturating_add(1);
    }

    /// Between half and all of `pause × 2^(failures - 1)`, at most `pause_max`.
    pub(super) fn pause(&self, limits: StreamLimits, entropy: &dyn Entropy) -> Duration {
        let doubled = 2_u32.saturating_pow(self.0.saturating_sub(1));
        let whole = limits.pause.saturating_mul(doubled).min(limits.pause_max);
        let mut octets = [0; 2];
        entropy.fill(&mut octets);
        let share = u32::from(u16::from_be_bytes(octets));
        whole / 2 + (whole / 2).saturating_mul(share) / u32::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, octets: &mut [u8]) {
            octets.fill(self.0);
        }
    }

    const LIMITS: StreamLimits = StreamLimits {
        batch_entries: 1,
        batch_octets: 1,
        pause: Duration::from_secs(1),
        pause_max: Duration::from_mins(1),
    };

    #[test]
    fn pauses_double_to_the_longest_and_jitter_halves_them_at_most() {
        let mut failures = Failures::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            failures.count(Duration::ZERO, LIMITS);
            let whole = Duration::from_secs(seconds);
            assert_eq!(failures.pause(LIMITS, &Fixed(0xff)), whole);
            assert_eq!(failures.pause(LIMITS, &Fixed(0)), whole / 2);
        }
        failures.count(Duration::from_mins(2), LIMITS);
        assert_eq!(failures.pause(LIMITS, &Fixed(0xff)), LIMITS.pause);
    }
}
