//! A person's authenticator app and recovery codes, through a client.

use std::time::Duration;

use domain::id::FactorId;
use domain::time::Timestamp;
use domain::verification::budget::LockReason;
use domain::verification::code::CodeLength;
use domain::verification::factor::FactorState;
use domain::verification::recovery::RecoveryCode;
use domain::verification::totp::{Algorithm, TotpKey, hotp};
use domain::verification::user::UserReference;
use engine::rebuild::compare;
use engine::rows::{FactorRow, NO_SUBJECT, Purpose};
use engine::{
    AppLabels, EnrolError, ErasureBasis, ErasureScope, FactorCheckError, FactorChecked,
    LookupError, Settings,
};
use testkit::TestGateway;
use testkit::gateway::{everything, handset, poll_once};
use testkit::memory::MemoryShelf;
use testkit::settings::usual;

use super::stage::{bring_back, running};

/// A user, as the client calls one.
pub fn user(text: &str) -> UserReference {
    UserReference::parse(text).unwrap()
}

/// The octets that an app reads out of base-32.
fn key_of(base_32: &str) -> TotpKey {
    let (mut octets, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in base_32.bytes() {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits = (bits << 5) | u32::from(digit);
        held += 5;
        if held >= 8 {
            held -= 8;
            octets.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    TotpKey::from_bytes(&octets).unwrap()
}

/// The client enrols an app for a user.
pub fn enrol(test: &TestGateway, name: &str) -> (FactorId, TotpKey) {
    let (caller, user) = (test.caller(), user(name));
    let labels = AppLabels::default();
    let enrolling = test.gateway.enrol_app(&caller, &user, &labels);
    let (view, secret) = test.settle(enrolling).unwrap();
    assert_eq!(view.state, FactorState::Pending);
    (view.id, key_of(&secret.base_32))
}

/// The client has recovery codes made for a user.
pub fn issue(test: &TestGateway, name: &str) -> (FactorId, Vec<String>) {
    let (caller, user) = (test.caller(), user(name));
    let issuing = test.gateway.issue_codes(&caller, &user, None);
    let (view, codes) = test.settle(issuing).unwrap();
    assert_eq!(view.codes_left, Some(10));
    (view.id, codes.iter().map(RecoveryCode::reveal).collect())
}

/// What the app shows at a moment.
fn code_at(key: &TotpKey, now: Timestamp) -> String {
    let code = hotp(key, Algorithm::Sha1, now.seconds() / 30, CodeLength::SIX);
    code.reveal().to_owned()
}

/// What the app shows now.
pub fn code_now(test: &TestGateway, key: &TotpKey) -> String {
    code_at(key, test.clock.peek())
}

/// The person types what the app shows.
pub fn confirm(test: &TestGateway, id: FactorId, key: &TotpKey) {
    let (caller, code) = (test.caller(), code_now(test, key));
    let confirming = test.gateway.confirm_factor(&caller, id, &code);
    assert!(test.settle(confirming).unwrap().verified);
}

/// The client has a code checked.
pub fn check(
    test: &TestGateway,
    id: FactorId,
    code: &str,
) -> Result<FactorChecked, FactorCheckError> {
    let caller = test.caller();
    test.settle(test.gateway.check_factor(&caller, id, code))
}

fn is_right(test: &TestGateway, id: FactorId, code: &str) -> bool {
    check(test, id, code).unwrap().verified
}

/// An app that was confirmed a while ago.
fn confirmed(test: &TestGateway) -> (FactorId, TotpKey) {
    let (id, key) = enrol(test, "ann@example.com");
    confirm(test, id, &key);
    test.clock.advance(Duration::from_mins(2));
    (id, key)
}

fn row_of(test: &TestGateway, id: FactorId) -> FactorRow {
    test.store.with_image(|image| {
        let mut rows = image.factors();
        rows.find(|row| row.id == id).unwrap().clone()
    })
}

fn kinds(test: &TestGateway) -> Vec<(String, String)> {
    let parse = |logged: &testkit::memory::Logged| {
        let entry: serde_json::Value = serde_json::from_slice(&logged.bytes).unwrap();
        let word = |name: &str| entry[name].as_str().unwrap().to_owned();
        (word("kind"), word("outcome"))
    };
    let all: Vec<(String, String)> = test
        .store
        .with_image(|image| image.entries().iter().map(parse).collect());
    let is_factor = |(kind, _): &(String, String)| kind.starts_with("factor.");
    all.into_iter().filter(is_factor).collect()
}

fn told(words: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(kind, outcome): &(&str, &str)| ((*kind).to_owned(), (*outcome).to_owned());
    words.iter().map(owned).collect()
}

#[test]
fn an_app_is_enrolled_confirmed_and_checked_and_no_code_is_right_twice() {
    let test = running();
    let (id, key) = enrol(&test, "ann@example.com");
    assert_eq!(
        check(&test, id, &code_now(&test, &key)),
        Err(FactorCheckError::Pending)
    );
    confirm(&test, id, &key);
    assert!(!is_right(&test, id, &code_now(&test, &key)));
    test.clock.advance(Duration::from_mins(1));
    let code = code_now(&test, &key);
    assert!(is_right(&test, id, &code));
    assert!(!is_right(&test, id, &code));
    let caller = test.caller();
    let again = test.settle(test.gateway.confirm_factor(&caller, id, &code));
    assert_eq!(again, Err(FactorCheckError::Confirmed));
    let expected = [
        ("factor.enrolled", "accepted"),
        ("factor.confirmed", "done"),
        ("factor.checked", "failed"),
        ("factor.checked", "done"),
        ("factor.checked", "failed"),
    ];
    assert_eq!(kinds(&test), told(&expected));
}

#[test]
fn a_code_that_was_used_stays_used_after_a_crash() {
    let test = running();
    let (id, key) = confirmed(&test);
    let code = code_now(&test, &key);
    assert!(is_right(&test, id, &code));
    let test = test.crash_and_restart(usual(), 2);
    assert!(!is_right(&test, id, &code));
}

/// The answer waits for the disk, and so does everything that builds on it.
#[test]
fn nobody_is_told_a_result_before_it_is_durable_and_a_lost_check_was_never_made() {
    let test = running();
    let (id, key) = confirmed(&test);
    let (caller, code) = (test.caller(), code_now(&test, &key));
    let mut first = Box::pin(test.gateway.check_factor(&caller, id, &code));
    let mut second = Box::pin(test.gateway.check_factor(&caller, id, &code));
    assert!(poll_once(first.as_mut()).is_none());
    assert!(poll_once(second.as_mut()).is_none());
    assert_eq!(test.store.waiting(), 1, "the second waits for its turn");
    test.store.poison();
    test.store.answer(usize::MAX);
    let lost = poll_once(first.as_mut()).unwrap();
    assert_eq!(lost, Err(FactorCheckError::Unavailable));
    drop((first, second));
    bring_back(&test);
    assert!(is_right(&test, id, &code));
}

/// Whoever goes away leaves the turn to its commit, not to the next.
#[test]
fn a_caller_who_goes_away_does_not_let_another_overtake_the_commit() {
    let test = running();
    let (id, key) = confirmed(&test);
    let (caller, code) = (test.caller(), code_now(&test, &key));
    let mut gone = Box::pin(test.gateway.check_factor(&caller, id, &code));
    assert!(poll_once(gone.as_mut()).is_none());
    drop(gone);
    assert!(!is_right(&test, id, &code));
    assert!(test.gateway.health().is_ready());
}

#[test]
fn many_checks_at_once_of_one_code_are_right_once() {
    let test = running();
    let (id, key) = confirmed(&test);
    let (caller, code) = (test.caller(), code_now(&test, &key));
    let asked = (0..50).map(|_| test.gateway.check_factor(&caller, id, &code));
    let mut waiting: Vec<_> = asked.map(Box::pin).collect();
    let (mut right, mut evaluated) = (0, 0);
    while !waiting.is_empty() {
        waiting.retain_mut(|check| match poll_once(check.as_mut()) {
            None => true,
            Some(result) => {
                evaluated += usize::from(result.is_ok());
                right += usize::from(result.is_ok_and(|checked| checked.verified));
                false
            }
        });
        test.store.sync();
    }
    assert_eq!(
        (right, evaluated),
        (1, 50),
        "one right; the same code again is refused and no guess"
    );
}

#[test]
fn six_wrong_codes_a_day_lock_a_factor_for_right_and_wrong_and_over_a_crash() {
    let test = running();
    let (id, key) = confirmed(&test);
    for left in (0..6).rev() {
        let checked = check(&test, id, "0000000").unwrap();
        assert_eq!(
            (checked.verified, checked.factor.checks_left),
            (false, left)
        );
    }
    let test = test.crash_and_restart(usual(), 2);
    let right = check(&test, id, &code_now(&test, &key)).unwrap_err();
    let wrong = check(&test, id, "0000000").unwrap_err();
    assert!(matches!(
        right,
        FactorCheckError::Locked(LockReason::DayUsedUp(_))
    ));
    assert_eq!(right, wrong);
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    let last = kinds(&test).pop().unwrap();
    assert_eq!(last, ("factor.checked".to_owned(), "refused".to_owned()));
    test.clock.advance(Duration::from_hours(24));
    assert!(is_right(&test, id, &code_now(&test, &key)));
}

#[test]
fn a_text_that_is_no_code_costs_nothing_and_a_locked_factor_reads_no_text() {
    let test = running();
    let (id, _) = confirmed(&test);
    let no_code = check(&test, id, "twelve").unwrap_err();
    assert!(matches!(no_code, FactorCheckError::Code(_)));
    for _ in 0..6 {
        assert!(!is_right(&test, id, "0000000"));
    }
    let locked = check(&test, id, "twelve").unwrap_err();
    assert!(matches!(locked, FactorCheckError::Locked(_)));
}

#[test]
fn a_recovery_code_is_good_for_one_use() {
    let test = running();
    let (id, codes) = issue(&test, "ann@example.com");
    assert!(!is_right(&test, id, "0000-0000-0000-0000"));
    let spent = check(&test, id, &codes[3].to_lowercase()).unwrap();
    assert_eq!((spent.verified, spent.factor.codes_left), (true, Some(9)));
    let test = test.crash_and_restart(usual(), 2);
    assert!(!is_right(&test, id, &codes[3]));
    assert!(is_right(&test, id, &codes[4]));
}

#[test]
fn a_set_has_as_many_codes_as_asked_for_within_bounds() {
    let test = running();
    let caller = test.caller();
    for (count, given) in [
        (Some(1), Some(1)),
        (Some(20), Some(20)),
        (Some(0), None),
        (Some(21), None),
    ] {
        let ann = user("ann");
        let issued = test.settle(test.gateway.issue_codes(&caller, &ann, count));
        let found = issued.map(|(_, codes)| codes.len());
        assert_eq!(found, given.ok_or(EnrolError::Count));
    }
}

#[test]
fn unknown_foreign_and_removed_factors_are_all_the_same() {
    let test = running();
    let (id, key) = confirmed(&test);
    let (_, other) = test.add_client(everything("another"));
    let other = test.caller_with(&other);
    let code = code_now(&test, &key);
    let not_found = Err(FactorCheckError::NotFound);
    let foreign = test.settle(test.gateway.check_factor(&other, id, &code));
    assert_eq!(foreign, not_found);
    let foreign = test.settle(test.gateway.remove_factor(&other, id));
    assert_eq!(foreign, Err(LookupError::NotFound));
    assert_eq!(check(&test, FactorId::new(7, 7), &code), not_found);
    let caller = test.caller();
    test.settle(test.gateway.remove_factor(&caller, id))
        .unwrap();
    assert_eq!(check(&test, id, &code), not_found);
    let gone = test.settle(test.gateway.factor(&caller, id));
    assert_eq!(gone, Err(LookupError::NotFound));
}

#[test]
fn a_removed_factor_has_no_secret() {
    let test = running();
    let (id, _) = confirmed(&test);
    assert!(row_of(&test, id).secret.is_some());
    let caller = test.caller();
    test.settle(test.gateway.remove_factor(&caller, id))
        .unwrap();
    assert_eq!(row_of(&test, id).secret, None);
    assert_eq!(row_of(&test, id).factor.state(), FactorState::Removed);
    test.settle(test.gateway.clear_old_keys());
    assert_eq!(test.store.purges(), 1);
}

#[test]
fn an_app_that_nobody_confirms_in_time_is_removed_and_a_confirmed_one_stays() {
    let test = running();
    let (kept, _) = confirmed(&test);
    let (late, _) = enrol(&test, "bob");
    test.clock.advance(Duration::from_mins(59));
    assert_eq!(test.settle(test.gateway.expire_factors()).unwrap(), 0);
    test.clock.advance(Duration::from_mins(2));
    assert_eq!(test.settle(test.gateway.expire_factors()).unwrap(), 1);
    assert_eq!(row_of(&test, late).secret, None);
    assert_eq!(row_of(&test, kept).factor.state(), FactorState::Active);
}

#[test]
fn an_app_is_called_by_the_names_of_the_request_or_of_the_settings() {
    let uri = |settings: Settings, labels: AppLabels| {
        let test = TestGateway::queued_with(settings);
        let (caller, ann) = (test.caller(), user("ann@example.com"));
        let enrolled = test.settle(test.gateway.enrol_app(&caller, &ann, &labels));
        let uri = enrolled.map(|(_, secret)| secret.uri);
        uri.map(|uri| uri.reveal().split('?').next().unwrap().to_owned())
    };
    let usual_name = "otpauth://totp/Example%20Ltd:ann%40example.com";
    assert_eq!(uri(usual(), AppLabels::default()).unwrap(), usual_name);
    let named = AppLabels {
        issuer: Some("Shop".into()),
        account: Some("Ann".into()),
    };
    assert_eq!(uri(usual(), named).unwrap(), "otpauth://totp/Shop:Ann");
    let mut nameless = usual();
    nameless.factors.issuer = None;
    assert_eq!(
        uri(nameless, AppLabels::default()),
        Err(EnrolError::NoIssuer)
    );
    let broken = AppLabels {
        issuer: Some("a:b".into()),
        account: None,
    };
    assert!(matches!(uri(usual(), broken), Err(EnrolError::Label(_))));
}

/// Everything that a factor can go through.
fn lived() -> (TestGateway, FactorId) {
    let test = running();
    let (id, key) = confirmed(&test);
    assert!(!is_right(&test, id, "0000000"));
    assert!(is_right(&test, id, &code_now(&test, &key)));
    let (set, codes) = issue(&test, "+447700900001");
    assert!(is_right(&test, set, &codes[0]));
    let (gone, _) = enrol(&test, "bob");
    let caller = test.caller();
    test.settle(test.gateway.remove_factor(&caller, gone))
        .unwrap();
    (test, id)
}

fn differences(test: &TestGateway, image: &testkit::Image) -> Vec<String> {
    let mut found = Vec::new();
    let mut tell = |difference: engine::rebuild::Difference| found.push(format!("{difference:?}"));
    let judge = test.gateway.judge();
    compare(image, &mut MemoryShelf::default(), &judge, &mut tell).unwrap();
    found
}

#[test]
fn the_entries_alone_give_every_factor_again() {
    let (test, _) = lived();
    assert_eq!(
        differences(&test, &test.store.image()),
        Vec::<String>::new()
    );
}

/// Whoever works on the files gives himself a used code back, a failure, or another secret.
#[test]
fn a_factor_that_was_worked_on_is_not_what_the_ledger_tells() {
    let (test, id) = lived();
    let row = row_of(&test, id);
    let fresh = domain::verification::factor::Factor::issued(3);
    let mut changes = vec![
        FactorRow {
            factor: fresh,
            ..row.clone()
        },
        FactorRow {
            secret: None,
            ..row.clone()
        },
        FactorRow {
            subject: [7; 16],
            ..row.clone()
        },
    ];
    let mut other = row.clone();
    other.secret.as_mut().unwrap().sealed[20] ^= 1;
    changes.push(other);
    for changed in changes {
        let mut image = test.store.image();
        image.put_factor(changed);
        assert_ne!(differences(&test, &image), Vec::<String>::new());
    }
}

#[test]
fn an_erased_person_has_no_factor_any_more_and_others_keep_theirs() {
    let (test, other) = lived();
    let number = handset(1);
    let basis = ErasureBasis::parse("GDPR Art. 17", number).unwrap();
    let erasing = test
        .gateway
        .erase_subject("root", number, &basis, ErasureScope::KeepConsent);
    let erased = test.settle(erasing).unwrap();
    assert_eq!((erased.factors, erased.values), (1, 1));
    let removed = test.store.with_image(|image| {
        let mut rows = image.factors();
        rows.find(|row| row.subject == NO_SUBJECT).unwrap().clone()
    });
    assert_eq!(
        (removed.factor.state(), removed.secret),
        (FactorState::Removed, None)
    );
    assert_eq!(row_of(&test, other).factor.state(), FactorState::Active);
    assert_eq!(
        differences(&test, &test.store.image()),
        Vec::<String>::new()
    );
    let again = test
        .gateway
        .erase_subject("root", number, &basis, ErasureScope::KeepConsent);
    assert_eq!(test.settle(again).unwrap().factors, 0);
}

#[test]
fn the_reference_of_a_user_lives_as_long_as_the_factor_and_then_as_long_as_numbers() {
    let (test, id) = lived();
    test.clock.advance(Duration::from_hours(24 * 397));
    assert_eq!(test.settle(test.gateway.expire_values()).unwrap(), 1);
    let caller = test.caller();
    let view = test.settle(test.gateway.factor(&caller, id)).unwrap();
    assert_eq!(view.user.as_deref(), Some("ann@example.com"));
    test.settle(test.gateway.remove_factor(&caller, id))
        .unwrap();
    assert_eq!(test.settle(test.gateway.expire_values()).unwrap(), 1);
    assert_eq!(row_of(&test, id).subject, NO_SUBJECT);
    assert_eq!(
        differences(&test, &test.store.image()),
        Vec::<String>::new()
    );
}

/// The seed and the reference lie in the store under keys of their own, and neither opens as the other.
#[test]
fn a_secret_is_sealed_as_something_else_than_the_reference_of_its_user() {
    let test = running();
    let (id, _) = confirmed(&test);
    let secret = row_of(&test, id).secret.unwrap();
    let sealed = test.store.with_image(|image| image.vault_of(id.sequence()));
    assert_eq!(sealed.len(), 1);
    assert_eq!(
        (sealed[0].purpose, secret.purpose),
        (Purpose::Number, Purpose::Text)
    );
}
