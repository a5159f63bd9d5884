//! How a start ends before its commit.

use domain::id::VerificationId;
use tokio::sync::oneshot;

use super::super::claim;
use super::super::neighbours::TooRisky;
use super::StartVerificationError;
use crate::submit::{Early, SubmitError};

/// How a start ends before its commit.
pub(in crate::verifications) enum Ended {
    Error(StartVerificationError),
    Repeated(VerificationId),
    /// One under the same verify service awaits a code for the same number and act.
    Underway,
    /// Once this is told, which is once its reason is durable.
    Told(StartVerificationError, oneshot::Receiver<bool>),
}

impl From<TooRisky> for Ended {
    fn from(refused: TooRisky) -> Self {
        match refused.recorded {
            Some(recorded) => Self::Told(refused.error, recorded),
            None => Self::Error(refused.error),
        }
    }
}

impl From<StartVerificationError> for Ended {
    fn from(error: StartVerificationError) -> Self {
        Self::Error(error)
    }
}

impl From<SubmitError> for Ended {
    fn from(error: SubmitError) -> Self {
        Self::Error(error.into())
    }
}

impl From<Early> for Ended {
    fn from(early: Early) -> Self {
        match early {
            Early::Error(error) => Self::Error(error.into()),
            Early::Repeated(id) => match claim::verification(id) {
                Some(id) => Self::Repeated(id),
                None => Self::Error(SubmitError::Unavailable.into()),
            },
        }
    }
}
