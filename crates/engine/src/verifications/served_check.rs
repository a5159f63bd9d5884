//! Checking a code under a verify service, by number or by id. What is unknown, another client's, of another
//! service, expired or approved goes the same road to the same answer.

use domain::id::{VerificationId, VerifyServiceId};
use domain::msisdn::Msisdn;
use domain::time::Timestamp;

use super::check::{CheckAnswer, CheckError, CheckRequest};
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::state::verifications::Live;

/// Which verification a code is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// The one of this number that awaits its code.
    Number(Msisdn),
    /// The one of this id.
    Id(VerificationId),
}

/// What came of a check under a verify service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServedCheck {
    /// The answer.
    pub answer: CheckAnswer,
    /// Its number.
    pub to: Option<Msisdn>,
    /// When it began.
    pub created: Timestamp,
}

/// Why a code was not evaluated under a verify service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServedCheckError {
    /// Every check of it was used, and its code would still be good. Told while the gateway remembers; there is
    /// no such verification then.
    #[error("every check of the verification was used")]
    UsedUp,
    /// Why any code is not evaluated.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl Gateway {
    /// Checks a code. A wrong code on a verification that can go on is an answer, not an error.
    pub async fn check_in_service(
        &self,
        caller: &Caller,
        service: VerifyServiceId,
        sought: Sought,
        request: CheckRequest,
    ) -> Result<ServedCheck, ServedCheckError> {
        self.ensure_checks()?;
        let Some(live) = self.sought(caller, service, sought) else {
            let error = self.no_such_check(caller);
            return Err(self.or_used_up(caller, service, sought, error));
        };
        let answer = self.check_verification(caller, live.id, request).await;
        let by_id = Sought::Id(live.id);
        Ok(ServedCheck {
            answer: answer.map_err(|error| self.or_used_up(caller, service, by_id, error))?,
            to: live.handset().map(|(_, to)| to),
            created: live.verification.to_stored().started,
        })
    }

    fn sought(&self, caller: &Caller, service: VerifyServiceId, sought: Sought) -> Option<Live> {
        let number = match sought {
            Sought::Id(id) => return self.live_under(caller, service, id),
            Sought::Number(number) => number,
        };
        let holder = (caller.client, self.blind().budget(number));
        let service = self.service_of(caller, service)?;
        let state = self.state();
        state.verifications.current(&holder, service.id).cloned()
    }

    /// What is not found may be one whose checks are used up.
    fn or_used_up(
        &self,
        caller: &Caller,
        service: VerifyServiceId,
        sought: Sought,
        error: CheckError,
    ) -> ServedCheckError {
        if error != CheckError::NotFound || self.service_of(caller, service).is_none() {
            return error.into();
        }
        let now = self.now();
        let state = self.state();
        let served = state.verifications.served();
        let is_used_up = match sought {
            Sought::Id(id) => served.is_used_up((caller.client, service), id, now),
            Sought::Number(number) => {
                let holder = (caller.client, self.blind().budget(number));
                served.is_last_used_up(&holder, service, now)
            }
        };
        if is_used_up {
            return ServedCheckError::UsedUp;
        }
        error.into()
    }
}
