//! The numbers of a limit: which setting is the one that is out of range, and what to write instead.

use std::time::Duration;

use domain::limit::policy::{Draft, LONGEST, MOST_KEYS, PolicyError, Rule};

/// What is out of range, each with the setting that says it.
pub(super) fn wrong(draft: &Draft) -> Vec<(String, String)> {
    let mut found = of_rule(draft.rule, "");
    for (place, (_, rule)) in draft.overrides.iter().enumerate() {
        let own = of_rule(*rule, &format!("overrides[{place}]."));
        // The window of all is told once.
        found.extend(own.into_iter().filter(|(key, _)| !key.ends_with(WINDOW)));
    }
    if !(1..=MOST_KEYS).contains(&draft.keys) {
        let says = format!("must lie between 1 and {MOST_KEYS}");
        found.push(("keys_max".to_owned(), says));
    }
    found
}

/// Which setting leads to an error that is no number's.
pub(super) const fn key_of(error: &PolicyError) -> &'static str {
    match error {
        PolicyError::Overrides(_)
        | PolicyError::OverrideOfAll(_)
        | PolicyError::OverrideShape(_) => "overrides",
        PolicyError::Unit(_) => "unit",
        PolicyError::TooManyKeys(_) => "keys_max",
        PolicyError::Zero(_) => "amount",
        PolicyError::TooLong(_) => WINDOW,
        PolicyError::Twice(_) => "name",
    }
}

const WINDOW: &str = "window_seconds";

fn of_rule(rule: Rule, at: &str) -> Vec<(String, String)> {
    let (amount, window, burst) = match rule {
        Rule::Quota { amount, window } => (amount, Some(window), None),
        Rule::Held { most } => (most.into(), None, None),
        Rule::Rate {
            count,
            period,
            burst,
        } => (count.into(), Some(period), Some(burst)),
    };
    let mut found = Vec::new();
    let mut add = |key: &str, says: String| found.push((format!("{at}{key}"), says));
    if amount == 0 {
        let says = "must be 1 or more";
        add("amount", says.to_owned());
    }
    let window = window.unwrap_or(Duration::from_secs(1));
    if window.is_zero() || window > LONGEST {
        let most = LONGEST.as_secs();
        add(WINDOW, format!("must lie between 1 and {most} (366 days)"));
        return found;
    }
    let Some(burst) = burst else {
        return found;
    };
    let back = window.as_micros().saturating_mul(burst.into()) / u128::from(amount.max(1));
    if burst == 0 && amount > 0 {
        add("burst", "must be 1 or more".to_owned());
    } else if back > LONGEST.as_micros() {
        let says = "takes longer than 366 days to come back; lower it, or raise amount";
        add("burst", says.to_owned());
    }
    found
}
