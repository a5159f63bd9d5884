//! How long to wait before the next try: twice as long each time, with jitter, so that a thousand
//! gateways do not come back in the same moment.

use std::time::Duration;

use engine::ports::Entropy;

/// A refused bind counts as this many failures: an account that is locked or wrong does not mend in
/// a second, and carriers ban who hammers them.
const REFUSAL_FAILURES: u32 = 3;

/// A link that was up for so long has worked, however long the wait before it was.
const WORKED_AFTER: Duration = Duration::from_secs(10);

/// The bounds of the wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            min: Duration::from_secs(1),
            max: Duration::from_mins(1),
        }
    }
}

/// Failures in a row.
#[derive(Debug, Default)]
pub(super) struct Failures(u32);

impl Failures {
    /// The link was up for so long. It has worked when it outlived the wait that the failures so far
    /// deserve; whoever lets it bind only to drop it is called less and less often.
    pub(super) fn lived(&mut self, life: Duration, backoff: Backoff) {
        if life >= self.whole(backoff).min(WORKED_AFTER) {
            self.0 = 0;
        }
    }

    /// One more failure.
    pub(super) const fn count(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// The carrier refused the bind.
    pub(super) const fn count_refusal(&mut self) {
        self.0 = self.0.saturating_add(REFUSAL_FAILURES);
    }

    /// How long to wait now: between half and all of `min × 2^(failures - 1)`, at most `max`.
    pub(super) fn delay(&self, backoff: Backoff, entropy: &dyn Entropy) -> Duration {
        let whole = self.whole(backoff);
        let mut octets = [0; 4];
        entropy.fill(&mut octets);
        let unit = f64::from(u32::from_be_bytes(octets)) / f64::from(u32::MAX);
        whole / 2 + (whole / 2).mul_f64(unit)
    }

    /// The wait without chance.
    fn whole(&self, backoff: Backoff) -> Duration {
        let doublings = self.0.saturating_sub(1).min(31);
        backoff.min.saturating_mul(1 << doublings).min(backoff.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Always(u8);

    impl Entropy for Always {
        fn fill(&self, octets: &mut [u8]) {
            octets.fill(self.0);
        }
    }

    fn delays(chance: u8) -> Vec<u64> {
        let mut failures = Failures::default();
        let mut delays = Vec::new();
        for _ in 0..9 {
            failures.count();
            let delay = failures.delay(Backoff::default(), &Always(chance));
            delays.push(u64::try_from(delay.as_millis()).unwrap());
        }
        delays
    }

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_halves_them_at_most() {
        assert_eq!(
            delays(0xFF),
            [
                1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000
            ]
        );
        assert_eq!(
            delays(0),
            [
                500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000
            ]
        );
    }

    #[test]
    fn a_refused_bind_waits_longer_and_success_forgets() {
        let second = Duration::from_secs(1);
        let mut failures = Failures::default();
        failures.count_refusal();
        assert_eq!(
            failures.delay(Backoff::default(), &Always(0xFF)),
            Duration::from_secs(4)
        );
        for _ in 0..100 {
            failures.count_refusal();
        }
        assert_eq!(
            failures.delay(Backoff::default(), &Always(0xFF)),
            Duration::from_mins(1)
        );
        failures.lived(Duration::from_secs(9), Backoff::default());
        failures.count();
        assert_eq!(
            failures.delay(Backoff::default(), &Always(0xFF)),
            Duration::from_mins(1)
        );
        failures.lived(Duration::from_secs(10), Backoff::default());
        failures.count();
        assert_eq!(failures.delay(Backoff::default(), &Always(0xFF)), second);
    }

    #[test]
    fn only_a_link_that_outlives_its_wait_has_worked() {
        let delay_after = |life: u64| {
            let mut failures = Failures::default();
            for _ in 0..3 {
                failures.count();
            }
            failures.lived(Duration::from_millis(life), Backoff::default());
            failures.count();
            failures.delay(Backoff::default(), &Always(0xFF)).as_secs()
        };
        assert_eq!((delay_after(3_999), delay_after(4_000)), (8, 1));
    }
}
