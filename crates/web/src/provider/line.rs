//! The life of one provider: ask whether it is there, send while it is, answer for every message exactly once.
//! One task owns it, so that what it tells the engine has one order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::ports::Entropy;
use engine::ports::carrier::{Answer, BindId, CarrierEvents, Direction, Submission, Token};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::answer::Health;
use super::request::{Upstream, messages};
use super::standing::{Standing, Turn, Witness};
use super::{ProviderPlan, ProviderTimers};

/// What providers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// Go on.
    On,
    /// End, waiting at most so long for answers.
    Until(Duration),
}

/// The task's own ends of what others hold.
pub(super) struct Ends {
    pub(super) submissions: mpsc::UnboundedReceiver<Vec<Submission>>,
    pub(super) stop: watch::Receiver<Run>,
}

/// What a task of the line found out.
enum Done {
    Probed(Health),
    Sent(Answer, Health),
}

/// A message on its way.
struct Open {
    tokens: Vec<Token>,
    /// Whether an octet of it may have left.
    left: Arc<AtomicBool>,
}

impl Open {
    fn answers(&self, answer: &Answer) -> Vec<(Token, Answer)> {
        let tokens = self.tokens.iter();
        tokens.map(|token| (*token, answer.clone())).collect()
    }

    /// What is known of it when it ends without an answer.
    fn cut(&self) -> Answer {
        if self.left.load(Ordering::Acquire) {
            Answer::Silence
        } else {
            Answer::NotSent
        }
    }
}

pub(super) struct Line {
    bind: BindId,
    timers: ProviderTimers,
    ends: Ends,
    upstream: Arc<Upstream>,
    entropy: Arc<dyn Entropy>,
    standing: Standing,
    tasks: JoinSet<Done>,
    open: HashMap<Id, Open>,
    /// When it is probed next; `None` while it is.
    probe_at: Option<Instant>,
}

impl Line {
    pub(super) fn new(
        plan: ProviderPlan,
        ends: Ends,
        upstream: Arc<Upstream>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            bind: BindId {
                carrier: plan.name,
                index: 0,
            },
            timers: plan.timers,
            ends,
            upstream,
            entropy,
            standing: Standing::default(),
            tasks: JoinSet::new(),
            open: HashMap::new(),
            probe_at: None,
        }
    }

    pub(super) async fn run(mut self, events: Arc<dyn CarrierEvents>) {
        self.probe_at = Some(Instant::now());
        loop {
            let probe_at = self.probe_at;
            tokio::select! {
                biased;
                () = stopped(&mut self.ends.stop) => break,
                Some(done) = self.tasks.join_next_with_id() => self.ended(done, &*events),
                batch = self.ends.submissions.recv() => match batch {
                    Some(batch) => self.take(batch, &*events),
                    None => break,
                },
                () = sleep_until(probe_at.unwrap_or_else(Instant::now)), if probe_at.is_some() => {
                    self.probe();
                }
            }
        }
        self.finish(&*events).await;
    }

    fn probe(&mut self) {
        self.probe_at = None;
        let upstream = Arc::clone(&self.upstream);
        self.tasks
            .spawn(async move { Done::Probed(upstream.probe().await) });
    }

    fn take(&mut self, batch: Vec<Submission>, events: &dyn CarrierEvents) {
        if !self.standing.is_up() {
            return self.hand_back(&batch, events);
        }
        for message in messages(batch) {
            let open = Open {
                tokens: message.iter().map(|segment| segment.token).collect(),
                left: Arc::default(),
            };
            let (upstream, left) = (Arc::clone(&self.upstream), Arc::clone(&open.left));
            let task = self.tasks.spawn(async move {
                let (answer, health) = upstream.send(&message, &left).await;
                Done::Sent(answer, health)
            });
            self.open.insert(task.id(), open);
        }
    }

    /// It certainly did not go.
    fn hand_back(&self, batch: &[Submission], events: &dyn CarrierEvents) {
        let unsent = batch
            .iter()
            .map(|segment| (segment.token, Answer::NotSent))
            .collect();
        events.answered(&self.bind, unsent);
    }

    /// Takes in what ended, and whatever else has by now, so that it is one commit.
    fn ended(&mut self, first: Result<(Id, Done), JoinError>, events: &dyn CarrierEvents) {
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(done) = next {
            self.sort(done, &mut answers, events);
            next = self.tasks.try_join_next_with_id();
        }
        if !answers.is_empty() {
            events.answered(&self.bind, answers);
        }
    }

    fn sort(
        &mut self,
        done: Result<(Id, Done), JoinError>,
        answers: &mut Vec<(Token, Answer)>,
        events: &dyn CarrierEvents,
    ) {
        let (id, done) = match done {
            Ok((id, done)) => (id, Some(done)),
            Err(error) => (error.id(), None),
        };
        let open = self.open.remove(&id);
        let (witness, health) = match done {
            Some(Done::Probed(health)) => (Witness::Probe, health),
            Some(Done::Sent(answer, health)) => {
                answers.extend(open.iter().flat_map(|open| open.answers(&answer)));
                (Witness::Message, health)
            }
            // A mistake of ours must not lose a message.
            None => {
                answers.extend(open.iter().flat_map(|open| open.answers(&open.cut())));
                let witness = open.map_or(Witness::Probe, |_| Witness::Message);
                (witness, Health::Failing("a request ended badly".to_owned()))
            }
        };
        self.stand(witness, health, events);
    }

    /// Tells the engine when the provider comes or goes, before it is told what became of messages: what did
    /// not go must not go the same way again at once.
    fn stand(&mut self, witness: Witness, health: Health, events: &dyn CarrierEvents) {
        let carrier = &self.bind.carrier;
        match self.standing.shows(witness, health) {
            Turn::Stays => {}
            Turn::Came => {
                tracing::info!(%carrier, "the provider answers");
                events.bound(&self.bind, Direction::Both);
            }
            Turn::Away(reason) => tracing::warn!(%carrier, %reason, "the provider is still away"),
            Turn::Went(reason) => {
                tracing::warn!(%carrier, %reason, "the provider is away");
                events.lost(&self.bind, &reason);
            }
        }
        // One that is being probed says when to probe next.
        if witness == Witness::Probe || self.probe_at.is_some() {
            let pause = self.standing.pause(&self.timers, &*self.entropy);
            self.probe_at = Some(Instant::now() + pause);
        }
    }

    /// Takes nothing more, waits for answers, and answers for the rest by what is known of it.
    async fn finish(mut self, events: &dyn CarrierEvents) {
        let limit = match *self.ends.stop.borrow() {
            Run::Until(limit) => limit,
            Run::On => Duration::ZERO,
        };
        self.ends.submissions.close();
        while let Ok(batch) = self.ends.submissions.try_recv() {
            self.hand_back(&batch, events);
        }
        let until = Instant::now() + limit;
        while !self.open.is_empty() {
            match timeout_at(until, self.tasks.join_next_with_id()).await {
                Ok(Some(done)) => self.ended(done, events),
                Ok(None) | Err(_) => break,
            }
        }
        self.tasks.abort_all();
        while let Some(done) = self.tasks.join_next_with_id().await {
            self.ended(done, events);
        }
        if self.standing.is_up() {
            events.lost(&self.bind, "the gateway stops");
        }
    }
}

/// Waits until providers are to end.
async fn stopped(stop: &mut watch::Receiver<Run>) {
    // An error says that nobody is there any more to tell.
    drop(stop.wait_for(|run| *run != Run::On).await);
}
