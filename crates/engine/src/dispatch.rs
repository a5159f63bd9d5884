//! Dispatch: which segments go over which bind now. The dispatch of a segment is in a commit before
//! any octet of it reaches a socket, so that after a crash it is known exactly what may have left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::class::TrafficClass;
use domain::message::{Event, SegmentState};
use domain::sender::ShortCode;
use domain::time::Timestamp;

use crate::batch::Batch;
use crate::entries::{self, Dispatch};
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::ports::carrier::{BindId, Submission, Token};
use crate::ports::store::{CommitError, Committed};
use crate::settings::Settings;
use crate::state::queue::Ticket;
use crate::state::{Open, State};

/// Segments whose dispatch is in a commit, to be sent once it is durable.
pub(crate) struct Planned {
    pub(crate) bind: BindId,
    pub(crate) segments: Vec<Submission>,
}

impl Planned {
    /// What the entry says of it.
    pub(crate) fn entry(&self) -> Dispatch<'_> {
        let segments = u16::try_from(self.segments.len()).unwrap_or(u16::MAX);
        Dispatch {
            bind: &self.bind,
            segments,
        }
    }

    fn first(&self) -> u16 {
        self.segments
            .first()
            .map_or(1, |segment| u16::from(segment.token.segment) + 1)
    }
}

/// What the queue needs to know of a message.
pub(crate) fn ticket(open: &Open) -> Ticket {
    Ticket {
        sequence: open.id.sequence(),
        code: open.from,
        class: open.class,
        expires: open.expires,
    }
}

impl Open {
    /// Whether a segment waits to be sent.
    pub(crate) fn has_pending(&self) -> bool {
        !self.state.is_final() && self.pending() > 0
    }

    fn pending(&self) -> u16 {
        let waits = |segment: &&domain::message::Segment| segment.state() == SegmentState::Pending;
        u16::try_from(self.segments.iter().filter(waits).count()).unwrap_or(u16::MAX)
    }

    /// Marks up to `count` waiting segments as dispatched over a bind.
    fn dispatch(&mut self, bind: BindId, count: u16, now: Timestamp) -> Planned {
        let mut segments = Vec::with_capacity(usize::from(count));
        for place in 0..u8::try_from(self.segments.len()).unwrap_or(u8::MAX) {
            if segments.len() >= usize::from(count) {
                break;
            }
            segments.extend(self.dispatch_segment(&bind, place, now));
        }
        self.state = domain::message::fold(&self.segments);
        Planned { bind, segments }
    }

    fn dispatch_segment(&mut self, bind: &BindId, place: u8, now: Timestamp) -> Option<Submission> {
        let (to, text) = (self.to?, self.body.as_ref()?);
        let body = text.segments.get(usize::from(place))?;
        let facts = self.segments.get_mut(usize::from(place))?;
        if facts.state() != SegmentState::Pending {
            return None;
        }
        let event = Event::Dispatched {
            carrier: bind.carrier.clone(),
            bind: bind.index,
        };
        facts.apply(event, now);
        // Two texts to one handset within minutes must differ in their reference.
        let [.., high, low] = self.id.to_bytes();
        let udh = body.header(u16::from_be_bytes([high, low]), self.width);
        let left = self.expires.since(now).as_secs().max(1);
        Some(Submission {
            token: Token {
                message: self.id.sequence(),
                segment: place,
                attempt: facts.attempts(),
            },
            source: self.from,
            to,
            data_coding: text.encoding.data_coding(),
            udh: udh.map(|udh| udh.as_octets().to_vec()).unwrap_or_default(),
            payload: Arc::from(body.reveal()),
            validity_seconds: u32::try_from(left).unwrap_or(u32::MAX),
            priority: self.class.priority_flag(),
        })
    }
}

impl State {
    /// Dispatches a message that is being accepted, when nothing waits before it and there is room.
    pub(crate) fn join(
        &mut self,
        settings: &Settings,
        open: &mut Open,
        now: Timestamp,
    ) -> Option<Planned> {
        if !self.queue.is_clear(open.from, open.class) {
            return None;
        }
        self.assign(settings, open, now)
    }

    fn assign(&mut self, settings: &Settings, open: &mut Open, now: Timestamp) -> Option<Planned> {
        let (bind, count) = self.room(settings, open.from, open.pending(), now)?;
        let planned = open.dispatch(bind, count, now);
        let count = planned.entry().segments;
        self.take(settings, open.from, &planned, now);
        self.counters
            .add(Counter::Segments("dispatched"), u64::from(count));
        Some(planned)
    }

    /// Takes the messages of one line in turn as far as there is room and budget. Gives the moment
    /// at which it is worth looking again when pace is what stops it.
    fn drain_line(
        &mut self,
        settings: &Settings,
        line: (ShortCode, TrafficClass),
        plan: &mut Plan,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let (code, class) = line;
        while plan.segments < plan.most {
            let sequence = self.queue.front(code, class)?;
            let Some(mut open) = self.messages.remove(&sequence) else {
                self.queue.pop(code, class);
                continue;
            };
            let waits = open.has_pending() && self.queue.holds(ticket(&open));
            let assigned = match waits {
                // Without its text a message cannot be sent; it must not hold up those behind it.
                true if open.expires <= now || open.body.is_none() => {
                    expire(self, &mut open, &mut plan.batch, now);
                    None
                }
                true => self.assign(settings, &mut open, now),
                false => None,
            };
            let stuck = waits && assigned.is_none() && !open.state.is_final();
            if let Some(planned) = assigned {
                let draft = entries::dispatched(&open, &planned.entry(), planned.first());
                plan.batch.fact(draft, &mut open);
                plan.add(planned);
            }
            if !waits || !open.has_pending() {
                self.queue.leave(ticket(&open));
                self.queue.pop(code, class);
            }
            self.messages.insert(sequence, open);
            self.settle(sequence);
            if stuck {
                return self.next_room(settings, code);
            }
        }
        Some(now)
    }
}

/// Ends a message that was never sent and may not be sent any more.
pub(crate) fn expire(state: &mut State, open: &mut Open, batch: &mut Batch, now: Timestamp) {
    open.apply_all(&Event::Expired, now);
    batch.fact(entries::expired(open), open);
    state.queue.leave(ticket(open));
    state.counters.add(Counter::Settled("expired"), 1);
}

/// One round of the dispatcher.
struct Plan {
    batch: Batch,
    binds: BTreeMap<BindId, Vec<Submission>>,
    segments: usize,
    most: usize,
}

impl Plan {
    fn add(&mut self, planned: Planned) {
        self.segments += planned.segments.len();
        self.binds
            .entry(planned.bind)
            .or_default()
            .extend(planned.segments);
    }
}

/// How long the dispatcher sleeps at most.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Gateway {
    /// Dispatches what may go now, most urgent class first. Gives how long to wait before the next
    /// round if nothing else happens.
    pub fn dispatch(&self) -> Duration {
        let now = self.now();
        let settings = self.settings();
        let most = settings.bounds.dispatch_batch_max;
        let mut plan = Plan {
            batch: Batch::new(now),
            binds: BTreeMap::new(),
            segments: 0,
            most,
        };
        let mut next = now.saturating_add(LOOK_AGAIN);
        let mut state = self.state();
        if !self.is_open() {
            return LOOK_AGAIN;
        }
        for class in TrafficClass::ALL {
            for code in state.queue.codes(class) {
                let look = state.drain_line(&settings, (code, class), &mut plan, now);
                next = next.min(look.unwrap_or(next));
            }
        }
        let Plan { batch, binds, .. } = plan;
        if let Some(changes) = batch.finish() {
            let planned = |(bind, segments)| Planned { bind, segments };
            let planned: Vec<Planned> = binds.into_iter().map(planned).collect();
            self.commit(changes, move |gateway, result| {
                gateway.conclude(planned, result);
            });
        }
        next.since(now)
    }

    /// Hands over segments whose dispatch is durable. Those whose dispatch is not never leave, and
    /// nobody will answer them: their places in the windows are free again.
    pub(crate) fn conclude(
        &self,
        planned: impl IntoIterator<Item = Planned>,
        result: Result<Committed, CommitError>,
    ) {
        for Planned { bind, segments } in planned {
            if result.is_ok() {
                self.carriers.submit(&bind, segments);
            } else if let Some(bind) = self.state().binds.get_mut(&bind) {
                for segment in &segments {
                    bind.open.remove(&segment.token);
                }
            }
        }
    }

    /// Ends waiting messages whose validity is over. Gives how many.
    pub fn expire(&self) -> usize {
        let now = self.now();
        let mut batch = Batch::new(now);
        let mut state = self.state();
        for sequence in state.queue.expired(now, EXPIRE_BATCH) {
            let Some(mut open) = state.messages.remove(&sequence) else {
                continue;
            };
            expire(&mut state, &mut open, &mut batch, now);
            state.messages.insert(sequence, open);
            state.settle(sequence);
        }
        let count = batch.len();
        if let Some(changes) = batch.finish() {
            self.commit(changes, |_, _| {});
        }
        count
    }
}

/// Messages that expire in one commit.
const EXPIRE_BATCH: usize = 1_000;
