//! One segment of a message: the facts known of it and how each new fact moves it. Facts may come in
//! any order and more than once; a fact that says nothing new changes nothing.

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::carrier_id::CarrierMessageId;
use crate::time::Timestamp;

/// The configured name of a carrier, such as `primary`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CarrierName(Arc<str>);

impl CarrierName {
    /// Takes a name as configured; the configuration checks its form.
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The name as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CarrierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for CarrierName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where one segment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentState {
    /// Waiting to be sent.
    #[default]
    Pending,
    /// Its dispatch is committed; it may have left.
    Dispatched,
    /// The carrier answered with its id.
    Submitted,
    /// A receipt says that it arrived.
    Delivered,
    /// Refused for good.
    Failed,
    /// Its validity ended first.
    Expired,
    /// Taken back before it left.
    Cancelled,
    /// It may have arrived; nobody will tell.
    Unknown,
}

/// What a delivery receipt says (SMPP 3.4 §5.2.28 `message_state`, reduced to what matters here).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReceiptState {
    /// On its way (ENROUTE, ACCEPTD, SCHEDULED): nothing is decided.
    Enroute,
    /// DELIVRD.
    Delivered,
    /// EXPIRED at the carrier.
    Expired,
    /// UNDELIV, REJECTD, DELETED.
    Failed,
    /// UNKNOWN: the carrier does not know either.
    Unknown,
}

impl ReceiptState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Enroute,
        Self::Delivered,
        Self::Expired,
        Self::Failed,
        Self::Unknown,
    ];

    /// The state of a word of the ledger.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// The word used in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enroute => "enroute",
            Self::Delivered => "delivered",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A new fact about a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its dispatch goes into a commit, towards this bind of this carrier.
    Dispatched {
        /// The carrier.
        carrier: CarrierName,
        /// The bind's place among the carrier's binds.
        bind: u16,
    },
    /// The carrier took it under this id.
    Accepted(CarrierMessageId),
    /// The carrier refused it for good with this SMPP `command_status`.
    Rejected(u32),
    /// The carrier could not take it now; it certainly did not go.
    Returned,
    /// No answer will come; it may have gone. Send it again.
    Resent,
    /// No answer will come; it may have gone. Do not send it again.
    Held,
    /// A delivery receipt, with the network's error number when it gave one.
    Receipt(ReceiptState, Option<u32>),
    /// Its validity ended before it could be sent.
    Expired,
    /// Its sender took it back.
    Cancelled,
    /// No receipt came in the time that one may take.
    ReceiptOverdue,
}

/// What a fact did to a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The segment changed: commit it.
    Changed,
    /// Nothing new (a repeated, late or impossible fact).
    Ignored,
}

/// The facts of one segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    #[serde(rename = "s")]
    state: SegmentState,
    #[serde(rename = "n", default, skip_serializing_if = "is_zero")]
    attempts: u16,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    carrier: Option<CarrierName>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    bind: Option<u16>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    changed: Option<Timestamp>,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    carrier_id: Option<CarrierMessageId>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    error: Option<u32>,
    #[serde(rename = "d", default, skip_serializing_if = "is_false")]
    doubtful: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u16) -> bool {
    *number == 0
}

impl Segment {
    /// A segment of which nothing is known but its state (for stored rows and tests).
    pub fn in_state(state: SegmentState) -> Self {
        Self {
            state,
            ..Self::default()
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> SegmentState {
        self.state
    }

    /// How many times its dispatch was committed.
    pub const fn attempts(&self) -> u16 {
        self.attempts
    }

    /// The carrier of its latest dispatch.
    pub const fn carrier(&self) -> Option<&CarrierName> {
        self.carrier.as_ref()
    }

    /// The bind of its latest dispatch.
    pub const fn bind(&self) -> Option<u16> {
        self.bind
    }

    /// The carrier's id of it.
    pub const fn carrier_id(&self) -> Option<&CarrierMessageId> {
        self.carrier_id.as_ref()
    }

    /// When it last changed.
    pub const fn changed(&self) -> Option<Timestamp> {
        self.changed
    }

    /// The carrier's `command_status` or the network's error of a failure.
    pub const fn error(&self) -> Option<u32> {
        self.error
    }

    /// Whether it may have left although it waits: an earlier dispatch of it had no answer.
    pub const fn may_have_left(&self) -> bool {
        self.doubtful
    }

    /// Takes in one fact. Ignored facts leave everything as it was.
    pub fn apply(&mut self, event: Event, now: Timestamp) -> Outcome {
        let Some(next) = self.next(&event) else {
            return Outcome::Ignored;
        };
        self.state = next;
        self.changed = Some(now);
        match event {
            Event::Dispatched { carrier, bind } => {
                self.attempts = self.attempts.saturating_add(1);
                self.carrier = Some(carrier);
                self.bind = Some(bind);
            }
            Event::Accepted(id) => self.carrier_id = Some(id),
            Event::Resent => self.doubtful = true,
            Event::Rejected(status) => self.error = Some(status),
            Event::Receipt(_, error) => self.error = error,
            _ => {}
        }
        Outcome::Changed
    }

    /// The state that a fact leads to, or `None` when it says nothing new.
    fn next(&self, event: &Event) -> Option<SegmentState> {
        use SegmentState as S;
        match (self.state, event) {
            (S::Pending, Event::Dispatched { .. }) => Some(S::Dispatched),
            // An answer may still come after a hold: it settles what was unknown.
            (S::Dispatched | S::Unknown, Event::Accepted(_)) => Some(S::Submitted),
            (S::Dispatched | S::Unknown, Event::Rejected(_)) => Some(S::Failed),
            (S::Dispatched, Event::Returned | Event::Resent) => Some(S::Pending),
            (S::Dispatched, Event::Held) | (S::Submitted, Event::ReceiptOverdue) => {
                Some(S::Unknown)
            }
            (S::Pending, Event::Expired) => Some(S::Expired),
            // What may have left cannot be taken back.
            (S::Pending, Event::Cancelled) if !self.doubtful => Some(S::Cancelled),
            // The first final receipt wins; only "unknown" can still be settled by a later one.
            (S::Dispatched | S::Submitted | S::Unknown, Event::Receipt(state, _)) => match state {
                ReceiptState::Enroute => None,
                ReceiptState::Delivered => Some(S::Delivered),
                ReceiptState::Expired => Some(S::Expired),
                ReceiptState::Failed => Some(S::Failed),
                ReceiptState::Unknown if self.state == S::Unknown => None,
                ReceiptState::Unknown => Some(S::Unknown),
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn id() -> CarrierMessageId {
        CarrierMessageId::parse(b"0A1B2C3D").unwrap()
    }
    fn dispatched() -> Event {
        Event::Dispatched {
            carrier: CarrierName::new("primary"),
            bind: 0,
        }
    }
    fn delivered() -> Event {
        Event::Receipt(ReceiptState::Delivered, None)
    }
    fn after(events: &[Event]) -> SegmentState {
        let mut segment = Segment::default();
        for event in events {
            segment.apply(event.clone(), NOW);
        }
        segment.state()
    }

    #[test]
    fn receipts_may_come_early_twice_or_backwards() {
        let accepted = Event::Accepted(id());
        let failed = Event::Receipt(ReceiptState::Failed, Some(1));
        let enroute = Event::Receipt(ReceiptState::Enroute, None);
        let check = |events: &[Event], state| assert_eq!(after(events), state, "{events:?}");
        check(
            &[dispatched(), accepted.clone(), delivered()],
            SegmentState::Delivered,
        );
        check(
            &[dispatched(), delivered(), accepted.clone()],
            SegmentState::Delivered,
        );
        check(
            &[dispatched(), accepted.clone(), delivered(), delivered()],
            SegmentState::Delivered,
        );
        check(
            &[dispatched(), accepted.clone(), delivered(), failed.clone()],
            SegmentState::Delivered,
        );
        check(
            &[dispatched(), accepted.clone(), failed, delivered()],
            SegmentState::Failed,
        );
        check(
            &[dispatched(), accepted, delivered(), enroute],
            SegmentState::Delivered,
        );
    }

    #[test]
    fn a_segment_that_never_left_cannot_be_delivered() {
        assert_eq!(after(&[delivered()]), SegmentState::Pending);
        assert_eq!(after(&[Event::Accepted(id())]), SegmentState::Pending);
    }

    #[test]
    fn unknown_is_settled_by_a_late_receipt_and_by_nothing_else() {
        let held = [dispatched(), Event::Held];
        assert_eq!(after(&held), SegmentState::Unknown);
        assert_eq!(
            after(&[&held[..], &[delivered()]].concat()),
            SegmentState::Delivered
        );
        assert_eq!(
            after(&[&held[..], &[dispatched()]].concat()),
            SegmentState::Unknown
        );
    }

    #[test]
    fn a_dispatched_segment_can_neither_be_cancelled_nor_expire_unseen() {
        for event in [Event::Cancelled, Event::Expired] {
            assert_eq!(after(&[dispatched(), event]), SegmentState::Dispatched);
        }
    }

    #[test]
    fn a_segment_that_may_have_left_cannot_be_taken_back() {
        let resent = [dispatched(), Event::Resent];
        let returned = [dispatched(), Event::Returned];
        let cancelled = |before: &[Event]| after(&[before, &[Event::Cancelled]].concat());
        assert_eq!(cancelled(&resent), SegmentState::Pending);
        assert_eq!(cancelled(&returned), SegmentState::Cancelled);
    }

    #[test]
    fn attempts_count_dispatches_and_survive_storage() {
        let mut segment = Segment::default();
        for event in [
            dispatched(),
            Event::Resent,
            dispatched(),
            Event::Accepted(id()),
        ] {
            assert_eq!(segment.apply(event, NOW), Outcome::Changed);
        }
        assert_eq!(segment.attempts(), 2);
        assert_eq!(segment.carrier_id(), Some(&id()));
    }
}
