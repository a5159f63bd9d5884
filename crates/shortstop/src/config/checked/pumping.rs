//! Checks of `[pumping]`: shares are shares, blocks end, and the safe list holds numbers.

use domain::verification::pumping::{Adjacent, PumpingPolicy, SafeList, Threshold};

use super::super::Problems;
use super::super::pumping::Pumping;

/// The longest block, in hours: 30 days. What lasts longer belongs into the countries that are off.
const BLOCK_HOURS_MAX: u64 = 720;

/// The most numbers of a span of fifty that can lie side by side.
const SPAN: u32 = 50;

/// The policy of a configuration.
pub fn policy(section: &Pumping, problems: &mut Problems) -> PumpingPolicy {
    shares(section, problems);
    let country = |floor, baseline_percent| Threshold {
        floor,
        baseline_percent,
        conversion_percent: section.country_conversion_percent,
    };
    let prefix = |floor, baseline_percent| Threshold {
        floor,
        baseline_percent,
        conversion_percent: section.prefix_conversion_percent,
    };
    let safe_list = SafeList::parse(section.safe_list.iter().map(String::as_str));
    PumpingPolicy {
        mode: section.mode,
        country_day: country(
            section.country_day_unused_max,
            section.country_day_baseline_percent,
        ),
        country_hour: country(
            section.country_hour_unused_max,
            section.country_hour_baseline_percent,
        ),
        country_open: country(
            section.country_open_max,
            section.country_open_baseline_percent,
        ),
        prefix_quarter: prefix(section.prefix_quarter_unused_max, 0),
        prefix_hour: prefix(
            section.prefix_hour_unused_max,
            section.prefix_hour_baseline_percent,
        ),
        prefix_day: prefix(
            section.prefix_day_unused_max,
            section.prefix_day_baseline_percent,
        ),
        adjacent: Adjacent {
            in_block: section.adjacent_of_hundred,
            in_span: section.adjacent_of_fifty,
        },
        block_seconds: section.block_hours.saturating_mul(3_600),
        safe_list: problems
            .keep("pumping.safe_list", safe_list)
            .unwrap_or_default(),
    }
}

/// Who allows so many times what is allowed out of the box allows it all.
const LOOSE: u32 = 10;

/// What of a policy lets codes through that nobody uses; said at each start and reload.
pub fn warnings(policy: &PumpingPolicy) -> Vec<String> {
    let usual = PumpingPolicy::default();
    let mut found = Vec::new();
    let shares = [
        (
            "country_conversion_percent",
            policy.country_day,
            "no country",
        ),
        ("prefix_conversion_percent", policy.prefix_day, "no prefix"),
    ];
    for (name, threshold, what) in shares {
        if threshold.conversion_percent == 0 {
            found.push(format!(
                "pumping.{name} is 0: {what} is ever refused for codes that go unused"
            ));
        }
    }
    for (name, threshold, usual) in limits(policy, &usual) {
        if threshold.floor > usual.floor.saturating_mul(LOOSE) {
            found.push(format!(
                "pumping.{name} is {}: more than {LOOSE} times what is usual, so that attacks go on below it",
                threshold.floor
            ));
        }
    }
    let (own, most) = (policy.adjacent, usual.adjacent);
    let adjacent = [
        ("adjacent_of_hundred", own.in_block, most.in_block, 100),
        ("adjacent_of_fifty", own.in_span, most.in_span, SPAN),
    ];
    for (name, value, usual, there_are) in adjacent {
        if value > there_are || value > usual.saturating_mul(LOOSE / 2) {
            found.push(format!(
                "pumping.{name} is {value}: numbers side by side are as good as not looked at"
            ));
        }
    }
    found
}

/// Each limit on unused codes with its name and the usual one.
const fn limits(
    policy: &PumpingPolicy,
    usual: &PumpingPolicy,
) -> [(&'static str, Threshold, Threshold); 6] {
    [
        (
            "country_day_unused_max",
            policy.country_day,
            usual.country_day,
        ),
        (
            "country_hour_unused_max",
            policy.country_hour,
            usual.country_hour,
        ),
        ("country_open_max", policy.country_open, usual.country_open),
        (
            "prefix_quarter_unused_max",
            policy.prefix_quarter,
            usual.prefix_quarter,
        ),
        (
            "prefix_hour_unused_max",
            policy.prefix_hour,
            usual.prefix_hour,
        ),
        ("prefix_day_unused_max", policy.prefix_day, usual.prefix_day),
    ]
}

fn shares(section: &Pumping, problems: &mut Problems) {
    let percents = [
        (
            "country_conversion_percent",
            section.country_conversion_percent,
        ),
        (
            "prefix_conversion_percent",
            section.prefix_conversion_percent,
        ),
    ];
    for (name, percent) in percents {
        if percent > 100 {
            let says = "must lie between 0, which turns these limits off, and 100";
            problems.add(format!("pumping.{name}"), says);
        }
    }
    let adjacent = [
        ("adjacent_of_hundred", section.adjacent_of_hundred, 101),
        ("adjacent_of_fifty", section.adjacent_of_fifty, SPAN + 1),
    ];
    for (name, value, most) in adjacent {
        if !(2..=most).contains(&value) {
            let says = format!("must lie between 2 and {most}, which never holds");
            problems.add(format!("pumping.{name}"), says);
        }
    }
    if !(1..=BLOCK_HOURS_MAX).contains(&section.block_hours) {
        let says = format!("must lie between 1 and {BLOCK_HOURS_MAX}");
        problems.add("pumping.block_hours", says);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::environment::Overlay;

    fn read(text: &str) -> (PumpingPolicy, Vec<String>) {
        let config = Config::parse(&format!("[pumping]\n{text}"), Overlay::default()).unwrap();
        let mut problems = Problems::default();
        let policy = policy(&config.pumping, &mut problems);
        let keys = problems.list().iter().map(|problem| problem.key.clone());
        (policy, keys.collect())
    }

    #[test]
    fn defaults_are_those_of_the_domain() {
        let (made, problems) = read("");
        assert!(problems.is_empty());
        assert_eq!(
            format!("{made:?}"),
            format!("{:?}", PumpingPolicy::default())
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "country_conversion_percent = 101",
            "prefix_conversion_percent = 200",
            "adjacent_of_hundred = 1",
            "adjacent_of_fifty = 52",
            "block_hours = 0",
            "block_hours = 721",
            "safe_list = ['+4477', '12345']",
        ] {
            let (_, problems) = read(line);
            let name = line.split(' ').next().unwrap();
            assert_eq!(problems, [format!("pumping.{name}")], "{line}");
        }
    }

    #[test]
    fn what_turns_a_rule_off_is_said_and_what_is_usual_is_not() {
        assert_eq!(warnings(&PumpingPolicy::default()), Vec::<String>::new());
        for line in [
            "prefix_conversion_percent = 0",
            "country_conversion_percent = 0",
            "country_day_unused_max = 201",
            "country_hour_unused_max = 101",
            "country_open_max = 3001",
            "prefix_quarter_unused_max = 4000000000",
            "prefix_hour_unused_max = 301",
            "prefix_day_unused_max = 401",
            "adjacent_of_hundred = 101",
            "adjacent_of_fifty = 51",
        ] {
            let name = line.split(' ').next().unwrap();
            let said = warnings(&read(line).0);
            assert_eq!(said.len(), 1, "{line}: {said:?}");
            assert!(
                said[0].starts_with(&format!("pumping.{name} is ")),
                "{said:?}"
            );
        }
    }

    #[test]
    fn a_guard_can_be_told_to_record_and_whom_to_leave_alone() {
        let (policy, problems) = read("mode = 'record'\nsafe_list = ['+447700900']");
        assert!(problems.is_empty());
        assert_eq!(format!("{:?}", policy.mode), "Record");
        assert_eq!(format!("{:?}", policy.safe_list), "SafeList(1 entries)");
    }
}
