//! Tests of [`super`]: which drafts are policies.

use super::*;

fn draft(rule: Rule) -> Draft {
    Draft {
        name: LimitName::parse("some").unwrap(),
        event: Event::Message,
        unit: Unit::Requests,
        dimensions: [Dimension::Client].into_iter().collect(),
        classes: ClassSet::default(),
        rule,
        mode: Mode::Enforce,
        overrides: Vec::new(),
        keys: 10,
    }
}

fn quota(amount: u64, seconds: u64) -> Rule {
    Rule::Quota {
        amount,
        window: Duration::from_secs(seconds),
    }
}

fn rate(count: u32, seconds: u64, burst: u32) -> Rule {
    Rule::Rate {
        count,
        period: Duration::from_secs(seconds),
        burst,
    }
}

#[test]
fn amounts_and_times_are_checked() {
    let name = || LimitName::parse("some").unwrap();
    let check = |rule, expected: Option<PolicyError>| {
        assert_eq!(Policy::new(draft(rule)).err(), expected, "{rule:?}");
    };
    check(quota(5, 60), None);
    check(quota(0, 60), Some(PolicyError::Zero(name())));
    check(rate(1, 0, 1), Some(PolicyError::Zero(name())));
    check(quota(1, 367 * 86_400), Some(PolicyError::TooLong(name())));
    check(rate(1, 86_400, 400), Some(PolicyError::TooLong(name())));
    let money = Draft {
        unit: Unit::Micros,
        ..draft(rate(1, 1, 1))
    };
    assert_eq!(Policy::new(money), Err(PolicyError::Unit(name())));
    let huge = Draft {
        keys: MOST_KEYS + 1,
        ..draft(quota(1, 1))
    };
    assert_eq!(Policy::new(huge), Err(PolicyError::TooManyKeys(name())));
}

#[test]
fn an_override_differs_in_amounts_only_and_only_where_clients_are_apart() {
    let name = || LimitName::parse("some").unwrap();
    let client = ClientId::new(1, 1);
    let with = |rule| Draft {
        overrides: vec![(client, rule)],
        ..draft(quota(5, 60))
    };
    let policy = Policy::new(with(quota(50, 60))).unwrap();
    assert_eq!(policy.tier(Some(client)), 1);
    assert_eq!(policy.tier(Some(ClientId::new(2, 1))), 0);
    assert_eq!(policy.cells(Level::Own), 50);
    assert_eq!(
        Policy::new(with(quota(5, 61))),
        Err(PolicyError::OverrideShape(name()))
    );
    assert_eq!(
        Policy::new(with(rate(5, 60, 5))),
        Err(PolicyError::OverrideShape(name()))
    );
    let shared = Draft {
        dimensions: Dimensions::default(),
        ..with(quota(6, 60))
    };
    assert_eq!(Policy::new(shared), Err(PolicyError::OverrideOfAll(name())));
    let twice = Draft {
        overrides: vec![(client, quota(6, 60)); 2],
        ..draft(quota(5, 60))
    };
    assert_eq!(Policy::new(twice), Err(PolicyError::Overrides(name())));
}

#[test]
fn a_policy_written_down_reads_back_and_an_unchecked_one_does_not() {
    let policy = Policy::new(draft(quota(5, 60))).unwrap();
    let text = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    let broken = text.replace("\"keys\":10", "\"keys\":0");
    assert!(serde_json::from_str::<Policy>(&broken).is_err());
}

#[test]
fn the_defaults_are_policies_of_every_dimension() {
    let all = defaults();
    let mut names: Vec<&LimitName> = all.iter().map(Policy::name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all.len());
    for dimension in Dimension::ALL {
        let counted = all
            .iter()
            .any(|policy| policy.draft().dimensions.contains(dimension));
        assert!(counted, "{dimension:?} has no limit out of the box");
    }
}
