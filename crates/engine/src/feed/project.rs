//! From entries to events: which entries others are told of, and what each means. The ledger is the only
//! source, so that nothing can be told that did not happen, and nothing that happened be missed.

use domain::event::{EventType, EventTypes};
use domain::message::{DoneDate, MessageState};
use domain::time::Timestamp;
use domain::verification::state::State;
use ledger::entry::skim::skim;
use ledger::{Entry, Kind, ObjectType, Outcome, Value, leaf_hash};

use super::event::{Event, EventId, Happening};
use crate::rows::OptOutStanding;

/// The event that the entry of this index tells; `None` when nobody is told of it, or it can be none of those that
/// somebody wants.
pub(crate) fn project(index: u64, octets: &[u8], wanted: EventTypes) -> Option<Event> {
    // Most entries are of no interest, and a look tells.
    let kind = skim(octets).ok()?.kind;
    let may_tell = match kind {
        Kind::MessageAccepted => names(octets, b"\"callback\""),
        // Without that it says only that the whole message is with the carrier.
        Kind::MessageSubmitted => {
            wanted.has(EventType::MessageSubmitted) || names(octets, b"\"message_state\"")
        }
        kind => tells(kind),
    };
    if !may_tell {
        return None;
    }
    let entry = Entry::parse(octets).ok()?;
    let (event_type, happening, line) = happened(&entry)?;
    Some(Event {
        index,
        id: EventId::of(leaf_hash(octets)),
        event_type,
        at: Timestamp::from_micros(entry.time_micros),
        client: entry.client.as_deref().and_then(|id| id.parse().ok()),
        short_code: fact(&entry, "short_code").and_then(|code| code.as_text()?.parse().ok()),
        happening,
        line,
    })
}

/// Whether the entry may have a fact of this name. Most entries are of messages that were taken on or are with the
/// carrier, and of those without it nobody wants to hear.
fn names(octets: &[u8], name: &[u8]) -> bool {
    octets.windows(name.len()).any(|window| window == name)
}

const fn tells(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::MessageFailed
            | Kind::MessageExpired
            | Kind::MessageCancelled
            | Kind::MessageUnknown
            | Kind::ReceiptReceived
            | Kind::MoReceived
            | Kind::OptoutRecorded
            | Kind::OptoutRemoved
            | Kind::VerificationEnded
    )
}

fn happened(entry: &Entry<'_>) -> Option<(EventType, Happening, u64)> {
    match entry.kind {
        Kind::MoReceived => inbound(entry),
        Kind::OptoutRecorded => opt_out(entry, OptOutStanding::Out),
        Kind::OptoutRemoved => opt_out(entry, OptOutStanding::Removed),
        Kind::VerificationEnded => verification(entry),
        Kind::MessageAccepted => accepted(entry),
        _ => message(entry),
    }
}

fn fact<'e>(entry: &'e Entry<'_>, name: &str) -> Option<&'e Value<'e>> {
    entry.data.as_ref()?.get(name)
}

fn number<T: TryFrom<i64>>(entry: &Entry<'_>, name: &str) -> Option<T> {
    T::try_from(fact(entry, name)?.as_integer()?).ok()
}

fn object<T: std::str::FromStr>(entry: &Entry<'_>, kind: ObjectType) -> Option<T> {
    let object = entry.object.as_ref()?;
    (object.kind == kind).then(|| object.id.parse().ok())?
}

fn message(entry: &Entry<'_>) -> Option<(EventType, Happening, u64)> {
    let id: domain::id::MessageId = object(entry, ObjectType::Message)?;
    if fact(entry, "still").is_some() {
        return None;
    }
    let said = fact(entry, "message_state").and_then(Value::as_text);
    let state = match (said, entry.kind) {
        (Some(word), _) => word.parse().ok()?,
        (None, Kind::MessageSubmitted) => MessageState::Submitted,
        (None, Kind::MessageFailed) => MessageState::Failed,
        (None, Kind::MessageExpired) => MessageState::Expired,
        (None, Kind::MessageCancelled) => MessageState::Cancelled,
        (None, Kind::MessageUnknown) => MessageState::Unknown,
        (None, _) => return None,
    };
    let error = number(entry, "status").or_else(|| number(entry, "error"));
    let error = error.filter(|_| state == MessageState::Failed);
    let done = fact(entry, "done_date").and_then(Value::as_text);
    let happening = Happening::Message {
        id,
        state,
        error,
        done: done.and_then(|date| DoneDate::parse(date.as_bytes())),
    };
    let told = EventType::of_message(state)?;
    Some((told, happening, id.sequence()))
}

/// Only of a message with a URL of its own: that URL is told.
fn accepted(entry: &Entry<'_>) -> Option<(EventType, Happening, u64)> {
    let id: domain::id::MessageId = object(entry, ObjectType::Message)?;
    fact(entry, "callback")?;
    let happening = Happening::Message {
        id,
        state: MessageState::Accepted,
        error: None,
        done: None,
    };
    Some((EventType::MessageAccepted, happening, id.sequence()))
}

/// Of a long message only the whole is told: a part has no object.
fn inbound(entry: &Entry<'_>) -> Option<(EventType, Happening, u64)> {
    if entry.outcome != Outcome::Done {
        return None;
    }
    let id: domain::id::InboundId = object(entry, ObjectType::Inbound)?;
    let keyword = fact(entry, "keyword").and_then(Value::as_text);
    let keyword = keyword.map(Into::into);
    Some((
        EventType::InboundReceived,
        Happening::Inbound { id, keyword },
        id.sequence(),
    ))
}

/// One by a keyword stands in the line of the message that held it.
fn opt_out(entry: &Entry<'_>, standing: OptOutStanding) -> Option<(EventType, Happening, u64)> {
    let id: domain::id::OptOutId = object(entry, ObjectType::OptOut)?;
    let basis = fact(entry, "basis").and_then(Value::as_text)?.into();
    let told = match standing {
        OptOutStanding::Out => EventType::OptOutRecorded,
        OptOutStanding::Removed => EventType::OptOutRemoved,
    };
    let began = entry.correlation.as_deref();
    let began = began.and_then(|id| id.parse::<domain::id::InboundId>().ok());
    let line = began.map_or_else(|| id.sequence(), domain::id::InboundId::sequence);
    let happening = Happening::OptOut {
        id,
        standing,
        basis,
    };
    Some((told, happening, line))
}

fn verification(entry: &Entry<'_>) -> Option<(EventType, Happening, u64)> {
    let id: domain::id::VerificationId = object(entry, ObjectType::Verification)?;
    let state = match fact(entry, "state").and_then(Value::as_text)? {
        "verified" => State::Verified,
        "failed" => State::Failed,
        "expired" => State::Expired,
        "cancelled" => State::Cancelled,
        _ => return None,
    };
    let happening = Happening::Verification {
        id,
        state,
        checks: number(entry, "checks").unwrap_or(0),
        sends: number(entry, "sends").unwrap_or(0),
    };
    Some((EventType::of_verification(state)?, happening, id.sequence()))
}
