//! Verifications that ask for a factor of the person: a code of an authenticator app, or a recovery code. The
//! state machine is that of every verification, and the factor judges the code. Whoever checks holds the
//! turn of the factor and the lock of its user, and attempt, result, used code and budget are one commit.

mod start;

use domain::id::FactorId;
use domain::time::Timestamp;
use domain::verification::check::{Checked, Claim, Guard, check_factor};
use domain::verification::factor::{Evaluated as Judged, FactorCode, FactorSecret};
use ledger::Kind;
use tokio::sync::oneshot;

use super::check::{Answer, CheckError, CheckRequest, not_checked, not_found};
use super::entries::By;
use super::{OFFERED_TO_USERS, idle};
use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::factors::{self, User};
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::queries::LookupError;
use crate::rows::FactorRow;
use crate::state::verifications::Live;

pub use start::StartOnFactor;

/// A factor that is held for a check, with its secret.
struct Held {
    row: FactorRow,
    secret: FactorSecret,
    user: User,
}

/// A check that is decided and not written down yet.
struct Decided {
    live: Live,
    checked: Checked,
    judged: Judged,
    /// The factor after it.
    next: FactorRow,
}

impl Gateway {
    /// Checks a code by the factor that a verification asks for. One whose factor was removed is as good as
    /// ended.
    pub(super) async fn check_on_factor(
        &self,
        caller: &Caller,
        live: &Live,
        factor: FactorId,
        request: CheckRequest,
    ) -> Answer {
        #[cfg(feature = "racy-checks")]
        let stale = self.read_racily(live).await?;
        let held = self.hold_factor(caller, live, factor).await?;
        let (now, generation) = (self.now(), self.generation());
        #[cfg(feature = "racy-checks")]
        let live = &Live {
            verification: stale,
            ..self.still(caller, live, now)?
        };
        #[cfg(not(feature = "racy-checks"))]
        let live = &self.still(caller, live, now)?;
        let decided = self.decide_by_factor((live, caller), &held, request, now)?;
        let (reply, answer) = oneshot::channel();
        self.queue_by_factor(caller, (held, decided), (now, generation), reply)?;
        answer.await.unwrap_or(Err(CheckError::Unavailable))
    }

    /// Waits for the factor and its user, and opens its secret.
    async fn hold_factor(
        &self,
        caller: &Caller,
        live: &Live,
        factor: FactorId,
    ) -> Result<Held, CheckError> {
        let turn = self.factor_turns.take(factor.sequence()).await;
        let (row, _) = match self.own_factor(caller, factor).await {
            Ok(found) => found,
            Err(LookupError::NotFound) => return Err(self.no_such_check(caller)),
            Err(LookupError::Unavailable) => return Err(CheckError::Unavailable),
        };
        let user = self.hold_holder(live.holder, turn).await;
        let secret = self.secret_of(&row).ok_or(CheckError::Unavailable)?;
        Ok(Held { row, secret, user })
    }

    /// The verification as it is now that its lock is held.
    fn still(&self, caller: &Caller, live: &Live, now: Timestamp) -> Result<Live, CheckError> {
        let mut state = self.state();
        match state.verifications.get(caller.client, live.id) {
            Some(live) => Ok(live.clone()),
            None => Err(not_found(&mut state, caller.client, now)),
        }
    }

    /// Decides on a check. No lock of the state is held meanwhile: nothing moves whose lock is.
    fn decide_by_factor(
        &self,
        (live, caller): (&Live, &Caller),
        held: &Held,
        request: CheckRequest,
        now: Timestamp,
    ) -> Result<Decided, CheckError> {
        let settings = self.settings();
        let policy = idle::policy(&settings);
        let budgets = self.state().budgets.of(&live.holder);
        let guard = Guard {
            budgets: &budgets,
            policy: &policy,
            offered: &OFFERED_TO_USERS,
        };
        let claim = Claim {
            factor: &held.row.factor,
            secret: &held.secret,
            recovery: self.blind().recovery(),
            code: &FactorCode::from(request.code),
            binding: request.binding.digest(&live.key),
        };
        let decided = check_factor(&live.verification, guard, &claim, self.moment(now));
        let (checked, judged) = decided.map_err(|not| {
            match not_checked(&mut self.state(), caller.client, not, now) {
                CheckError::Locked(locked) => CheckError::FactorLocked(locked),
                error => error,
            }
        })?;
        if !self.can_count(&held.user) {
            let mut state = self.state();
            let kind = Kind::VerificationChecked;
            state.count_unverified(kind, caller.client, "verifications-full", now);
            return Err(CheckError::Full);
        }
        let next = self.checked_row(&held.row, &judged, now);
        Ok(Decided {
            live: live.clone(),
            checked,
            judged,
            next: next.ok_or(CheckError::Unavailable)?,
        })
    }

    /// Writes a check down and queues the commit.
    fn queue_by_factor(
        &self,
        caller: &Caller,
        (held, decided): (Held, Decided),
        (now, generation): (Timestamp, u64),
        reply: oneshot::Sender<Answer>,
    ) -> Result<(), CheckError> {
        let Decided {
            live,
            checked,
            judged,
            next,
        } = decided;
        let mut state = self.state();
        // What was sealed under a key that never became durable would be lost.
        if self.is_halted() || generation != self.generation() {
            self.turned_away(1);
            return Err(CheckError::Unavailable);
        }
        let mut batch = Batch::new(now);
        let outcome = (checked.verification, checked.result);
        let by = By::Client(caller);
        let evaluated = self.write_check(&mut state, &mut batch, by, &live, outcome);
        let kind = Kind::FactorChecked;
        let entry = factors::checked(kind, caller, &held.row, &judged, Some(&live.id));
        batch.entry(entry);
        batch.write(Write::Factor(Box::new(next)));
        let word = factors::result_word(&judged);
        let used = self.use_up(&mut state, held.user, judged.budgets, &mut batch);
        let changes = batch.finish().ok_or(CheckError::Unavailable)?;
        self.commit(changes, move |gateway, result| {
            let answer = evaluated.answer;
            if result.is_ok() {
                gateway.take_check(evaluated);
                gateway.take_used(used);
                let mut state = gateway.state();
                state.counters.add(Counter::FactorChecks(word), 1);
            } else {
                gateway.turned_away(1);
                drop(used);
            }
            let _ = reply.send(result.map(|_| answer).map_err(CheckError::from));
        });
        Ok(())
    }
}
