//! A factor: an authenticator app or a set of recovery codes that a person enrolled, and how often somebody
//! may be wrong about it. Failures count against the user, over all factors of a kind, so that no further
//! factor brings further guesses; they are noted with the factor too, since that is what its entries tell.
//! A check is evaluated as a whole: what comes back, the factor, the budgets of its user and what takes the
//! place of its secret, is committed before anybody is told the result.

mod secret;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

pub use secret::FactorSecret;

use super::budget::number::NumberBudgets;
use super::budget::policy::CheckPolicy;
use super::budget::{CheckBudget, LockReason};
use super::channel::Channel;
use super::check::{Judged, Mismatch, Verdict};
use super::code::{Code, CodeError};
use super::recovery::{RecoveryCode, RecoveryCodeError, RecoveryKey};
use super::totp::{Algorithm, AppDigits, Authenticator};
use crate::time::{Moment, Timestamp};

/// What a failed check takes from the day's budget: no code of a factor has fewer than six digits.
const COST: u8 = 1;

/// What sort of factor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactorKind {
    /// An authenticator app.
    Totp,
    /// A set of recovery codes.
    Recovery,
}

impl FactorKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Totp, Self::Recovery];

    /// The channel on which it verifies.
    pub const fn channel(self) -> Channel {
        match self {
            Self::Totp => Channel::Totp,
            Self::Recovery => Channel::Recovery,
        }
    }

    /// The word used in the API, the ledger and the store.
    pub const fn as_str(self) -> &'static str {
        self.channel().as_str()
    }
}

impl fmt::Display for FactorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no sort of factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a kind of factor; use totp or recovery")]
pub struct UnknownFactorKind;

impl FromStr for FactorKind {
    type Err = UnknownFactorKind;

    fn from_str(text: &str) -> Result<Self, UnknownFactorKind> {
        let mut kinds = Self::ALL.into_iter();
        kinds
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownFactorKind)
    }
}

/// Where a factor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactorState {
    /// Enrolled; the person has not shown yet that the app holds the key.
    Pending,
    /// It verifies.
    Active,
    /// Taken away: its secret is gone.
    Removed,
}

impl FactorState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Active, Self::Removed];

    /// The word used in the API and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Removed => "removed",
        }
    }
}

impl fmt::Display for FactorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is kept of the proof in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Proof {
    /// The app, with the last step that was accepted.
    Totp(Authenticator),
    /// How many codes are left.
    Recovery {
        /// 0 to 20.
        left: u8,
    },
}

/// A factor without its secret. Nothing in it is personal, and everything in it is told by entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    state: FactorState,
    proof: Proof,
    failures: CheckBudget,
}

/// What may happen to a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorEvent {
    /// The person showed that the app holds the key, by the code of this step.
    Confirmed {
        /// Seconds since 1970 divided by 30.
        step: u64,
    },
    /// A code of the app was right.
    Step(u64),
    /// A recovery code was right, and is used up.
    Spent,
    /// A code was wrong.
    Failed,
    /// The code that was accepted last was shown again within its time, as by a double click. It is refused,
    /// and no failure: whoever shows it was right before, and learns nothing.
    Replayed,
    /// It was taken away.
    Removed,
}

/// A code in the form of its factor.
#[derive(Clone, Debug)]
pub enum FactorCode {
    /// Of an authenticator app.
    Totp(Code),
    /// A recovery code.
    Recovery(RecoveryCode),
}

/// Why a text is no code of the factor. It says nothing of the factor's own codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactorCodeError {
    /// No code of an app.
    #[error(transparent)]
    Totp(#[from] CodeError),
    /// No recovery code.
    #[error(transparent)]
    Recovery(#[from] RecoveryCodeError),
}

impl FactorCode {
    /// Reads what a person typed.
    pub fn parse(kind: FactorKind, text: &str) -> Result<Self, FactorCodeError> {
        Ok(match kind {
            FactorKind::Totp => Self::Totp(Code::parse(text)?),
            FactorKind::Recovery => Self::Recovery(RecoveryCode::parse(text)?),
        })
    }
}

/// Why nothing was evaluated; nothing is counted either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotEvaluated {
    /// The factor stands where this cannot be asked.
    Stands(FactorState),
    /// Too many failures. The same for a right and a wrong code, since neither was looked at.
    Locked(LockReason),
}

/// How often somebody may be wrong, and has been.
#[derive(Clone, Copy, Debug)]
pub struct Allowance<'s> {
    /// How often.
    pub policy: &'s CheckPolicy,
    /// What the user of the factor has used up at this client, over all factors, removed ones too.
    pub budgets: &'s NumberBudgets,
}

impl Allowance<'_> {
    /// Whether one more check may be evaluated: of this user, and of this factor.
    fn room(self, channel: Channel, own: &CheckBudget, now: Moment) -> Result<(), LockReason> {
        let of_user = self.budgets.of(channel);
        let of_user = of_user.room(self.policy, COST, now.steady);
        of_user.and_then(|()| own.so_far(now.wall).room(self.policy, COST, now.wall))
    }
}

/// Everything that an evaluation goes by, beside the factor.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'s> {
    /// The secret of the factor, opened.
    pub secret: &'s FactorSecret,
    /// The key of recovery codes.
    pub recovery: &'s RecoveryKey,
    /// What somebody typed.
    pub code: &'s FactorCode,
    /// How often somebody may be wrong.
    pub allowance: Allowance<'s>,
}

/// An evaluated code: everything to be committed together before the result is shown.
#[derive(Clone, Debug)]
#[must_use]
pub struct Evaluated {
    /// The factor after it.
    pub factor: Factor,
    /// What its user has used up after it.
    pub budgets: NumberBudgets,
    /// What takes the place of its secret, where that changes.
    pub secret: Option<FactorSecret>,
    /// What happened.
    pub event: FactorEvent,
    /// Whether it was right, and if not, what was wrong.
    pub result: Result<(), Mismatch>,
    /// How many checks may still fail now.
    pub checks_left: u8,
}

impl Evaluated {
    /// Whether the code was right.
    pub const fn is_right(&self) -> bool {
        self.result.is_ok()
    }
}

impl Factor {
    /// An authenticator app, not yet confirmed.
    pub fn enrolled(algorithm: Algorithm, digits: AppDigits) -> Self {
        Self {
            state: FactorState::Pending,
            proof: Proof::Totp(Authenticator::enrol(algorithm, digits)),
            failures: CheckBudget::default(),
        }
    }

    /// A set of so many recovery codes.
    pub fn issued(codes: u8) -> Self {
        Self {
            state: FactorState::Active,
            proof: Proof::Recovery { left: codes },
            failures: CheckBudget::default(),
        }
    }

    /// What sort it is.
    pub const fn kind(&self) -> FactorKind {
        match self.proof {
            Proof::Totp(_) => FactorKind::Totp,
            Proof::Recovery { .. } => FactorKind::Recovery,
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> FactorState {
        self.state
    }

    /// The app, when it is one.
    pub const fn authenticator(&self) -> Option<&Authenticator> {
        match &self.proof {
            Proof::Totp(authenticator) => Some(authenticator),
            Proof::Recovery { .. } => None,
        }
    }

    /// How many recovery codes are left, when it is a set of them.
    pub const fn codes_left(&self) -> Option<u8> {
        match self.proof {
            Proof::Totp(_) => None,
            Proof::Recovery { left } => Some(left),
        }
    }

    /// The failed checks of this factor alone.
    pub const fn failures(&self) -> &CheckBudget {
        &self.failures
    }

    /// How many checks may still fail now before none is evaluated.
    pub fn checks_left(&self, allowance: Allowance<'_>, now: impl Into<Moment>) -> u8 {
        let Moment { wall, steady } = now.into();
        let of_user = allowance.budgets.of(self.kind().channel());
        let of_user = of_user.left(allowance.policy, steady);
        of_user.min(self.failures.so_far(wall).left(allowance.policy, wall))
    }

    /// Whether a code may be evaluated by somebody who expects the factor to stand so.
    pub fn room(
        &self,
        expected: FactorState,
        allowance: Allowance<'_>,
        now: impl Into<Moment>,
    ) -> Result<(), NotEvaluated> {
        if self.state != expected {
            return Err(NotEvaluated::Stands(self.state));
        }
        let room = allowance.room(self.kind().channel(), &self.failures, now.into());
        room.map_err(NotEvaluated::Locked)
    }

    /// Looks at the code that is to confirm the enrolment. It is used up by it.
    pub fn confirm(
        &self,
        shown: Shown<'_>,
        now: impl Into<Moment>,
    ) -> Result<Evaluated, NotEvaluated> {
        self.evaluate(
            FactorState::Pending,
            shown,
            |judged| self.holds(judged),
            now.into(),
        )
    }

    /// Looks at a code. It is right once only.
    pub fn check(
        &self,
        shown: Shown<'_>,
        now: impl Into<Moment>,
    ) -> Result<Evaluated, NotEvaluated> {
        self.evaluate(
            FactorState::Active,
            shown,
            |judged| self.holds(judged),
            now.into(),
        )
    }

    /// The same where more is asked than whether the code is right: `holds` asks it. What does not hold is a
    /// failure like any other, and uses no code up.
    pub(super) fn check_that(
        &self,
        shown: Shown<'_>,
        holds: impl FnOnce(Judged) -> Result<(), Mismatch>,
        now: Moment,
    ) -> Result<Evaluated, NotEvaluated> {
        self.evaluate(FactorState::Active, shown, holds, now)
    }

    fn holds(&self, judged: Judged) -> Result<(), Mismatch> {
        if judged.is_right_for(self.kind().channel()) {
            Ok(())
        } else {
            Err(Mismatch::Code)
        }
    }

    fn evaluate(
        &self,
        expected: FactorState,
        shown: Shown<'_>,
        holds: impl FnOnce(Judged) -> Result<(), Mismatch>,
        now: Moment,
    ) -> Result<Evaluated, NotEvaluated> {
        self.room(expected, shown.allowance, now)?;
        let (seen, secret) = self.compare(shown, now.wall);
        let verdict = match seen {
            FactorEvent::Failed | FactorEvent::Replayed => Verdict::Wrong,
            _ => Verdict::Right,
        };
        let result = holds(Judged::new(self.kind().channel(), verdict));
        let (event, secret) = match (result, seen) {
            (Ok(()), _) | (Err(_), FactorEvent::Replayed) => (seen, secret),
            (Err(_), _) => (FactorEvent::Failed, None),
        };
        let factor = self.after(event, now.wall);
        let factor = factor.ok_or(NotEvaluated::Stands(self.state))?;
        let budgets = shown.allowance.budgets.clone();
        let budgets = match event {
            FactorEvent::Replayed => budgets,
            _ => self.used_up(budgets, result, now.steady),
        };
        let allowance = Allowance {
            budgets: &budgets,
            ..shown.allowance
        };
        Ok(Evaluated {
            checks_left: factor.checks_left(allowance, now),
            factor,
            budgets,
            secret,
            event,
            result,
        })
    }

    /// What the user has used up after a check. A right code of the one kind proves the user anew, so that
    /// factors of the other are enabled again.
    fn used_up(
        &self,
        budgets: NumberBudgets,
        result: Result<(), Mismatch>,
        now: Timestamp,
    ) -> NumberBudgets {
        let (own, other) = match self.kind() {
            FactorKind::Totp => (Channel::Totp, Channel::Recovery),
            FactorKind::Recovery => (Channel::Recovery, Channel::Totp),
        };
        match result {
            Ok(()) => budgets.succeeded(own).proved_anew(other),
            Err(_) => budgets.failed(own, COST, now),
        }
    }

    fn compare(&self, shown: Shown<'_>, now: Timestamp) -> (FactorEvent, Option<FactorSecret>) {
        match (&self.proof, shown.secret, shown.code) {
            (Proof::Totp(app), FactorSecret::Totp(key), FactorCode::Totp(code)) => {
                let event = match (app.accepted_step(key, code, now), self.state) {
                    (Some(step), FactorState::Pending) => FactorEvent::Confirmed { step },
                    (Some(step), _) => FactorEvent::Step(step),
                    (None, _) if app.is_replay(key, code, now) => FactorEvent::Replayed,
                    (None, _) => FactorEvent::Failed,
                };
                (event, None)
            }
            (Proof::Recovery { .. }, FactorSecret::Recovery(set), FactorCode::Recovery(code)) => {
                let checked = set.check(shown.recovery, code);
                if checked.judged.is_right_for(Channel::Recovery) {
                    let secret = FactorSecret::Recovery(checked.set);
                    (FactorEvent::Spent, Some(secret))
                } else {
                    (FactorEvent::Failed, None)
                }
            }
            _ => (FactorEvent::Failed, None),
        }
    }

    /// The factor after something happened to it; `None` when that cannot happen to it.
    pub fn after(&self, event: FactorEvent, now: Timestamp) -> Option<Self> {
        if self.state == FactorState::Removed {
            return None;
        }
        let failures = self.failures.clone();
        let (state, proof, failures) = match (event, self.proof, self.state) {
            (FactorEvent::Confirmed { step }, Proof::Totp(app), FactorState::Pending)
            | (FactorEvent::Step(step), Proof::Totp(app), FactorState::Active) => {
                let proof = Proof::Totp(app.accepted(step));
                (FactorState::Active, proof, failures.succeeded())
            }
            (FactorEvent::Spent, Proof::Recovery { left }, FactorState::Active) => {
                let left = left.checked_sub(1)?;
                let proof = Proof::Recovery { left };
                (FactorState::Active, proof, failures.succeeded())
            }
            (FactorEvent::Failed, proof, state) => (state, proof, failures.failed(COST, now)),
            (FactorEvent::Replayed, proof @ Proof::Totp(_), FactorState::Active) => {
                (FactorState::Active, proof, failures)
            }
            (FactorEvent::Removed, proof, _) => (FactorState::Removed, proof, failures),
            _ => return None,
        };
        Some(Self {
            state,
            proof,
            failures,
        })
    }
}

#[cfg(test)]
mod tests;
