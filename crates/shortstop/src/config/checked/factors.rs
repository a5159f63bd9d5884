//! Checks of `[factors]`.

use std::time::Duration;

use domain::verification::budget::policy::CheckPolicy;
use domain::verification::recovery::CODES_OF_A_SET_MAX;
use engine::settings::FactorSettings;

use super::super::Problems;
use super::super::factors::Factors;

/// Failed checks a day of an app, above which somebody may well guess a code within a year.
pub const TOTP_FAILURES_SAFE: u8 = 6;
/// Minutes of a week.
const PENDING_MINUTES_MAX: u64 = 7 * 24 * 60;
/// Characters of the firm's name.
const ISSUER_CHARACTERS: usize = 64;

/// What the engine is told of factors.
pub fn settings(raw: &Factors, problems: &mut Problems) -> FactorSettings {
    let usual = FactorSettings::default();
    let in_a_row = ("failures_in_a_row_max", raw.failures_in_a_row_max);
    let totp = ("totp_failures_per_day", raw.totp_failures_per_day);
    let recovery = ("recovery_failures_per_day", raw.recovery_failures_per_day);
    if !(1..=CODES_OF_A_SET_MAX).contains(&raw.recovery_codes) {
        let says = format!("must lie between 1 and {CODES_OF_A_SET_MAX}");
        problems.add("factors.recovery_codes", says);
    }
    if !(1..=PENDING_MINUTES_MAX).contains(&raw.pending_minutes) {
        let says = format!("must lie between 1 and {PENDING_MINUTES_MAX} minutes");
        problems.add("factors.pending_minutes", says);
    }
    let minutes = raw.pending_minutes.min(PENDING_MINUTES_MAX);
    FactorSettings {
        issuer: issuer(raw.issuer.as_deref(), problems),
        recovery_codes: raw.recovery_codes,
        pending: Duration::from_secs(minutes * 60),
        totp: policy(totp, in_a_row, problems).unwrap_or(usual.totp),
        recovery: policy(recovery, in_a_row, problems).unwrap_or(usual.recovery),
    }
}

fn policy(
    (per_day_key, per_day): (&str, u8),
    (in_a_row_key, in_a_row): (&str, u8),
    problems: &mut Problems,
) -> Option<CheckPolicy> {
    let policy = CheckPolicy::new(per_day, in_a_row).ok();
    if policy.is_none() {
        for (key, count) in [(per_day_key, per_day), (in_a_row_key, in_a_row)] {
            if !(1..=100).contains(&count) {
                problems.add(format!("factors.{key}"), "must lie between 1 and 100");
            }
        }
    }
    policy
}

fn issuer(name: Option<&str>, problems: &mut Problems) -> Option<Box<str>> {
    let name = name?;
    let fits = (1..=ISSUER_CHARACTERS).contains(&name.chars().count());
    if !fits || name.chars().any(|c| c.is_control() || c == ':') {
        let says = format!(
            "must have 1 to {ISSUER_CHARACTERS} characters, without colons and control characters"
        );
        problems.add("factors.issuer", says);
    }
    Some(name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(raw: &Factors) -> String {
        let mut problems = Problems::default();
        settings(raw, &mut problems);
        let checked: Result<(), Problems> = problems.or_value(Some(()));
        checked.map_or_else(|problems| problems.to_string(), |()| String::new())
    }

    #[test]
    fn the_defaults_are_those_of_the_engine() {
        let mut problems = Problems::default();
        let checked = settings(&Factors::default(), &mut problems);
        assert_eq!(
            format!("{checked:?}"),
            format!("{:?}", FactorSettings::default())
        );
        assert_eq!(checked.totp.per_day(), TOTP_FAILURES_SAFE);
    }

    #[test]
    fn each_number_has_its_bounds() {
        let raw = Factors {
            issuer: Some("a:b".to_owned()),
            totp_failures_per_day: 0,
            recovery_failures_per_day: 101,
            failures_in_a_row_max: 101,
            recovery_codes: 21,
            pending_minutes: 0,
        };
        let says = problems_of(&raw);
        for key in [
            "issuer",
            "totp_failures_per_day",
            "recovery_failures_per_day",
            "failures_in_a_row_max",
            "recovery_codes",
            "pending_minutes",
        ] {
            assert!(says.contains(&format!("factors.{key}")), "{key}: {says}");
        }
        assert_eq!(problems_of(&Factors::default()), "");
    }
}
