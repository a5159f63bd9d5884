//! A limit in words: how much of what, by what, and what happens then.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::limit::facts::Event;
use domain::limit::policy::{Draft, Mode, Rule, Unit};

/// One line for people, without the name.
pub fn says(draft: &Draft) -> String {
    let what = what(draft);
    let much = match draft.rule {
        Rule::Rate {
            count,
            period,
            burst,
        } => format!("{count} {what} in {}, {burst} at once", span(period)),
        Rule::Quota { amount, window } if draft.unit == Unit::Micros => {
            format!("{} for {what} in any {}", money(amount), span(window))
        }
        Rule::Quota { amount, window } => format!("{amount} {what} in any {}", span(window)),
        Rule::Held { most } => format!("{most} {what} at once"),
    };
    let by: Vec<String> = draft
        .dimensions
        .iter()
        .map(|dimension| word(&dimension))
        .collect();
    let by = match &by[..] {
        [] => "all together".to_owned(),
        by => format!("for each {}", by.join(" and ")),
    };
    let then = match draft.mode {
        Mode::Enforce => "more is refused",
        Mode::Record => "more is only recorded",
    };
    let mut line = format!("{much}, {by}; {then}");
    if !draft.overrides.is_empty() {
        let clients = draft.overrides.len();
        line = format!("{line}; other numbers for {clients} client(s)");
    }
    line
}

fn what(draft: &Draft) -> String {
    let classes: Vec<&str> = draft.classes.iter().map(TrafficClass::as_str).collect();
    let of = match &classes[..] {
        [] => String::new(),
        classes => format!(" of {}", classes.join(" and ")),
    };
    match (draft.event, draft.unit) {
        (_, Unit::Segments) => format!("segments{of}"),
        (Event::Message, _) => format!("messages{of}"),
        (Event::Request, _) => "requests".to_owned(),
        (Event::Login, _) => "failed logins or keys".to_owned(),
        (Event::Bind, _) => "binds".to_owned(),
    }
}

/// Millionths as a number with decimals.
pub fn money(micros: u64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    let part = format!("{part:06}");
    match part.trim_end_matches('0') {
        "" => whole.to_string(),
        part => format!("{whole}.{part}"),
    }
}

/// A span in its largest whole unit.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    for (length, name) in units {
        if seconds >= length && seconds.is_multiple_of(length) {
            return counted(seconds / length, name);
        }
    }
    counted(seconds, "second")
}

fn counted(count: u64, unit: &str) -> String {
    match count {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

/// The word of the configuration.
pub fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use domain::limit::policy::defaults;

    use super::*;

    fn check(name: &str, expected: &str) {
        let policies = defaults();
        let mut policies = policies.iter();
        let policy = policies.find(|policy| policy.name().as_str() == name);
        assert_eq!(says(policy.unwrap().draft()), expected);
    }

    #[test]
    fn each_sort_of_limit_is_told_in_words() {
        check(
            "recipient-otp-hour",
            "5 messages of otp in any 1 hour, for each recipient; more is refused",
        );
        check(
            "client-rate",
            "100 segments in 1 second, 1000 at once, for each client; more is refused",
        );
        check(
            "client-spend-day",
            "100 for messages in any 1 day, for each client; more is refused",
        );
        check(
            "client-concurrency",
            "256 requests at once, for each client; more is refused",
        );
        check(
            "prefix-hour",
            "30 messages in any 1 hour, for each prefix; more is only recorded",
        );
        assert_eq!(money(45_000), "0.045");
        assert_eq!(span(Duration::from_secs(90)), "90 seconds");
    }
}
