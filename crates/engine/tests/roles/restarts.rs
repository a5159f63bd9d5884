//! A restart gives nobody a limit back: what was used up is used up after it, whatever was kept and however
//! the process ended.

use std::time::Duration;

use domain::class::TrafficClass;
use domain::limit::policy::{Draft, Policy};
use engine::{AuthError, ErasureBasis, ErasureScope, SubmitError};
use testkit::TestGateway;
use testkit::gateway::{HOME, handset, request, unknown_key};

use super::limits::{only, settings};

fn limited(amount: u32) -> engine::Settings {
    settings(only("recipient-otp-hour", amount))
}

const HOURS: Duration = Duration::from_hours(1);

fn send(test: &TestGateway) -> bool {
    send_to(test, 1)
}

fn send_to(test: &TestGateway, number: u16) -> bool {
    let request = request(handset(number), TrafficClass::Otp, "hello");
    match test.settle(test.gateway.submit(&test.caller(), request, None)) {
        Ok(_) => true,
        Err(SubmitError::Throttled(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

fn full(amount: u32) -> TestGateway {
    let test = TestGateway::queued_with(limited(amount));
    for _ in 0..amount {
        assert!(send(&test));
    }
    assert!(!send(&test));
    test
}

#[test]
fn a_full_limit_is_full_after_a_crash_though_nothing_was_kept() {
    let test = full(3).crash_and_restart(limited(3), 2);
    assert!(!send(&test));
    test.clock.advance(Duration::from_hours(1));
    assert!(send(&test), "it was never more than full");
}

#[test]
fn a_full_limit_is_full_after_an_erasure_and_a_crash() {
    let test = TestGateway::queued_with(limited(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _inside = runtime.enter();
    let caller = test.caller();
    for _ in 0..2 {
        let request = request(handset(1), TrafficClass::Otp, "hello");
        let sent = test.settle(test.gateway.submit(&caller, request, None));
        let gone = test.gateway.cancel(&caller, sent.unwrap().id);
        test.settle(gone).unwrap();
    }
    let basis = ErasureBasis::parse("case 1", handset(1)).unwrap();
    let scope = ErasureScope::KeepConsent;
    let erased = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    assert_eq!(test.settle(erased).unwrap().messages, 2);
    assert!(!send(&test));
    let test = test.crash_and_restart(limited(2), 2);
    assert!(!send(&test), "an erased message still counts");
}

#[test]
fn a_crash_in_the_middle_of_an_erasure_gives_nothing_back() {
    let test = TestGateway::queued_with(limited(1));
    test.counts.lose_last();
    let caller = test.caller();
    let request = request(handset(1), TrafficClass::Otp, "hello");
    let sent = test.settle(test.gateway.submit(&caller, request, None));
    let gone = test.gateway.cancel(&caller, sent.unwrap().id);
    test.settle(gone).unwrap();
    let basis = ErasureBasis::parse("case 1", handset(1)).unwrap();
    let scope = ErasureScope::KeepConsent;
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let _inside = runtime.enter();
    let erased = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    test.settle(erased).unwrap();
    let test = test.crash_and_restart(limited(1), 2);
    assert!(!send(&test), "what is kept first holds the message");
}

#[test]
fn what_was_kept_and_what_came_since_is_counted_once() {
    let test = TestGateway::queued_with(limited(4));
    assert!(send(&test) && send(&test));
    test.settle(test.gateway.stop());
    let image = test.store.image();
    let test = test.restart_over(image, limited(4), 2);
    assert!(send(&test));
    let test = test.crash_and_restart(limited(4), 3);
    assert!(send(&test), "three are counted, and no more");
    assert!(!send(&test));
    let test = test.crash_and_restart(limited(4), 4);
    assert!(!send(&test));
}

#[test]
fn counts_that_cannot_be_read_are_counted_anew_and_not_forgiven() {
    let test = full(2);
    test.settle(test.gateway.stop());
    test.counts.put(Some(b"something else".to_vec()));
    let image = test.store.image();
    let test = test.restart_over(image, limited(2), 2);
    assert!(!send(&test));
}

#[test]
fn a_clock_set_back_over_a_restart_gives_nothing() {
    let test = full(2);
    test.settle(test.gateway.stop());
    test.clock.set_back(Duration::from_hours(30));
    let image = test.store.image();
    let test = test.restart_over(image, limited(2), 2);
    assert!(!send(&test));
}

#[test]
fn a_clock_set_to_and_fro_gives_nothing_however_often() {
    let test = full(2);
    for _ in 0..3 {
        for (ahead, behind) in [(HOURS * 3, HOURS * 3), (HOURS, HOURS * 2)] {
            let right = test.clock.peek();
            test.clock.set(right.saturating_add(ahead));
            let _another_number_uses_it = send_to(&test, 2);
            test.clock.set(right.saturating_sub(behind));
            assert!(!send(&test));
            test.clock.set(right);
            assert!(!send(&test));
        }
    }
    test.clock.advance(HOURS);
    assert!(send(&test), "time that passed counts");
}

#[test]
fn a_clock_that_is_behind_at_one_start_and_right_at_the_next_gives_nothing() {
    let mut test = full(2);
    for round in 0..3 {
        let right = test.clock.peek();
        test.settle(test.gateway.stop());
        test.clock.set_back(HOURS * 2);
        let image = test.store.image();
        test = test.restart_over(image, limited(2), 2 + round * 2);
        assert!(!send(&test));
        test.settle(test.gateway.stop());
        test.clock.set(right);
        let image = test.store.image();
        test = test.restart_over(image, limited(2), 3 + round * 2);
        assert!(!send(&test), "round {round}");
    }
}

#[test]
fn a_clock_that_ran_ahead_once_locks_nobody_out() {
    let test = full(2);
    let right = test.clock.peek();
    test.settle(test.gateway.stop());
    test.clock.set(right.saturating_add(HOURS * 24 * 12));
    let image = test.store.image();
    let test = test.restart_over(image, limited(2), 2);
    assert!(send(&test) && send(&test), "the wall says the hour passed");
    test.settle(test.gateway.stop());
    test.clock.set(right);
    let image = test.store.image();
    let test = test.restart_over(image, limited(2), 3);
    assert!(!send(&test));
    test.clock.advance(HOURS);
    assert!(send(&test));
}

#[test]
fn failed_keys_are_remembered_over_a_stop() {
    let guess = |test: &TestGateway| {
        let refused = test.gateway.authenticate(unknown_key().reveal(), HOME);
        refused.unwrap_err()
    };
    let strict = || settings(only("source-logins", 1));
    let test = TestGateway::queued_with(strict());
    assert_eq!(guess(&test), AuthError::Unknown);
    test.settle(test.gateway.stop());
    let image = test.store.image();
    let test = test.restart_over(image, strict(), 2);
    assert_eq!(guess(&test).code(), "throttled");
}

#[test]
fn kept_counts_tell_no_number_to_who_reads_the_folder() {
    use engine::ports::Counts as _;

    let test = full(2);
    test.settle(test.gateway.stop());
    let kept = test.counts.kept().unwrap().unwrap();
    let digits = handset(1).reveal().to_string();
    let holds = |text: &str| kept.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!holds(&digits) && !holds("recipient-otp-hour"));
}

#[test]
fn a_flood_of_addresses_does_not_grow_the_counts() {
    let draft = only("source-logins", 20).remove(0).draft().clone();
    let small = Policy::new(Draft { keys: 500, ..draft }).unwrap();
    let test = TestGateway::queued_with(settings(vec![small]));
    let octets = || test.gateway.limits_held();
    let before = octets();
    for host in 0..20_000_u32 {
        let source = std::net::IpAddr::from(std::net::Ipv4Addr::from(0x0b00_0000 + host));
        let _refused = test.gateway.authenticate(unknown_key().reveal(), source);
    }
    assert_eq!(octets(), before);
    let shared = test.gateway.metrics().rows.into_iter();
    let mut shared = shared.filter(|row| row.name == "shortstop_limit_shared_total");
    assert!(shared.next().unwrap().value > 0, "newcomers share");
}
