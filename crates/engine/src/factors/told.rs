//! What the ledger is told of factors: never a code, a key or whose factor it is. The steps of an app's
//! codes are as public as the time.

use domain::id::VerificationId;
use domain::verification::factor::{Evaluated, FactorEvent, FactorKind};
use ledger::{
    Actor, Commitment, Draft, DraftBuilder, Facts, Kind, ObjectType, OriginType, Outcome, Shown,
};

use crate::batch::sound;
use crate::client::Caller;
use crate::rows::{FactorRow, Purpose};

/// The reason where the code that was accepted last was shown again.
pub(crate) const REPLAYED: &str = "replayed";

/// Who has a factor removed.
pub(crate) enum Remover<'r> {
    /// The client that it belongs to.
    Client(&'r Caller),
    /// A user of the machine, for the person.
    OsUser(&'r str),
    /// The gateway: nobody confirmed it in time.
    Time,
}

fn by_client<'a>(
    kind: Kind,
    outcome: Outcome,
    caller: &'a Caller,
    row: &'a FactorRow,
) -> DraftBuilder<'a> {
    Draft::of(kind, Actor::client(&caller.client), outcome)
        .client(&row.client)
        .object(ObjectType::Factor, &row.id)
        .origin(OriginType::Connection, &caller.source)
}

/// `factor.enrolled`: an app waits for its confirmation (`accepted`), or codes are given (`done`).
pub(super) fn enrolled(caller: &Caller, row: &FactorRow, user: &Commitment) -> Draft {
    let outcome = match row.factor.kind() {
        FactorKind::Totp => Outcome::Accepted,
        FactorKind::Recovery => Outcome::Done,
    };
    let data = Facts::new()
        .put_some("codes", row.factor.codes_left().map(u16::from))
        .put_some("key", caller.key.as_ref().map(|key| Shown(key)))
        .put("type", row.factor.kind().as_str());
    let draft = by_client(Kind::FactorEnrolled, outcome, caller, row).data(data);
    let draft = draft.private(Purpose::Number.as_str(), user);
    sound(draft.build())
}

/// `factor.confirmed` and `factor.checked`: a code was looked at, perhaps for a verification.
pub(crate) fn checked(
    kind: Kind,
    caller: &Caller,
    row: &FactorRow,
    evaluated: &Evaluated,
    verification: Option<&VerificationId>,
) -> Draft {
    let step = match evaluated.event {
        FactorEvent::Confirmed { step } | FactorEvent::Step(step) => Some(step),
        FactorEvent::Spent | FactorEvent::Failed | FactorEvent::Replayed | FactorEvent::Removed => {
            None
        }
    };
    let codes_left = evaluated.factor.codes_left().map(u16::from);
    let data = Facts::new()
        .put("checks_left", u16::from(evaluated.checks_left))
        .put_some("codes_left", codes_left)
        .put_some("key", caller.key.as_ref().map(|key| Shown(key)))
        .put_some("step", step);
    let (outcome, reason) = match (evaluated.event, evaluated.result) {
        (FactorEvent::Replayed, _) => (Outcome::Failed, Some(REPLAYED)),
        (_, Err(mismatch)) => (Outcome::Failed, Some(mismatch.as_str())),
        (_, Ok(())) => (Outcome::Done, None),
    };
    let mut draft = by_client(kind, outcome, caller, row).data(data);
    if let Some(verification) = verification {
        draft = draft.correlation(verification);
    }
    sound(match reason {
        Some(reason) => draft.reason(reason).build(),
        None => draft.build(),
    })
}

/// `factor.removed`: its secret goes with this commit.
pub(crate) fn removed(by: &Remover<'_>, row: &FactorRow) -> Draft {
    let draft = match by {
        Remover::Client(caller) => by_client(Kind::FactorRemoved, Outcome::Done, caller, row)
            .data(Facts::new().put_some("key", caller.key.as_ref().map(|key| Shown(key))))
            .reason("asked"),
        Remover::OsUser(user) => {
            removed_by(Actor::os_user(user), (OriginType::Socket, &"control"), row).reason("erased")
        }
        Remover::Time => removed_by(
            Actor::system(&"factors"),
            (OriginType::Process, &"self"),
            row,
        )
        .reason("not-confirmed"),
    };
    sound(draft.build())
}

fn removed_by<'a>(
    actor: Actor<'a>,
    (origin, place): (OriginType, &'a &'a str),
    row: &'a FactorRow,
) -> DraftBuilder<'a> {
    Draft::of(Kind::FactorRemoved, actor, Outcome::Done)
        .client(&row.client)
        .object(ObjectType::Factor, &row.id)
        .origin(origin, place)
}
