//! Dispatch: which segments go over which bind now. The dispatch of a segment is in a commit before
//! any octet of it reaches a socket, so that after a crash it is known exactly what may have left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::class::TrafficClass;
use domain::limit::fair::{Front, Turn};
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
use crate::state::binds::Claim;
use crate::state::queue::{Line, Ticket};
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
        line: Line {
            code: open.from,
            class: open.class,
            owner: open.client,
        },
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
            message: self.id,
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
        let claim = match open.class {
            TrafficClass::Marketing => Claim::Backlog,
            _ => Claim::Whole,
        };
        let planned = self.assign(settings, open, claim, now)?;
        let segments = u32::from(planned.entry().segments);
        self.queue.went(open.from, open.class, segments);
        Some(planned)
    }

    fn assign(
        &mut self,
        settings: &Settings,
        open: &mut Open,
        claim: Claim,
        now: Timestamp,
    ) -> Option<Planned> {
        let wanted = (open.from, open.pending());
        let (bind, count) = self.room(settings, wanted, claim, now)?;
        let planned = open.dispatch(bind, count, now);
        let count = planned.entry().segments;
        self.take(settings, open.from, &planned, now);
        self.counters
            .add(Counter::Segments("dispatched"), u64::from(count));
        Some(planned)
    }

    /// When it is worth looking again: at once when the budget was spent, else when pace allows.
    fn next_round(&self, plan: &Plan<'_>) -> Timestamp {
        if plan.is_spent() {
            return plan.now;
        }
        let shut = plan.shut.iter();
        let room = shut.filter_map(|(code, claim)| self.next_room(plan.settings, *code, *claim));
        let latest = plan.now.saturating_add(LOOK_AGAIN);
        room.min().map_or(latest, |next| next.min(latest))
    }

    /// Gives turns until the budget of the round is spent or nothing can go.
    fn give_turns(&mut self, plan: &mut Plan<'_>) {
        let mut turns = self.queue.take_turns();
        while let Some((code, class)) =
            turns.next(|code, class, turn| self.turn_of_code(plan, (code, class), turn))
        {
            turns.wait(code, class, self.queue.weight(code, class));
        }
        self.queue.return_turns(turns);
    }

    /// A short code has the turn: gives it on to a client of its own.
    fn turn_of_code(
        &mut self,
        plan: &mut Plan<'_>,
        (code, class): (ShortCode, TrafficClass),
        turn: Turn,
    ) -> Front {
        if plan.is_spent() {
            return Front::Shut;
        }
        if plan.is_shut(code, Claim::Whole) {
            return Front::Blocked;
        }
        let mut share = self.queue.take_share(code, class);
        let went = share.next(|owner| self.turn_of_line(plan, Line { code, class, owner }, turn));
        let segments = went.map(|(_, segments)| segments);
        self.queue.return_share((code, class), share, segments)
    }

    /// A client has the turn under a short code: sends the first of its messages that may still go.
    fn turn_of_line(&mut self, plan: &mut Plan<'_>, line: Line, turn: Turn) -> Front {
        while let Some(sequence) = self.queue.front(line) {
            if plan.is_spent() {
                return Front::Shut;
            }
            let claim = self.claim(line, turn);
            if plan.is_shut(line.code, claim) {
                return Front::Blocked;
            }
            let Some(mut open) = self.messages.remove(&sequence) else {
                self.queue.pop(line, sequence);
                continue;
            };
            let answer = self.send(plan, &mut open, claim);
            if !open.has_pending() {
                self.queue.leave(ticket(&open));
                self.queue.pop(line, sequence);
            }
            self.messages.insert(sequence, open);
            self.settle(sequence);
            if let Some(answer) = answer {
                return answer;
            }
        }
        Front::Empty
    }

    /// What a line may claim of the pace. One that was passed too often may claim all, as it would
    /// otherwise never get its turn while others leave just what is kept.
    fn claim(&self, line: Line, turn: Turn) -> Claim {
        if turn == Turn::Owed || self.queue.is_alone(line) {
            Claim::Whole
        } else {
            Claim::Backlog
        }
    }

    /// Sends what it can of a message. `None` when the next one has its turn instead.
    fn send(&mut self, plan: &mut Plan<'_>, open: &mut Open, claim: Claim) -> Option<Front> {
        let now = plan.now;
        if !open.has_pending() {
            return None;
        }
        // Without its text a message cannot be sent; it must not hold up those behind it.
        if open.expires <= now || open.body.is_none() {
            expire(self, open, &mut plan.batch, now);
            plan.segments += 1;
            return None;
        }
        let Some(planned) = self.assign(plan.settings, open, claim, now) else {
            plan.shut(open.from, claim);
            return Some(match claim {
                Claim::Whole => Front::Shut,
                Claim::Backlog => Front::Blocked,
            });
        };
        let draft = entries::dispatched(open, &planned.entry(), planned.first());
        plan.batch.fact(draft, open);
        let segments = u32::from(planned.entry().segments);
        plan.add(planned);
        Some(Front::Ready(segments))
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
struct Plan<'s> {
    settings: &'s Settings,
    now: Timestamp,
    batch: Batch,
    binds: BTreeMap<BindId, Vec<Submission>>,
    segments: usize,
    /// Short codes without room in this round, and for which claim.
    shut: BTreeMap<ShortCode, Claim>,
}

impl<'s> Plan<'s> {
    fn new(settings: &'s Settings, now: Timestamp) -> Self {
        Self {
            settings,
            now,
            batch: Batch::new(now),
            binds: BTreeMap::new(),
            segments: 0,
            shut: BTreeMap::new(),
        }
    }

    fn add(&mut self, planned: Planned) {
        self.segments += planned.segments.len();
        self.binds
            .entry(planned.bind)
            .or_default()
            .extend(planned.segments);
    }

    fn is_spent(&self) -> bool {
        self.segments >= self.settings.bounds.dispatch_batch_max
    }

    /// Whether there was no room for such a claim before in this round.
    fn is_shut(&self, code: ShortCode, claim: Claim) -> bool {
        self.shut.get(&code).is_some_and(|shut| claim <= *shut)
    }

    fn shut(&mut self, code: ShortCode, claim: Claim) {
        let shut = self.shut.entry(code).or_insert(claim);
        *shut = claim.max(*shut);
    }
}

/// How long the dispatcher sleeps at most.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Gateway {
    /// Dispatches what may go now, most urgent class first and each client in turn. Gives how long to
    /// wait before the next round if nothing else happens.
    pub fn dispatch(&self) -> Duration {
        let now = self.now();
        let settings = self.settings();
        let mut plan = Plan::new(&settings, now);
        let mut state = self.state();
        if !self.is_open() {
            return LOOK_AGAIN;
        }
        state.give_turns(&mut plan);
        let next = state.next_round(&plan);
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
