//! The answer to a request that limits refuse: which of them, how much each allows, and when to come
//! back.

use std::fmt::Write as _;
use std::time::Duration;

use domain::limit::book::Meter;
use domain::limit::fields;
use domain::limit::policy::Unit;
use engine::Throttled;

use super::{Code, Problem};

impl From<Throttled> for Problem {
    fn from(throttled: Throttled) -> Self {
        let violated = throttled.violated();
        let seconds = fields::retry_after(violated);
        let detail = detail(violated, seconds);
        Self {
            retry_after: seconds,
            violated: violated.into(),
            ..Self::new(Code::Throttled, detail)
        }
    }
}

fn detail(violated: &[Meter], seconds: Option<u64>) -> String {
    let mut text = String::new();
    for meter in violated {
        let before = if text.is_empty() { "the limit" } else { " and" };
        let (name, rule) = (&meter.name, rule(meter));
        // Writing into a text does not fail.
        let _ = write!(text, "{before} {name} ({rule})");
    }
    text.push_str(if violated.len() == 1 { " is" } else { " are" });
    match seconds {
        Some(1) => text.push_str(" used up: nothing was done, send it again in 1 second"),
        Some(seconds) => {
            let _ = write!(
                text,
                " used up: nothing was done, send it again in {seconds} seconds"
            );
        }
        None => text.push_str(
            " less than this request takes at once, so that it can never be done as it is: send less \
             in one request, or ask an operator to raise the limit",
        ),
    }
    text
}

/// What a limit allows, in words.
fn rule(meter: &Meter) -> String {
    let quota = meter.quota;
    let unit = match (meter.unit, meter.window) {
        (Unit::Requests, Duration::ZERO) => return format!("at most {quota} at once"),
        (Unit::Requests, _) => "requests",
        (Unit::Segments, _) => "segments",
        (Unit::Micros, _) => "millionths of the currency",
    };
    format!(
        "{quota} {unit} in {} seconds",
        meter.window.as_secs().max(1)
    )
}

#[cfg(test)]
mod tests {
    use domain::limit::book::Audience;
    use domain::limit::dimension::Level;
    use domain::limit::key::Key;
    use domain::limit::policy::{LimitName, Mode};

    use super::*;

    fn meter(name: &str, wait: Option<u64>) -> Meter {
        Meter {
            name: LimitName::parse(name).unwrap(),
            mode: Mode::Enforce,
            unit: Unit::Requests,
            quota: 5,
            window: Duration::from_hours(1),
            remaining: 0,
            reset: Duration::from_secs(7),
            audience: Audience::Client,
            wait: wait.map(Duration::from_secs),
            level: Level::Own,
            key: Key::default(),
        }
    }

    #[test]
    fn the_text_says_which_limits_and_when_to_come_back() {
        let one = [meter("recipient-otp-hour", Some(9))];
        assert_eq!(
            detail(&one, fields::retry_after(&one)),
            "the limit recipient-otp-hour (5 requests in 3600 seconds) is used up: nothing was done, \
             send it again in 9 seconds"
        );
        let two = [meter("a", Some(1)), meter("b", None)];
        let text = detail(&two, fields::retry_after(&two));
        assert!(
            text.starts_with(
                "the limit a (5 requests in 3600 seconds) and b (5 requests in 3600 seconds) are less"
            ),
            "{text}"
        );
    }
}
