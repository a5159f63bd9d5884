//! One check of one code: the two functions through which a verification can end verified, by a code that
//! was made for it or by a factor. The budget of the number or user, the attempt and its result go together:
//! what comes back is committed as a whole or not at all, and is shown to nobody before.

use super::binding::BindingDigest;
use super::budget::number::{Locked, NumberBudgets};
use super::budget::policy::Policy;
use super::channel::Channel;
use super::factor::{Allowance, Evaluated, Factor, FactorCode, FactorSecret, NotEvaluated, Shown};
use super::recovery::RecoveryKey;
use super::state::{Ended, State, Verification};
use super::tag::CodeTag;
use crate::time::Moment;

/// What somebody shows to be verified.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// The code, in the form that can be compared.
    pub evidence: Evidence,
    /// The act that it is shown for.
    pub binding: BindingDigest,
    /// How it came here.
    pub way: Way,
}

/// A code in the form that can be compared.
#[derive(Clone, Copy, Debug)]
pub enum Evidence {
    /// The keyed hash of what was typed or texted, under the key of the verification.
    Tag(CodeTag),
    /// What [`super::totp`] or [`super::recovery`] found.
    Factor(Judged),
    /// Something of another form than the code that is wanted.
    Unlike,
}

/// The finding about a factor; only the modules of the factors make one.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    channel: Channel,
    verdict: Verdict,
}

/// Whether a factor was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was.
    Right,
    /// It was not.
    Wrong,
}

impl Judged {
    pub(super) const fn new(channel: Channel, verdict: Verdict) -> Self {
        Self { channel, verdict }
    }

    pub(super) fn is_right_for(self, channel: Channel) -> bool {
        self.verdict == Verdict::Right && self.channel == channel
    }
}

/// How a code came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The application passed on what was typed.
    Api,
    /// The handset under verification texted it.
    Handset,
}

impl Way {
    /// The only way on which a channel's codes are taken. A code for the handset to text is shown on a
    /// page, so taking it from the application would prove nothing.
    pub const fn of(channel: Channel) -> Self {
        match channel {
            Channel::Sms | Channel::Totp | Channel::Recovery => Self::Api,
            Channel::Mo => Self::Handset,
        }
    }
}

/// What was wrong with an attempt. It is for the ledger and its detectors: told to whoever made the
/// attempt it would say that the code was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mismatch {
    /// The code.
    Code,
    /// The code was right and shown for another act.
    Binding,
    /// The code was right and came by the wrong way.
    Way,
}

impl Mismatch {
    /// The word used in entries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Binding => "binding",
            Self::Way => "way",
        }
    }
}

/// What a check is decided under.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'g> {
    /// What the number has used up at this client.
    pub budgets: &'g NumberBudgets,
    /// How much that may be.
    pub policy: &'g Policy,
    /// The channels that the person could use instead.
    pub offered: &'g [Channel],
}

/// An evaluated check: the new states and the result, to be committed together.
#[derive(Clone, Debug)]
#[must_use]
pub struct Checked {
    /// The verification after the check.
    pub verification: Verification,
    /// The budgets after the check.
    pub budgets: NumberBudgets,
    /// Whether it was right.
    pub result: Result<(), Mismatch>,
}

/// Nothing was evaluated and nothing is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotChecked {
    /// The verification ended before. To the caller this is the same as none at all.
    Ended(State),
    /// The number has no budget left.
    Locked(Locked),
    /// The factor that it asks for verifies nothing any more.
    NoFactor,
}

/// What is shown of a factor for a verification that asks for one.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'c> {
    /// The factor.
    pub factor: &'c Factor,
    /// Its secret, opened.
    pub secret: &'c FactorSecret,
    /// The key of recovery codes.
    pub recovery: &'c RecoveryKey,
    /// What somebody typed.
    pub code: &'c FactorCode,
    /// The act that it is shown for.
    pub binding: BindingDigest,
}

/// Evaluates one check of a verification that asks for a factor: the factor judges the code, and both are
/// right or neither is. A code that is right for another act fails at the factor too, and is not used up, as
/// a code that was sent is not. The budgets of the verification and of the factor are the same.
pub fn check_factor(
    verification: &Verification,
    guard: Guard<'_>,
    claim: &Claim<'_>,
    now: impl Into<Moment>,
) -> Result<(Checked, Evaluated), NotChecked> {
    let now: Moment = now.into();
    let pending = verification
        .pending(now.wall)
        .map_err(|Ended(state)| NotChecked::Ended(state))?;
    let shown = Shown {
        secret: claim.secret,
        recovery: claim.recovery,
        code: claim.code,
        allowance: Allowance {
            policy: guard.policy.checks(pending.channel()),
            budgets: guard.budgets,
        },
    };
    let holds = |judged| {
        pending.compare(&Attempt {
            evidence: Evidence::Factor(judged),
            binding: claim.binding,
            way: Way::Api,
        })
    };
    let evaluated = claim.factor.check_that(shown, holds, now);
    let evaluated = evaluated.map_err(|not| match not {
        NotEvaluated::Stands(_) => NotChecked::NoFactor,
        NotEvaluated::Locked(reason) => NotChecked::Locked(Locked {
            reason,
            still_works: guard
                .budgets
                .still_works(guard.policy, guard.offered, now.steady),
        }),
    })?;
    let checked = Checked {
        budgets: evaluated.budgets.clone(),
        result: evaluated.result,
        verification: pending.checked(evaluated.result),
    };
    Ok((checked, evaluated))
}

/// Evaluates one check of a code that was made for the verification. The code ends by the clock on the wall,
/// budgets go by the steady one.
pub fn check(
    verification: &Verification,
    guard: Guard<'_>,
    attempt: &Attempt,
    now: impl Into<Moment>,
) -> Result<Checked, NotChecked> {
    let Moment { wall, steady } = now.into();
    let pending = verification
        .pending(wall)
        .map_err(|Ended(state)| NotChecked::Ended(state))?;
    let guess = (pending.channel(), pending.length());
    let room = guard
        .budgets
        .check_room(guard.policy, guess, guard.offered, steady);
    room.map_err(NotChecked::Locked)?;
    let result = pending.compare(attempt);
    let (channel, length) = guess;
    let budgets = guard.budgets.clone();
    let cost = guard.policy.cost(channel, length);
    let budgets = match result {
        Ok(()) => budgets.succeeded(channel),
        Err(_) => budgets.failed(channel, cost, steady),
    };
    Ok(Checked {
        verification: pending.checked(result),
        budgets,
        result,
    })
}

#[cfg(test)]
mod tests;
