//! Entries of the pumping guard: a block with its evidence, and its end. None names a number.

use domain::id::ClientId;
use domain::verification::pumping::Mode;
use ledger::{Actor, Draft, Facts, Kind, OriginType, Outcome, Shown, UtcMicros};

use crate::batch::sound;
use crate::pumping::{Lifted, StandingBlock, UnblockReason};

/// `pumping.blocked`: a prefix gets no codes for a while, or would not.
pub(crate) fn blocked(client: ClientId, block: &StandingBlock) -> Draft {
    let evidence = &block.evidence;
    let mode = match block.mode {
        Mode::Enforce => "enforce",
        Mode::Record => "record",
    };
    let data = Facts::new()
        .put("allowed", evidence.allowed)
        .put("country", Shown(&evidence.country))
        .put("mode", mode)
        .put("nth", block.nth)
        .put_some("numbers", evidence.numbers)
        .put("prefix", Shown(&block.prefix))
        .put("reach", block.reach.as_str())
        .put("sent", evidence.count.sent)
        .put("until", UtcMicros(block.until.micros()))
        .put("verified", evidence.count.verified)
        .put("window_seconds", evidence.window_seconds);
    let actor = Actor::system(&"pumping");
    let draft = Draft::of(Kind::PumpingBlocked, actor, Outcome::Done).client(&client);
    let draft = draft.origin(OriginType::Process, &"self");
    sound(draft.reason(block.reason.code()).data(data).build())
}

/// `pumping.lifted`, since its time is over.
pub(crate) fn over(lifted: &Lifted) -> Draft {
    let actor = Actor::system(&"pumping");
    let draft = Draft::of(Kind::PumpingLifted, actor, Outcome::Done);
    let draft = draft.origin(OriginType::Process, &"self");
    sound(draft.reason("time-over").data(facts(lifted)).build())
}

/// `pumping.lifted`, since a user of the machine said so.
pub(crate) fn unblocked(lifted: &Lifted, actor: &str, why: &UnblockReason) -> Draft {
    let data = facts(lifted).put("basis", why.as_str());
    let draft = Draft::of(Kind::PumpingLifted, Actor::os_user(&actor), Outcome::Done);
    let draft = draft.origin(OriginType::Socket, &"control");
    sound(draft.reason("asked").data(data).build())
}

fn facts(lifted: &Lifted) -> Facts {
    Facts::new()
        .put("prefix", Shown(&lifted.prefix))
        .put("refused", lifted.refused)
        .put("since", UtcMicros(lifted.since.micros()))
}
