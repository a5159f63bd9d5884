//! What carriers answer to submissions: `submit_sm_resp`, its refusals, and silence. Each answer is a
//! fact of one segment; a batch of answers is one commit.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use domain::class::TrafficClass;
use domain::message::{AmbiguityPolicy, CarrierName, Event, Outcome as Applied, SegmentState};
use domain::time::Timestamp;
use ledger::Outcome;
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::dispatch::ticket;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::ports::carrier::{Answer, BindId, Token, Verdict};
use crate::ports::store::CarrierIdRow;
use crate::settings::{CarrierSettings, Settings, Unit};
use crate::state::carrier_ids::SegmentRef;
use crate::state::queue::{Place, Ticket};
use crate::state::{Open, State};

/// How long a bind rests after a temporary failure of the carrier.
const LATER_PAUSE: Duration = Duration::from_secs(1);

impl Gateway {
    /// Takes in answers, in the order in which they came.
    pub(crate) fn take_answers(&self, bind: &BindId, answers: Vec<(Token, Answer)>) {
        let mut state = self.state();
        if let Some(bind) = state.binds.get_mut(bind) {
            for (token, _) in &answers {
                bind.open.remove(token);
            }
        }
        self.take_in(state, bind, answers, |_| {});
    }

    /// Takes in what is told of segments by another way than their bind, for which they stay on their way until it
    /// answers too. Gives what to answer once it is durable.
    pub(crate) async fn take_told(&self, bind: &BindId, told: Vec<(Token, Answer)>) -> Verdict {
        let (done, durable) = oneshot::channel();
        self.take_in(self.state(), bind, told, move |verdict| {
            let _ = done.send(verdict);
        });
        durable.await.unwrap_or(Verdict::Again)
    }

    fn take_in(
        &self,
        mut state: MutexGuard<'_, State>,
        bind: &BindId,
        answers: Vec<(Token, Answer)>,
        done: impl FnOnce(Verdict) + Send + 'static,
    ) {
        let now = self.now();
        let settings = self.settings();
        let mut round = Round {
            settings,
            bind,
            batch: Batch::new(now),
            now,
            spilled: Vec::new(),
            front: Vec::new(),
            full: None,
        };
        for (token, answer) in answers {
            round.answer(&mut state, token, answer);
        }
        round.requeue_front(&mut state);
        let Round { batch, spilled, .. } = round;
        match batch.finish() {
            Some(changes) => self.commit(changes.soon(), move |_, result| {
                done(result.map_or(Verdict::Again, |_| Verdict::Taken));
            }),
            None => done(Verdict::Taken),
        }
        let waits = !state.queue.is_empty();
        drop(state);
        if !spilled.is_empty() {
            self.store.index_carrier_ids(spilled);
        }
        // A dispatcher woken for nothing costs more than this answer did.
        if waits {
            self.wake.notify_one();
        }
    }
}

/// One batch of answers from one bind.
struct Round<'a> {
    settings: Arc<Settings>,
    bind: &'a BindId,
    batch: Batch,
    now: Timestamp,
    spilled: Vec<CarrierIdRow>,
    /// What goes back to the front of its line, in order.
    front: Vec<Ticket>,
    /// The last message that met a full queue.
    full: Option<u64>,
}

impl Round<'_> {
    fn answer(&mut self, state: &mut State, token: Token, answer: Answer) {
        let Some(mut open) = state.messages.remove(&token.message) else {
            return;
        };
        let attempts = open
            .segments
            .get(usize::from(token.segment))
            .map(domain::message::Segment::attempts);
        // An answer to an earlier dispatch says nothing about this one, unless the carrier took it.
        if attempts == Some(token.attempt) || matches!(answer, Answer::Accepted(_)) {
            self.apply(state, &mut open, token.segment, answer);
        }
        self.requeue(state, &open);
        state.messages.insert(token.message, open);
        state.settle(token.message);
    }

    fn apply(&mut self, state: &mut State, open: &mut Open, segment: u8, answer: Answer) {
        match answer {
            Answer::Accepted(id) => self.accepted(state, open, segment, &id),
            Answer::Rejected(status) => self.rejected(state, open, segment, status),
            Answer::Throttled(_) => self.throttled(state, open, segment, Duration::ZERO),
            Answer::ThrottledFor(_, wait) => self.throttled(state, open, segment, wait),
            Answer::QueueFull(status) => self.queue_full(state, open, segment, status),
            Answer::Later(_) => {
                self.pause(state);
                self.returned(state, open, segment, "carrier-busy");
            }
            Answer::NotSent => self.returned(state, open, segment, "not-sent"),
            Answer::Silence => self.silence(state, open, segment),
        }
    }

    fn accepted(&mut self, state: &mut State, open: &mut Open, segment: u8, id: &CarrierMessageId) {
        let carrier = &self.bind.carrier;
        let before = open.state;
        if open.apply(segment, Event::Accepted(id.clone()), self.now) == Applied::Ignored {
            return;
        }
        if let Some(bind) = state.binds.get_mut(self.bind) {
            bind.recovered();
        }
        state.counters.add(Counter::Segments("submitted"), 1);
        let draft = entries::submitted((open, before), segment, id.as_str(), carrier);
        self.batch.fact(draft, open);
        if open
            .segments
            .iter()
            .all(|segment| segment.carrier_id().is_some())
        {
            open.body = None;
        }
        let target = SegmentRef {
            message: open.id.sequence(),
            segment,
        };
        if open.spilled {
            self.spilled.extend(open.carrier_id_row(segment));
        } else {
            for evicted in state.carrier_ids.insert(carrier, id, target) {
                self.spilled.extend(state.spill(evicted, Some(&mut *open)));
            }
        }
        // A receipt of a whole message waits until each of its segments has the id.
        let is_last = !open.awaits(carrier);
        if self.settings.unit(carrier) == Unit::Segment || is_last {
            state.match_waiting(&self.settings, carrier, open, segment, &mut self.batch);
        }
    }

    /// We were too fast: the bind rests, at least as long as the carrier asks for, within its bound.
    fn throttled(&mut self, state: &mut State, open: &mut Open, segment: u8, wait: Duration) {
        let settings = Arc::clone(&self.settings);
        if let Some((bind, carrier)) = self.resting(state, &settings) {
            bind.throttle(carrier, self.now);
            bind.pause(wait.min(carrier.throttle_pause_max), self.now);
        }
        self.returned(state, open, segment, "throttled");
    }

    fn rejected(&mut self, state: &mut State, open: &mut Open, segment: u8, status: u32) {
        if open.apply(segment, Event::Rejected(status), self.now) == Applied::Changed {
            state.counters.add(Counter::Segments("rejected"), 1);
            state.counters.add(Counter::Settled("failed"), 1);
            let draft = entries::rejected(open, segment, status, &self.bind.carrier);
            self.batch.fact(draft, open);
        }
    }

    fn queue_full(&mut self, state: &mut State, open: &mut Open, segment: u8, status: u32) {
        let carrier = self.settings.carriers.get(&self.bind.carrier);
        let most = carrier.map_or(0, |carrier| carrier.queue_full_tries_max);
        // The segments of a whole message met the full queue together.
        let met = open.id.sequence();
        if self.settings.unit(&self.bind.carrier) == Unit::Segment || self.full != Some(met) {
            open.queue_full = open.queue_full.saturating_add(1);
            self.full = Some(met);
        }
        if open.queue_full > most {
            return self.rejected(state, open, segment, status);
        }
        self.pause(state);
        self.returned(state, open, segment, "carrier-queue-full");
    }

    /// The segment certainly did not go: it waits again.
    fn returned(&mut self, state: &mut State, open: &mut Open, segment: u8, reason: &'static str) {
        if open.apply(segment, Event::Returned, self.now) == Applied::Changed {
            state.counters.add(Counter::Segments(reason), 1);
            let draft = entries::undispatched(open, segment, Outcome::Failed, reason);
            self.batch.fact(draft, open);
        }
    }

    /// It may have gone: the policy of its class decides.
    fn silence(&mut self, state: &mut State, open: &mut Open, segment: u8) {
        let policy = self.settings.ambiguity(open.class);
        Doubt {
            policy,
            reason: "no-answer",
        }
        .settle(state, open, segment, &mut self.batch);
    }

    fn pause(&self, state: &mut State) {
        if let Some(bind) = state.binds.get_mut(self.bind) {
            bind.pause(LATER_PAUSE, self.now);
        }
    }

    fn resting<'s, 'c>(
        &self,
        state: &'s mut State,
        settings: &'c Settings,
    ) -> Option<(&'s mut crate::state::binds::Bind, &'c CarrierSettings)> {
        Some((
            state.binds.get_mut(self.bind)?,
            settings.carriers.get(&self.bind.carrier)?,
        ))
    }

    /// What came back goes to the front, unless the carrier's queue was full for it.
    fn requeue(&mut self, state: &mut State, open: &Open) {
        if !open.has_pending() {
            return;
        }
        if open.queue_full > 0 {
            let fairness = &self.settings.fairness;
            state.queue.push(ticket(open), Place::Back, fairness);
        } else {
            self.front.push(ticket(open));
        }
    }

    /// Puts what goes to the front there, the first in front of the others.
    fn requeue_front(&mut self, state: &mut State) {
        for ticket in self.front.drain(..).rev() {
            let open = state.messages.get(&ticket.sequence);
            if open.is_some_and(Open::has_pending) {
                let fairness = &self.settings.fairness;
                state.queue.push(ticket, Place::Front, fairness);
            }
        }
    }
}

/// Why a segment's fate is unknown, and what its class wants done then.
#[derive(Clone, Copy)]
pub(crate) struct Doubt {
    pub(crate) policy: AmbiguityPolicy,
    pub(crate) reason: &'static str,
}

impl Doubt {
    /// Sends a segment that may or may not have left again, or holds it.
    pub(crate) fn settle(self, state: &mut State, open: &mut Open, segment: u8, batch: &mut Batch) {
        let event = match self.policy {
            AmbiguityPolicy::Resend => Event::Resent,
            AmbiguityPolicy::Hold => Event::Held,
        };
        let before = open.state;
        if open.apply(segment, event, batch.at()) == Applied::Ignored {
            return;
        }
        let draft = match self.policy {
            AmbiguityPolicy::Resend => {
                state.counters.add(Counter::Segments("resent"), 1);
                entries::undispatched(open, segment, Outcome::Unknown, self.reason)
            }
            AmbiguityPolicy::Hold => {
                state.counters.add(Counter::Settled("unknown"), 1);
                entries::unknown((open, before), segment, self.reason)
            }
        };
        batch.fact(draft, open);
    }
}

impl State {
    /// A segment's id makes room for newer ones: hands all ids of its message to the index, where
    /// receipts find it from now on, and forgets the message unless it still moves. `current` is the
    /// message that is being worked on, and so is not among the others.
    pub(crate) fn spill(
        &mut self,
        evicted: SegmentRef,
        current: Option<&mut Open>,
    ) -> Vec<CarrierIdRow> {
        let current = current.filter(|open| open.id.sequence() == evicted.message);
        let Some(open) = current.or_else(|| self.messages.get_mut(&evicted.message)) else {
            return Vec::new();
        };
        open.spilled = true;
        let count = u8::try_from(open.segments.len()).unwrap_or(u8::MAX);
        let rows: Vec<_> = (0..count)
            .filter_map(|place| open.carrier_id_row(place))
            .collect();
        for row in &rows {
            let target = SegmentRef {
                message: row.message,
                segment: row.segment,
            };
            self.carrier_ids.forget(&row.carrier, &row.id, target);
        }
        self.settle(evicted.message);
        rows
    }
}

impl Open {
    /// Whether a segment of it waits for the answer of this carrier.
    fn awaits(&self, carrier: &CarrierName) -> bool {
        self.segments.iter().any(|segment| {
            segment.state() == SegmentState::Dispatched && segment.carrier() == Some(carrier)
        })
    }

    fn carrier_id_row(&self, place: u8) -> Option<CarrierIdRow> {
        let segment = self.segments.get(usize::from(place))?;
        let carrier: &CarrierName = segment.carrier()?;
        Some(CarrierIdRow {
            carrier: carrier.clone(),
            id: segment.carrier_id()?.clone(),
            message: self.id.sequence(),
            segment: place,
        })
    }
}

/// The classes whose segments are sent again after a crash unless told otherwise: a duplicate code
/// or alert is better than a lost one, a duplicate advertisement is not.
pub const AMBIGUITY_DEFAULT: [AmbiguityPolicy; 3] = {
    assert!(
        TrafficClass::Marketing.index() == 2,
        "marketing is the last class"
    );
    [
        AmbiguityPolicy::Resend,
        AmbiguityPolicy::Resend,
        AmbiguityPolicy::Hold,
    ]
};
