//! Checks of `[[limit]]`, `[[group]]`, `[prices]` and `[countries]`: what the limits of the gateway are.

mod numbers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::id::ClientId;
use domain::limit::country::Countries;
use domain::limit::dimension::Dimension;
use domain::limit::facts::Event;
use domain::limit::policy::{self, Draft, LimitName, Policy, Rule, Unit};
use domain::limit::price::PriceTable;
use domain::msisdn::RegionCode;
use engine::settings::LimitSettings;

use super::super::limit::{Algorithm, GroupSection, LimitSection, Mode, Override};
use super::super::prices::Prices;
use super::super::{Config, Problems};
use super::price::micros;

/// The keys that a further limit keeps apart unless it says otherwise.
const KEYS: u32 = 1 << 16;

/// What the engine is told of limits.
pub fn settings(config: &Config, problems: &mut Problems) -> LimitSettings {
    LimitSettings {
        policies: policies(&config.limits, problems),
        countries: countries(config, problems),
        prices: prices(&config.prices, problems),
        groups: groups(&config.groups, problems),
    }
}

/// The limits out of the box as the blocks change them, and behind those the further ones.
fn policies(sections: &[LimitSection], problems: &mut Problems) -> Vec<Policy> {
    let mut policies = policy::defaults();
    let mut names = BTreeSet::new();
    for (place, section) in sections.iter().enumerate() {
        let at = format!("limit[{place}]");
        let key = format!("{at}.name");
        let Some(name) = problems
            .need(&key, section.name.as_deref())
            .and_then(|name| problems.keep(&key, LimitName::parse(name)))
        else {
            continue;
        };
        if !names.insert(name.clone()) {
            problems.add(key, "stands in another entry too; join the two");
            continue;
        }
        let known = policies.iter().position(|policy| *policy.name() == name);
        if section.mode == Some(Mode::Off) {
            match known {
                Some(place) => drop(policies.remove(place)),
                None => problems.add(
                    key,
                    "is no limit out of the box, so there is nothing to drop",
                ),
            }
            continue;
        }
        let base = known.and_then(|place| policies.get(place));
        let base = base.map(|policy| policy.draft().clone());
        let Some(policy) = read(section, name, base, (&at, problems)) else {
            continue;
        };
        match known.and_then(|place| policies.get_mut(place)) {
            Some(place) => *place = policy,
            None => policies.push(policy),
        }
    }
    policies
}

fn read(
    section: &LimitSection,
    name: LimitName,
    base: Option<Draft>,
    (at, problems): (&str, &mut Problems),
) -> Option<Policy> {
    let by = section.by.clone();
    let by = by.map(|by| by.into_iter().collect());
    let base_rule = base.as_ref().map(|base| base.rule);
    let rule = rule(section, base_rule, (at, problems))?;
    let overrides = section.overrides.as_deref();
    let overrides = overrides.map(|list| others(rule, list, (at, problems)));
    let mode = section.mode.map(|mode| match mode {
        Mode::Record => policy::Mode::Record,
        Mode::Enforce | Mode::Off => policy::Mode::Enforce,
    });
    let base = base.unwrap_or_else(|| Draft {
        name: name.clone(),
        event: Event::Message,
        unit: Unit::Requests,
        dimensions: [Dimension::Client].into_iter().collect(),
        classes: domain::class::ClassSet::default(),
        rule,
        mode: policy::Mode::Enforce,
        overrides: Vec::new(),
        keys: KEYS,
    });
    let classes = section.classes.clone();
    let draft = Draft {
        name,
        event: section.event.unwrap_or(base.event),
        unit: section.unit.unwrap_or(base.unit),
        dimensions: by.unwrap_or(base.dimensions),
        classes: classes.map_or(base.classes, |classes| classes.into_iter().collect()),
        rule,
        mode: mode.unwrap_or(base.mode),
        overrides: overrides.unwrap_or(base.overrides),
        keys: section.keys_max.unwrap_or(base.keys),
    };
    check_facts(&draft, (at, problems));
    let wrong = numbers::wrong(&draft);
    match Policy::new(draft) {
        Err(error) if wrong.is_empty() => {
            let key = numbers::key_of(&error);
            problems.add(format!("{at}.{key}"), error.to_string());
            None
        }
        policy => {
            for (key, says) in wrong {
                problems.add(format!("{at}.{key}"), says);
            }
            policy.ok()
        }
    }
}

/// Says what an event does not have: a limit by it would count everything together.
fn check_facts(draft: &Draft, (at, problems): (&str, &mut Problems)) {
    use Dimension::{Client, Group, Login, Network, Source, SystemId};
    let event = draft.event;
    let (has, says): (&[Dimension], _) = match event {
        Event::Message => (&[], "a message has no login; leave it out"),
        Event::Request => (
            &[Client, Group, Source, Network],
            "a request is counted by client, group, source and network alone",
        ),
        Event::Login => (
            &[Login, Source, Network],
            "a login is counted by login, source and network alone",
        ),
        Event::Bind => (
            &[SystemId, Source, Network],
            "a bind is counted by system-id, source and network alone",
        ),
    };
    let is_foreign = |dimension: Dimension| match event {
        Event::Message => dimension == Login,
        _ => !has.contains(&dimension),
    };
    if draft.dimensions.iter().any(is_foreign) {
        problems.add(format!("{at}.by"), says);
    }
    if matches!(draft.rule, Rule::Held { .. }) && event != Event::Request {
        let says = "only requests are under way, and held until they are answered: use event = \"request\", \
                    or a rate or a quota";
        problems.add(format!("{at}.algorithm"), says);
    }
    if event == Event::Message {
        return;
    }
    if draft.classes.iter().next().is_some() {
        problems.add(
            format!("{at}.classes"),
            "only messages have a class; leave it out",
        );
    }
    if draft.unit != Unit::Requests {
        problems.add(
            format!("{at}.unit"),
            "only messages have segments and a price; use requests",
        );
    }
}

/// The parts of a rule, as the file has them.
#[derive(Clone, Copy, Default)]
struct Parts {
    algorithm: Option<Algorithm>,
    amount: Option<u64>,
    window: Option<Duration>,
    burst: Option<u32>,
}

impl From<Rule> for Parts {
    fn from(rule: Rule) -> Self {
        let (algorithm, amount, window, burst) = match rule {
            Rule::Rate {
                count,
                period,
                burst,
            } => (Algorithm::Rate, count.into(), Some(period), Some(burst)),
            Rule::Quota { amount, window } => (Algorithm::Quota, amount, Some(window), None),
            Rule::Held { most } => (Algorithm::Held, most.into(), None, None),
        };
        Self {
            algorithm: Some(algorithm),
            amount: Some(amount),
            window,
            burst,
        }
    }
}

/// What is written, and for the rest what the limit out of the box has, if it counts in the same way.
fn rule(
    section: &LimitSection,
    base: Option<Rule>,
    (at, problems): (&str, &mut Problems),
) -> Option<Rule> {
    let base = base.map(Parts::from).unwrap_or_default();
    let algorithm = section.algorithm.or(base.algorithm);
    let base = Some(base).filter(|base| base.algorithm == algorithm);
    let base = base.unwrap_or_default();
    let window = section.window_seconds.map(Duration::from_secs);
    let algorithm = problems.need(&format!("{at}.algorithm"), algorithm);
    let amount = problems.need(&format!("{at}.amount"), section.amount.or(base.amount));
    let window = match algorithm {
        Some(Algorithm::Held) => Some(Duration::ZERO),
        _ => problems.need(&format!("{at}.window_seconds"), window.or(base.window)),
    };
    let (algorithm, amount, window) = (algorithm?, amount?, window?);
    let key = format!("{at}.amount");
    let mut count = || {
        let count = u32::try_from(amount);
        problems.keep(&key, count.map_err(|_| "must be 4294967295 or less"))
    };
    Some(match algorithm {
        Algorithm::Quota => Rule::Quota { amount, window },
        Algorithm::Held => Rule::Held { most: count()? },
        Algorithm::Rate => {
            let count = count()?;
            let burst = section.burst.or(base.burst).unwrap_or(count);
            Rule::Rate {
                count,
                period: window,
                burst,
            }
        }
    })
}

/// The rules of single clients.
fn others(
    rule: Rule,
    list: &[Override],
    (at, problems): (&str, &mut Problems),
) -> Vec<(ClientId, Rule)> {
    for (place, other) in list.iter().enumerate() {
        let is_small = matches!(rule, Rule::Quota { .. }) || u32::try_from(other.amount).is_ok();
        if !is_small {
            let key = format!("{at}.overrides[{place}].amount");
            problems.add(key, "must be 4294967295 or less");
        }
    }
    let of = |other: &Override| (other.client, other_rule(rule, other));
    list.iter().map(of).collect()
}

/// The same rule with the numbers of one client. Without a burst of its own it has the same part of the
/// limit's burst as of its amount.
fn other_rule(rule: Rule, other: &Override) -> Rule {
    let count = u32::try_from(other.amount).unwrap_or(u32::MAX);
    match rule {
        Rule::Rate {
            count: usual,
            period,
            burst,
        } => Rule::Rate {
            count,
            period,
            burst: other.burst.unwrap_or_else(|| {
                let part = u64::from(burst) * u64::from(count) / u64::from(usual.max(1));
                u32::try_from(part).unwrap_or(u32::MAX).max(1)
            }),
        },
        Rule::Quota { window, .. } => Rule::Quota {
            amount: other.amount,
            window,
        },
        Rule::Held { .. } => Rule::Held { most: count },
    }
}

fn countries(config: &Config, problems: &mut Problems) -> Countries {
    let mut enabled = BTreeSet::new();
    for (place, text) in config.countries.enabled.iter().enumerate() {
        let key = format!("countries.enabled[{place}]");
        let region = problems.keep(&key, RegionCode::parse(text));
        let Some(region) = region else { continue };
        if region.is_known() {
            enabled.insert(region);
        } else {
            let says =
                format!("`{text}` is no country with a numbering plan; the United Kingdom is GB");
            problems.add(key, says);
        }
    }
    Countries::new(enabled, config.countries.ranges.iter().copied())
}

fn prices(section: &Prices, problems: &mut Problems) -> PriceTable {
    let otherwise = problems.keep("prices.otherwise", micros(&section.otherwise));
    let mut table = PriceTable::new(otherwise.unwrap_or_default());
    for (prefix, price) in &section.by_prefix {
        let key = format!("prices.by_prefix.{prefix}");
        if let Some(price) = problems.keep(&key, micros(price)) {
            problems.keep(&key, table.add(prefix, price));
        }
    }
    table
}

fn groups(sections: &[GroupSection], problems: &mut Problems) -> BTreeMap<ClientId, Arc<str>> {
    let (mut groups, mut names) = (BTreeMap::new(), BTreeSet::new());
    for (place, section) in sections.iter().enumerate() {
        let key = format!("group[{place}].name");
        let Some(name) = problems.need(&key, section.name.as_deref()) else {
            continue;
        };
        if !names.insert(name) {
            problems.add(key, "stands in another entry too; join the two");
        }
        let name: Arc<str> = name.into();
        for client in &section.clients {
            if groups.insert(*client, Arc::clone(&name)).is_some() {
                let says = format!("{client} is in a group already; a client is in one at most");
                problems.add(format!("group[{place}].clients"), says);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Overlay;

    fn checked(text: &str) -> Result<LimitSettings, Vec<String>> {
        let config = Config::parse(text, Overlay::default()).map_err(|found| shown(&found))?;
        let mut problems = Problems::default();
        let settings = settings(&config, &mut problems);
        problems
            .or_value(Some(settings))
            .map_err(|found| shown(&found))
    }

    fn shown(problems: &Problems) -> Vec<String> {
        problems.list().iter().map(ToString::to_string).collect()
    }

    fn draft(settings: &LimitSettings, name: &str) -> Draft {
        let mut policies = settings.policies.iter();
        let policy = policies.find(|policy| policy.name().as_str() == name);
        policy.unwrap().draft().clone()
    }

    fn check(text: &str, expected: &str) {
        let found = checked(text).unwrap_err();
        assert!(found[0].starts_with(expected), "{expected}: {found:#?}");
    }

    #[test]
    fn without_a_block_the_limits_out_of_the_box_are_in_force() {
        let settings = checked("").unwrap();
        assert_eq!(settings.policies, policy::defaults());
        let off = checked("[[limit]]\nname = 'prefix-hour'\nmode = 'off'").unwrap();
        assert_eq!(off.policies.len(), settings.policies.len() - 1);
    }

    #[test]
    fn a_block_changes_what_it_says_of_a_limit_out_of_the_box() {
        let settings =
            checked("[[limit]]\nname = 'client-rate'\namount = 5\nmode = 'record'").unwrap();
        let before = draft(&checked("").unwrap(), "client-rate");
        let after = draft(&settings, "client-rate");
        assert_eq!(
            after.rule,
            Rule::Rate {
                count: 5,
                period: Duration::from_secs(1),
                burst: 1_000
            }
        );
        assert_eq!(after.mode, policy::Mode::Record);
        assert_eq!((after.unit, after.keys), (before.unit, before.keys));
    }

    #[test]
    fn a_further_limit_says_what_it_counts_and_how() {
        let text = "[[limit]]\nname = 'a'\nby = ['recipient', 'client']\nclasses = ['alert']\n\
                    algorithm = 'quota'\namount = 20\nwindow_seconds = 60\n\
                    overrides = [{ client = 'CLIENT', amount = 50 }]";
        let text = text.replace("CLIENT", &ClientId::new(1 << 12, 1).to_string());
        let settings = checked(&text).unwrap();
        let a = draft(&settings, "a");
        assert_eq!(a.overrides.len(), 1);
        assert!(a.dimensions.contains(Dimension::Recipient));
        check("[[limit]]\namount = 1", "limit[0].name: is missing");
        check("[[limit]]\nname = 'A'", "limit[0].name: a limit's name has");
        check("[[limit]]\nname = 'a'", "limit[0].algorithm: is missing");
        check(
            "[[limit]]\nname = 'a'\nmode = 'off'",
            "limit[0].name: is no limit out of the box",
        );
        check(
            "[[limit]]\nname = 'client-rate'\namount = 0",
            "limit[0].amount: must be 1 or more",
        );
        check(
            "[[limit]]\nname = 'client-rate'\n[[limit]]\nname = 'client-rate'",
            "limit[1].name: stands in another entry",
        );
    }

    #[test]
    fn a_limit_by_what_the_event_does_not_have_is_refused() {
        let limit = "[[limit]]\nname = 'a'\nalgorithm = 'quota'\namount = 1\nwindow_seconds = 60\n";
        let foreign = [
            (
                "event = 'request'\nby = ['recipient']",
                "by: a request is counted",
            ),
            (
                "event = 'login'\nby = ['recipient']",
                "by: a login is counted",
            ),
            ("event = 'bind'\nby = ['client']", "by: a bind is counted"),
            ("by = ['client', 'login']", "by: a message has no login"),
            (
                "event = 'request'\nclasses = ['otp']",
                "classes: only messages",
            ),
            (
                "event = 'request'\nunit = 'segments'",
                "unit: only messages",
            ),
        ];
        for (more, says) in foreign {
            check(&format!("{limit}{more}"), &format!("limit[0].{says}"));
        }
        let good =
            format!("{limit}event = 'request'\nby = ['client', 'group', 'source', 'network']");
        assert!(checked(&good).is_ok());
        let changed = "[[limit]]\nname = 'recipient-otp-hour'\nevent = 'request'";
        check(changed, "limit[0].by: a request is counted");
    }

    #[test]
    fn only_requests_are_held() {
        let held = "[[limit]]\nname = 'a'\nalgorithm = 'held'\namount = 2\n";
        check(held, "limit[0].algorithm: only requests are under way");
        for event in ["login", "bind"] {
            let text = format!("{held}event = '{event}'\nby = ['source']");
            check(&text, "limit[0].algorithm: only requests are under way");
        }
        assert!(checked(&format!("{held}event = 'request'")).is_ok());
    }

    #[test]
    fn an_override_keeps_its_part_of_the_burst() {
        let text = "[[limit]]\nname = 'client-rate'\n\
                    overrides = [{ client = 'CLIENT', amount = 200 }]";
        let text = text.replace("CLIENT", &ClientId::new(1 << 12, 1).to_string());
        let settings = checked(&text).unwrap();
        let draft = draft(&settings, "client-rate");
        let [(_, rule)] = draft.overrides.as_slice() else {
            panic!("one override: {:?}", draft.overrides)
        };
        let Rule::Rate { count, burst, .. } = rule else {
            panic!("{rule:?}")
        };
        assert_eq!((*count, *burst), (200, 2_000));
    }

    /// -1 and 0 are below every range, and what is huge above every one or no such number at all.
    #[test]
    fn each_number_that_is_out_of_range_is_named_itself() {
        const NAME: &str = "[[limit]]\nname = 'a'\nalgorithm =";
        let quota = "'quota'\nAMOUNT\nWINDOW";
        let numbers = [
            (quota, "amount", &[-1, 0][..]),
            (quota, "window_seconds", &[-1, 0, 31_622_401, i64::MAX]),
            (quota, "keys_max", &[-1, 0, 67_108_865, i64::MAX]),
            ("'rate'\nAMOUNT\nWINDOW", "amount", &[-1, 0, 4_294_967_296]),
            ("'rate'\nAMOUNT\nWINDOW", "burst", &[-1, 0, 4_294_967_295]),
            (
                "'held'\nevent = 'request'\nAMOUNT",
                "amount",
                &[-1, 0, i64::MAX],
            ),
        ];
        for (rule, key, values) in numbers {
            for value in values {
                let amount = if key == "amount" { "" } else { "amount = 9" };
                let window = if key == "window_seconds" {
                    ""
                } else {
                    "window_seconds = 3600"
                };
                let rule = rule.replace("AMOUNT", amount).replace("WINDOW", window);
                let text = format!("{NAME} {rule}\n{key} = {value}");
                let found = checked(&text).unwrap_err();
                let begins = format!("limit[0].{key}: ");
                assert!(found[0].starts_with(&begins), "{text}: {found:#?}");
                assert!(!found[0].contains("expected u"), "{found:#?}");
            }
        }
    }

    #[test]
    fn a_number_of_one_client_is_named_by_its_place() {
        let other = |algorithm: &str, amount: i64| {
            let text = "[[limit]]\nname = 'a'\namount = 9\nwindow_seconds = 60\n";
            let client = ClientId::new(1 << 12, 1);
            let others = format!("overrides = [{{ client = '{client}', amount = {amount} }}]");
            checked(&format!("{text}algorithm = '{algorithm}'\n{others}")).unwrap_err()
        };
        let at = "limit[0].overrides[0].amount: must be";
        assert_eq!(other("quota", 0), [format!("{at} 1 or more")]);
        assert_eq!(other("rate", 0), [format!("{at} 1 or more")]);
        let huge = [format!("{at} 4294967295 or less")];
        assert_eq!(other("rate", 4_294_967_296), huge);
        check(
            "[[limit]]\nname = 'a'\nalgorithm = 'rate'\namount = 9\nwindow_seconds = 60\nunit = 'micros'",
            "limit[0].unit: limit a: money",
        );
    }

    #[test]
    fn countries_prices_and_groups_are_checked() {
        let text = "[countries]\nenabled = ['GB']\nranges = ['premium']\n\
                    [prices]\notherwise = '0.5'\nby_prefix = { '+44' = '0.02' }\n";
        assert!(checked(text).is_ok());
        check(
            "[countries]\nenabled = ['UK']",
            "countries.enabled[0]: `UK`",
        );
        check(
            "[countries]\nenabled = ['gb']",
            "countries.enabled[0]: a country",
        );
        check("[prices]\notherwise = '1,5'", "prices.otherwise: a price");
        check(
            "[prices]\nby_prefix = { '44' = '1' }",
            "prices.by_prefix.44: a prefix is",
        );
        check("[[group]]", "group[0].name: is missing");
    }
}
