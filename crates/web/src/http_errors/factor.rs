//! What the engine says of factors, as problems.

use domain::verification::budget::LockReason;
use engine::{EnrolError, FactorCheckError};

use super::{WHEN_FORGOTTEN, not_found, unavailable};
use crate::problem::{Code, Place, Problem};

impl From<EnrolError> for Problem {
    fn from(error: EnrolError) -> Self {
        let fault = |name: &str| Place::Pointer(format!("/{name}"));
        match error {
            EnrolError::NoIssuer => Self::with_fault(
                fault("issuer"),
                "is missing, and the gateway has no name for the firm: send it, or ask an operator to set \
                 factors.issuer",
            ),
            EnrolError::Label(error) => Self::with_fault(fault(error.part), error.to_string()),
            EnrolError::Count => Self::with_fault(fault("count"), error.to_string()),
            EnrolError::Unavailable => unavailable(),
        }
    }
}

impl From<FactorCheckError> for Problem {
    fn from(error: FactorCheckError) -> Self {
        match error {
            FactorCheckError::NotFound => not_found(),
            FactorCheckError::Pending => Self::new(
                Code::FactorPending,
                "the factor is not confirmed yet, so that it proves nothing: have the user type the first \
                 code of the app, and confirm it with that",
            ),
            FactorCheckError::Confirmed => Self::new(
                Code::FactorConfirmed,
                "the factor is confirmed already: check codes with its check",
            ),
            FactorCheckError::Locked(reason) => locked(reason),
            FactorCheckError::Full => uncountable(),
            FactorCheckError::Code(error) => {
                Self::with_fault(Place::Pointer("/code".to_owned()), error.to_string())
            }
            FactorCheckError::Unavailable => unavailable(),
        }
    }
}

/// No failure of the user can be counted.
pub(super) fn uncountable() -> Problem {
    Problem::new(
        Code::VerificationsFull,
        "no more failed checks can be counted, and none is forgotten early, so that the code was not \
         looked at: try again after the time given",
    )
    .retry_after(WHEN_FORGOTTEN)
}

/// The same for a right and a wrong code: neither was looked at.
pub(super) fn locked(reason: LockReason) -> Problem {
    match reason {
        LockReason::DayUsedUp(wait) => Problem::new(
            Code::GuessBudget,
            "too many codes of this user's factors of the kind were wrong within a day, so that no code is \
             looked at, right or wrong, until the time given is over: offer the user the other kind",
        )
        .retry_after(wait),
        LockReason::Disabled => Problem::new(
            Code::CodesDisabled,
            "too many codes were wrong without a right one between them, so that no code is looked at any \
             more: prove the user by other means, have a code of the other kind of factor checked, and enrol \
             this one anew",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_locked_factor_is_told_by_the_word_of_the_engine_and_when_to_come_back() {
        let wait = Duration::from_secs(3);
        for reason in [LockReason::DayUsedUp(wait), LockReason::Disabled] {
            assert_eq!(locked(reason).code.as_str(), reason.code());
        }
        assert_eq!(locked(LockReason::DayUsedUp(wait)).retry_after, Some(3));
        assert_eq!(locked(LockReason::Disabled).retry_after, None);
    }
}
