//! When a certificate is asked for: with a third of its life left, or when the authority wants it, and after a failure
//! later and later. All of it is spread by chance, so that not everybody asks at once.

use std::time::Duration;

use domain::time::Timestamp;
use web::acme::Window;

/// The longest pause after a failure.
pub const PAUSE_MAX: Duration = Duration::from_hours(6);
/// How often the authority is asked when it wants to renew.
pub const LOOK_EVERY: Duration = Duration::from_hours(6);

/// A number of chance, from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Chance(f64);

impl Chance {
    /// From random octets.
    pub fn of(octets: [u8; 4]) -> Self {
        Self(f64::from(u32::from_be_bytes(octets)) / f64::from(u32::MAX))
    }
}

/// With a third of its life left, a little earlier by chance: at most a thirtieth of its life.
pub fn usual((from, until): (Timestamp, Timestamp), chance: Chance) -> Timestamp {
    let life = until.since(from);
    let earlier = (life / 30).mul_f64(chance.0);
    until.saturating_sub(life / 3 + earlier)
}

/// Somewhere in the window that the authority names, but never later than a day before the end.
pub fn wanted(window: Window, until: Timestamp, chance: Chance) -> Timestamp {
    let within = window.until.since(window.from).mul_f64(chance.0);
    let latest = until.saturating_sub(Duration::from_hours(24));
    window.from.saturating_add(within).min(latest)
}

/// How long to wait after so many failures one after the other, and at least as long as the authority asks.
pub fn pause(first: Duration, failures: u32, asked: Option<Duration>, chance: Chance) -> Duration {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let usual = doubled.min(PAUSE_MAX);
    // Between three quarters and five quarters.
    let spread = usual.mul_f64(0.75 + chance.0 / 2.0);
    spread.max(asked.unwrap_or_default().min(PAUSE_MAX * 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const FROM: Timestamp = Timestamp::from_seconds(1_764_064_800);
    const SOON: Chance = Chance(0.0);
    const LATE: Chance = Chance(1.0);

    #[test]
    fn a_certificate_is_renewed_with_a_third_of_its_life_left_or_when_the_authority_says() {
        let until = FROM.saturating_add(DAY * 90);
        assert_eq!(usual((FROM, until), SOON), FROM.saturating_add(DAY * 60));
        assert_eq!(usual((FROM, until), LATE), FROM.saturating_add(DAY * 57));
        let window = Window {
            from: FROM.saturating_add(DAY * 10),
            until: FROM.saturating_add(DAY * 12),
        };
        assert_eq!(wanted(window, until, SOON), window.from);
        assert_eq!(wanted(window, until, LATE), window.until);
        let early = FROM.saturating_add(DAY * 11);
        let before_its_end = early.saturating_sub(DAY);
        assert_eq!(wanted(window, early, LATE), before_its_end);
    }

    #[test]
    fn pauses_double_up_to_hours_and_are_never_shorter_than_asked() {
        let first = Duration::from_mins(1);
        let of = |failures| pause(first, failures, None, Chance(0.5));
        assert_eq!(of(1), first);
        assert_eq!(of(3), first * 4);
        assert_eq!(of(99), PAUSE_MAX);
        assert_eq!(pause(first, 1, None, SOON), first * 3 / 4);
        assert_eq!(pause(first, 1, None, LATE), first * 5 / 4);
        let asked = Duration::from_hours(1);
        assert_eq!(pause(first, 1, Some(asked), SOON), asked);
    }

    #[test]
    fn chance_lies_between_nothing_and_all() {
        assert!(Chance::of([0; 4]).0 <= 0.0);
        assert!(Chance::of([255; 4]).0 >= 1.0);
    }
}
