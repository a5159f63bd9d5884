//! How long to wait before the next try: twice as long each time, with jitter, so that a thousand
//! gateways do not come back in the same moment.

use std::time::Duration;

use engine::ports::Entropy;

/// A refused bind counts as this many failures: an account that is locked or wrong does not mend in
/// a second, and carriers ban who hammers them.
const REFUSAL_FAILURES: u32 = 3;

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
    /// The link has worked.
    pub(super) const fn forget(&mut self) {
        self.0 = 0;
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
        let doublings = self.0.saturating_sub(1).min(31);
        let whole = backoff.min.saturating_mul(1 << doublings).min(backoff.max);
        let mut octets = [0; 4];
        entropy.fill(&mut octets);
        let unit = f64::from(u32::from_be_bytes(octets)) / f64::from(u32::MAX);
        whole / 2 + (whole / 2).mul_f64(unit)
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
        failures.forget();
        failures.count();
        assert_eq!(
            failures.delay(Backoff::default(), &Always(0xFF)),
            Duration::from_secs(1)
        );
    }
}
