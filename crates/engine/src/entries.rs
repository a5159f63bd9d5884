//! The engine's ledger entries, one function a kind: what each says, and nothing personal in any.
//! `docs/ledger.md` describes the same fields.

pub(crate) mod clients;
pub(crate) mod esme;
pub(crate) mod feed;
pub(crate) mod pumping;
pub(crate) mod verify_services;

use std::net::IpAddr;

use domain::id::{ClientId, InboundId, KeyId, MessageId, SubjectId};
use domain::message::{CarrierName, DoneDate, MessageState};
use domain::time::Timestamp;
use ledger::{
    Actor, Commitment, Draft, Facts, Kind, ObjectType, OriginType, Outcome, Shown, UtcMicros,
};

use crate::batch::sound;
use crate::client::Caller;
use crate::ports::carrier::BindId;
use crate::ports::storage::Room;
use crate::receipts::Fact;
use crate::rotation::Rotation;
use crate::rows::{MessageHead, Purpose, UnmatchedRow};
use crate::shortage::{Gap, STORAGE_LOW};
use crate::state::Open;
use crate::vault::FreshKek;

/// The dispatch that is part of an acceptance.
pub(crate) struct Dispatch<'a> {
    pub(crate) bind: &'a BindId,
    pub(crate) segments: u16,
}

fn dispatch_facts(dispatch: &Dispatch<'_>, first: u16) -> Facts {
    Facts::new()
        .put("bind", dispatch.bind.index)
        .put("carrier", dispatch.bind.carrier.as_str())
        .put("first", first)
        .put("segments", dispatch.segments)
}

/// What a client showed, and where it called from.
#[derive(Clone, Copy)]
pub(crate) struct Credential {
    pub(crate) key: Option<KeyId>,
    pub(crate) source: IpAddr,
}

/// `message.accepted`: with its dispatch when that is part of the same commit, and with the key and
/// the address that the client showed.
pub(crate) fn accepted(
    open: &Open,
    head: &MessageHead,
    dispatch: Option<&Dispatch<'_>>,
    shown: Option<&Credential>,
    private: &[(&str, Commitment)],
) -> Draft {
    let data = Facts::new()
        .put_some("callback", head.callback.as_ref().map(|_| "sealed"))
        .put_some("campaign", head.campaign.as_deref())
        .put("class", open.class.as_str())
        .put_some(
            "dispatch",
            dispatch.map(|dispatch| dispatch_facts(dispatch, 1)),
        )
        .put("encoding", head.encoding.name())
        .put("expires", UtcMicros(open.expires.micros()))
        .put_some(
            "key",
            shown.and_then(|shown| Some(Shown(shown.key.as_ref()?))),
        )
        .put_some(
            "receipts",
            head.esme.as_ref().map(|esme| esme.receipts.as_str()),
        )
        .put("segments", open.segments.len())
        .put("sender", Shown(&open.from))
        .put_some(
            "system_id",
            head.esme.as_ref().map(|esme| esme.system_id.as_str()),
        );
    let actor = match &open.client {
        Some(client) => Actor::client(client),
        None => Actor::system(&"keyword"),
    };
    let mut builder = Draft::of(Kind::MessageAccepted, actor, Outcome::Accepted)
        .object(ObjectType::Message, &open.id)
        .data(data);
    if let Some(client) = &open.client {
        builder = builder.client(client);
    }
    if let Some(shown) = shown {
        builder = builder.origin(OriginType::Connection, &shown.source);
    }
    for (field, commitment) in private {
        builder = builder.private(field, commitment);
    }
    sound(builder.build())
}

/// An entry about a message in which the gateway itself acts.
fn about(
    kind: Kind,
    outcome: Outcome,
    part: &str,
    open: &Open,
    reason: &str,
    data: Facts,
) -> Draft {
    let mut builder = Draft::of(kind, Actor::system(&part), outcome)
        .object(ObjectType::Message, &open.id)
        .data(data);
    if let Some(client) = &open.client {
        builder = builder.client(client);
    }
    if !reason.is_empty() {
        builder = builder.reason(reason);
    }
    sound(builder.build())
}

/// `message.dispatched`: segments `first` and following are about to be written to a bind.
pub(crate) fn dispatched(open: &Open, dispatch: &Dispatch<'_>, first: u16) -> Draft {
    let data = dispatch_facts(dispatch, first);
    about(
        Kind::MessageDispatched,
        Outcome::Accepted,
        "dispatcher",
        open,
        "",
        data,
    )
}

/// `message.dispatched` that did not end in an answer: `failed` when the segment certainly did not
/// go, `unknown` when it may have gone and is sent again.
pub(crate) fn undispatched(open: &Open, segment: u8, outcome: Outcome, reason: &str) -> Draft {
    let data = segment_facts(open, segment);
    about(
        Kind::MessageDispatched,
        outcome,
        "dispatcher",
        open,
        reason,
        data,
    )
}

fn segment_facts(open: &Open, segment: u8) -> Facts {
    let facts = open.segments.get(usize::from(segment));
    Facts::new()
        .put_some("bind", facts.and_then(domain::message::Segment::bind))
        .put_some(
            "carrier",
            facts.and_then(|f| f.carrier()).map(CarrierName::as_str),
        )
        .put("segment", u16::from(segment) + 1)
}

/// Where a fact of one segment leaves a message of several, and whether that is where it was.
fn standing(facts: Facts, open: &Open, before: MessageState) -> Facts {
    if open.segments.len() < 2 {
        return facts;
    }
    let facts = facts.put("message_state", open.state.as_str());
    still(facts, open, before)
}

/// Says so when the message is where it was.
fn still(facts: Facts, open: &Open, before: MessageState) -> Facts {
    facts.put_some("still", (open.state == before).then_some(1_u16))
}

/// `message.submitted`: the carrier took a segment of a message that was in this state.
pub(crate) fn submitted(
    (open, before): (&Open, MessageState),
    segment: u8,
    carrier_id: &str,
    carrier: &CarrierName,
) -> Draft {
    let data = Facts::new()
        .put("carrier_id", carrier_id)
        .put("segment", u16::from(segment) + 1);
    let data = standing(data, open, before);
    carrier_fact(Kind::MessageSubmitted, Outcome::Done, open, carrier, data)
}

fn carrier_fact(
    kind: Kind,
    outcome: Outcome,
    open: &Open,
    carrier: &CarrierName,
    data: Facts,
) -> Draft {
    let mut builder = Draft::of(kind, Actor::carrier(carrier), outcome)
        .object(ObjectType::Message, &open.id)
        .data(data);
    if let Some(client) = &open.client {
        builder = builder.client(client);
    }
    sound(builder.build())
}

/// `message.failed`: the carrier refused a segment for good.
pub(crate) fn rejected(open: &Open, segment: u8, status: u32, carrier: &CarrierName) -> Draft {
    let data = Facts::new()
        .put("segment", u16::from(segment) + 1)
        .put("status", status);
    carrier_fact(Kind::MessageFailed, Outcome::Failed, open, carrier, data)
}

/// `receipt.received`: a receipt and where it leads the message.
pub(crate) fn receipt(
    (open, before): (&Open, MessageState),
    segment: u8,
    fact: Fact,
    carrier: &CarrierName,
) -> Draft {
    let data = still(Facts::new(), open, before)
        .put_some("done_date", fact.done.as_ref().map(DoneDate::as_str))
        .put_some("error", fact.error)
        .put("message_state", open.state.as_str())
        .put("segment", u16::from(segment) + 1)
        .put("state", fact.state.as_str());
    carrier_fact(Kind::ReceiptReceived, Outcome::Done, open, carrier, data)
}

/// `receipt.unmatched`: a receipt that names nothing known yet.
pub(crate) fn unmatched(carrier: &CarrierName, carrier_id: &str, state: &str) -> Draft {
    let data = Facts::new()
        .put("carrier_id", carrier_id)
        .put("state", state);
    sound(
        Draft::of(
            Kind::ReceiptUnmatched,
            Actor::carrier(carrier),
            Outcome::Accepted,
        )
        .data(data)
        .build(),
    )
}

/// `receipt.unmatched`: so many such receipts of a carrier, which came in a crowd.
pub(crate) fn unmatched_crowd(carrier: &CarrierName, rows: &[&UnmatchedRow]) -> Draft {
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let times = rows.iter().map(|row| row.at);
    let (first, last) = (times.clone().min(), times.max());
    let micros = |at: Timestamp| UtcMicros(at.micros());
    let data = Facts::new()
        .put("count", count)
        .put_some("first", first.map(micros))
        .put_some("last", last.map(micros));
    let kind = Kind::ReceiptUnmatched;
    let draft = Draft::of(kind, Actor::carrier(carrier), Outcome::Accepted);
    sound(draft.reason("crowd").data(data).build())
}

/// `message.expired`: its validity ended before it left.
pub(crate) fn expired(open: &Open) -> Draft {
    about(
        Kind::MessageExpired,
        Outcome::Failed,
        "expiry",
        open,
        "validity-ended",
        Facts::new(),
    )
}

/// `message.unknown`: nobody will tell whether a segment arrived.
pub(crate) fn unknown((open, before): (&Open, MessageState), segment: u8, reason: &str) -> Draft {
    let data = standing(segment_facts(open, segment), open, before);
    about(
        Kind::MessageUnknown,
        Outcome::Unknown,
        "dispatcher",
        open,
        reason,
        data,
    )
}

/// `message.cancelled`: its client took it back.
pub(crate) fn cancelled(open: &Open, client: &ClientId, source: &IpAddr) -> Draft {
    sound(
        Draft::of(Kind::MessageCancelled, Actor::client(client), Outcome::Done)
            .client(client)
            .object(ObjectType::Message, &open.id)
            .origin(OriginType::Connection, source)
            .build(),
    )
}

/// `message.redacted`: values of a message are destroyed with this commit, as its client asked.
pub(crate) fn redacted(caller: &Caller, id: &MessageId, (what, count): (&str, u64)) -> Draft {
    let data = Facts::new().put("count", count).put("what", what);
    let actor = Actor::client(&caller.client);
    let draft = Draft::of(Kind::MessageRedacted, actor, Outcome::Done)
        .client(&caller.client)
        .object(ObjectType::Message, id)
        .origin(OriginType::Connection, &caller.source)
        .data(data);
    sound(draft.build())
}

/// `mo.received`: a message from a handset.
pub(crate) fn inbound(
    id: &InboundId,
    carrier: &CarrierName,
    code: &dyn core::fmt::Display,
    keyword: Option<&str>,
    private: &[(&str, Commitment)],
) -> Draft {
    let data = Facts::new()
        .put_some("keyword", keyword)
        .put("short_code", Shown(code));
    let mut builder = Draft::of(Kind::MoReceived, Actor::carrier(carrier), Outcome::Done)
        .object(ObjectType::Inbound, id)
        .data(data);
    for (field, commitment) in private {
        builder = builder.private(field, commitment);
    }
    sound(builder.build())
}

/// `mo.received` of one part of a longer message, or `mo.incomplete` when the rest never came.
pub(crate) fn part(kind: Kind, carrier: &CarrierName, ordinal: u8, total: u8) -> Draft {
    let outcome = if kind == Kind::MoReceived {
        Outcome::Accepted
    } else {
        Outcome::Failed
    };
    let data = Facts::new()
        .put("part", u16::from(ordinal))
        .put("parts", u16::from(total));
    sound(
        Draft::of(kind, Actor::carrier(carrier), outcome)
            .data(data)
            .build(),
    )
}

/// `link.bound` and `link.lost`.
pub(crate) fn link(kind: Kind, bind: &BindId, reason: &str) -> Draft {
    let outcome = if kind == Kind::LinkBound {
        Outcome::Done
    } else {
        Outcome::Failed
    };
    let place = format!("{}/{}", bind.carrier, bind.index);
    let mut builder = Draft::of(kind, Actor::carrier(&bind.carrier), outcome)
        .object(ObjectType::Link, &place)
        .origin(OriginType::Bind, &place);
    if !reason.is_empty() {
        builder = builder.reason(reason);
    }
    sound(builder.build())
}

/// `ledger.*`, `config.*` and the like: the process about itself.
pub(crate) fn process(kind: Kind, outcome: Outcome, data: Facts) -> Draft {
    let builder = Draft::of(kind, Actor::system(&"gateway"), outcome).data(data);
    sound(builder.origin(OriginType::Process, &"self").build())
}

/// `key.created`: which key-encryption keys came to be.
pub(crate) fn keks(made: &[FreshKek]) -> Draft {
    let names: Vec<String> = made.iter().map(|kek| kek.row.name()).collect();
    let data = Facts::new().put("keys", made.len()).put("made", names);
    process(Kind::KeyCreated, Outcome::Done, data)
}

/// `key.rotated`: so many key-encryption keys are wrapped anew.
pub(crate) fn key_rotated(why: &Rotation<'_>, keys: usize) -> Draft {
    let actor = why.actor();
    let (by, origin, place) = match &actor {
        Some(user) => (Actor::os_user(user), OriginType::Socket, "control"),
        None => (Actor::system(&"gateway"), OriginType::Process, "self"),
    };
    let builder = Draft::of(Kind::KeyRotated, by, Outcome::Done)
        .origin(origin, &place)
        .reason(why.reason())
        .data(Facts::new().put("keys", keys));
    sound(builder.build())
}

/// `config.loaded` that was refused: why, and which settings differ. Values are never told.
pub(crate) fn config_refused(reason: &str, changed_keys: Vec<String>) -> Draft {
    let data = Facts::new().put("changed", changed_keys);
    let actor = Actor::system(&"gateway");
    let builder = Draft::of(Kind::ConfigLoaded, actor, Outcome::Refused).data(data);
    let builder = builder.origin(OriginType::Process, &"self");
    sound(builder.reason(reason).build())
}

/// `ledger.started` and `ledger.recovered`, and what was odd about it.
pub(crate) fn started(kind: Kind, data: Facts, reason: Option<&str>) -> Draft {
    let builder = Draft::of(kind, Actor::system(&"gateway"), Outcome::Done).data(data);
    let builder = builder.origin(OriginType::Process, &"self");
    sound(match reason {
        Some(reason) => builder.reason(reason).build(),
        None => builder.build(),
    })
}

/// An act of a user of the machine.
pub(crate) fn by_os_user(kind: Kind, user: &str, data: Facts, client: Option<&ClientId>) -> Draft {
    let mut builder = Draft::of(kind, Actor::os_user(&user), Outcome::Done)
        .origin(OriginType::Socket, &"control")
        .data(data);
    if let Some(client) = client {
        builder = builder.object(ObjectType::Client, client);
    }
    sound(builder.build())
}

/// What a `subject.erased` tells.
pub(crate) struct Destruction<'a> {
    pub(crate) actor: &'a str,
    pub(crate) request: &'a SubjectId,
    pub(crate) basis: &'a str,
    /// How many values this commit destroys.
    pub(crate) count: u64,
}

/// `subject.erased`: values of one person are destroyed with this commit.
pub(crate) fn subject_erased(told: &Destruction<'_>) -> Draft {
    let data = Facts::new()
        .put("basis", told.basis)
        .put("count", told.count);
    let draft = Draft::of(
        Kind::SubjectErased,
        Actor::os_user(&told.actor),
        Outcome::Done,
    );
    let draft = draft
        .origin(OriginType::Socket, &"control")
        .object(ObjectType::Subject, told.request);
    sound(draft.data(data).build())
}

/// `subject.exported`: a copy of what is kept of one person is about to be handed out.
pub(crate) fn subject_exported(actor: &str, request: &SubjectId, count: u64) -> Draft {
    let data = Facts::new().put("count", count);
    let draft = Draft::of(Kind::SubjectExported, Actor::os_user(&actor), Outcome::Done)
        .origin(OriginType::Socket, &"control")
        .object(ObjectType::Subject, request);
    sound(draft.data(data).build())
}

/// `retention.expired`: values of one purpose are destroyed with this commit, since their time is over.
pub(crate) fn retention_expired(purpose: Purpose, before: Timestamp, count: u64) -> Draft {
    let data = Facts::new()
        .put("before", UtcMicros(before.micros()))
        .put("count", count)
        .put("purpose", purpose.as_str());
    let actor = Actor::system(&"retention");
    let draft = Draft::of(Kind::RetentionExpired, actor, Outcome::Done);
    let draft = draft.origin(OriginType::Process, &"self");
    sound(draft.data(data).build())
}

/// `ledger.gap`: for a while things were turned away, since they could not be recorded or to save room.
pub(crate) fn gap(gap: &Gap, until: Timestamp, refused: u64) -> Draft {
    let data = Facts::new()
        .put("cause", gap.cause)
        .put("from", UtcMicros(gap.from.micros()))
        .put("refused", refused)
        .put("until", UtcMicros(until.micros()));
    process(Kind::LedgerGap, Outcome::Failed, data)
}

/// `ledger.degraded`: the room runs out (`accepted`), or there is enough again (`done`).
pub(crate) fn degraded(outcome: Outcome, room: Room) -> Draft {
    let data = Facts::new()
        .put("free_mib", room.free_bytes >> 20)
        .put("low_water_mib", room.low_water_bytes >> 20);
    let builder = Draft::of(Kind::LedgerDegraded, Actor::system(&"gateway"), outcome).data(data);
    let builder = builder.origin(OriginType::Process, &"self");
    sound(builder.reason(STORAGE_LOW).build())
}
