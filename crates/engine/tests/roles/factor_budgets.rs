//! Wrong codes count against the user, over all factors of a kind: no further app, no enrolment anew and no
//! restart brings a further guess.

use std::time::Duration;

use domain::id::FactorId;
use domain::verification::budget::LockReason;
use domain::verification::budget::policy::CheckPolicy;
use domain::verification::totp::TotpKey;
use engine::{
    AppLabels, CheckError, ErasureBasis, ErasureScope, FactorCheckError, StartVerificationError,
};
use testkit::TestGateway;
use testkit::gateway::{everything, handset, poll_once};
use testkit::settings::usual;

use super::factors::{check, code_now, confirm, enrol, issue, user};
use super::stage::running;
use super::texted::{caller_called, try_by_text};
use super::verifications;

/// Seven digits: what no app shows.
const WRONG: &str = "0000000";

/// A confirmed app of a user, none of whose codes was shown lately.
fn app_of(test: &TestGateway, name: &str) -> (FactorId, TotpKey) {
    let (id, key) = enrol(test, name);
    confirm(test, id, &key);
    test.clock.advance(Duration::from_mins(2));
    (id, key)
}

fn fail(test: &TestGateway, id: FactorId) -> u8 {
    let checked = check(test, id, WRONG).unwrap();
    assert!(!checked.verified);
    checked.factor.checks_left
}

fn remove(test: &TestGateway, id: FactorId) {
    let caller = test.caller();
    test.settle(test.gateway.remove_factor(&caller, id))
        .unwrap();
}

/// Whether neither a right nor a wrong code is looked at any more today.
fn is_locked(test: &TestGateway, id: FactorId, right: &str) -> bool {
    let refused = |code| {
        let refused = check(test, id, code).err();
        matches!(
            refused,
            Some(FactorCheckError::Locked(LockReason::DayUsedUp(_)))
        )
    };
    refused(right) && refused(WRONG)
}

fn rows(test: &TestGateway) -> usize {
    test.store.with_image(|image| image.budgets().count())
}

#[test]
fn two_apps_of_a_user_share_six_wrong_codes_a_day() {
    let test = running();
    let (one, first) = app_of(&test, "ann@example.com");
    let (two, second) = app_of(&test, "ann@example.com");
    let left: Vec<u8> = [one, two, one, two, one, two]
        .iter()
        .map(|app| fail(&test, *app))
        .collect();
    assert_eq!(left, [5, 4, 3, 2, 1, 0]);
    assert!(is_locked(&test, one, &code_now(&test, &first)));
    assert!(is_locked(&test, two, &code_now(&test, &second)));
    test.clock.advance(Duration::from_hours(24));
    let code = code_now(&test, &first);
    assert!(check(&test, one, &code).unwrap().verified);
}

#[test]
fn whoever_removes_an_app_and_enrols_another_gets_no_further_guess() {
    let test = running();
    let (first, _) = app_of(&test, "ann@example.com");
    for _ in 0..4 {
        fail(&test, first);
    }
    remove(&test, first);
    let (second, _) = app_of(&test, "ann@example.com");
    assert_eq!((fail(&test, second), fail(&test, second)), (1, 0));
    remove(&test, second);
    let (third, key) = enrol(&test, "ann@example.com");
    let (caller, code) = (test.caller(), code_now(&test, &key));
    let confirming = test.gateway.confirm_factor(&caller, third, &code);
    let refused = test.settle(confirming).unwrap_err();
    assert!(matches!(refused, FactorCheckError::Locked(_)));
    let shown = test.settle(test.gateway.factor(&caller, third)).unwrap();
    assert_eq!(shown.checks_left, 0);
}

#[test]
fn another_user_and_the_same_name_at_another_client_have_their_own() {
    let test = running();
    let (one, key) = app_of(&test, "ann@example.com");
    let (bob, _) = app_of(&test, "bob@example.com");
    for _ in 0..6 {
        fail(&test, one);
    }
    assert!(is_locked(&test, one, &code_now(&test, &key)));
    assert_eq!(fail(&test, bob), 5);
    let (_, other) = test.add_client(everything("another"));
    let other = test.caller_with(&other);
    let ann = user("ann@example.com");
    let issuing = test.gateway.issue_codes(&other, &ann, None);
    let (view, _) = test.settle(issuing).unwrap();
    assert_eq!(view.checks_left, 20);
    let labels = AppLabels::default();
    let enrolling = test.gateway.enrol_app(&other, &ann, &labels);
    assert_eq!(test.settle(enrolling).unwrap().0.checks_left, 6);
}

#[test]
fn codes_of_apps_and_recovery_codes_have_a_budget_each() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    let (set, codes) = issue(&test, "ann@example.com");
    for _ in 0..6 {
        fail(&test, app);
    }
    assert!(is_locked(&test, app, &code_now(&test, &key)));
    let spent = check(&test, set, &codes[0]).unwrap();
    assert_eq!((spent.verified, spent.factor.checks_left), (true, 20));
}

#[test]
fn a_crash_gives_no_wrong_code_back() {
    let test = running();
    let (one, _) = app_of(&test, "ann@example.com");
    let (two, key) = app_of(&test, "ann@example.com");
    for _ in 0..5 {
        fail(&test, one);
    }
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(fail(&test, two), 0);
    let test = test.crash_and_restart(usual(), 3);
    assert!(is_locked(&test, two, &code_now(&test, &key)));
}

/// A double click is no guess: it never verifies twice, and leaves the user what others have.
#[test]
fn a_code_shown_twice_is_refused_the_second_time_and_uses_nothing_up() {
    let test = running();
    let (app, key) = app_of(&test, "ann@example.com");
    assert_eq!(fail(&test, app), 5);
    let code = code_now(&test, &key);
    assert!(check(&test, app, &code).unwrap().verified);
    for _ in 0..10 {
        let again = check(&test, app, &code).unwrap();
        assert_eq!((again.verified, again.factor.checks_left), (false, 5));
    }
    let test = test.crash_and_restart(usual(), 2);
    assert!(!check(&test, app, &code).unwrap().verified);
    assert_eq!(fail(&test, app), 4);
}

#[test]
fn a_right_code_gives_nothing_of_the_day_back() {
    let test = running();
    let (one, key) = app_of(&test, "ann@example.com");
    let (two, _) = app_of(&test, "ann@example.com");
    for _ in 0..5 {
        fail(&test, two);
    }
    let right = check(&test, one, &code_now(&test, &key)).unwrap();
    assert_eq!((right.verified, right.factor.checks_left), (true, 1));
    assert_eq!(fail(&test, one), 0);
}

#[test]
fn a_user_disabled_by_a_row_is_enabled_by_a_code_of_the_other_kind_and_not_by_another_app() {
    let mut settings = usual();
    settings.factors.totp = CheckPolicy::new(6, 2).unwrap();
    let test = TestGateway::queued_with(settings);
    let (one, _) = app_of(&test, "ann@example.com");
    let (two, key) = app_of(&test, "ann@example.com");
    assert_eq!((fail(&test, one), fail(&test, one)), (1, 0));
    let disabled = Err(FactorCheckError::Locked(LockReason::Disabled));
    let right = || check(&test, two, &code_now(&test, &key));
    assert_eq!(right(), disabled);
    let (set, codes) = issue(&test, "ann@example.com");
    assert_eq!(right(), disabled);
    assert!(check(&test, set, &codes[0]).unwrap().verified);
    assert!(right().unwrap().verified);
    // The app itself stays disabled: another takes its place.
    assert_eq!(check(&test, one, WRONG), disabled);
}

/// In whatever spelling; the codes sent to the handset have a budget of their own beside it.
#[test]
fn a_user_who_is_a_number_has_one_row_and_keeps_it_over_an_erasure() {
    let test = running();
    let (app, _) = app_of(&test, "+44 7700 900001");
    for _ in 0..3 {
        fail(&test, app);
    }
    let started = verifications::start(&test, 1).unwrap();
    let code = verifications::code(&test);
    let wrong = verifications::other_than(&code);
    assert!(verifications::check(&test, started.id, &wrong).is_ok());
    assert_eq!(rows(&test), 1);
    let number = handset(1);
    let basis = ErasureBasis::parse("GDPR Art. 17", number).unwrap();
    let erasing = test
        .gateway
        .erase_subject("root", number, &basis, ErasureScope::KeepConsent);
    test.settle(erasing).unwrap();
    assert_eq!(check(&test, app, WRONG), Err(FactorCheckError::NotFound));
    let (again, key) = app_of(&test, "+447700900001");
    let left: Vec<u8> = (0..3).map(|_| fail(&test, again)).collect();
    assert_eq!(left, [2, 1, 0]);
    assert!(is_locked(&test, again, &code_now(&test, &key)));
    let sms = verifications::check(&test, started.id, &wrong);
    assert!(!matches!(sms, Err(CheckError::Locked(_))), "{sms:?}");
}

#[test]
fn checks_at_once_over_two_apps_see_six_wrong_codes() {
    let test = running();
    let apps = [
        app_of(&test, "ann@example.com").0,
        app_of(&test, "ann@example.com").0,
    ];
    let caller = test.caller();
    let asked = (0..50).map(|turn| test.gateway.check_factor(&caller, apps[turn % 2], WRONG));
    let mut waiting: Vec<_> = asked.map(Box::pin).collect();
    let mut evaluated = 0;
    while !waiting.is_empty() {
        waiting.retain_mut(|check| match poll_once(check.as_mut()) {
            None => true,
            Some(result) => {
                evaluated += usize::from(result.is_ok());
                false
            }
        });
        test.store.sync();
    }
    assert_eq!(evaluated, 6);
}

#[test]
fn where_no_failure_can_be_counted_no_code_is_looked_at() {
    let mut settings = usual();
    settings.bounds.guess_budgets_max = 1;
    let test = TestGateway::queued_with(settings);
    let (ann, key) = app_of(&test, "ann@example.com");
    let (bob, other) = app_of(&test, "bob@example.com");
    assert_eq!(rows(&test), 0, "a user who was never wrong needs no row");
    fail(&test, ann);
    for code in [code_now(&test, &other), WRONG.to_owned()] {
        assert_eq!(check(&test, bob, &code), Err(FactorCheckError::Full));
    }
    assert!(check(&test, ann, &code_now(&test, &key)).unwrap().verified);
}

#[test]
fn a_client_whose_users_fill_its_share_shuts_out_itself_alone() {
    let mut settings = usual();
    settings.bounds.guess_budgets_max = 4;
    let test = TestGateway::queued_with(settings);
    test.bind_all();
    let (app, key) = app_of(&test, "ann@example.com");
    let (_, codes) = issue(&test, "bob@example.com");
    let attacker = caller_called(&test, "second");
    let guess = |number: u8| {
        let name = user(&format!("w{number}@example.com"));
        let issuing = test.gateway.issue_codes(&attacker, &name, None);
        let (view, _) = test.settle(issuing).unwrap();
        let checking = test.gateway.check_factor(&attacker, view.id, &codes[0]);
        test.settle(checking).map(|checked| checked.verified)
    };
    for number in 1..=3 {
        assert_eq!(guess(number), Ok(false));
    }
    for number in 4..=6 {
        assert_eq!(guess(number), Err(FactorCheckError::Full));
    }
    let full = try_by_text(&test, &attacker, 1).unwrap_err();
    assert_eq!(full, StartVerificationError::Full);
    assert!(check(&test, app, &code_now(&test, &key)).unwrap().verified);
    verifications::start(&test, 1).unwrap();
    assert_eq!(rows(&test), 4);
}

#[test]
fn where_rows_may_be_let_go_a_full_table_looks_at_codes_again() {
    let mut settings = usual();
    settings.bounds.guess_budgets_max = 1;
    let test = TestGateway::queued_with(settings);
    let (ann, key) = app_of(&test, "ann@example.com");
    let (bob, _) = app_of(&test, "bob@example.com");
    fail(&test, ann);
    assert!(check(&test, ann, &code_now(&test, &key)).unwrap().verified);
    assert_eq!(check(&test, bob, WRONG), Err(FactorCheckError::Full));
    test.clock.advance(Duration::from_hours(25));
    fail(&test, bob);
    assert_eq!(rows(&test), 1);
}

#[test]
fn what_did_not_matter_before_a_start_goes_at_once_after_it() {
    let mut settings = usual();
    settings.bounds.guess_budgets_max = 1;
    let test = TestGateway::queued_with(settings.clone());
    let (ann, key) = app_of(&test, "ann@example.com");
    let (bob, _) = app_of(&test, "bob@example.com");
    fail(&test, ann);
    assert!(check(&test, ann, &code_now(&test, &key)).unwrap().verified);
    test.clock.advance(Duration::from_hours(25));
    let test = test.crash_and_restart(settings, 2);
    fail(&test, bob);
    assert_eq!(rows(&test), 1);
}

#[test]
fn what_does_not_matter_any_more_goes_when_another_row_comes() {
    let test = running();
    let (ann, key) = app_of(&test, "ann@example.com");
    let (bob, _) = app_of(&test, "bob@example.com");
    fail(&test, ann);
    assert!(check(&test, ann, &code_now(&test, &key)).unwrap().verified);
    test.clock.advance(Duration::from_hours(25));
    fail(&test, bob);
    assert_eq!(rows(&test), 1);
    let test = test.crash_and_restart(usual(), 2);
    assert_eq!(fail(&test, ann), 5);
}
