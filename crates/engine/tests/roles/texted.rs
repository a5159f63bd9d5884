//! Verifications by a text from the handset: what is awaited, which text verifies what, and how many codes
//! may be awaited at once.

use std::time::Duration;

use domain::id::VerificationId;
use domain::verification::channel::Channel;
use domain::verification::code::Code;
use domain::verification::state::State;
use engine::{
    Caller, ResendError, StartVerification, StartVerificationError, VerificationStarted,
    WitnessPolicy,
};
use ledger::Kind;
use testkit::TestGateway;
use testkit::gateway::{everything, handset};
use testkit::settings::usual;

use super::stage::{deliver, mobile, running};
use super::verifications::{check, entries, later, other_than, resend, start, start_of, view};

/// A client waits for a text of a handset. Gives the verification and the code that it shows.
pub fn start_by_text(test: &TestGateway, from: u16) -> (VerificationId, Code) {
    let started = try_by_text(test, &test.caller(), from).unwrap();
    (started.view.id, started.code.expect("a code to show"))
}

pub fn try_by_text(
    test: &TestGateway,
    caller: &Caller,
    from: u16,
) -> Result<VerificationStarted, StartVerificationError> {
    let request = StartVerification {
        channel: Channel::Mo,
        ..start_of(from)
    };
    test.settle(test.gateway.start_verification(caller, request, None))
}

pub fn caller_called(test: &TestGateway, name: &str) -> Caller {
    let (_, key) = test.add_client(everything(name));
    test.caller_with(&key)
}

#[test]
fn a_client_awaits_three_codes_of_a_handset_and_each_of_them_still_verifies() {
    let test = running();
    let began: Vec<_> = (0..3)
        .map(|_| {
            later(&test, 60);
            start_by_text(&test, 1)
        })
        .collect();
    let refused = try_by_text(&test, &test.caller(), 1).unwrap_err();
    let StartVerificationError::Awaited(not_yet) = refused else {
        panic!("{refused:?}");
    };
    let wait = not_yet.wait.retry_after().as_secs();
    assert!((470..=480).contains(&wait), "until the first ends: {wait}");
    assert_eq!(not_yet.still_works.checks, [Channel::Sms, Channel::Mo]);
    assert_eq!(
        not_yet.still_works.send_after,
        Some(Duration::ZERO),
        "a code can be sent"
    );
    start_by_text(&test, 2);
    for (id, code) in &began {
        deliver(&test, vec![mobile(1, code.reveal())]);
        assert_eq!(view(&test, *id).state, State::Verified);
    }
    start_by_text(&test, 1);
}

#[test]
fn codes_that_other_clients_await_shut_none_out() {
    let test = running();
    let (id, code) = start_by_text(&test, 1);
    for name in ["second", "third", "fourth"] {
        let other = caller_called(&test, name);
        for _ in 0..3 {
            try_by_text(&test, &other, 1).unwrap();
        }
    }
    deliver(&test, vec![mobile(1, code.reveal())]);
    assert_eq!(view(&test, id).state, State::Verified);
}

#[test]
fn a_client_takes_three_quarters_of_the_table_and_leaves_the_rest() {
    let mut settings = usual();
    settings.bounds.verifications_max = 4;
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    for number in 1..=3 {
        start_by_text(&test, number);
    }
    let full = try_by_text(&test, &test.caller(), 4).unwrap_err();
    assert_eq!(full, StartVerificationError::Full);
    let other = caller_called(&test, "second");
    try_by_text(&test, &other, 4).unwrap();
    let full = try_by_text(&test, &other, 5).unwrap_err();
    assert_eq!(full, StartVerificationError::Full);
}

#[test]
fn a_code_that_nobody_sends_has_no_sends_left() {
    let test = running();
    let (id, _) = start_by_text(&test, 1);
    assert_eq!(view(&test, id).sends_left, 0);
}

#[test]
fn a_handset_that_texts_its_code_is_verified_and_no_other() {
    let test = running();
    let (id, code) = start_by_text(&test, 1);
    assert!(test.carriers.take().is_empty(), "nothing is sent");
    let words = format!("My code is {}", code.reveal_grouped());
    deliver(&test, vec![mobile(2, &words)]);
    assert_eq!(view(&test, id).state, State::Pending, "another handset");
    deliver(&test, vec![mobile(1, "hello")]);
    assert_eq!(view(&test, id).checks_left, 5, "no code in it");
    deliver(&test, vec![mobile(1, other_than(&code).reveal())]);
    assert_eq!(view(&test, id).checks_left, 4);
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    deliver(&test, vec![mobile(1, &words)]);
    assert_eq!(view(&test, id).state, State::Verified);
    assert_eq!(entries(&test, Kind::VerificationChecked), 2);
    deliver(&test, vec![mobile(1, &words)]);
    assert_eq!(entries(&test, Kind::VerificationChecked), 2, "it ended");
}

#[test]
fn a_code_that_a_page_shows_is_right_only_from_the_handset() {
    let test = running();
    let (id, code) = start_by_text(&test, 1);
    let shown = check(&test, id, &code).unwrap();
    assert_eq!(shown.state, State::Pending);
    assert_eq!(resend(&test, id), Err(ResendError::NothingToSend));
    let (newer, other) = start_by_text(&test, 1);
    deliver(&test, vec![mobile(1, code.reveal())]);
    assert_eq!(view(&test, id).state, State::Verified, "whichever it means");
    assert_eq!(view(&test, newer).checks_left, 5);
    deliver(&test, vec![mobile(1, other.reveal())]);
    assert_eq!(view(&test, newer).state, State::Verified);
}

#[test]
fn a_copy_for_the_person_proves_each_verification() {
    let test = running();
    let started = start(&test, 1).unwrap();
    start_by_text(&test, 1);
    test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let inside = runtime.enter();
    test.settle(test.gateway.make_checkpoint()).unwrap();
    let copy = test.gateway.export_subject("root", handset(1));
    let items = test.settle(copy).unwrap();
    drop(inside);
    let of = items.iter().filter(|item| item.sort == "verification");
    let evidence: Vec<_> = of.map(|item| item.evidence.clone()).collect();
    assert_eq!(evidence.len(), 2);
    assert!(evidence.iter().all(Option::is_some), "{evidence:?}");
    let told = format!("{evidence:?}");
    assert!(told.contains(&started.id.to_string()) && told.contains("verification.started"));
}
