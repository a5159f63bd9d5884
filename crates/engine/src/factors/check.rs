//! Codes shown for a factor: to confirm an app, and to verify. The attempt, its result and what its user has
//! used up are one commit, and nothing tells the result before it; where a user is locked no code is
//! looked at.

use domain::id::FactorId;
use domain::time::Timestamp;
use domain::verification::budget::LockReason;
use domain::verification::factor::{
    Allowance, Evaluated, FactorCode, FactorCodeError, FactorEvent, FactorState, NotEvaluated,
    Shown,
};
use ledger::{Kind, Outcome};

use super::used::User;
use super::{FactorView, told};
use crate::batch::Batch;
use crate::changes::Write;
use crate::client::Caller;
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::queries::LookupError;
use crate::rows::FactorRow;

/// What came of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorChecked {
    /// Whether it was right.
    pub verified: bool,
    /// The factor after it.
    pub factor: FactorView,
}

/// Why no code was looked at. Nothing is counted against the factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactorCheckError {
    /// This client has no such factor.
    #[error("no such factor")]
    NotFound,
    /// The app is not confirmed yet.
    #[error("the factor is not confirmed yet")]
    Pending,
    /// It was confirmed before.
    #[error("the factor is confirmed already")]
    Confirmed,
    /// Too many codes were wrong.
    #[error("too many codes were wrong")]
    Locked(LockReason),
    /// There is no room to count a failure of this user.
    #[error("no more failed checks can be counted")]
    Full,
    /// The text is no code of such a factor.
    #[error(transparent)]
    Code(#[from] FactorCodeError),
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now")]
    Unavailable,
}

impl From<LookupError> for FactorCheckError {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::NotFound => Self::NotFound,
            LookupError::Unavailable => Self::Unavailable,
        }
    }
}

impl From<NotEvaluated> for FactorCheckError {
    fn from(refusal: NotEvaluated) -> Self {
        match refusal {
            NotEvaluated::Stands(FactorState::Pending) => Self::Pending,
            NotEvaluated::Stands(FactorState::Active) => Self::Confirmed,
            NotEvaluated::Stands(FactorState::Removed) => Self::NotFound,
            NotEvaluated::Locked(reason) => Self::Locked(reason),
        }
    }
}

/// A code that somebody shows for a factor.
struct Attempt<'a> {
    caller: &'a Caller,
    id: FactorId,
    text: &'a str,
    /// Where the factor must stand: pending to be confirmed, active to verify.
    expected: FactorState,
}

impl Attempt<'_> {
    const fn kind(&self) -> Kind {
        match self.expected {
            FactorState::Pending => Kind::FactorConfirmed,
            FactorState::Active | FactorState::Removed => Kind::FactorChecked,
        }
    }
}

impl Gateway {
    /// Confirms that an app holds the key, by a first code; that code is used up.
    pub async fn confirm_factor(
        &self,
        caller: &Caller,
        id: FactorId,
        text: &str,
    ) -> Result<FactorChecked, FactorCheckError> {
        let attempt = Attempt {
            caller,
            id,
            text,
            expected: FactorState::Pending,
        };
        self.attempt(&attempt).await
    }

    /// Checks a code. A right one is used up by it.
    pub async fn check_factor(
        &self,
        caller: &Caller,
        id: FactorId,
        text: &str,
    ) -> Result<FactorChecked, FactorCheckError> {
        let attempt = Attempt {
            caller,
            id,
            text,
            expected: FactorState::Active,
        };
        self.attempt(&attempt).await
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<FactorChecked, FactorCheckError> {
        if !self.takes_factors() {
            return Err(FactorCheckError::Unavailable);
        }
        let turn = self.factor_turns.take(attempt.id.sequence()).await;
        let (row, vault) = self.own_factor(attempt.caller, attempt.id).await?;
        let name = self.user_of(&vault);
        let user = self.hold_user(&row, name.as_deref(), turn).await;
        let user = user.ok_or(FactorCheckError::Unavailable)?;
        let now = self.now();
        let evaluated = self.look_at_code(attempt, (&row, &user), now)?;
        let (verified, checks_left) = (evaluated.is_right(), evaluated.checks_left);
        let row = self.commit_check(attempt, (&row, user), evaluated, now);
        let row = row.await?;
        Ok(FactorChecked {
            verified,
            factor: FactorView::of(&row, name, checks_left),
        })
    }

    fn look_at_code(
        &self,
        attempt: &Attempt<'_>,
        (row, user): (&FactorRow, &User),
        now: Timestamp,
    ) -> Result<Evaluated, FactorCheckError> {
        let settings = self.settings();
        let budgets = self.used_by(user);
        let allowance = Allowance {
            policy: settings.factors.policy(row.factor.kind()),
            budgets: &budgets,
        };
        let room = row
            .factor
            .room(attempt.expected, allowance, self.moment(now));
        if let Err(NotEvaluated::Locked(reason)) = room {
            self.count_unseen(attempt, ("locked", reason.code()), now);
        }
        room?;
        if !self.can_count(user) {
            self.count_unseen(attempt, ("full", "verifications-full"), now);
            return Err(FactorCheckError::Full);
        }
        let code = FactorCode::parse(row.factor.kind(), attempt.text)?;
        let secret = self.secret_of(row);
        let shown = Shown {
            secret: &secret.ok_or(FactorCheckError::Unavailable)?,
            recovery: self.blind().recovery(),
            code: &code,
            allowance,
        };
        let evaluated = match attempt.expected {
            FactorState::Pending => row.factor.confirm(shown, self.moment(now)),
            FactorState::Active | FactorState::Removed => row.factor.check(shown, self.moment(now)),
        };
        Ok(evaluated?)
    }

    /// A code that nobody looked at is counted, not recorded by itself: whoever floods a locked factor
    /// buys no sync.
    fn count_unseen(
        &self,
        attempt: &Attempt<'_>,
        (word, reason): (&'static str, &'static str),
        now: Timestamp,
    ) {
        let who = Who::Client(attempt.caller.client);
        let mut state = self.state();
        state.counters.add(Counter::FactorChecks(word), 1);
        let (kind, outcome) = (attempt.kind(), Outcome::Refused);
        state.coalescer.count(kind, outcome, who, reason, now);
    }

    async fn commit_check(
        &self,
        attempt: &Attempt<'_>,
        (row, user): (&FactorRow, User),
        evaluated: Evaluated,
        now: Timestamp,
    ) -> Result<FactorRow, FactorCheckError> {
        let entry = told::checked(attempt.kind(), attempt.caller, row, &evaluated, None);
        let next = self.checked_row(row, &evaluated, now);
        let next = next.ok_or(FactorCheckError::Unavailable)?;
        let word = result_word(&evaluated);
        let mut batch = Batch::new(now);
        batch.entry(entry);
        batch.write(Write::Factor(Box::new(next.clone())));
        let spent = {
            let mut state = self.state();
            self.use_up(&mut state, user, evaluated.budgets, &mut batch)
        };
        let changes = batch.finish().ok_or(FactorCheckError::Unavailable)?;
        if !self.commit_used(changes, spent).await {
            return Err(FactorCheckError::Unavailable);
        }
        self.state().counters.add(Counter::FactorChecks(word), 1);
        Ok(next)
    }

    /// The row of a factor after a check; `None` when the secret that changes cannot be sealed. No lock of the
    /// state is held.
    pub(crate) fn checked_row(
        &self,
        row: &FactorRow,
        evaluated: &Evaluated,
        now: Timestamp,
    ) -> Option<FactorRow> {
        let mut next = row.changed(evaluated.factor.clone(), now);
        if let Some(secret) = &evaluated.secret {
            self.ensure_keys(now);
            next.secret = Some(self.seal_secret(row.id, secret, now)?);
        }
        Some(next)
    }
}

/// What the metrics call the result of a check.
pub(crate) const fn result_word(evaluated: &Evaluated) -> &'static str {
    match evaluated.event {
        FactorEvent::Failed => "wrong",
        FactorEvent::Replayed => "replayed",
        _ => "right",
    }
}
