//! Errors and refusals of verifications. A number that is locked is told the same for a right and a wrong
//! code, since neither was looked at.

use domain::verification::budget::number::{Locked, NotYet};
use domain::verification::budget::sends::SendWait;
use domain::verification::budget::{self, LockReason};
use domain::verification::pumping::Reason;
use domain::verification::risk::SimRisk;
use engine::{
    CancelVerificationError, CheckError, ResendError, RiskRefusal, StartVerificationError,
};

use super::factor::{self, uncountable};
use super::{WHEN_FORGOTTEN, busy, not_found, unavailable};
use crate::problem::{Code, Place, Problem, StillWorks, whole_seconds};

impl From<StartVerificationError> for Problem {
    fn from(error: StartVerificationError) -> Self {
        match error {
            StartVerificationError::Off => Self::new(
                Code::VerificationsOff,
                "this gateway has no terms of verifications: ask an operator to set up the section \
                 [verifications] of its configuration",
            ),
            StartVerificationError::WhichShortCode => Self::with_fault(
                Place::Pointer("/from".to_owned()),
                "is missing, and this client has not just one short code: name one that was granted \
                 to it",
            ),
            StartVerificationError::TooFewDigits => Self::with_fault(
                Place::Pointer("/length".to_owned()),
                "codes of fewer than 6 digits are easy to guess and not allowed here: ask for 6 or \
                 more",
            ),
            StartVerificationError::DoesNotFit => Self::new(
                Code::TextDoesNotFit,
                "the text of the code does not fit one segment with its last line, in English neither: \
                 use a shorter origin, one of the occasions as purpose, or a shorter payee",
            ),
            StartVerificationError::Act(error) => Self::with_fault(
                Place::Pointer(format!("/binding/{}", error.part)),
                error.error.to_string(),
            ),
            StartVerificationError::Channel => Self::with_fault(
                Place::Pointer("/channel".to_owned()),
                "is no channel that verifications begin on here: use sms or mo",
            ),
            StartVerificationError::FixedLine => Self::new(
                Code::FixedLine,
                "the number is a fixed line, and hardly any of those shows a text: nothing was sent; ask \
                 the person for a mobile number, or offer another way",
            ),
            StartVerificationError::NotYet(not_yet) => not_yet.into(),
            StartVerificationError::Locked(locked) => locked.into(),
            StartVerificationError::Awaited(not_yet) => awaited(&not_yet),
            StartVerificationError::NoFactor => not_found(),
            StartVerificationError::FactorLocked(locked) => factor_locked(&locked),
            StartVerificationError::Full => Self::new(
                Code::VerificationsFull,
                "no more verifications can be kept, or no more of this client, and none is forgotten \
                 early: nothing was sent, try again after the time given",
            )
            .retry_after(WHEN_FORGOTTEN),
            StartVerificationError::Risk(risk) => risk.into(),
            StartVerificationError::Submit(error) => error.into(),
        }
    }
}

impl From<RiskRefusal> for Problem {
    fn from(risk: RiskRefusal) -> Self {
        let detail = match risk {
            RiskRefusal::Sim(SimRisk::SimChanged) => {
                "the SIM of this number was changed lately, so that a code may reach somebody else: \
                 nothing was sent; offer the person another way to prove who they are"
            }
            RiskRefusal::Sim(SimRisk::SimUnknown(_)) => {
                "nobody could say whether the SIM of this number was changed lately, and this gateway \
                 then sends no code: nothing was sent; try again later or offer another way"
            }
            RiskRefusal::Pumping(Reason::AdjacentNumbers) => {
                "codes go to many numbers side by side and are not used, as in pumping: nothing was \
                 sent; see that a person is behind each request, or ask an operator"
            }
            RiskRefusal::Pumping(Reason::PrefixBlocked) => {
                "numbers that begin like this one get no codes for some hours, since codes to them \
                 were not used: nothing was sent; offer another way, or ask an operator"
            }
            RiskRefusal::Pumping(Reason::PrefixConcentration) => {
                "codes to numbers that begin like this one pile up and are not used: nothing was sent; \
                 see that a person is behind each request, or ask an operator"
            }
            RiskRefusal::Pumping(Reason::PoorConversion) => {
                "too many codes of this client to this country are not used: nothing was sent; see \
                 that a person is behind each request and that every code is checked here"
            }
        };
        Self {
            reason: Some(risk),
            ..Self::new(Code::Risk, detail)
        }
    }
}

impl From<NotYet> for Problem {
    fn from(not_yet: NotYet) -> Self {
        let problem = match not_yet.wait {
            SendWait::Cooldown(_) => Self::new(
                Code::SendCooldown,
                "a code was sent to this number a moment ago, and each further one waits twice as \
                 long: ask again after the time given; codes already sent can be checked",
            ),
            SendWait::Budget(_) => Self::new(
                Code::SendBudget,
                "too many codes were sent to this number: ask again after the time given; codes \
                 already sent can be checked",
            ),
        };
        let works = works(&not_yet.still_works);
        Self {
            still_works: Some(Box::new(works)),
            ..problem.retry_after(not_yet.wait.retry_after())
        }
    }
}

fn awaited(not_yet: &NotYet) -> Problem {
    let works = works(&not_yet.still_works);
    let problem = Problem::new(
        Code::SendBudget,
        "as many codes as may be are awaited of this person: let them text or show one of them, \
         cancel one, or ask again after the time given",
    );
    Problem {
        still_works: Some(Box::new(works)),
        ..problem.retry_after(not_yet.wait.retry_after())
    }
}

impl From<Locked> for Problem {
    fn from(locked: Locked) -> Self {
        let problem = match locked.reason {
            LockReason::DayUsedUp(wait) => Self::new(
                Code::GuessBudget,
                "too many codes of this number were wrong within a day, so that none is looked at, \
                 right or wrong: try again after the time given, or by what still works",
            )
            .retry_after(wait),
            LockReason::Disabled => Self::new(
                Code::CodesDisabled,
                "too many codes of this number were wrong one after the other, so that none is \
                 looked at any more: have the person text a code from the handset (channel mo), which \
                 proves the number anew",
            ),
        };
        let works = works(&locked.still_works);
        Self {
            still_works: Some(Box::new(works)),
            ..problem
        }
    }
}

/// The answer of the factor itself, and what its user can do instead. Nothing is sent, so that nothing is said
/// of when.
fn factor_locked(locked: &Locked) -> Problem {
    let works = StillWorks {
        send_after: None,
        ..works(&locked.still_works)
    };
    Problem {
        still_works: Some(Box::new(works)),
        ..factor::locked(locked.reason)
    }
}

fn works(left: &budget::number::StillWorks) -> StillWorks {
    let checks = left.checks.iter();
    StillWorks {
        checks: checks.map(|channel| channel.as_str()).collect(),
        send_after: left.send_after.map(whole_seconds),
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::NotFound => not_found(),
            CheckError::Locked(locked) => locked.into(),
            CheckError::FactorLocked(locked) => factor_locked(&locked),
            CheckError::Full => uncountable(),
            CheckError::Unavailable => unavailable(),
            CheckError::Busy => busy(),
        }
    }
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => not_found(),
            ResendError::NothingToSend => Self::new(
                Code::NothingToSend,
                "the code of this verification does not travel to the handset, so that there is \
                 nothing to send again",
            ),
            ResendError::SentTooOften => Self::new(
                Code::SentTooOften,
                "this code was sent as often as one may be: check it, or start another \
                 verification",
            ),
            ResendError::NotYet(not_yet) => not_yet.into(),
            ResendError::Locked(locked) => locked.into(),
            ResendError::Risk(risk) => risk.into(),
            ResendError::Submit(error) => error.into(),
        }
    }
}

impl From<CancelVerificationError> for Problem {
    fn from(error: CancelVerificationError) -> Self {
        match error {
            CancelVerificationError::NotFound => not_found(),
            CancelVerificationError::Unavailable => unavailable(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::verification::budget::number::StillWorks as Works;

    use super::*;

    fn only_sends_work(send_after: Duration) -> Works {
        Works {
            checks: Vec::new(),
            send_after: Some(send_after),
        }
    }

    #[test]
    fn codes_of_budgets_and_of_the_api_are_the_same_words() {
        let wait = Duration::from_secs(30);
        for reason in [LockReason::DayUsedUp(wait), LockReason::Disabled] {
            let still_works = only_sends_work(wait);
            let problem = Problem::from(Locked {
                reason,
                still_works,
            });
            assert_eq!(problem.code.as_str(), reason.code());
        }
        for wait in [SendWait::Cooldown(wait), SendWait::Budget(wait)] {
            let still_works = only_sends_work(wait.retry_after());
            let problem = Problem::from(NotYet { wait, still_works });
            assert_eq!(problem.code.as_str(), wait.code());
            assert_eq!(problem.retry_after, Some(30));
            assert_eq!(problem.still_works.unwrap().send_after, Some(30));
        }
    }
}
