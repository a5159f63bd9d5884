//! Checking a code. The attempt, its result and what the number has used up are one commit; the caller
//! hears of the result after it, and so does whoever checks at the same time.

use domain::id::{ClientId, VerificationId};
use domain::time::Timestamp;
use domain::verification::binding::Binding;
use domain::verification::budget::number::Locked;
use domain::verification::check::{Attempt, Evidence, Guard, Mismatch, NotChecked, Way, check};
use domain::verification::shown::ShownCode;
use domain::verification::state::{State as Standing, Verification};
use domain::verification::tag::CodeTag;
use ledger::Kind;
use tokio::sync::oneshot;

use super::entries::{self, By};
use super::locks::Held;
use super::{OFFERED, VerificationSettings};
use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::ports::store::CommitError;
use crate::rows::BudgetRow;
use crate::state::State;
use crate::state::verifications::Live;

/// A code that somebody shows. `Debug` masks it.
#[derive(Clone, Debug)]
pub struct CheckRequest {
    /// The code.
    pub code: ShownCode,
    /// The act that it is shown for.
    pub binding: Binding,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckAnswer {
    /// The verification.
    pub id: VerificationId,
    /// Where it stands now: `verified` when the code was right.
    pub state: Standing,
    /// How many more checks are evaluated.
    pub checks_left: u8,
    /// When the code was looked at.
    pub at: Timestamp,
}

/// Why a code was not evaluated. It is not counted as a failed check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// There is no such verification, or it is another client's, or it ended.
    #[error("no such verification")]
    NotFound,
    /// The number has no budget left. Nothing was looked at: a right code meets the same.
    #[error("the number is locked: {}", .0.reason.code())]
    Locked(Locked),
    /// The same of a user of factors: too many codes of the kind were wrong.
    #[error("the user is locked: {}", .0.reason.code())]
    FactorLocked(Locked),
    /// There is no room to count a failure of this user.
    #[error("no more failed checks can be counted")]
    Full,
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
    /// Too many commits are waiting.
    #[error("too many requests are waiting to be recorded")]
    Busy,
}

impl From<CommitError> for CheckError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Busy | CommitError::Conflict => Self::Busy,
            CommitError::Poisoned => Self::Unavailable,
        }
    }
}

pub(super) type Answer = Result<CheckAnswer, CheckError>;

/// A check that was evaluated, to be taken in once it is durable.
pub(super) struct Evaluated {
    pub(super) live: Live,
    /// What the number has used up; `None` where that is a factor's to tell.
    pub(super) budget: Option<BudgetRow>,
    pub(super) answer: CheckAnswer,
}

impl Gateway {
    /// Checks a code. A wrong code on a verification that can go on is an answer, not an error.
    pub async fn check_verification(
        &self,
        caller: &Caller,
        id: VerificationId,
        request: CheckRequest,
    ) -> Answer {
        self.ensure_checks()?;
        let Some(live) = self.live_of(caller, id) else {
            return Err(self.no_such_check(caller));
        };
        if let Some(factor) = live.factor() {
            return self.check_on_factor(caller, &live, factor, request).await;
        }
        let holder = live.holder;
        #[cfg(feature = "racy-checks")]
        return self.check_racily(caller, id, holder, &request).await;
        #[cfg(not(feature = "racy-checks"))]
        {
            let held = self.number_locks.hold(&holder).await;
            let (reply, answer) = oneshot::channel();
            self.check_one(caller, id, &request, (held, reply))?;
            answer.await.unwrap_or(Err(CheckError::Unavailable))
        }
    }

    pub(super) fn ensure_checks(&self) -> Result<(), CheckError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(CheckError::Unavailable);
        }
        if self.is_crowded() {
            return Err(CheckError::Busy);
        }
        Ok(())
    }

    pub(super) fn live_of(&self, caller: &Caller, id: VerificationId) -> Option<Live> {
        let state = self.state();
        state.verifications.get(caller.client, id).cloned()
    }

    pub(super) fn no_such_check(&self, caller: &Caller) -> CheckError {
        not_found(&mut self.state(), caller.client, self.now())
    }

    /// Evaluates and queues the commit, under the lock of the number.
    fn check_one(
        &self,
        caller: &Caller,
        id: VerificationId,
        request: &CheckRequest,
        (held, reply): (Option<Held>, oneshot::Sender<Answer>),
    ) -> Result<(), CheckError> {
        let now = self.now();
        let settings = self.settings();
        let mut state = self.state();
        if self.is_halted() {
            self.turned_away(1);
            return Err(CheckError::Unavailable);
        }
        let terms = settings.verifications.as_deref();
        let (Some(terms), Some(live)) = (terms, state.verifications.get(caller.client, id)) else {
            return Err(not_found(&mut state, caller.client, now));
        };
        let live = live.clone();
        let mut batch = Batch::new(now);
        let (by, attempt) = (By::Client(caller), request.attempt(&live));
        let evaluated = self.evaluate(&mut state, &mut batch, terms, by, (&live, &attempt))?;
        let Some(changes) = batch.finish() else {
            return Err(CheckError::Unavailable);
        };
        self.commit(changes, move |gateway, result| {
            let answer = evaluated.answer;
            match result {
                Ok(_) => gateway.take_check(evaluated),
                Err(_) => gateway.turned_away(1),
            }
            drop(held);
            let _ = reply.send(result.map(|_| answer).map_err(CheckError::from));
        });
        Ok(())
    }

    /// Decides on a check and writes it down.
    pub(super) fn evaluate(
        &self,
        state: &mut State,
        batch: &mut Batch,
        terms: &VerificationSettings,
        by: By<'_>,
        (live, attempt): (&Live, &Attempt),
    ) -> Result<Evaluated, CheckError> {
        let now = batch.at();
        let budgets = state.budgets.of(&live.holder);
        let guard = Guard {
            budgets: &budgets,
            policy: &terms.policy,
            offered: &OFFERED,
        };
        let checked = check(&live.verification, guard, attempt, self.moment(now));
        let checked = checked.map_err(|not| not_checked(state, live.holder.0, not, now))?;
        let outcome = (checked.verification, checked.result);
        let mut evaluated = self.write_check(state, batch, by, live, outcome);
        let fresh = || self.ids.sequence(now);
        let budget = state.budgets.row(&live.holder, checked.budgets, fresh);
        batch.write(Write::Budget(Box::new(budget.clone())));
        evaluated.budget = Some(budget);
        Ok(evaluated)
    }

    /// Writes a check down, and the end of the verification when it ended it.
    pub(super) fn write_check(
        &self,
        state: &mut State,
        batch: &mut Batch,
        by: By<'_>,
        live: &Live,
        (verification, result): (Verification, Result<(), Mismatch>),
    ) -> Evaluated {
        let now = batch.at();
        let (next, update) = live.moved(verification);
        batch.entry(entries::checked(by, &next, result));
        self.code_was_checked(batch, &next);
        if let Some(end) = entries::end_of(by, &next, now) {
            batch.entry(end);
            if let By::Client(caller) = by {
                self.withdraw(state, batch, caller, &next);
            }
        }
        batch.write(Write::VerificationUpdate(Box::new(update)));
        let answer = CheckAnswer {
            id: next.id,
            state: next.verification.state(now),
            checks_left: next.verification.checks_left(),
            at: now,
        };
        Evaluated {
            live: next,
            budget: None,
            answer,
        }
    }

    /// Takes in a check that is durable.
    pub(super) fn take_check(&self, evaluated: Evaluated) {
        let Evaluated {
            live,
            budget,
            answer,
        } = evaluated;
        let mut state = self.state();
        state.counters.add(result_counter(answer.state), 1);
        state.count_end(answer.state);
        state.verifications.put(live);
        if let Some(budget) = budget {
            state.budgets.put(budget, self.steady());
        }
    }
}

const fn result_counter(state: Standing) -> Counter {
    Counter::VerificationChecks(match state {
        Standing::Verified => "right",
        _ => "wrong",
    })
}

impl CheckRequest {
    /// It as an attempt at a verification.
    pub(super) fn attempt(&self, live: &Live) -> Attempt {
        Attempt {
            evidence: match &self.code {
                ShownCode::Digits(code) => Evidence::Tag(CodeTag::of(&live.key, code)),
                ShownCode::Recovery(_) => Evidence::Unlike,
            },
            binding: self.binding.digest(&live.key),
            way: Way::Api,
        }
    }
}

/// Unknown, another client's, expired and ended: all go by here.
pub(super) fn not_found(state: &mut State, client: ClientId, now: Timestamp) -> CheckError {
    let kind = Kind::VerificationChecked;
    state.count_unverified(kind, client, "not-found", now);
    CheckError::NotFound
}

pub(super) fn not_checked(
    state: &mut State,
    client: ClientId,
    not: NotChecked,
    now: Timestamp,
) -> CheckError {
    let locked = match not {
        NotChecked::Ended(_) | NotChecked::NoFactor => return not_found(state, client, now),
        NotChecked::Locked(locked) => locked,
    };
    let (kind, reason) = (Kind::VerificationChecked, locked.reason.code());
    state.count_unverified(kind, client, reason, now);
    CheckError::Locked(locked)
}
