//! What the entries about a message make of it: the events of its segments, in their order, by the
//! domain's own state machine.

use domain::carrier_id::CarrierMessageId;
use domain::id::MessageId;
use domain::message::{
    CarrierName, Event, Outcome as Applied, ReceiptState, Segment, SegmentState, fold,
};
use domain::system_id::SystemId;
use domain::text::Encoding;
use domain::time::Timestamp;
use ledger::{Entry, Kind, Outcome};

use super::fold::{Fold, Unfit, client, object};
use super::reading::Reading;
use crate::ports::shelf::Told;
use crate::rows::{EsmeOrigin, MessageHead, MessageRow, SealedUrl};

impl Fold<'_> {
    /// A message came to be, perhaps with its first dispatch.
    pub(super) fn accepted(&mut self, entry: &Entry<'_>, now: Timestamp) -> Result<(), Unfit> {
        let row = accepted(entry, now).ok_or(Unfit::Form)?;
        self.keep(row)
    }

    /// Something happened to a message. Counted entries are about none.
    pub(super) fn message_moved(&mut self, entry: &Entry<'_>, now: Timestamp) -> Result<(), Unfit> {
        if entry.object.is_none() {
            return Ok(());
        }
        let id: MessageId = object(entry).ok_or(Unfit::Form)?;
        let known = match self.open.remove(&id.sequence()) {
            Some(row) => Some(row),
            None => self.shelf.message(id.sequence())?,
        };
        let mut row = known.filter(|row| row.id == id).ok_or(Unfit::Orphan)?;
        let moved = happened(entry, &mut row.segments, now);
        row.version = row.version.saturating_add(1);
        row.state = fold(&row.segments);
        row.updated = now;
        self.keep(row)?;
        moved
    }

    /// What still moves stays in memory.
    fn keep(&mut self, row: MessageRow) -> Result<(), Unfit> {
        if row.state.is_final() {
            self.shelf.put(Told::Message(Box::new(row)))?;
        } else {
            self.open.insert(row.id.sequence(), row);
        }
        Ok(())
    }
}

fn accepted(entry: &Entry<'_>, now: Timestamp) -> Option<MessageRow> {
    let facts = Reading::of(entry);
    let segments: usize = facts.number("segments")?;
    let mut segments = vec![Segment::default(); segments];
    if let Some(dispatch) = facts.map("dispatch") {
        dispatched(dispatch, &mut segments, now).ok()?;
    }
    Some(MessageRow {
        id: object(entry)?,
        head: MessageHead {
            client: client(entry),
            class: facts.parsed("class")?,
            from: facts.parsed("sender")?,
            encoding: encoding(facts.text("encoding")?)?,
            reference: None,
            campaign: facts.text("campaign").map(Into::into),
            esme: esme(facts),
            callback: facts.text("callback").map(|_| SealedUrl::new(&[])),
        },
        state: fold(&segments),
        version: 1,
        created: now,
        expires: facts.parsed("expires")?,
        updated: now,
        subject: [0; 16],
        segments,
    })
}

/// The ESME that submitted it, when one did.
fn esme(facts: Reading<'_>) -> Option<EsmeOrigin> {
    Some(EsmeOrigin {
        system_id: SystemId::parse(facts.text("system_id")?).ok()?,
        receipts: facts.parsed("receipts")?,
    })
}

fn encoding(name: &str) -> Option<Encoding> {
    let known = [Encoding::Gsm7, Encoding::Ucs2];
    known.into_iter().find(|encoding| encoding.name() == name)
}

/// Gives the segments what the entry says of them.
fn happened(entry: &Entry<'_>, segments: &mut [Segment], now: Timestamp) -> Result<(), Unfit> {
    let facts = Reading::of(entry);
    match (entry.kind, entry.outcome) {
        (Kind::MessageDispatched, Outcome::Accepted) => return dispatched(facts, segments, now),
        (Kind::MessageExpired, _) => every(segments, &Event::Expired, now),
        (Kind::MessageCancelled, _) => every(segments, &Event::Cancelled, now),
        _ => return one(entry, facts, segments, now),
    }
    Ok(())
}

/// Something happened to one segment.
fn one(
    entry: &Entry<'_>,
    facts: Reading<'_>,
    segments: &mut [Segment],
    now: Timestamp,
) -> Result<(), Unfit> {
    let event = event(entry, facts).ok_or(Unfit::Form)?;
    let segment: usize = facts.number("segment").ok_or(Unfit::Form)?;
    let place = segment.checked_sub(1).ok_or(Unfit::Form)?;
    let segment = segments.get_mut(place).ok_or(Unfit::Impossible)?;
    match segment.apply(event, now) {
        Applied::Changed => Ok(()),
        Applied::Ignored => Err(Unfit::Impossible),
    }
}

/// What the entry says of one segment.
fn event(entry: &Entry<'_>, facts: Reading<'_>) -> Option<Event> {
    Some(match (entry.kind, entry.outcome) {
        (Kind::MessageDispatched, Outcome::Failed) => Event::Returned,
        (Kind::MessageDispatched, Outcome::Unknown) => Event::Resent,
        (Kind::MessageSubmitted, _) => {
            let id = facts.text("carrier_id")?;
            Event::Accepted(CarrierMessageId::parse(id.as_bytes()).ok()?)
        }
        (Kind::MessageFailed, _) => Event::Rejected(facts.number("status")?),
        (Kind::MessageUnknown, _) if entry.reason.as_deref() == Some("no-receipt") => {
            Event::ReceiptOverdue
        }
        (Kind::MessageUnknown, _) => Event::Held,
        (Kind::ReceiptReceived, _) => {
            let state = ReceiptState::from_word(facts.text("state")?)?;
            Event::Receipt(state, facts.number("error"))
        }
        _ => return None,
    })
}

/// The first waiting segments from `first` on leave.
fn dispatched(facts: Reading<'_>, segments: &mut [Segment], now: Timestamp) -> Result<(), Unfit> {
    let (count, first, event) = dispatch(facts).ok_or(Unfit::Form)?;
    let waits = |segment: &&mut Segment| segment.state() == SegmentState::Pending;
    let skipped = segments.iter_mut().skip(first.saturating_sub(1));
    let leaving: Vec<&mut Segment> = skipped.filter(waits).take(count).collect();
    if leaving.len() != count {
        return Err(Unfit::Impossible);
    }
    for segment in leaving {
        segment.apply(event.clone(), now);
    }
    Ok(())
}

fn dispatch(facts: Reading<'_>) -> Option<(usize, usize, Event)> {
    let event = Event::Dispatched {
        carrier: CarrierName::new(facts.text("carrier")?),
        bind: facts.number("bind")?,
    };
    Some((facts.number("segments")?, facts.number("first")?, event))
}

fn every(segments: &mut [Segment], event: &Event, now: Timestamp) {
    for segment in segments {
        segment.apply(event.clone(), now);
    }
}
