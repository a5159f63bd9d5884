//! The `RateLimit-Policy` and `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers, editor's copy of
//! September 2025), Structured Fields Lists (RFC 9651). Names of limits need no quoting beyond the
//! quotation marks.

use core::fmt::Write;
use core::time::Duration;

use super::book::{Audience, Meter};
use super::policy::Unit;

/// The largest Integer of RFC 9651 section 3.3.1.
const INTEGER_MAX: u64 = 999_999_999_999_999;

/// The value of `RateLimit-Policy`: what the limits allow. `q` is a window's amount or a rate's burst,
/// `w` the window or the time in which a spent burst comes back, in seconds.
pub fn policies(meters: &[Meter]) -> String {
    list(meters, |text, meter| {
        write!(text, "\"{}\";q={}", meter.name, integer(meter.quota))?;
        if let Some(unit) = unit(meter) {
            write!(text, ";qu=\"{unit}\"")?;
        }
        if meter.window > Duration::ZERO {
            write!(text, ";w={}", seconds(meter.window))?;
        }
        Ok(())
    })
}

/// The value of `RateLimit`: what is left (`r`), and in how many seconds there is more (`t`). Of a limit
/// that several clients share it says only that this request does not fit (`r=0`), and when it will.
pub fn standings(meters: &[Meter]) -> String {
    list(meters, |text, meter| {
        let (left, reset) = match meter.audience {
            Audience::Client => (meter.remaining, meter.reset),
            Audience::Operator => (0, meter.wait.unwrap_or_default()),
        };
        write!(text, "\"{}\";r={}", meter.name, integer(left))?;
        write!(text, ";t={}", seconds(reset))
    })
}

/// The value of `Retry-After`, never earlier than any `t`: whole seconds, at least 1. `None` when the
/// request never fits as it is.
pub fn retry_after(meters: &[Meter]) -> Option<u64> {
    let mut longest = 1;
    for meter in meters {
        let reset = match meter.audience {
            Audience::Client => meter.reset,
            Audience::Operator => Duration::ZERO,
        };
        longest = longest.max(seconds(meter.wait?.max(reset)));
    }
    Some(longest)
}

/// The unit of a quota; the draft's default, requests, is not written. Units that the draft does not
/// know carry our prefix.
fn unit(meter: &Meter) -> Option<&'static str> {
    match meter.unit {
        Unit::Requests if meter.window == Duration::ZERO => Some("concurrent-requests"),
        Unit::Requests => None,
        Unit::Segments => Some("shortstop-segments"),
        Unit::Micros => Some("shortstop-micros"),
    }
}

fn list(meters: &[Meter], item: impl Fn(&mut String, &Meter) -> core::fmt::Result) -> String {
    let mut text = String::new();
    for meter in meters {
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Writing into a text does not fail.
        let _ = item(&mut text, meter);
    }
    text
}

fn integer(value: u64) -> u64 {
    value.min(INTEGER_MAX)
}

fn seconds(duration: Duration) -> u64 {
    let up = u64::from(duration.subsec_nanos() > 0);
    integer(duration.as_secs().saturating_add(up))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::dimension::Level;
    use crate::limit::key::Key;
    use crate::limit::policy::{LimitName, Mode};

    fn meter(name: &str, unit: Unit, window: u64) -> Meter {
        Meter {
            name: LimitName::parse(name).unwrap(),
            mode: Mode::Enforce,
            unit,
            quota: 10,
            window: Duration::from_secs(window),
            remaining: 3,
            reset: Duration::from_millis(1_500),
            audience: Audience::Client,
            wait: Some(Duration::from_millis(900)),
            level: Level::Own,
            key: Key::default(),
        }
    }

    #[test]
    fn the_fields_are_lists_of_the_draft() {
        let meters = [
            meter("day", Unit::Requests, 86_400),
            meter("rate", Unit::Segments, 1),
            meter("slots", Unit::Requests, 0),
        ];
        assert_eq!(
            policies(&meters),
            "\"day\";q=10;w=86400, \"rate\";q=10;qu=\"shortstop-segments\";w=1, \
             \"slots\";q=10;qu=\"concurrent-requests\""
        );
        assert_eq!(standings(&meters[..1]), "\"day\";r=3;t=2");
        assert_eq!(policies(&[]), "");
        let huge = Meter {
            quota: u64::MAX,
            ..meter("m", Unit::Micros, 1)
        };
        assert_eq!(
            policies(&[huge]),
            "\"m\";q=999999999999999;qu=\"shortstop-micros\";w=1"
        );
    }

    #[test]
    fn what_is_left_of_a_limit_that_clients_share_is_told_to_none() {
        let shared = Meter {
            audience: Audience::Operator,
            ..meter("day", Unit::Segments, 86_400)
        };
        let one = std::slice::from_ref(&shared);
        assert_eq!(standings(one), "\"day\";r=0;t=1");
        assert_eq!(retry_after(one), Some(1));
    }

    #[test]
    fn retry_after_is_never_before_any_reset_and_none_for_never() {
        let one = meter("day", Unit::Requests, 60);
        assert_eq!(retry_after(std::slice::from_ref(&one)), Some(2));
        assert_eq!(
            retry_after(&[one.clone(), Meter { wait: None, ..one }]),
            None
        );
        assert_eq!(retry_after(&[]), Some(1));
    }
}
