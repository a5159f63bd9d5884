//! Limits in the road of a whole gateway: what they refuse, what a refusal costs, and what survives.

use std::time::Duration;

use domain::admission::Refusal;
use domain::class::TrafficClass;
use domain::id::ClientId;
use domain::limit::country::Country;
use domain::limit::dimension::Label;
use domain::limit::policy::{Draft, LimitName, Mode, Policy, Rule, Unit, defaults};
use domain::msisdn::Msisdn;
use domain::sender::ShortCode;
use engine::settings::LimitSettings;
use engine::{
    AuthError, ErasureBasis, ErasureScope, ExplainError, LimitQuestion, NewClient, Settings,
    SubmitError, Submitted,
};
use testkit::TestGateway;
use testkit::gateway::{HOME, everything, handset, request, unknown_key};
use testkit::settings::{countries, short_code, usual};

use super::stage::bring_back;

/// The usual settings with these limits.
pub fn settings(policies: Vec<Policy>) -> Settings {
    Settings {
        limits: LimitSettings {
            policies,
            countries: countries(),
            ..LimitSettings::default()
        },
        ..usual()
    }
}

/// One limit out of the box with another amount.
pub fn only(name: &str, amount: u32) -> Vec<Policy> {
    let mut all = defaults().into_iter();
    let policy = all.find(|policy| policy.name().as_str() == name).unwrap();
    vec![with_amount(&policy, amount)]
}

fn with_amount(policy: &Policy, amount: u32) -> Policy {
    let draft = policy.draft().clone();
    let rule = match draft.rule {
        Rule::Quota { window, .. } => Rule::Quota {
            amount: amount.into(),
            window,
        },
        Rule::Rate { period, .. } => Rule::Rate {
            count: amount,
            period,
            burst: amount,
        },
        Rule::Held { .. } => Rule::Held { most: amount },
    };
    Policy::new(Draft { rule, ..draft }).unwrap()
}

fn send(test: &TestGateway, to: Msisdn) -> Result<Submitted, SubmitError> {
    let request = request(to, TrafficClass::Otp, "hello");
    test.settle(test.gateway.submit(&test.caller(), request, None))
}

fn violated(result: Result<Submitted, SubmitError>) -> Vec<String> {
    match result {
        Err(SubmitError::Throttled(throttled)) => {
            let violated = throttled.violated().iter();
            violated.map(|meter| meter.name.to_string()).collect()
        }
        other => panic!("not throttled: {other:?}"),
    }
}

/// The entries of a kind, each as it is.
fn entries(test: &TestGateway, kind: &str) -> Vec<String> {
    let all: Vec<String> = test.store.with_image(|image| {
        let entries = image.entries().iter();
        entries
            .map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned())
            .collect()
    });
    let kind = format!("\"kind\":\"{kind}\"");
    all.into_iter()
        .filter(|entry| entry.contains(&kind))
        .collect()
}

fn metric(test: &TestGateway, name: &str, label: &str) -> u64 {
    let rows = test.gateway.metrics().rows;
    let mut rows = rows.iter().filter(|row| row.name == name);
    let row = rows.find(|row| row.labels.iter().any(|(_, value)| value == label));
    row.map_or(0, |row| row.value)
}

#[test]
fn the_fourth_code_to_a_number_is_refused_whoever_sends_it_and_counted_by_its_limit() {
    let test = TestGateway::queued_with(settings(defaults()));
    for _ in 0..3 {
        assert!(send(&test, handset(1)).is_ok());
    }
    assert_eq!(
        violated(send(&test, handset(1))),
        ["recipient-otp-10-minutes"]
    );
    let (_, other) = test.add_client(everything("another"));
    let again = request(handset(1), TrafficClass::Otp, "hello");
    let other = test.caller_with(&other);
    let refused = test.settle(test.gateway.submit(&other, again, None));
    assert_eq!(violated(refused), ["recipient-otp-10-minutes"]);
    assert!(send(&test, handset(2)).is_ok(), "another number");
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    let refused = entries(&test, "message.refused");
    assert_eq!(refused.len(), 2, "one a client: {refused:#?}");
    for entry in refused {
        assert!(entry.contains(r#""reason":"throttled""#), "{entry}");
        assert!(
            entry.contains(r#""limit":"recipient-otp-10-minutes""#),
            "{entry}"
        );
    }
    let limit = "recipient-otp-10-minutes";
    assert_eq!(metric(&test, "shortstop_limit_refused_total", limit), 2);
    assert_eq!(
        metric(&test, "shortstop_messages_refused_total", "throttled"),
        2
    );
}

#[test]
fn advertisements_to_a_number_keep_no_code_from_it() {
    let test = TestGateway::queued_with(settings(defaults()));
    let mut sent = 0;
    for _ in 0..40 {
        let request = request(handset(1), TrafficClass::Marketing, "hello");
        let result = test.settle(test.gateway.submit(&test.caller(), request, None));
        sent += u32::from(result.is_ok());
    }
    assert_eq!(sent, 30);
    assert!(send(&test, handset(1)).is_ok());
}

#[test]
fn two_spellings_of_one_number_share_one_count() {
    let test = TestGateway::queued_with(settings(only("recipient-otp-hour", 2)));
    for text in ["+447700900001", "+44 7700 900 001"] {
        assert!(send(&test, Msisdn::parse(text).unwrap()).is_ok());
    }
    let third = Msisdn::parse("+44-7700-900001").unwrap();
    assert_eq!(violated(send(&test, third)), ["recipient-otp-hour"]);
}

#[test]
fn a_refusal_takes_nothing_from_any_limit() {
    let policies = [only("recipient-otp-hour", 1), only("client-rate", 3)].concat();
    let test = TestGateway::queued_with(settings(policies));
    assert!(send(&test, handset(1)).is_ok());
    for _ in 0..5 {
        assert_eq!(violated(send(&test, handset(1))), ["recipient-otp-hour"]);
    }
    assert!(send(&test, handset(2)).is_ok());
    let last = send(&test, handset(3)).unwrap().limit.unwrap();
    assert_eq!(
        (last.name.as_str(), last.remaining),
        ("client-rate", 0),
        "the number's count may hold what other clients sent"
    );
    let both = violated(send(&test, handset(3)));
    assert_eq!(both, ["recipient-otp-hour", "client-rate"]);
}

#[test]
fn what_admission_refuses_is_not_counted_and_a_repeated_request_is_counted_once() {
    let test = TestGateway::queued_with(settings(only("recipient-otp-hour", 1)));
    let to = handset(1);
    let wrong = engine::SubmitRequest {
        from: domain::sender::ShortCode::parse("99999").unwrap(),
        ..request(to, TrafficClass::Otp, "hello")
    };
    let refused = test.settle(test.gateway.submit(&test.caller(), wrong, None));
    assert!(matches!(refused, Err(SubmitError::Refused(_))));
    let key = || Some(engine::IdempotencyKey::parse("k-1").unwrap());
    for _ in 0..3 {
        let request = request(to, TrafficClass::Otp, "hello");
        let answer = test.settle(test.gateway.submit(&test.caller(), request, key()));
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert_eq!(violated(send(&test, to)), ["recipient-otp-hour"]);
}

#[test]
fn a_take_is_not_given_back_when_its_commit_fails() {
    let test = TestGateway::queued_with(settings(only("recipient-otp-hour", 1)));
    test.store.fail_next();
    assert_eq!(
        send(&test, handset(1)).unwrap_err(),
        SubmitError::Unavailable
    );
    bring_back(&test);
    assert_eq!(violated(send(&test, handset(1))), ["recipient-otp-hour"]);
}

#[test]
fn a_limit_that_only_records_refuses_nothing_and_tells() {
    let mut draft = only("recipient-otp-hour", 1).remove(0).draft().clone();
    draft.mode = Mode::Record;
    let test = TestGateway::queued_with(settings(vec![Policy::new(draft).unwrap()]));
    for _ in 0..3 {
        assert!(send(&test, handset(1)).is_ok());
    }
    let name = "recipient-otp-hour";
    assert_eq!(metric(&test, "shortstop_limit_shadowed_total", name), 2);
    assert_eq!(metric(&test, "shortstop_limit_refused_total", name), 0);
}

#[test]
fn a_reload_changes_amounts_and_keeps_what_was_used() {
    let test = TestGateway::queued_with(settings(only("recipient-otp-hour", 2)));
    assert!(send(&test, handset(1)).is_ok());
    assert!(send(&test, handset(1)).is_ok());
    let change = engine::ConfigChange {
        hash_hex: "00".repeat(32),
        changed_keys: Vec::new(),
    };
    test.gateway
        .reconfigure(settings(only("recipient-otp-hour", 3)), &change);
    assert!(send(&test, handset(1)).is_ok());
    assert_eq!(violated(send(&test, handset(1))), ["recipient-otp-hour"]);
    test.gateway
        .reconfigure(settings(only("recipient-otp-hour", 1)), &change);
    assert_eq!(violated(send(&test, handset(1))), ["recipient-otp-hour"]);
}

#[test]
fn a_country_that_is_not_enabled_and_a_range_that_is_not_named_are_off() {
    let test = TestGateway::queued();
    let jamaica = Msisdn::from_digits(18_765_230_123).unwrap();
    let refused = send(&test, jamaica).unwrap_err();
    let SubmitError::Refused(Refusal::CountryOff(Country::Region(region))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(region.as_str(), "JM");
    let premium = Msisdn::from_digits(449_098_790_000).unwrap();
    let refused = send(&test, premium).unwrap_err();
    assert!(
        matches!(refused, SubmitError::Refused(Refusal::RangeOff(_))),
        "{refused:?}"
    );
}

#[test]
fn spend_is_a_hard_cap_by_the_price_of_the_prefix() {
    let mut with_prices = settings(only("client-spend-day", 100));
    with_prices.limits.prices.add("+44", 30).unwrap();
    let test = TestGateway::queued_with(with_prices);
    for number in 1..=3 {
        assert!(send(&test, handset(number)).is_ok());
    }
    let refused = send(&test, handset(4));
    let Err(SubmitError::Throttled(throttled)) = refused else {
        panic!("{refused:?}");
    };
    let meter = &throttled.violated()[0];
    assert_eq!((meter.unit, meter.remaining), (Unit::Micros, 10));
}

#[test]
fn clients_of_one_group_share_its_count_and_those_without_are_outside() {
    let draft = Draft {
        name: LimitName::parse("group").unwrap(),
        classes: domain::class::ClassSet::default(),
        dimensions: [domain::limit::dimension::Dimension::Group]
            .into_iter()
            .collect(),
        rule: Rule::Quota {
            amount: 1,
            window: Duration::from_hours(1),
        },
        ..only("recipient-hour", 1).remove(0).draft().clone()
    };
    let with_group = settings(vec![Policy::new(draft).unwrap()]);
    let test = TestGateway::queued_with(with_group.clone());
    assert!(send(&test, handset(1)).is_ok());
    assert!(send(&test, handset(1)).is_ok(), "in no group");
    let (other, key) = test.add_client(everything("another"));
    let mut grouped = with_group;
    let group: std::sync::Arc<str> = "retail".into();
    grouped.limits.groups.insert(other.id, group.clone());
    grouped.limits.groups.insert(test.caller().client, group);
    let change = engine::ConfigChange {
        hash_hex: "00".repeat(32),
        changed_keys: Vec::new(),
    };
    test.gateway.reconfigure(grouped, &change);
    assert!(send(&test, handset(1)).is_ok());
    let again = request(handset(2), TrafficClass::Otp, "hello");
    let refused = test.settle(test.gateway.submit(&test.caller_with(&key), again, None));
    assert_eq!(violated(refused), ["group"]);
}

#[test]
fn requests_under_way_are_held_and_given_back() {
    let test = TestGateway::queued_with(settings(only("client-concurrency", 2)));
    let caller = test.caller();
    let first = test.gateway.begin_request(&caller).unwrap();
    let second = test.gateway.begin_request(&caller).unwrap();
    let refused = test.gateway.begin_request(&caller).unwrap_err();
    assert_eq!(refused.limit().as_str(), "client-concurrency");
    drop(first);
    let third = test.gateway.begin_request(&caller).unwrap();
    drop((second, third));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    assert_eq!(entries(&test, "request.refused").len(), 1);
}

#[test]
fn what_a_message_would_meet_is_told_and_takes_nothing() {
    let policies = [only("recipient-otp-hour", 2), only("client-rate", 5)].concat();
    let test = TestGateway::queued_with(settings(policies));
    assert!(send(&test, handset(1)).is_ok());
    let ask = |number: u16| {
        let question = LimitQuestion {
            client: test.caller().client,
            to: handset(number),
            from: None,
            class: TrafficClass::Otp,
            campaign: None,
            source: None,
            segments: 1,
        };
        test.settle(test.gateway.explain_limits("root", question))
            .unwrap()
    };
    for _ in 0..5 {
        let left: Vec<u64> = ask(1).meters.iter().map(|meter| meter.remaining).collect();
        assert_eq!(left, [1, 4]);
    }
    assert!(send(&test, handset(1)).is_ok());
    assert!(!ask(1).meters[0].fits());
    assert!(ask(2).meters[0].fits());
    let asked = entries(&test, "limit.read");
    assert_eq!(asked.len(), 7);
    let digits = handset(1).reveal().to_string();
    assert!(asked.iter().all(|entry| !entry.contains(&digits)));
    let shown = test.settle(test.gateway.show_limits("root", 3)).unwrap();
    assert_eq!(shown[0].top.len(), 1);
    assert_eq!(shown[0].top[0].used, 2);
}

/// An answer about nobody would look like one that nothing stands in the way.
#[test]
fn a_question_about_nobodys_message_is_an_error_and_no_answer() {
    let test = TestGateway::queued_with(settings(only("client-rate", 5)));
    let known = test.caller().client;
    let ask = |client, from: Option<&str>| {
        let question = LimitQuestion {
            client,
            to: handset(1),
            from: from.map(|from| ShortCode::parse(from).unwrap()),
            class: TrafficClass::Otp,
            campaign: None,
            source: None,
            segments: 1,
        };
        let asking = test.gateway.explain_limits("root", question);
        test.settle(asking).map(|_| ())
    };
    let nobody = ClientId::new(7, 7);
    assert_eq!(ask(nobody, None), Err(ExplainError::UnknownClient(nobody)));
    let elsewhere = ShortCode::parse("99999").unwrap();
    let unknown = Err(ExplainError::UnknownShortCode(elsewhere));
    assert_eq!(ask(known, Some("99999")), unknown);
    let (other, _) = test.add_client(NewClient {
        short_codes: Vec::new(),
        ..everything("without a short code")
    });
    let ours = short_code();
    let foreign = Err(ExplainError::ForeignShortCode(other.id, ours));
    assert_eq!(ask(other.id, Some(&ours.to_string())), foreign);
    assert_eq!(ask(known, Some(&ours.to_string())), Ok(()));
    assert_eq!(entries(&test, "limit.read").len(), 1, "only what is told");
}

#[test]
fn an_erased_number_is_still_counted_and_no_longer_known() {
    let policies = only("recipient-otp-hour", 1);
    let test = TestGateway::queued_with(settings(policies));
    assert!(send(&test, handset(1)).is_ok());
    let label = || {
        let shown = test.settle(test.gateway.show_limits("root", 1)).unwrap();
        shown[0].top[0].label
    };
    assert_eq!(label(), Label::Recipient(handset(1)));
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _inside = runtime.enter();
    let basis = ErasureBasis::parse("case 1", handset(1)).unwrap();
    let scope = ErasureScope::KeepConsent;
    let erased = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    test.settle(erased).unwrap();
    assert_eq!(label(), Label::Hidden);
    assert_eq!(violated(send(&test, handset(1))), ["recipient-otp-hour"]);
}

#[test]
fn guessing_keys_is_throttled_by_address_and_a_good_key_still_opens() {
    let test = TestGateway::queued_with(settings(defaults()));
    let guess = || test.gateway.authenticate(unknown_key().reveal(), HOME);
    for _ in 0..20 {
        assert_eq!(guess().unwrap_err(), AuthError::Unknown);
    }
    for _ in 0..5 {
        let refused = guess().unwrap_err();
        assert_eq!(refused.code(), "throttled");
    }
    assert!(test.gateway.authenticate(test.key.reveal(), HOME).is_ok());
    let elsewhere = "198.51.100.7".parse().unwrap();
    let other = test.gateway.authenticate(unknown_key().reveal(), elsewhere);
    assert_eq!(other.unwrap_err(), AuthError::Unknown);
    test.clock.advance(Duration::from_mins(1));
    assert_eq!(guess().unwrap_err(), AuthError::Unknown);
}
