//! Tests of [`super`]: five evaluated checks, one approval, the day's budget and the binding, in tables and
//! against any order of events.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_oneof, proptest};

use super::*;
use crate::verification::binding::{Binding, BindingParts};
use crate::verification::budget::{DAY, LockReason};
use crate::verification::code::CodeLength;
use crate::verification::factor::{FactorEvent, FactorKind};
use crate::verification::send::send;
use crate::verification::state::tests::{at, pending, tag, unbound};
use crate::verification::tag::CodeKey;
use crate::verification::totp::{Algorithm, AppDigits, TotpKey, hotp};

const RIGHT: &str = "482913";

fn typed(code: &str) -> Attempt {
    Attempt {
        evidence: Evidence::Tag(tag(code)),
        binding: unbound(),
        way: Way::Api,
    }
}

fn bound_to(amount: &str) -> BindingDigest {
    let parts = BindingParts {
        amount: Some(amount),
        ..BindingParts::default()
    };
    let key = CodeKey::from_bytes([5; 32]);
    Binding::parse(&parts).unwrap().digest(&key)
}

fn guarded<'g>(budgets: &'g NumberBudgets, policy: &'g Policy) -> Guard<'g> {
    Guard {
        budgets,
        policy,
        offered: &[],
    }
}

fn check_once(verification: &Verification, attempt: &Attempt) -> Checked {
    let (budgets, policy) = (NumberBudgets::default(), Policy::default());
    check(verification, guarded(&budgets, &policy), attempt, at(1)).unwrap()
}

#[test]
fn the_right_code_verifies_once_and_never_again() {
    let checked = check_once(&pending(Channel::Sms), &typed(RIGHT));
    assert_eq!(checked.result, Ok(()));
    assert_eq!(checked.verification.state(at(2)), State::Verified);
    let (budgets, policy) = (checked.budgets, Policy::default());
    let guard = guarded(&budgets, &policy);
    let again = check(&checked.verification, guard, &typed(RIGHT), at(2));
    assert_eq!(again.unwrap_err(), NotChecked::Ended(State::Verified));
}

#[test]
fn five_wrong_codes_fail_it_and_the_right_one_comes_too_late() {
    let mut verification = pending(Channel::Sms);
    for left in (0..5).rev() {
        let checked = check_once(&verification, &typed("000000"));
        assert_eq!(checked.result, Err(Mismatch::Code));
        assert_eq!(checked.verification.checks_left(), left);
        verification = checked.verification;
    }
    let (budgets, policy) = (NumberBudgets::default(), Policy::default());
    let late = check(
        &verification,
        guarded(&budgets, &policy),
        &typed(RIGHT),
        at(1),
    );
    assert_eq!(late.unwrap_err(), NotChecked::Ended(State::Failed));
}

#[test]
fn expired_verification_refuses_even_the_right_code() {
    let (budgets, policy) = (NumberBudgets::default(), Policy::default());
    let guard = guarded(&budgets, &policy);
    let late = check(&pending(Channel::Sms), guard, &typed(RIGHT), at(600));
    assert_eq!(late.unwrap_err(), NotChecked::Ended(State::Expired));
}

#[test]
fn the_right_code_for_another_act_is_counted_and_wrong() {
    let stored = crate::verification::state::Stored {
        binding: bound_to("EUR 12.50"),
        ..pending(Channel::Sms).to_stored()
    };
    let verification = Verification::from_stored(&stored).unwrap();
    let attempt = |binding| Attempt {
        binding,
        ..typed(RIGHT)
    };
    for other in [bound_to("EUR 99.00"), unbound()] {
        let checked = check_once(&verification, &attempt(other));
        assert_eq!(checked.result, Err(Mismatch::Binding));
        assert_eq!(checked.verification.checks_left(), 4);
    }
    let right = check_once(&verification, &attempt(bound_to("EUR 12.50")));
    assert_eq!(right.result, Ok(()));
}

#[test]
fn a_code_to_be_texted_is_not_taken_from_the_application() {
    let checked = check_once(&pending(Channel::Mo), &typed(RIGHT));
    assert_eq!(checked.result, Err(Mismatch::Way));
    let texted = Attempt {
        way: Way::Handset,
        ..typed(RIGHT)
    };
    let checked = check_once(&pending(Channel::Mo), &texted);
    assert_eq!(checked.result, Ok(()));
    let checked = check_once(&pending(Channel::Sms), &texted);
    assert_eq!(checked.result, Err(Mismatch::Way));
}

#[test]
fn a_factor_proves_its_own_channel_only() {
    let shown = |channel, verdict| Attempt {
        evidence: Evidence::Factor(Judged::new(channel, verdict)),
        ..typed(RIGHT)
    };
    for (channel, attempt, right) in [
        (Channel::Totp, shown(Channel::Totp, Verdict::Right), true),
        (Channel::Totp, shown(Channel::Totp, Verdict::Wrong), false),
        (
            Channel::Totp,
            shown(Channel::Recovery, Verdict::Right),
            false,
        ),
        (Channel::Sms, shown(Channel::Sms, Verdict::Right), false),
        (Channel::Totp, typed(RIGHT), false),
    ] {
        let checked = check_once(&pending(channel), &attempt);
        assert_eq!(checked.result.is_ok(), right);
    }
}

#[test]
fn a_locked_number_gets_one_answer_for_right_and_wrong_and_loses_no_check() {
    let locked = (0..20).fold(NumberBudgets::default(), |budgets, second| {
        budgets.failed(Channel::Sms, 1, at(second))
    });
    let policy = Policy::default();
    let answer = |code| {
        let guard = guarded(&locked, &policy);
        check(&pending(Channel::Sms), guard, &typed(code), at(30)).unwrap_err()
    };
    assert_eq!(answer(RIGHT), answer("000000"));
    let NotChecked::Locked(locked) = answer(RIGHT) else {
        panic!("not locked")
    };
    let wait = DAY.saturating_sub(core::time::Duration::from_secs(30));
    assert_eq!(locked.reason, LockReason::DayUsedUp(wait));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Check(Guess),
    Resend,
    Cancel,
}

#[derive(Clone, Copy, Debug)]
enum Guess {
    Wrong,
    Right,
    OtherAct,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Start),
        10 => Just(Step::Check(Guess::Wrong)),
        1 => Just(Step::Check(Guess::Right)),
        3 => Just(Step::Check(Guess::OtherAct)),
        1 => Just(Step::Resend),
        1 => Just(Step::Cancel),
    ]
}

fn attempt(guess: Guess) -> Attempt {
    match guess {
        Guess::Wrong => typed("000000"),
        Guess::Right => typed(RIGHT),
        Guess::OtherAct => Attempt {
            binding: bound_to("EUR 99.00"),
            ..typed(RIGHT)
        },
    }
}

fn app_key() -> TotpKey {
    TotpKey::from_bytes(b"12345678901234567890").unwrap()
}

fn app_code(seconds: u64) -> FactorCode {
    FactorCode::Totp(hotp(
        &app_key(),
        Algorithm::Sha1,
        seconds / 30,
        CodeLength::SIX,
    ))
}

/// A check of a verification by an app, with what the app's user has used up.
fn check_app(
    verification: &Verification,
    factor: &Factor,
    (code, binding): (&FactorCode, BindingDigest),
    budgets: &NumberBudgets,
) -> Result<(Checked, Evaluated), NotChecked> {
    let secret = FactorSecret::Totp(app_key());
    let recovery = RecoveryKey::from_bytes([3; 32]);
    let claim = Claim {
        factor,
        secret: &secret,
        recovery: &recovery,
        code,
        binding,
    };
    let policy = Policy::default();
    let now = at(61);
    check_factor(verification, guarded(budgets, &policy), &claim, now)
}

/// An app that was confirmed by the code of an earlier step.
fn app() -> Factor {
    let factor = Factor::enrolled(Algorithm::Sha1, AppDigits::Six);
    let now = at(0);
    let step = now.seconds() / 30;
    factor.after(FactorEvent::Confirmed { step }, now).unwrap()
}

#[test]
fn a_factor_and_the_verification_that_asks_for_it_are_right_or_wrong_together() {
    let none = NumberBudgets::default();
    let stored = crate::verification::state::Stored {
        binding: bound_to("EUR 12.50"),
        ..pending(Channel::Totp).to_stored()
    };
    let verification = Verification::from_stored(&stored).unwrap();
    let code = app_code(at(61).seconds());
    let shown = |binding| check_app(&verification, &app(), (&code, binding), &none).unwrap();
    let (checked, judged) = shown(bound_to("EUR 99.00"));
    assert_eq!(checked.result, Err(Mismatch::Binding));
    assert_eq!(judged.event, FactorEvent::Failed);
    assert_eq!(judged.factor.authenticator(), app().authenticator());
    assert_eq!(checked.budgets.of(Channel::Totp).in_a_row(), 1);
    let (checked, judged) = shown(bound_to("EUR 12.50"));
    assert_eq!(checked.verification.state(at(62)), State::Verified);
    assert!(matches!(judged.event, FactorEvent::Step(_)));
    assert_eq!(checked.budgets, judged.budgets);
    let wrong = FactorCode::parse(FactorKind::Totp, "0000000").unwrap();
    let (checked, judged) = check_app(
        &verification,
        &app(),
        (&wrong, bound_to("EUR 12.50")),
        &none,
    )
    .unwrap();
    assert_eq!(
        (checked.result, judged.event),
        (Err(Mismatch::Code), FactorEvent::Failed)
    );
    assert_eq!(checked.verification.checks_left(), 4);
}

#[test]
fn nothing_is_evaluated_of_an_ended_verification_a_removed_factor_or_a_locked_user() {
    let none = NumberBudgets::default();
    let code = app_code(at(61).seconds());
    let shown = (&code, unbound());
    let cancelled = pending(Channel::Totp).cancel(at(1)).unwrap();
    let ended = check_app(&cancelled, &app(), shown, &none).unwrap_err();
    assert_eq!(ended, NotChecked::Ended(State::Cancelled));
    let waiting = pending(Channel::Totp);
    let removed = app().after(FactorEvent::Removed, at(1)).unwrap();
    let gone = check_app(&waiting, &removed, shown, &none).unwrap_err();
    assert_eq!(gone, NotChecked::NoFactor);
    let used_up = (0..6).fold(none, |budgets, _| budgets.failed(Channel::Totp, 1, at(1)));
    let locked = check_app(&waiting, &app(), shown, &used_up).unwrap_err();
    let NotChecked::Locked(locked) = locked else {
        panic!("{locked:?}")
    };
    assert!(matches!(locked.reason, LockReason::DayUsedUp(_)));
}

#[test]
fn what_has_not_the_form_of_a_code_is_a_wrong_one() {
    let unlike = Attempt {
        evidence: Evidence::Unlike,
        ..typed(RIGHT)
    };
    for channel in Channel::ALL {
        let checked = check_once(&pending(channel), &unlike);
        assert_eq!(checked.result, Err(Mismatch::Code));
    }
}

/// Several codes of one number, and all that ever was evaluated.
#[derive(Default)]
struct History {
    codes: Vec<(Verification, u32, u32)>,
    budgets: NumberBudgets,
    failures: Vec<u64>,
}

impl History {
    fn take(&mut self, step: Step, which: usize, second: u64) {
        let now = at(second);
        if matches!(step, Step::Start) || self.codes.is_empty() {
            let mut stored = pending(Channel::Sms).to_stored();
            (stored.started, stored.latest) = (now, now);
            let verification = Verification::from_stored(&stored).unwrap();
            self.codes.push((verification, 0, 0));
            return;
        }
        let place = which % self.codes.len();
        let (verification, evaluated, approved) = &mut self.codes[place];
        let policy = Policy::default();
        match step {
            Step::Start => {}
            Step::Check(guess) => {
                let guard = guarded(&self.budgets, &policy);
                if let Ok(checked) = check(verification, guard, &attempt(guess), now) {
                    *evaluated += 1;
                    *approved += u32::from(checked.result.is_ok());
                    assert!(checked.result.is_err() || matches!(guess, Guess::Right));
                    if checked.result.is_err() {
                        self.failures.push(second);
                    }
                    *verification = checked.verification;
                    self.budgets = checked.budgets;
                }
            }
            Step::Resend => {
                if let Ok(sent) = send(verification, &self.budgets, &policy, &[], now) {
                    *verification = sent.verification;
                    self.budgets = sent.budgets;
                }
            }
            Step::Cancel => {
                if let Ok(cancelled) = verification.cancel(now) {
                    *verification = cancelled;
                }
            }
        }
    }
}

proptest! {
    /// New codes, resends, cancels, and a clock that goes anywhere.
    #[test]
    fn no_order_of_events_and_clocks_breaks_a_promise(
        steps in vec((step(), any::<usize>(), 0_u64..200_000), 1..250),
        honest in any::<bool>(),
    ) {
        let mut history = History::default();
        let mut clock = 0;
        for (step, which, second) in steps {
            clock = if honest { clock + second % 40 } else { second };
            history.take(step, which, clock);
        }
        for (_, evaluated, approved) in &history.codes {
            prop_assert!(*evaluated <= 5, "{evaluated} checks of one code");
            prop_assert!(*approved <= 1, "{approved} approvals of one code");
        }
        for start in &history.failures {
            let day = *start..start + 86_400;
            let used = history.failures.iter().filter(|second| day.contains(second)).count();
            prop_assert!(used <= 20, "{used} failed checks in a day");
        }
    }

    #[test]
    fn no_binding_but_its_own_verifies(amount in "[A-Z]{3} [0-9]{1,6}", other in "[A-Z]{3} [0-9]{1,6}") {
        let stored = crate::verification::state::Stored {
            binding: bound_to(&amount),
            ..pending(Channel::Sms).to_stored()
        };
        let verification = Verification::from_stored(&stored).unwrap();
        let attempt = Attempt { binding: bound_to(&other), ..typed(RIGHT) };
        let checked = check_once(&verification, &attempt);
        prop_assert!((checked.result == Ok(())) == (amount == other));
    }
}
