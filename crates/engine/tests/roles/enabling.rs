//! A number whose codes nobody looks at any more, after too many wrong ones, is enabled by an operator; and
//! the receipts that prove how a verification began and ended.

use std::time::Duration;

use domain::id::{SubjectId, VerificationId};
use domain::verification::budget::LockReason;
use domain::verification::budget::policy::CheckPolicy;
use domain::verification::code::Code;
use domain::verification::state::State;
use engine::ports::erasure::Erasure as _;
use engine::{
    CheckError, EnableError, ErasureBasis, ErasureScope, NumberEnabled, ReceiptError, Settings,
    StartVerificationError, UnblockReason, VerificationReceipt, WitnessPolicy,
};
use ledger::Kind;
use serde_json::Value;
use testkit::TestGateway;
use testkit::gateway::{everything, handset};
use testkit::settings::usual;

use super::stage::{deliver, mobile, running};
use super::texted::{start_by_text, try_by_text};
use super::verifications::{check, code, entries, other_than, start, view};

/// Few wrong codes disable a number.
pub fn strict(per_day: u8, in_a_row: u8) -> Settings {
    let mut settings = usual();
    let mut terms = settings.verifications.as_deref().unwrap().clone();
    terms.policy.sms = CheckPolicy::new(per_day, in_a_row).unwrap();
    settings.verifications = Some(terms.into());
    settings
}

/// A gateway where two wrong codes disabled handset 1.
pub fn disabled(per_day: u8) -> (TestGateway, VerificationId) {
    let test = TestGateway::queued_with(strict(per_day, 2));
    test.bind_all();
    let started = start(&test, 1).unwrap();
    let wrong = other_than(&code(&test));
    for _ in 0..2 {
        assert!(check(&test, started.id, &wrong).is_ok());
    }
    let refused = check(&test, started.id, &wrong).unwrap_err();
    assert!(matches!(refused, CheckError::Locked(locked) if locked.reason == LockReason::Disabled));
    (test, started.id)
}

/// An operator enables a handset at the client.
pub fn enable(test: &TestGateway, to: u16) -> Result<NumberEnabled, EnableError> {
    let client = test.caller().client;
    let why = UnblockReason::parse("came to the shop with a passport, case 7").unwrap();
    let place = (client, handset(to));
    test.settle(test.gateway.enable_number("root", place, &why))
}

fn told(test: &TestGateway) -> Vec<Value> {
    let parse = |logged: &testkit::memory::Logged| serde_json::from_slice(&logged.bytes).unwrap();
    let all: Vec<Value> = test
        .store
        .with_image(|image| image.entries().iter().map(parse).collect());
    let is_it = |entry: &Value| entry["kind"] == "verification.enabled";
    all.into_iter().filter(is_it).collect()
}

#[test]
fn a_number_that_wrong_codes_disabled_is_enabled_and_that_is_told_without_the_number() {
    let (test, id) = disabled(20);
    let enabled = enable(&test, 1).unwrap();
    let expected = NumberEnabled {
        failures: 2,
        still: None,
    };
    assert_eq!(enabled, expected);
    let wrong = check(&test, id, &other_than_any()).unwrap();
    assert_eq!(wrong.state, State::Pending);
    let told = told(&test);
    let [entry] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(entry["actor"]["type"], "os_user");
    assert_eq!(entry["data"]["failures"], 2);
    assert!(entry["private"]["number"].is_string());
    let number = handset(1).reveal_e164();
    assert!(!entry.to_string().contains(&number[1..]), "{entry}");
}

/// Texts with a wrong code, too many, from handset 1.
#[test]
fn a_number_is_enabled_for_texts_too_and_no_code_is_shown_before() {
    let mut settings = usual();
    let mut terms = settings.verifications.as_deref().unwrap().clone();
    terms.policy.mo = CheckPolicy::new(20, 2).unwrap();
    settings.verifications = Some(terms.into());
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    let (id, shown) = start_by_text(&test, 1);
    for _ in 0..2 {
        deliver(&test, vec![mobile(1, other_than(&shown).reveal())]);
    }
    assert_eq!(view(&test, id).checks_left, 3);
    let caller = test.caller();
    let refused = try_by_text(&test, &caller, 1).unwrap_err();
    let StartVerificationError::Locked(locked) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(locked.reason, LockReason::Disabled);
    assert_eq!(enable(&test, 1).unwrap().failures, 2);
    let (_, shown) = start_by_text(&test, 1);
    deliver(&test, vec![mobile(1, shown.reveal())]);
    assert_eq!(enable(&test, 1), Err(EnableError::NotDisabled));
}

/// Seven digits: what no code has here.
fn other_than_any() -> Code {
    Code::parse("1111111").unwrap()
}

#[test]
fn it_stays_enabled_after_a_crash_and_what_the_day_used_up_stays_used_up() {
    let (test, id) = disabled(2);
    let enabled = enable(&test, 1).unwrap();
    assert!(matches!(enabled.still, Some(LockReason::DayUsedUp(_))));
    let test = test.crash_and_restart(strict(2, 2), 2);
    let locked = check(&test, id, &other_than_any()).unwrap_err();
    let CheckError::Locked(locked) = locked else {
        panic!("{locked:?}")
    };
    assert!(matches!(locked.reason, LockReason::DayUsedUp(_)));
}

#[test]
fn what_is_not_disabled_is_not_enabled_and_nothing_is_told() {
    let (test, _) = disabled(20);
    assert_eq!(enable(&test, 2), Err(EnableError::NotDisabled));
    assert!(enable(&test, 1).is_ok());
    assert_eq!(enable(&test, 1), Err(EnableError::NotDisabled), "once");
    assert_eq!(entries(&test, Kind::VerificationEnabled), 1);
    let locked = TestGateway::queued_with(strict(1, 100));
    locked.bind_all();
    let started = start(&locked, 1).unwrap();
    let wrong = other_than(&code(&locked));
    assert!(check(&locked, started.id, &wrong).is_ok());
    assert_eq!(enable(&locked, 1), Err(EnableError::NotDisabled), "a day");
}

#[test]
fn the_number_that_was_enabled_goes_with_an_erasure() {
    let (test, _) = disabled(20);
    enable(&test, 1).unwrap();
    let told = told(&test);
    let id: SubjectId = told[0]["object"]["id"].as_str().unwrap().parse().unwrap();
    let is_erased = |test: &TestGateway| {
        let rows = test.store.sealed_of(&[id.sequence()]).unwrap();
        rows[0].erased_by().is_some()
    };
    assert!(!is_erased(&test));
    test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let basis = ErasureBasis::parse("case 7", handset(1)).unwrap();
    let scope = ErasureScope::KeepConsent;
    let erasing = test
        .gateway
        .erase_subject("root", handset(1), &basis, scope);
    test.settle(erasing).unwrap();
    assert!(is_erased(&test));
}

fn receipt(test: &TestGateway, id: VerificationId) -> Result<VerificationReceipt, ReceiptError> {
    let caller = test.caller();
    test.settle(test.gateway.verification_receipt(&caller, id))
}

#[test]
fn a_receipt_proves_how_a_verification_began_and_how_it_ended_to_its_client_alone() {
    let test = running();
    let started = start(&test, 1).unwrap();
    let shown = code(&test);
    test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    test.settle(test.gateway.make_checkpoint()).unwrap();
    let pending = receipt(&test, started.id).unwrap();
    assert!(pending.began.entry.contains("verification.started"));
    assert_eq!(pending.began.openings.len(), 1);
    assert_eq!(pending.ended, None);
    check(&test, started.id, &shown).unwrap();
    assert_eq!(receipt(&test, started.id), Err(ReceiptError::Pending));
    test.clock.advance(Duration::from_secs(1));
    test.settle(test.gateway.make_checkpoint()).unwrap();
    let ended = receipt(&test, started.id).unwrap().ended.unwrap();
    assert!(ended.entry.contains("verification.ended"));
    assert!(ended.entry.contains(r#""state":"verified""#));
    assert!(ended.entry.contains(&started.id.to_string()));
    let (_, key) = test.add_client(everything("other"));
    let other = test.caller_with(&key);
    let foreign = test.gateway.verification_receipt(&other, started.id);
    assert_eq!(test.settle(foreign), Err(ReceiptError::NotFound));
    let unknown = VerificationId::new(7, 7);
    assert_eq!(receipt(&test, unknown), Err(ReceiptError::NotFound));
}
