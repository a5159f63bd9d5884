//! The entries of verifications, one function a kind. No code, no number and no hash of either is in any.

use domain::id::{ClientId, InboundId, MessageId, VerificationId};
use domain::message::CarrierName;
use domain::time::Timestamp;
use domain::verification::channel::Channel;
use domain::verification::check::Mismatch;
use domain::verification::state::State;
use ledger::{
    Actor, Commitment, Draft, DraftBuilder, Facts, Kind, ObjectType, OriginType, Outcome, Shown,
    UtcMicros,
};

use crate::batch::sound;
use crate::client::Caller;
use crate::sim_swap::SimCleared;
use crate::state::verifications::Live;

/// By whom something is done to a verification.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// Its client asked for it.
    Client(&'a Caller),
    /// The handset texted it, in this message, and this carrier brought it.
    Handset(&'a CarrierName, &'a InboundId),
    /// The gateway itself, at the end of its time.
    Expiry,
}

fn about<'a>(
    kind: Kind,
    outcome: Outcome,
    by: By<'a>,
    client: &'a ClientId,
    id: &'a VerificationId,
) -> DraftBuilder<'a> {
    let draft = match by {
        By::Client(caller) => Draft::of(kind, Actor::client(&caller.client), outcome)
            .origin(OriginType::Connection, &caller.source),
        By::Handset(carrier, inbound) => {
            Draft::of(kind, Actor::carrier(carrier), outcome).correlation(inbound)
        }
        By::Expiry => {
            Draft::of(kind, Actor::system(&"expiry"), outcome).origin(OriginType::Process, &"self")
        }
    };
    draft.client(client).object(ObjectType::Verification, id)
}

/// What `verification.started` tells.
pub(super) struct Beginning<'a> {
    pub(super) caller: &'a Caller,
    pub(super) live: &'a Live,
    pub(super) purpose: &'static str,
    pub(super) language: Option<&'static str>,
    /// Of the number, or of the user of a factor.
    pub(super) person: &'a Commitment,
    pub(super) sim: Option<SimCleared>,
}

/// `verification.started`: its code is on the way with the message that it names, or is awaited.
pub(super) fn started(beginning: &Beginning<'_>) -> Draft {
    let Beginning {
        caller,
        live,
        purpose,
        language,
        person,
        sim,
    } = beginning;
    let verification = &live.verification;
    let message = live.messages.first();
    let (factor, handset) = (live.factor(), live.handset());
    let digits = match verification.channel() {
        Channel::Recovery => None,
        Channel::Sms | Channel::Mo | Channel::Totp => Some(verification.length().digits()),
    };
    let data = Facts::new()
        .put("channel", verification.channel().as_str())
        .put_some("digits", digits.map(u16::from))
        .put("expires", UtcMicros(verification.expires().micros()))
        .put_some("factor", factor.as_ref().map(|id| Shown(id)))
        .put_some("key", caller.key.as_ref().map(|key| Shown(key)))
        .put_some("language", *language)
        .put_some("message", message.map(|id| Shown(id)))
        .put("purpose", *purpose)
        .put_some("sender", handset.as_ref().map(|(from, _)| Shown(from)))
        .put_some("service", live.service.as_ref().map(|id| Shown(id)))
        .put_some("sim", sim.and_then(SimCleared::word));
    let by = By::Client(caller);
    let kind = Kind::VerificationStarted;
    let draft = about(kind, Outcome::Accepted, by, &caller.client, &live.id);
    sound(draft.data(data).private("number", person).build())
}

/// `verification.resent`: the same code is on the way once more.
pub(super) fn resent(caller: &Caller, live: &Live, message: &MessageId) -> Draft {
    let data = Facts::new()
        .put_some("key", caller.key.as_ref().map(|key| Shown(key)))
        .put("message", Shown(message))
        .put("sends_left", u16::from(live.verification.sends_left()));
    let by = By::Client(caller);
    let kind = Kind::VerificationResent;
    let draft = about(kind, Outcome::Accepted, by, &caller.client, &live.id);
    sound(draft.data(data).build())
}

/// `verification.checked`: one code was shown and evaluated. `live` is the verification after it.
pub(super) fn checked(by: By<'_>, live: &Live, result: Result<(), Mismatch>) -> Draft {
    let key = match by {
        By::Client(caller) => caller.key.as_ref(),
        By::Handset(..) | By::Expiry => None,
    };
    let stored = live.verification.to_stored();
    let data = Facts::new()
        .put("attempt", u16::from(stored.checks))
        .put("channel", stored.channel.as_str())
        .put("checks_left", u16::from(live.verification.checks_left()))
        .put_some("key", key.map(|key| Shown(key)));
    let outcome = match result {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Failed,
    };
    let kind = Kind::VerificationChecked;
    let mut draft = about(kind, outcome, by, &live.holder.0, &live.id).data(data);
    if let Err(mismatch) = result {
        draft = draft.reason(mismatch.as_str());
    }
    sound(draft.build())
}

/// `verification.ended`: how, and that the key of its code is gone. `live` is the verification after it.
pub(super) fn ended(by: By<'_>, live: &Live, state: State) -> Draft {
    let stored = live.verification.to_stored();
    let data = Facts::new()
        .put("checks", u16::from(stored.checks))
        .put("sends", u16::from(stored.sends))
        .put("state", state.as_str());
    let kind = Kind::VerificationEnded;
    let draft = about(kind, Outcome::Done, by, &live.holder.0, &live.id);
    sound(draft.data(data).build())
}

/// The end of a verification after a step, when that ended it.
pub(super) fn end_of(by: By<'_>, live: &Live, now: Timestamp) -> Option<Draft> {
    match live.verification.state(now) {
        State::Pending => None,
        state => Some(ended(by, live, state)),
    }
}
