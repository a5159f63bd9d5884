//! One bound session: submits out, answers and deliveries in, until it ends.

mod conversation;

use std::sync::Arc;
use std::time::Duration;

use engine::ports::carrier::{Answer, CarrierEvents, Submission, Token};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::Run;
use super::config::LinkConfig;
use super::ending::Ending;
use crate::wire::{Driven, Wire};
use conversation::{Conversation, Judged};

/// As many batches are taken from the queue at one go.
const BATCHES_MAX: usize = 64;
/// How long the answer to unbind, and the last octets, may take.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// How far a session is on its way to its end.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// It takes submits.
    Bound,
    /// It waits for what is under way, until then at most.
    Closing(Instant),
    /// It waits for the answer to unbind, until then at most.
    Unbinding(Instant),
}

/// What a session leaves behind.
pub(super) struct Life {
    /// Why it ended.
    pub(super) ending: Ending,
    /// How long it was bound.
    pub(super) lived: Duration,
}

pub(super) struct Session<'a> {
    config: &'a LinkConfig,
    events: &'a Arc<dyn CarrierEvents>,
    wire: Wire,
    conversation: Conversation<'a>,
    judged: mpsc::UnboundedReceiver<Judged>,
    phase: Phase,
}

impl<'a> Session<'a> {
    /// A session on a wire that is bound.
    pub(super) fn new(
        config: &'a LinkConfig,
        events: &'a Arc<dyn CarrierEvents>,
        wire: Wire,
    ) -> Self {
        let (judge, judged) = mpsc::unbounded_channel();
        let conversation = Conversation::new(config, events, judge);
        Self {
            config,
            events,
            wire,
            conversation,
            judged,
            phase: Phase::Bound,
        }
    }

    /// Lives until the session ends, and sees to it that every token is answered.
    pub(super) async fn run(
        mut self,
        submissions: &mut mpsc::UnboundedReceiver<Vec<Submission>>,
        stop: &mut watch::Receiver<Run>,
    ) -> Life {
        let bind = &self.config.bind;
        let bound_at = Instant::now();
        let ending = self.live(submissions, stop).await;
        let lived = bound_at.elapsed();
        self.conversation.log_refused();
        let reason = ending.to_string();
        tracing::warn!(carrier = %bind.carrier, index = bind.index, %reason, "link lost");
        self.events.lost(bind, &reason);
        if !matches!(ending, Ending::Broken(_) | Ending::Closed | Ending::Stalled) {
            // The peer may be gone; then there is nobody left to tell.
            let _ = timeout(FAREWELL_TIMEOUT, self.wire.finish()).await;
        }
        let answers = self.conversation.window.abandon(self.wire.written());
        if !answers.is_empty() {
            self.events.answered(bind, answers);
        }
        Life { ending, lived }
    }

    async fn live(
        &mut self,
        submissions: &mut mpsc::UnboundedReceiver<Vec<Submission>>,
        stop: &mut watch::Receiver<Run>,
    ) -> Ending {
        let tick = (self.config.timers.response / 4)
            .clamp(Duration::from_millis(10), Duration::from_secs(1));
        let mut ticks = interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut batches, mut judged) = (Vec::new(), Vec::new());
        // A delivery may have come right behind the answer to the bind.
        let mut result = self.take_input();
        loop {
            if let Err(ending) = result.and_then(|()| self.advance()) {
                return ending;
            }
            result = tokio::select! {
                driven = self.wire.drive() => match driven {
                    Ok(Driven::Octets) => self.take_input(),
                    Ok(Driven::End) => Err(Ending::Closed),
                    Err(error) => Err(error.into()),
                },
                count = submissions.recv_many(&mut batches, BATCHES_MAX) => {
                    self.submit(&mut batches);
                    // None means that the links were dropped.
                    if count == 0 { Err(Ending::Stopped) } else { Ok(()) }
                }
                _ = self.judged.recv_many(&mut judged, BATCHES_MAX) => {
                    self.conversation.acknowledge(&mut judged, self.wire.output());
                    Ok(())
                }
                _ = ticks.tick() => self.check_timers(),
                () = phase_end(self.phase) => Ok(()),
                run = stopped(stop), if matches!(self.phase, Phase::Bound) => {
                    self.close(run);
                    Ok(())
                }
            };
        }
    }

    fn take_input(&mut self) -> Result<(), Ending> {
        let (input, out) = self.wire.both();
        let (octets, result) = self.conversation.take(input, out);
        self.wire.consume(octets);
        result
    }

    fn submit(&mut self, batches: &mut Vec<Vec<Submission>>) {
        let taking = matches!(self.phase, Phase::Bound);
        let mut refused: Vec<(Token, Answer)> = Vec::new();
        for submission in batches.drain(..).flatten() {
            let answer = if taking {
                self.conversation.submit(&submission, &mut self.wire)
            } else {
                Some(Answer::NotSent)
            };
            refused.extend(answer.map(|answer| (submission.token, answer)));
        }
        if !refused.is_empty() {
            self.events.answered(&self.config.bind, refused);
        }
    }

    fn check_timers(&mut self) -> Result<(), Ending> {
        let now = Instant::now();
        if self.wire.blocked_for(now) >= self.config.timers.response {
            return Err(Ending::Stalled);
        }
        self.conversation.check_timers(now, self.wire.output())
    }

    /// Begins to end, once.
    fn close(&mut self, limit: Duration) {
        if matches!(self.phase, Phase::Bound) {
            self.phase = Phase::Closing(Instant::now() + limit);
        }
    }

    /// Goes on from one phase to the next when its condition is met.
    fn advance(&mut self) -> Result<(), Ending> {
        match self.phase {
            Phase::Bound => Ok(()),
            Phase::Closing(until) => {
                if self.conversation.is_idle() || Instant::now() >= until {
                    self.conversation.unbind(self.wire.output());
                    self.phase = Phase::Unbinding(Instant::now() + FAREWELL_TIMEOUT);
                }
                Ok(())
            }
            Phase::Unbinding(until) if Instant::now() < until => Ok(()),
            Phase::Unbinding(_) => Err(Ending::Stopped),
        }
    }
}

/// Waits for the end of a phase that has one.
async fn phase_end(phase: Phase) {
    match phase {
        Phase::Bound => std::future::pending().await,
        Phase::Closing(until) | Phase::Unbinding(until) => sleep_until(until).await,
    }
}

/// Waits until the links are to stop; how long what is under way may take.
pub(super) async fn stopped(stop: &mut watch::Receiver<Run>) -> Duration {
    match stop.wait_for(|run| *run != Run::On).await.as_deref() {
        Ok(Run::Until(limit)) => *limit,
        // The links were dropped.
        Ok(Run::On) | Err(_) => Duration::ZERO,
    }
}
