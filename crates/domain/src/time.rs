//! The one notion of time inside the gateway: microseconds of UTC since 1970. Nothing here reads a
//! clock; a `Timestamp` always arrives as the last argument of whoever needs it.

use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment of UTC, in whole microseconds since 1970-01-01T00:00:00Z. Range: up to the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(u64);

/// The last microsecond of the year 9999, so that every timestamp has an RFC 3339 form.
const MAX_MICROS: u64 = 253_402_300_799_999_999;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The latest moment that can be written down.
    pub const MAX: Self = Self(MAX_MICROS);

    /// From microseconds since 1970; later than the year 9999 is cut to [`Timestamp::MAX`].
    pub const fn from_micros(micros: u64) -> Self {
        if micros > MAX_MICROS {
            Self(MAX_MICROS)
        } else {
            Self(micros)
        }
    }

    /// From whole seconds since 1970.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Milliseconds since 1970, rounded down (the resolution of UUIDv7).
    pub const fn millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// This moment plus a duration, never past [`Timestamp::MAX`].
    pub fn saturating_add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// This moment minus a duration, never before 1970.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// A moment on two clocks: what is told to people goes by the one on the wall, which somebody may set, and what
/// may happen only so often goes by one that nobody sets. For whoever has but one, both show the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What the clock on the wall shows.
    pub wall: Timestamp,
    /// The time of the clock that never leaps and never goes back; it need not be that of the wall.
    pub steady: Timestamp,
}

impl From<Timestamp> for Moment {
    fn from(both: Timestamp) -> Self {
        Self {
            wall: both,
            steady: both,
        }
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with six digits of fraction: `2026-11-25T10:00:00.000000Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_microsecond(micros) {
            Ok(moment) => write!(f, "{moment:.6}"),
            Err(_) => f.write_str("9999-12-31T23:59:59.999999Z"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no moment in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// Not RFC 3339.
    #[error("not an RFC 3339 time such as 2026-11-25T10:00:00Z")]
    Form,
    /// Before 1970 or after 9999.
    #[error("outside the years 1970 to 9999")]
    Range,
}

impl core::str::FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let moment: jiff::Timestamp = text.parse().map_err(|_| TimestampError::Form)?;
        let micros = u64::try_from(moment.as_microsecond()).map_err(|_| TimestampError::Range)?;
        if micros > MAX_MICROS {
            return Err(TimestampError::Range);
        }
        Ok(Self(micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_rfc3339_in_utc_with_six_digits_and_parses_back() {
        let moment = Timestamp::from_micros(1_764_064_800_000_001);
        assert_eq!(moment.to_string(), "2025-11-25T10:00:00.000001Z");
        assert_eq!(moment.to_string().parse(), Ok(moment));
        assert_eq!("yesterday".parse::<Timestamp>(), Err(TimestampError::Form));
        assert_eq!(
            "1950-01-01T00:00:00Z".parse::<Timestamp>(),
            Err(TimestampError::Range)
        );
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(
            Timestamp::MAX.saturating_add(Duration::from_secs(1)),
            Timestamp::MAX
        );
        assert_eq!(
            Timestamp::EPOCH.saturating_sub(Duration::from_secs(1)),
            Timestamp::EPOCH
        );
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999Z");
    }
}
