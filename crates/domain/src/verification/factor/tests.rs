//! Tests of [`super`]: used once, locked in time, the same told and lived.

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::verification::code::CodeLength;
use crate::verification::recovery::RecoverySet;
use crate::verification::totp::{TotpKey, hotp};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn policy() -> CheckPolicy {
    CheckPolicy::new(6, 100).unwrap()
}

const fn of<'s>(policy: &'s CheckPolicy, budgets: &'s NumberBudgets) -> Allowance<'s> {
    Allowance { policy, budgets }
}

fn key() -> TotpKey {
    TotpKey::from_bytes(b"12345678901234567890").unwrap()
}

fn recovery_key() -> RecoveryKey {
    RecoveryKey::from_bytes([3; 32])
}

fn app_code(seconds: u64) -> FactorCode {
    FactorCode::Totp(hotp(&key(), Algorithm::Sha1, seconds / 30, CodeLength::SIX))
}

fn wrong() -> FactorCode {
    // None of the steps that the tests stand near has this code.
    FactorCode::parse(FactorKind::Totp, "000000").unwrap()
}

/// Confirms a pending app, or checks an active one.
fn show(factor: &Factor, code: &FactorCode, seconds: u64) -> Result<Evaluated, NotEvaluated> {
    show_of(&NumberBudgets::default(), factor, code, seconds)
}

/// The same, of a user who has used up so much.
fn show_of(
    budgets: &NumberBudgets,
    factor: &Factor,
    code: &FactorCode,
    seconds: u64,
) -> Result<Evaluated, NotEvaluated> {
    let secret = FactorSecret::Totp(key());
    let shown = Shown {
        secret: &secret,
        recovery: &recovery_key(),
        code,
        allowance: Allowance {
            policy: &policy(),
            budgets,
        },
    };
    match factor.state() {
        FactorState::Pending => factor.confirm(shown, at(seconds)),
        _ => factor.check(shown, at(seconds)),
    }
}

fn confirmed() -> Factor {
    let factor = Factor::enrolled(Algorithm::Sha1, AppDigits::Six);
    show(&factor, &app_code(3_000), 3_000).unwrap().factor
}

fn issued() -> (Factor, FactorSecret, Vec<RecoveryCode>) {
    let random = [[1; 10], [2; 10], [3; 10]];
    let issued = RecoverySet::issue(&recovery_key(), [9; 16], &random);
    (
        Factor::issued(3),
        FactorSecret::Recovery(issued.set),
        issued.codes,
    )
}

#[test]
fn an_app_is_confirmed_by_a_code_that_is_then_used_up() {
    let factor = Factor::enrolled(Algorithm::Sha1, AppDigits::Six);
    let failed = show(&factor, &wrong(), 3_000).unwrap();
    assert_eq!((failed.is_right(), failed.checks_left), (false, 5));
    assert_eq!(failed.factor.state(), FactorState::Pending);
    let right = show(&failed.factor, &app_code(3_000), 3_000).unwrap();
    assert_eq!(right.event, FactorEvent::Confirmed { step: 100 });
    assert_eq!(right.factor.state(), FactorState::Active);
    let again = show(&right.factor, &app_code(3_000), 3_010).unwrap();
    assert!(!again.is_right());
}

#[test]
fn a_pending_app_verifies_nothing_and_an_active_one_is_not_confirmed_again() {
    let secret = FactorSecret::Totp(key());
    let (recovery, policy, code) = (recovery_key(), policy(), app_code(3_000));
    let budgets = NumberBudgets::default();
    let shown = Shown {
        secret: &secret,
        recovery: &recovery,
        code: &code,
        allowance: of(&policy, &budgets),
    };
    let pending = Factor::enrolled(Algorithm::Sha1, AppDigits::Six);
    let refused = |state| NotEvaluated::Stands(state);
    let check = pending.check(shown, at(3_000)).unwrap_err();
    assert_eq!(check, refused(FactorState::Pending));
    let confirm = confirmed().confirm(shown, at(9_000)).unwrap_err();
    assert_eq!(confirm, refused(FactorState::Active));
}

#[test]
fn the_code_accepted_last_is_refused_again_and_costs_nothing_within_its_time() {
    let mut factor = show(&confirmed(), &app_code(9_000), 9_000).unwrap().factor;
    for seconds in [9_000, 9_010, 9_059].repeat(4) {
        let again = show(&factor, &app_code(9_000), seconds).unwrap();
        assert_eq!(again.event, FactorEvent::Replayed);
        assert_eq!((again.is_right(), again.checks_left), (false, 6));
        assert_eq!(again.budgets, NumberBudgets::default());
        factor = again.factor;
    }
    let late = show(&factor, &app_code(9_000), 9_060).unwrap();
    assert_eq!((late.event, late.checks_left), (FactorEvent::Failed, 5));
    assert!(show(&factor, &app_code(9_030), 9_030).unwrap().is_right());
}

#[test]
fn a_code_before_the_one_accepted_last_is_a_guess_like_any_other() {
    let first = show(&confirmed(), &app_code(9_000), 9_000).unwrap().factor;
    let second = show(&first, &app_code(9_030), 9_030).unwrap().factor;
    let older = show(&second, &app_code(9_000), 9_030).unwrap();
    assert_eq!((older.event, older.checks_left), (FactorEvent::Failed, 5));
}

#[test]
fn six_failures_a_day_lock_a_factor_for_right_and_wrong_alike() {
    let mut factor = confirmed();
    for left in (0..6).rev() {
        let failed = show(&factor, &wrong(), 9_000).unwrap();
        assert_eq!(failed.checks_left, left);
        factor = failed.factor;
    }
    let refusals = [app_code(9_000), wrong()].map(|code| show(&factor, &code, 9_000).unwrap_err());
    assert!(matches!(
        refusals[0],
        NotEvaluated::Locked(LockReason::DayUsedUp(_))
    ));
    assert_eq!(refusals[0], refusals[1]);
    let next_day = 9_000 + 24 * 3_600;
    assert!(
        show(&factor, &app_code(next_day), next_day)
            .unwrap()
            .is_right()
    );
}

#[test]
fn a_hundred_failures_in_a_row_disable_a_factor_for_good() {
    let mut factor = confirmed();
    let mut day = 0;
    for count in 0..100 {
        day += u64::from(count % 6 == 0) * 24 * 3_600;
        factor = show(&factor, &wrong(), 9_000 + day).unwrap().factor;
    }
    let later = 9_000 + day + 365 * 24 * 3_600;
    let refusal = show(&factor, &app_code(later), later).unwrap_err();
    assert_eq!(refusal, NotEvaluated::Locked(LockReason::Disabled));
    assert_eq!(
        factor.checks_left(of(&policy(), &NumberBudgets::default()), at(later)),
        0
    );
}

#[test]
fn another_factor_of_a_user_brings_no_further_guess() {
    let (one, two) = (confirmed(), confirmed());
    let mut budgets = NumberBudgets::default();
    for (factor, left) in [&one, &two, &one, &two, &one, &two]
        .iter()
        .zip((0..6).rev())
    {
        let failed = show_of(&budgets, factor, &wrong(), 9_000).unwrap();
        assert_eq!(failed.checks_left, left);
        budgets = failed.budgets;
    }
    for factor in [
        &one,
        &two,
        &Factor::enrolled(Algorithm::Sha1, AppDigits::Six),
    ] {
        let refused = show_of(&budgets, factor, &app_code(9_000), 9_000).unwrap_err();
        assert!(matches!(refused, NotEvaluated::Locked(_)));
        assert_eq!(factor.checks_left(of(&policy(), &budgets), at(9_000)), 0);
    }
}

#[test]
fn a_right_code_ends_the_rows_and_gives_nothing_of_the_day_back() {
    let failed = |budgets: NumberBudgets, channel| budgets.failed(channel, 1, at(9_000));
    let budgets = failed(NumberBudgets::default(), Channel::Totp);
    let budgets = failed(failed(budgets, Channel::Recovery), Channel::Sms);
    let right = show_of(&budgets, &confirmed(), &app_code(9_060), 9_060).unwrap();
    for (channel, in_a_row) in [
        (Channel::Totp, 0),
        (Channel::Recovery, 0),
        (Channel::Sms, 1),
    ] {
        assert_eq!(right.budgets.of(channel).in_a_row(), in_a_row);
    }
    assert_eq!(right.checks_left, 5);
}

#[test]
fn a_recovery_code_is_good_for_one_use_and_the_secret_forgets_it() {
    let (factor, secret, codes) = issued();
    let (recovery, policy) = (recovery_key(), policy());
    let budgets = NumberBudgets::default();
    let check = |factor: &Factor, secret: &FactorSecret| {
        let code = FactorCode::Recovery(codes[1].clone());
        let shown = Shown {
            secret,
            recovery: &recovery,
            code: &code,
            allowance: of(&policy, &budgets),
        };
        factor.check(shown, at(1)).unwrap()
    };
    let first = check(&factor, &secret);
    assert_eq!(first.event, FactorEvent::Spent);
    assert_eq!(first.factor.codes_left(), Some(2));
    let left = first.secret.unwrap();
    assert_eq!(left.reveal().len(), secret.reveal().len() - 32);
    assert!(!check(&first.factor, &left).is_right());
}

#[test]
fn a_code_of_one_kind_is_no_code_of_the_other() {
    assert!(FactorCode::parse(FactorKind::Totp, "7ZQ4-08MX-0000-0000").is_err());
    assert!(FactorCode::parse(FactorKind::Recovery, "123456").is_err());
    let (factor, secret, _) = issued();
    let (recovery, policy, code) = (recovery_key(), policy(), app_code(30));
    let budgets = NumberBudgets::default();
    let shown = Shown {
        secret: &secret,
        recovery: &recovery,
        code: &code,
        allowance: of(&policy, &budgets),
    };
    assert!(!factor.check(shown, at(30)).unwrap().is_right());
}

#[test]
fn a_secret_survives_being_sealed_and_is_no_secret_of_the_other_kind() {
    let (_, secret, _) = issued();
    let octets = secret.reveal();
    let back = FactorSecret::from_octets(FactorKind::Recovery, &octets).unwrap();
    assert_eq!(back.reveal(), octets);
    assert!(FactorSecret::from_octets(FactorKind::Totp, &octets).is_none());
    assert!(FactorSecret::from_octets(FactorKind::Recovery, &octets[1..]).is_none());
    let shown = format!("{:?}", FactorSecret::Totp(key()));
    assert_eq!(shown, "Totp(TotpKey(masked))");
}

#[test]
fn nothing_happens_to_a_factor_that_was_removed() {
    let removed = confirmed().after(FactorEvent::Removed, at(1)).unwrap();
    assert_eq!(removed.state(), FactorState::Removed);
    for event in [
        FactorEvent::Failed,
        FactorEvent::Step(9),
        FactorEvent::Removed,
    ] {
        assert_eq!(removed.after(event, at(2)), None);
    }
}

#[test]
fn a_factor_is_stored_in_words() {
    let json = serde_json::to_string(&confirmed()).unwrap();
    let expected = concat!(
        r#"{"state":"active","proof":{"totp":{"algorithm":"sha1","digits":"six","#,
        r#""standing":"confirmed","used":100}},"failures":{"failures":[],"in_a_row":0}}"#
    );
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_str::<Factor>(&json).unwrap(), confirmed());
}

proptest! {
    /// Whatever is shown when: no step verifies twice, and no day sees a seventh failure evaluated.
    #[test]
    fn no_step_is_right_twice_and_no_day_has_a_seventh_failure(
        shows in vec((0_u64..400, any::<bool>()), 1..120),
    ) {
        let mut factor = confirmed();
        let (mut used, mut failed) = (Vec::new(), Vec::new());
        let mut now = 9_000;
        for (wait, right) in shows {
            now += wait * 97;
            let code = if right { app_code(now) } else { wrong() };
            let Ok(evaluated) = show(&factor, &code, now) else { continue };
            match evaluated.event {
                FactorEvent::Step(step) => {
                    prop_assert!(!used.contains(&step));
                    used.push(step);
                }
                // Whoever shows the accepted code again learns nothing, so it is no guess.
                FactorEvent::Replayed => prop_assert!(right && !used.is_empty()),
                _ => failed.push(now),
            }
            factor = evaluated.factor;
        }
        for start in &failed {
            let day = *start..*start + 24 * 3_600;
            prop_assert!(failed.iter().filter(|at| day.contains(at)).count() <= 6);
        }
    }

    /// What entries tell makes the same factor again.
    #[test]
    fn events_alone_give_the_factor_again(shows in vec(any::<bool>(), 1..40)) {
        let mut lived = Factor::enrolled(Algorithm::Sha1, AppDigits::Six);
        let mut told = lived.clone();
        for (place, right) in (0..).zip(shows) {
            let now = 9_000 + place * 7_000;
            let code = if right { app_code(now) } else { wrong() };
            let Ok(evaluated) = show(&lived, &code, now) else { continue };
            told = told.after(evaluated.event, at(now)).unwrap();
            lived = evaluated.factor;
        }
        prop_assert_eq!(told, lived);
    }
}
