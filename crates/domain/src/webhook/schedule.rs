//! When a call that failed is made again: by the schedule that Standard Webhooks recommends, with jitter.

use core::time::Duration;

/// The pauses after the first, the second … try, in seconds.
const PAUSES: [u64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// How often an event is tried, over about three days and four hours.
pub const ATTEMPTS_MAX: u8 = 10;

/// The longest that a receiver may ask us to wait.
const ASKED_MAX: Duration = Duration::from_hours(24);

/// The pause after so many tries (from 1), at most an eighth longer than the schedule says, by chance; a
/// receiver may ask for a longer one. `None` when it was the last.
pub fn pause(attempts: u8, chance: u8, asked: Option<Duration>) -> Option<Duration> {
    let place = usize::from(attempts.checked_sub(1)?);
    let usual = Duration::from_secs(*PAUSES.get(place)?);
    let jitter = usual.saturating_mul(u32::from(chance)) / (8 * u32::from(u8::MAX));
    let asked = asked.unwrap_or_default().min(ASKED_MAX);
    Some((usual + jitter).max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_over_three_days_and_no_more() {
        let mut whole = Duration::ZERO;
        for attempts in 1..ATTEMPTS_MAX {
            let least = pause(attempts, 0, None).unwrap();
            let most = pause(attempts, u8::MAX, None).unwrap();
            assert_eq!(most, least + least / 8);
            whole += least;
        }
        assert_eq!(pause(ATTEMPTS_MAX, 0, None), None);
        assert_eq!(pause(0, 0, None), None);
        assert_eq!(whole.as_secs() / 3_600, 75);
    }

    #[test]
    fn a_receiver_may_ask_for_longer_and_not_for_ever() {
        let hour = Duration::from_hours(1);
        assert_eq!(pause(1, 0, Some(hour)), Some(hour));
        assert_eq!(pause(4, 0, Some(hour)), Some(2 * hour));
        assert_eq!(pause(1, 0, Some(1_000 * hour)), Some(24 * hour));
        assert_eq!(pause(ATTEMPTS_MAX, 0, Some(hour)), None);
    }
}
