//! What the engine keeps in memory: everything that is still moving. It is changed under one lock in
//! the order in which commits are queued, so that the durable state is always a beginning of it; it
//! can be rebuilt from the store at any time.

use std::collections::{BTreeMap, HashMap};

use domain::class::TrafficClass;
use domain::id::{ClientId, MessageId};
use domain::message::{Event, MessageState, Outcome, Segment, SegmentState, fold};
use domain::msisdn::Msisdn;
use domain::pace::Pacer;
use domain::reassembly::{Limits, Reassembly};
use domain::sender::ShortCode;
use domain::text::segment::{ReferenceWidth, Segmented};
use domain::time::Timestamp;

use crate::coalesce::Coalescer;
use crate::crowd::Crowd;
use crate::keys::Blind;
use crate::metrics::Counters;
use crate::ports::carrier::BindId;
use crate::rows::{MessageHead, MessageUpdate, OptOutRow};
use crate::settings::Bounds;

pub(crate) mod binds;
pub(crate) mod carrier_ids;
pub(crate) mod idempotency;
pub(crate) mod queue;
pub(crate) mod share;
pub(crate) mod unmatched;
pub(crate) mod verifications;

/// A message that is still moving.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) id: MessageId,
    pub(crate) client: Option<ClientId>,
    pub(crate) class: TrafficClass,
    pub(crate) from: ShortCode,
    /// `None` once it is erased: then nothing of it is sent any more, but receipts still count.
    pub(crate) to: Option<Msisdn>,
    pub(crate) expires: Timestamp,
    pub(crate) version: u32,
    pub(crate) state: MessageState,
    pub(crate) segments: Vec<Segment>,
    /// The text as segments, until the carrier has taken every one.
    pub(crate) body: Option<Segmented>,
    /// For which width of reference it was cut.
    pub(crate) width: ReferenceWidth,
    /// How often the carrier's queue was full for it.
    pub(crate) queue_full: u16,
    /// Whether its carrier ids made room: receipts then find it through the store's index.
    pub(crate) spilled: bool,
}

impl Open {
    /// A message that is about to be accepted.
    pub(crate) fn new(
        id: MessageId,
        head: &MessageHead,
        to: Msisdn,
        body: Segmented,
        width: ReferenceWidth,
        expires: Timestamp,
    ) -> Self {
        Self {
            id,
            client: head.client,
            class: head.class,
            from: head.from,
            to: Some(to),
            expires,
            version: 1,
            state: MessageState::Accepted,
            segments: vec![Segment::default(); body.segments.len()],
            body: Some(body),
            width,
            queue_full: 0,
            spilled: false,
        }
    }

    /// Takes in one fact of one segment.
    pub(crate) fn apply(&mut self, segment: u8, event: Event, now: Timestamp) -> Outcome {
        let outcome = match self.segments.get_mut(usize::from(segment)) {
            Some(segment) => segment.apply(event, now),
            None => Outcome::Ignored,
        };
        self.state = fold(&self.segments);
        outcome
    }

    /// Takes in one fact of every segment.
    pub(crate) fn apply_all(&mut self, event: &Event, now: Timestamp) {
        for segment in &mut self.segments {
            segment.apply(event.clone(), now);
        }
        self.state = fold(&self.segments);
    }

    /// Whether a segment waits to be sent or for its answer.
    pub(crate) fn moves(&self) -> bool {
        let moves = |segment: &Segment| {
            matches!(
                segment.state(),
                SegmentState::Pending | SegmentState::Dispatched
            )
        };
        !self.state.is_final() && self.segments.iter().any(moves)
    }

    /// The write that makes its present facts durable.
    pub(crate) fn update(&mut self, now: Timestamp) -> MessageUpdate {
        self.version = self.version.saturating_add(1);
        MessageUpdate {
            sequence: self.id.sequence(),
            version: self.version,
            state: self.state,
            updated: now,
            segments: self.segments.clone(),
        }
    }
}

/// Whether new key-encryption keys are in a commit that is not durable yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// None is.
    AtHand,
    /// Some are: no others are made meanwhile.
    OnTheirWay,
}

/// Long messages that one handset may have waiting, and octets a message takes at most.
const PARTS_PER_SENDER_MAX: usize = 4;
const PARTS_MAX: u8 = 20;
const PART_OCTETS: usize = 140;

fn part_limits(bounds: &Bounds) -> Limits {
    Limits {
        buffers_max: bounds.reassembly_max,
        per_sender_max: PARTS_PER_SENDER_MAX,
        parts_max: PARTS_MAX,
        octets_max: bounds.reassembly_max * usize::from(PARTS_MAX) * PART_OCTETS,
        age_max: bounds.reassembly_keep,
    }
}

/// Everything that is still moving.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) messages: HashMap<u64, Open>,
    pub(crate) queue: queue::Queue,
    pub(crate) binds: BTreeMap<BindId, binds::Bind>,
    pub(crate) codes: BTreeMap<ShortCode, Pacer>,
    pub(crate) carrier_ids: carrier_ids::CarrierIds,
    pub(crate) opt_outs: HashMap<(ShortCode, Blind), OptOutRow>,
    pub(crate) idempotency: idempotency::Records,
    pub(crate) unmatched: unmatched::Unmatched,
    pub(crate) crowd: Crowd,
    pub(crate) parts: Reassembly,
    pub(crate) verifications: verifications::Verifications,
    pub(crate) budgets: verifications::Budgets,
    pub(crate) coalescer: Coalescer,
    pub(crate) keys: Keys,
    pub(crate) counters: Counters,
}

impl State {
    /// Nothing is moving yet.
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self {
            messages: HashMap::new(),
            queue: queue::Queue::default(),
            binds: BTreeMap::new(),
            codes: BTreeMap::new(),
            carrier_ids: carrier_ids::CarrierIds::new(bounds.receipts_pending_max),
            opt_outs: HashMap::new(),
            idempotency: idempotency::Records::new(bounds.idempotency_max),
            unmatched: unmatched::Unmatched::new(bounds.receipts_unmatched_max),
            crowd: Crowd::default(),
            parts: Reassembly::new(part_limits(bounds)),
            verifications: verifications::Verifications::default(),
            budgets: verifications::Budgets::default(),
            coalescer: Coalescer::new(bounds.refusal_keys_max),
            keys: Keys::AtHand,
            counters: Counters::default(),
        }
    }

    /// Takes other bounds. What is kept stays, also where it is more than may be kept from now on.
    pub(crate) fn bound(&mut self, bounds: &Bounds) {
        self.carrier_ids.bound(bounds.receipts_pending_max);
        self.idempotency.bound(bounds.idempotency_max);
        self.unmatched.bound(bounds.receipts_unmatched_max);
        self.parts.bound(part_limits(bounds));
        self.coalescer.bound(bounds.refusal_keys_max);
    }

    /// Forgets a message that is final, and one that only waits for receipts which the store's index
    /// will match. One that ended `unknown` stays while a late receipt can be matched to it here.
    pub(crate) fn settle(&mut self, sequence: u64) {
        let Some(open) = self.messages.get(&sequence) else {
            return;
        };
        let late = open.state == MessageState::Unknown
            && open
                .segments
                .iter()
                .any(|segment| segment.carrier_id().is_some());
        let is_over = open.state.is_final() && !late;
        if is_over || (open.spilled && !open.moves()) {
            // Segments that were never sent may still wait in a line.
            self.queue.leave(crate::dispatch::ticket(open));
            self.messages.remove(&sequence);
        }
    }
}
