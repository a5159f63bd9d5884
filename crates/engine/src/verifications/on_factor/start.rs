//! Starting a verification that asks for a factor: nothing is sent, and nothing is drawn but the key that
//! binds it to its act.

use domain::id::{FactorId, VerificationId};
use domain::time::{Moment, Timestamp};
use domain::verification::binding::Binding;
use domain::verification::budget::number::Locked;
use domain::verification::code::CodeLength;
use domain::verification::factor::{Allowance, FactorKind, FactorState, NotEvaluated};
use domain::verification::state::{Expected, Verification};
use domain::verification::template::insert::Purpose;
use tokio::sync::oneshot;

use super::super::draw::Drawn;
use super::super::secret::Secret;
use super::super::start::{Ended, Starting, count, reason};
use super::super::table::{self, FACTORS};
use super::super::{OFFERED_TO_USERS, StartVerificationError, VerificationStarted, idle};
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::idempotency::{Claim, IdempotencyKey};
use crate::queries::LookupError;
use crate::rows::FactorRow;
use crate::sim_swap::SimCleared;
use crate::state::State;
use crate::state::verifications::{Holder, Live, Means};
use crate::submit::SubmitError;

/// A well-formed request to verify a person by a factor.
#[derive(Clone, Debug)]
pub struct StartOnFactor {
    /// The factor.
    pub factor: FactorId,
    /// What sort it must be.
    pub kind: FactorKind,
    /// What it is for.
    pub purpose: Purpose,
    /// The act that the code is for.
    pub binding: Binding,
}

/// The factor that is asked for, and whose it is.
struct Wanted {
    row: FactorRow,
    user: Box<str>,
    holder: Holder,
}

impl Gateway {
    /// Starts a verification that asks for a confirmed factor of this client.
    pub async fn start_on_factor(
        &self,
        caller: &Caller,
        request: StartOnFactor,
        key: Option<IdempotencyKey>,
    ) -> Result<VerificationStarted, StartVerificationError> {
        let settings = self.settings();
        let terms = settings.verifications.as_deref();
        let terms = terms.ok_or(StartVerificationError::Off)?;
        if !self.is_open() {
            self.turned_away(1);
            return Err(SubmitError::Unavailable.into());
        }
        let claim = key.map(|key| Claim::of_factor_start(self.blind(), caller, &key, &request));
        let wanted = self.wanted_factor(caller, &request).await?;
        let held = self.number_locks.hold(&wanted.holder).await;
        let (reply, answer) = oneshot::channel();
        let starting = Starting {
            settings: &settings,
            terms,
            caller,
            purpose: request.purpose.kind(),
            language: None,
            claim,
            sim: Some(SimCleared::UNASKED),
            factor: Some(&wanted.row),
            serving: None,
            held: held.into_iter().collect(),
        };
        let now = self.now();
        self.ensure_keys(now);
        let drawn = self.draw_on_factor(&starting, &request, &wanted, now);
        let begun = drawn.and_then(|drawn| self.queue_start(starting, drawn, now, reply));
        self.told_of_start(begun, answer).await
    }

    /// The confirmed factor that is asked for. What is unknown, another client's, unconfirmed, removed or of
    /// the other kind is all the same.
    async fn wanted_factor(
        &self,
        caller: &Caller,
        request: &StartOnFactor,
    ) -> Result<Wanted, StartVerificationError> {
        let (row, vault) = match self.own_factor(caller, request.factor).await {
            Ok(found) => found,
            Err(LookupError::NotFound) => return Err(self.no_factor(caller)),
            Err(LookupError::Unavailable) => return Err(SubmitError::Unavailable.into()),
        };
        let stands = (row.factor.state(), row.factor.kind());
        if stands != (FactorState::Active, request.kind) {
            return Err(self.no_factor(caller));
        }
        let user = self.user_of(&vault);
        let holder = self.holder_of_user(caller.client, user.as_deref());
        let (Some(user), Some(holder)) = (user, holder) else {
            tracing::error!(factor = %row.id, "the user of a factor does not open");
            return Err(SubmitError::Unavailable.into());
        };
        Ok(Wanted { row, user, holder })
    }

    fn no_factor(&self, caller: &Caller) -> StartVerificationError {
        let error = StartVerificationError::NoFactor;
        let now = self.now();
        count(&mut self.state(), caller, reason(&error), now);
        error
    }

    /// The key that binds it to its act, and everything that is sealed.
    fn draw_on_factor(
        &self,
        starting: &Starting<'_>,
        request: &StartOnFactor,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<Drawn, Ended> {
        let generation = self.generation();
        let key = self.draw_key();
        let binding = request.binding.digest(&key);
        let (channel, rules) = (request.kind.channel(), starting.terms.rules);
        let expected = Expected::Factor {
            length: digits(&wanted.row),
        };
        let verification = Verification::start(channel, expected, binding, rules, now);
        let verification = verification.map_err(|_| StartVerificationError::Channel)?;
        let id: VerificationId = self.ids.id(self.entropy.as_ref(), now);
        let secret = Secret {
            key: key.clone(),
            tag: None,
            binding,
            text: None,
        };
        let sealed = self.seal_code(id.sequence(), &secret, now);
        Ok(Drawn {
            person: self.seal_person(id, &wanted.user, now)?,
            subject: wanted.row.subject,
            code: sealed.ok_or(SubmitError::Unavailable)?,
            message: None,
            shown: None,
            generation,
            live: Live {
                id,
                holder: wanted.holder,
                means: Means::Factor(request.factor),
                service: None,
                messages: Vec::new(),
                version: 1,
                key,
                verification,
            },
        })
    }

    /// Whether one more verification may ask for a factor: not where nobody would look at the code.
    pub(in crate::verifications) fn may_ask(
        state: &mut State,
        starting: &Starting<'_>,
        factor: &FactorRow,
        (live, now): (&Live, Moment),
    ) -> Result<(), Ended> {
        let policy = idle::policy(starting.settings);
        let budgets = state.budgets.of(&live.holder);
        let allowance = Allowance {
            policy: policy.checks(live.verification.channel()),
            budgets: &budgets,
        };
        let room = factor.factor.room(FactorState::Active, allowance, now);
        let room = room.map_err(|not| match not {
            NotEvaluated::Stands(_) => StartVerificationError::NoFactor,
            NotEvaluated::Locked(reason) => StartVerificationError::FactorLocked(Locked {
                reason,
                still_works: budgets.still_works(&policy, &OFFERED_TO_USERS, now.steady),
            }),
        });
        let more = room
            .and_then(|()| table::may_wait_one_more(state, &FACTORS, &policy, &live.holder, now));
        more.inspect_err(|error| count(state, starting.caller, reason(error), now.wall))?;
        Ok(())
    }
}

/// How many digits its codes have; six where they have none.
fn digits(row: &FactorRow) -> CodeLength {
    let app = row.factor.authenticator();
    app.map_or(CodeLength::SIX, |app| app.digits().length())
}
