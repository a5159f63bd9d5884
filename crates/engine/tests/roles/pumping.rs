//! The guard against pumping and the question about SIMs, each met by a client that starts verifications.

use std::sync::Arc;
use std::time::Duration;

use domain::class::TrafficClass;
use domain::msisdn::Msisdn;
use domain::verification::channel::Channel;
use domain::verification::pumping::{Mode, Prefix, Reason, SafeList};
use domain::verification::risk::{MaxAgeHours, SimRisk, SimSwap, Unknown, WhenUnknown};
use engine::{
    ErasureBasis, ErasureScope, IdempotencyKey, ResendError, RiskParts, RiskRefusal, Settings,
    StartVerification, StartVerificationError, SubmitError, UnblockError, UnblockReason,
};
use ledger::Kind;
use testkit::settings::usual;
use testkit::{MemoryRisk, TestGateway};

use super::stage::{accept, running};
use super::verifications::{check, code_of, start_of};

fn recording() -> Settings {
    let mut settings = usual();
    settings.pumping.mode = Mode::Record;
    settings
}

fn to(number: u64) -> StartVerification {
    StartVerification {
        to: Msisdn::from_digits(4_915_100_000_000 + number).unwrap(),
        ..start_of(1)
    }
}

/// A client starts a verification of a number; whether it is sent, and why not.
fn ask(test: &TestGateway, number: u64) -> Result<(), StartVerificationError> {
    let caller = test.caller();
    let starting = test.gateway.start_verification(&caller, to(number), None);
    let started = test.settle(starting).map(drop);
    // Its place in the window is free again.
    test.carriers.take();
    started
}

/// How many of these are sent.
fn sent(test: &TestGateway, numbers: impl IntoIterator<Item = u64>) -> usize {
    let asked = numbers.into_iter().map(|number| ask(test, number));
    asked.flatten().count()
}

fn refused(answer: Result<(), StartVerificationError>) -> RiskRefusal {
    match answer {
        Err(StartVerificationError::Risk(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// The entries of a kind, as text.
fn told(test: &TestGateway, kind: Kind) -> Vec<String> {
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    test.store.with_image(|image| {
        let entries = image.entries().iter().map(|entry| &entry.bytes);
        let of_kind = |bytes: &&Vec<u8>| ledger::Entry::parse(bytes).unwrap().kind == kind;
        let texts = entries.filter(of_kind);
        texts
            .map(|bytes| String::from_utf8(bytes.clone()).unwrap())
            .collect()
    })
}

/// A housekeeper's round, so many hours later.
fn hours_later(test: &TestGateway, hours: u64) {
    test.clock.advance(Duration::from_hours(hours));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
}

fn prefix() -> Prefix {
    Prefix::of(to(0).to)
}

#[test]
fn of_two_hundred_numbers_side_by_side_seven_get_a_code_and_the_block_is_told_with_its_evidence() {
    let test = running();
    assert_eq!(sent(&test, 0..200), 7);
    let refusal = refused(ask(&test, 5_000));
    assert_eq!(refusal, RiskRefusal::Pumping(Reason::PrefixBlocked));
    let entries = told(&test, Kind::PumpingBlocked);
    assert_eq!(entries.len(), 1, "{entries:?}");
    for part in [
        r#""country":"DE""#,
        r#""mode":"enforce""#,
        r#""nth":1"#,
        r#""numbers":8"#,
        r#""prefix":"+49151000""#,
        r#""reason":"adjacent-numbers""#,
        r#""sent":7"#,
        r#""verified":0"#,
    ] {
        assert!(entries[0].contains(part), "{part} in {}", entries[0]);
    }
    assert!(!entries[0].contains("491510000"), "no number is in it");
    let counted = told(&test, Kind::VerificationStarted);
    let refused = counted.iter().filter(|entry| entry.contains("refused"));
    assert!(refused.count() >= 2, "adjacent-numbers and prefix-blocked");
}

#[test]
fn nobody_hears_of_a_block_before_it_is_durable() {
    let test = running();
    assert_eq!(sent(&test, 0..7), 7);
    let caller = test.caller();
    let mut starting = Box::pin(test.gateway.start_verification(&caller, to(7), None));
    assert!(testkit::gateway::poll_once(starting.as_mut()).is_none());
    assert!(test.store.waiting() > 0, "the block waits to be recorded");
    test.store.fail_next();
    let answer = test.settle(starting).map(drop);
    assert!(
        matches!(answer, Err(StartVerificationError::Submit(_))),
        "{answer:?}"
    );
    assert!(told(&test, Kind::PumpingBlocked).is_empty());
}

#[test]
fn a_block_and_every_count_survive_a_kill() {
    let mut test = running();
    assert_eq!(sent(&test, 0..6), 6);
    for seed in 2..5 {
        test = test.crash_and_restart(usual(), seed);
        test.bind_all();
    }
    assert_eq!(sent(&test, 6..20), 1, "the six from before count");
    test = test.crash_and_restart(usual(), 9);
    test.bind_all();
    let refusal = refused(ask(&test, 5_000));
    assert_eq!(refusal, RiskRefusal::Pumping(Reason::PrefixBlocked));
    let stats = test.gateway.pumping_stats();
    assert_eq!((stats.blocks.len(), stats.countries[0].day.sent), (1, 7));
    assert_eq!(told(&test, Kind::PumpingBlocked).len(), 1, "told once");
}

#[test]
fn records_are_put_together_and_nothing_is_forgotten_by_it() {
    let test = running();
    assert_eq!(sent(&test, (0..5).map(|n| n * 1_000)), 5);
    let rows = |test: &TestGateway| test.store.with_image(|image| image.pumping().count());
    assert_eq!(rows(&test), 5);
    hours_later(&test, 1);
    assert_eq!(sent(&test, [9_000]), 1);
    assert_eq!(
        rows(&test),
        2,
        "the whole, and the one with whose commit it came"
    );
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(rows(&test), 1);
    assert_eq!(test.gateway.pumping_stats().countries[0].day.sent, 6);
}

#[test]
fn what_is_kept_of_a_number_goes_with_the_person_and_the_sums_stay() {
    let test = running();
    assert_eq!(sent(&test, 0..3), 3);
    let rows = |test: &TestGateway| test.store.with_image(|image| image.pumping().count());
    assert_eq!(rows(&test), 3, "each names a number");
    let basis = ErasureBasis::parse("case 7", to(1).to).unwrap();
    let erasing = test
        .gateway
        .erase_subject("root", to(1).to, &basis, ErasureScope::KeepConsent);
    test.settle(erasing).unwrap();
    assert_eq!(rows(&test), 1, "only the whole is left");
    assert_eq!(test.gateway.pumping_stats().countries[0].day.sent, 3);
    assert_eq!(
        sent(&test, 3..9),
        5,
        "it no longer counts as one that waits"
    );
}

#[test]
fn a_block_is_lifted_when_its_time_is_over_and_that_is_told_once() {
    let test = running();
    assert_eq!(sent(&test, 0..20), 7);
    hours_later(&test, 11);
    assert!(told(&test, Kind::PumpingLifted).is_empty());
    hours_later(&test, 1);
    hours_later(&test, 0);
    let lifted = told(&test, Kind::PumpingLifted);
    assert_eq!(lifted.len(), 1);
    assert!(
        lifted[0].contains(r#""reason":"time-over""#),
        "{}",
        lifted[0]
    );
    assert!(lifted[0].contains(r#""refused":13"#), "{}", lifted[0]);
    let test = test.crash_and_restart(usual(), 2);
    hours_later(&test, 0);
    assert_eq!(told(&test, Kind::PumpingLifted).len(), 1);
}

#[test]
fn a_code_of_a_blocked_prefix_is_not_sent_once_more() {
    let test = running();
    let caller = test.caller();
    let first = test.settle(test.gateway.start_verification(&caller, to(0), None));
    let id = first.unwrap().view.id;
    assert_eq!(sent(&test, 1..8), 6);
    test.clock.advance(Duration::from_mins(1));
    let refused = test.settle(test.gateway.resend_verification(&caller, id));
    let blocked = RiskRefusal::Pumping(Reason::PrefixBlocked);
    assert_eq!(refused.unwrap_err(), ResendError::Risk(blocked));
    assert_eq!(told(&test, Kind::VerificationResent).len(), 1);
    let unblock = UnblockReason::parse("a case").unwrap();
    test.settle(test.gateway.unblock_prefix("anna", prefix(), &unblock))
        .unwrap();
    let resent = test.settle(test.gateway.resend_verification(&caller, id));
    assert!(resent.is_ok(), "{resent:?}");
}

/// A code of the application's own, as a message.
fn own_code(test: &TestGateway, number: u64, class: TrafficClass) -> Result<(), SubmitError> {
    let request = testkit::gateway::request(to(number).to, class, "Your code is 482913");
    let caller = test.caller();
    let sent = test.settle(test.gateway.submit(&caller, request, None));
    test.carriers.take();
    sent.map(drop)
}

#[test]
fn an_applications_own_code_passes_no_blocked_prefix_and_other_messages_do() {
    let test = running();
    assert_eq!(own_code(&test, 1, TrafficClass::Otp), Ok(()));
    assert_eq!(sent(&test, 10..20), 7);
    let refused = SubmitError::Pumping(Reason::PrefixBlocked);
    assert_eq!(
        own_code(&test, 5_000, TrafficClass::Otp),
        Err(refused.clone())
    );
    assert_eq!(own_code(&test, 5_000, TrafficClass::Alert), Ok(()));
    assert_eq!(own_code(&test, 500_000, TrafficClass::Otp), Ok(()));
    let told = told(&test, Kind::MessageRefused);
    assert!(told[0].contains(r#""reason":"prefix-blocked""#), "{told:?}");
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert_eq!(own_code(&test, 5_001, TrafficClass::Otp), Err(refused));
    let unblock = UnblockReason::parse("a case").unwrap();
    test.settle(test.gateway.unblock_prefix("anna", prefix(), &unblock))
        .unwrap();
    assert_eq!(own_code(&test, 5_002, TrafficClass::Otp), Ok(()));
}

#[test]
fn an_own_code_that_is_on_the_safe_list_or_under_a_guard_that_records_goes_ahead() {
    let test = TestGateway::queued_with(recording());
    test.bind_all();
    assert_eq!(sent(&test, 0..10), 10);
    assert_eq!(own_code(&test, 5_000, TrafficClass::Otp), Ok(()));
    assert!(
        told(&test, Kind::PumpingSuspected)
            .iter()
            .any(|entry| entry.contains("prefix-blocked"))
    );
    let mut settings = usual();
    settings.pumping.safe_list = SafeList::parse(["+49151000050"]).unwrap();
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    assert_eq!(sent(&test, 0..10), 7);
    assert_eq!(own_code(&test, 5_000, TrafficClass::Otp), Ok(()));
}

#[test]
fn a_fixed_line_gets_no_code_and_may_still_text_one() {
    let test = running();
    let fixed = |channel| StartVerification {
        to: Msisdn::from_digits(442_079_460_018).unwrap(),
        channel,
        ..start_of(1)
    };
    let caller = test.caller();
    let start = |channel| {
        let starting = test
            .gateway
            .start_verification(&caller, fixed(channel), None);
        test.settle(starting).map(drop)
    };
    assert_eq!(start(Channel::Sms), Err(StartVerificationError::FixedLine));
    assert_eq!(start(Channel::Mo), Ok(()));
    let counted = told(&test, Kind::VerificationStarted);
    assert!(
        counted
            .iter()
            .any(|entry| entry.contains(r#""reason":"fixed-line""#)),
        "{counted:?}"
    );
}

#[test]
fn an_operator_ends_a_block_with_a_reason_that_is_told() {
    let test = running();
    let why = UnblockReason::parse("a fair in Cologne, case 7").unwrap();
    let unblock = || test.settle(test.gateway.unblock_prefix("alice", prefix(), &why));
    assert_eq!(unblock(), Err(UnblockError::NotBlocked));
    assert_eq!(sent(&test, 0..20), 7);
    assert_eq!(unblock().map(|lifted| lifted.refused), Ok(13));
    let lifted = told(&test, Kind::PumpingLifted);
    for part in ["a fair in Cologne, case 7", "alice", r#""reason":"asked""#] {
        assert!(lifted[0].contains(part), "{part} in {}", lifted[0]);
    }
    assert_eq!(unblock(), Err(UnblockError::NotBlocked));
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert!(ask(&test, 5_000).is_ok(), "and it stays ended");
}

/// The clock on the wall is a year ahead meanwhile. No time goes by.
fn a_year_ahead<T>(test: &TestGateway, act: impl FnOnce() -> T) -> T {
    let right = test.clock.peek();
    test.clock
        .set(right.saturating_add(Duration::from_hours(8_760)));
    // The keys of that week.
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
    let done = act();
    test.clock.set(right);
    done
}

#[test]
fn a_clock_that_is_a_year_ahead_for_a_while_ends_no_block_and_makes_none_longer() {
    let test = running();
    assert_eq!(sent(&test, 0..20), 7);
    let blocked = RiskRefusal::Pumping(Reason::PrefixBlocked);
    let meanwhile = a_year_ahead(&test, || refused(ask(&test, 5_000)));
    assert_eq!(meanwhile, blocked);
    assert!(told(&test, Kind::PumpingLifted).is_empty());
    let began = a_year_ahead(&test, || sent(&test, (700_000..700_020).rev()));
    assert_eq!(began, 7, "another block begins in the wrong year");
    hours_later(&test, 11);
    assert_eq!(refused(ask(&test, 705_000)), blocked);
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert_eq!(refused(ask(&test, 705_001)), blocked);
    let until = test.gateway.pumping_stats().blocks[0].0.until;
    assert_eq!(until.since(test.clock.peek()), Duration::from_hours(1));
    hours_later(&test, 1);
    assert_eq!(told(&test, Kind::PumpingLifted).len(), 2);
    assert_eq!((ask(&test, 5_001), ask(&test, 705_002)), (Ok(()), Ok(())));
}

#[test]
fn counts_of_a_start_that_was_a_year_ahead_go_on_from_there() {
    let test = running();
    let right = test.clock.peek();
    test.clock
        .set(right.saturating_add(Duration::from_hours(8_760)));
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert_eq!(sent(&test, 0..20), 7);
    test.clock.set(right);
    let test = test.crash_and_restart(usual(), 3);
    test.bind_all();
    refused(ask(&test, 5_000));
    hours_later(&test, 12);
    assert_eq!(told(&test, Kind::PumpingLifted).len(), 1);
    assert_eq!(ask(&test, 5_000), Ok(()));
}

#[test]
fn a_clock_that_is_a_year_ahead_for_a_while_gives_no_send_back_and_locks_no_number() {
    let test = running();
    assert_eq!(ask(&test, 1), Ok(()));
    let again = a_year_ahead(&test, || ask(&test, 1));
    assert!(
        matches!(again, Err(StartVerificationError::NotYet(_))),
        "{again:?}"
    );
    assert_eq!(a_year_ahead(&test, || ask(&test, 200_000)), Ok(()));
    let early = ask(&test, 200_000);
    assert!(
        matches!(early, Err(StartVerificationError::NotYet(_))),
        "{early:?}"
    );
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    test.clock.advance(Duration::from_secs(30));
    assert_eq!((ask(&test, 1), ask(&test, 200_000)), (Ok(()), Ok(())));
}

#[test]
fn a_guard_that_only_records_sends_everything_and_tells_what_it_would_have_refused() {
    let test = TestGateway::queued_with(recording());
    test.bind_all();
    assert_eq!(sent(&test, 0..50), 50);
    let blocked = told(&test, Kind::PumpingBlocked);
    assert_eq!(blocked.len(), 1);
    assert!(blocked[0].contains(r#""mode":"record""#), "{}", blocked[0]);
    assert!(!told(&test, Kind::PumpingSuspected).is_empty());
    let started = told(&test, Kind::VerificationStarted);
    assert!(
        started
            .iter()
            .all(|entry| !entry.contains(r#""outcome":"refused""#))
    );
}

#[test]
fn slow_pumping_at_twelve_an_hour_ends_at_the_budget_of_a_new_country() {
    let test = running();
    let mut went = 0;
    for n in 0..12 * 12_u64 {
        test.clock.advance(Duration::from_mins(5));
        // Far from each other, so that only the country tells.
        went += usize::from(ask(&test, n * 7_654_321 % 90_000_000).is_ok());
    }
    assert!(went <= 20, "{went}");
}

#[test]
fn traffic_of_which_four_in_five_are_used_is_left_alone() {
    let test = running();
    for n in 0..400_u64 {
        test.clock.advance(Duration::from_secs(20));
        let caller = test.caller();
        let request = to(n * 7_654_321 % 90_000_000);
        let starting = test.gateway.start_verification(&caller, request, None);
        let started = test.settle(starting).unwrap().view;
        let handed = test.carriers.take().pop().expect("a message left");
        accept(&test, &handed);
        if n % 5 != 0 {
            assert!(check(&test, started.id, &code_of(&handed)).is_ok());
        }
    }
    let day = test.gateway.pumping_stats().countries[0].day;
    assert_eq!((day.sent, day.verified), (400, 320));
}

#[test]
fn a_retry_with_its_key_is_counted_once() {
    let test = running();
    let caller = test.caller();
    for _ in 0..30 {
        let key = IdempotencyKey::parse("order-1").unwrap();
        let starting = test.gateway.start_verification(&caller, to(1), Some(key));
        assert!(test.settle(starting).is_ok());
    }
    assert_eq!(test.gateway.pumping_stats().countries[0].day.sent, 1);
}

fn asked_about(says: SimSwap, when_unknown: WhenUnknown) -> (TestGateway, Arc<MemoryRisk>) {
    let test = running();
    let risk = MemoryRisk::saying(says);
    test.gateway.attach_risk(RiskParts {
        risk: risk.clone(),
        max_age: MaxAgeHours::default(),
        when_unknown,
    });
    (test, risk)
}

#[test]
fn a_number_whose_sim_was_changed_gets_no_code_and_each_start_asks_anew() {
    let (test, risk) = asked_about(SimSwap::Changed, WhenUnknown::FailOpen);
    let changed = RiskRefusal::Sim(SimRisk::SimChanged);
    assert_eq!(refused(ask(&test, 1)), changed);
    risk.say(SimSwap::Unchanged);
    assert!(ask(&test, 1).is_ok());
    assert_eq!(risk.asked(), [(4_915_100_000_001, 240); 2]);
    let started = told(&test, Kind::VerificationStarted);
    assert!(
        started
            .iter()
            .any(|entry| entry.contains(r#""sim":"unchanged""#))
    );
    assert!(
        started
            .iter()
            .any(|entry| entry.contains(r#""reason":"sim-changed""#))
    );
    assert!(started.iter().all(|entry| !entry.contains("4915100000001")));
    assert_eq!(test.gateway.pumping_stats().countries[0].day.sent, 1);
}

#[test]
fn what_nobody_knows_is_decided_by_the_setting() {
    let unknown = SimSwap::Unknown(Unknown::TimedOut);
    let (test, _) = asked_about(unknown, WhenUnknown::FailClosed);
    let closed = RiskRefusal::Sim(SimRisk::SimUnknown(Unknown::TimedOut));
    assert_eq!(refused(ask(&test, 1)), closed);
    let (test, _) = asked_about(unknown, WhenUnknown::FailOpen);
    assert!(ask(&test, 1).is_ok());
    let started = told(&test, Kind::VerificationStarted);
    assert!(
        started[0].contains(r#""sim":"timed-out""#),
        "{}",
        started[0]
    );
}

#[test]
fn nobody_is_asked_where_nobody_is_named() {
    let test = running();
    assert!(ask(&test, 1).is_ok());
    let started = told(&test, Kind::VerificationStarted);
    assert!(!started[0].contains(r#""sim""#), "{}", started[0]);
}
