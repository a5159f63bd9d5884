//! Couriers: one for each webhook that is called, and one for each client whose messages have URLs of their own. It
//! takes what is due, calls, and says what became of it. A
//! webhook that fails again and again is called with one event at a time, and rarer and rarer, so that being
//! away costs little to both sides; nobody else waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use domain::webhook::pause;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::tell::tell;
use crate::feed::{Addressee, EventQueue, Ready};
use crate::gateway::Gateway;
use crate::ports::Webhook;
use crate::rows::{WebhookDown, WebhookRow, WebhookStanding};

/// How often it is looked whether a webhook came, went or lost its client, if nobody says so.
const LOOK: Duration = Duration::from_secs(2);
/// The pause after trouble with the store, and after a call that was not made.
const REST: Duration = Duration::from_secs(5);
/// After so many failures in a row a webhook counts as being away.
const AWAY: u32 = 3;
/// The pauses between calls of one that is away: doubled from the first to the last.
const AWAY_PAUSE: Duration = Duration::from_secs(5);
const AWAY_PAUSE_MAX: Duration = Duration::from_mins(5);
/// Fewer failures in a row than this never take a webhook down.
const FAILURES_MIN: u32 = 10;
/// How long what is on its way may take at a stop.
const LAST: Duration = Duration::from_secs(5);

/// What became of a call.
pub(super) enum Outcome {
    Taken,
    Refused(&'static str, Option<Duration>),
    Gone,
    /// There was nothing to tell.
    Nothing,
    /// It was not made: the store cannot be read, or the webhook is not to be called any more.
    NotMade,
}

/// Calls one webhook, or the URLs of one client's messages.
struct Courier {
    gateway: Arc<Gateway>,
    caller: Arc<dyn Webhook>,
    queue: Arc<EventQueue>,
    /// Not called before, since it is away.
    rests_until: Option<Timestamp>,
}

type Calls = JoinSet<(Ready, Outcome)>;
type Running = BTreeMap<String, (watch::Sender<bool>, JoinHandle<()>)>;

impl Gateway {
    /// Calls webhooks until told to stop.
    pub async fn run_webhooks(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let Some(caller) = self.webhooks.caller.get().cloned() else {
            return;
        };
        let mut running = Running::new();
        loop {
            let wanted = self.called();
            let is_over = |name: &String| !wanted.iter().any(|who| who.name() == *name);
            let ended: Vec<_> = running.extract_if(.., |id, _| is_over(id)).collect();
            end(ended.into_iter().map(|(_, courier)| courier)).await;
            running.retain(|_, (_, courier)| !courier.is_finished());
            for who in wanted {
                running.entry(who.name()).or_insert_with(|| {
                    let (end, ends) = watch::channel(false);
                    let (gateway, caller) = (Arc::clone(&self), Arc::clone(&caller));
                    let courier = tokio::spawn(Courier::work(gateway, caller, who, ends));
                    (end, courier)
                });
            }
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = self.webhooks.changed.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        end(running.into_values()).await;
    }

    /// Those that are called now.
    fn called(&self) -> Vec<Addressee> {
        let rows = self.webhooks.rows();
        let webhooks = rows.values().filter(|row| self.is_called(row));
        let webhooks = webhooks.map(|row| Addressee::Webhook(row.id));
        let clients = self.feed.called_back().into_iter();
        let clients = clients.filter(|client| self.is_client(*client));
        webhooks.chain(clients.map(Addressee::Callbacks)).collect()
    }

    pub(super) fn is_called(&self, row: &WebhookRow) -> bool {
        row.standing == WebhookStanding::Enabled && self.is_client(row.client)
    }

    /// Calls every webhook with everything that is due, once, and waits for what becomes of it. Gives how
    /// many calls were made. For tests: [`Gateway::run_webhooks`] does the same all the time.
    pub async fn call_webhooks(self: &Arc<Self>) -> usize {
        let Some(caller) = self.webhooks.caller.get().cloned() else {
            return 0;
        };
        if !self.is_open() {
            return 0;
        }
        let mut count = 0;
        for who in self.called() {
            let caller = Arc::clone(&caller);
            let Some(mut courier) = Courier::new(Arc::clone(self), caller, &who).await else {
                continue;
            };
            if courier.queue.fill().await.is_err() {
                continue;
            }
            let mut calls = Calls::new();
            let now = self.now();
            for ready in courier.queue.take(usize::MAX, now) {
                courier.call(&mut calls, ready);
            }
            count += calls.len();
            while let Some(ended) = calls.join_next().await {
                courier.settle(ended).await;
            }
            courier.queue.close();
        }
        count
    }
}

async fn end(couriers: impl Iterator<Item = (watch::Sender<bool>, JoinHandle<()>)>) {
    let couriers: Vec<_> = couriers.collect();
    for (end, _) in &couriers {
        let _gone = end.send(true);
    }
    for (_, courier) in couriers {
        if let Err(error) = courier.await {
            tracing::error!(%error, "a courier of a webhook ended badly");
        }
    }
}

impl Courier {
    async fn new(gateway: Arc<Gateway>, caller: Arc<dyn Webhook>, who: &Addressee) -> Option<Self> {
        let queue = gateway.queue_to(who).await.ok()?;
        Some(Self {
            gateway,
            caller,
            queue,
            rests_until: None,
        })
    }

    /// Works until told to end, or until the events cannot be read.
    async fn work(
        gateway: Arc<Gateway>,
        caller: Arc<dyn Webhook>,
        who: Addressee,
        mut ends: watch::Receiver<bool>,
    ) {
        let Some(mut courier) = Self::new(gateway, caller, &who).await else {
            tokio::select! {
                _ = ends.wait_for(|ends| *ends) => {}
                () = tokio::time::sleep(REST) => {}
            }
            return;
        };
        let mut calls = Calls::new();
        courier.until_told(&mut calls, &mut ends).await;
        let all = async {
            while let Some(ended) = calls.join_next().await {
                courier.settle(ended).await;
            }
        };
        // What takes longer is told again.
        let _late = tokio::time::timeout(LAST, all).await;
        courier.queue.close();
    }

    async fn until_told(&mut self, calls: &mut Calls, ends: &mut watch::Receiver<bool>) {
        loop {
            let room = self.room(calls.len());
            let (queue, away) = (Arc::clone(&self.queue), self.rest());
            let next = async {
                tokio::time::sleep(away).await;
                queue.next(room.max(1)).await
            };
            tokio::select! {
                biased;
                () = over(ends) => return,
                Some(ended) = calls.join_next() => self.settle(ended).await,
                ready = next, if room > 0 => match ready {
                    Ok(ready) => {
                        for one in ready {
                            self.call(calls, one);
                        }
                    }
                    Err(error) => {
                        let who = self.queue.who().name();
                        tracing::warn!(%error, who, "events cannot be read now");
                        self.rests_until = Some(self.gateway.now().saturating_add(REST));
                    }
                }
            }
        }
    }

    /// How many more calls may be made at once.
    fn room(&self, on_their_way: usize) -> usize {
        let most = if self.queue.trouble().0 >= AWAY {
            1
        } else {
            self.gateway.settings().webhooks.calls_max
        };
        most.saturating_sub(on_their_way)
    }

    /// How long it is still left alone.
    fn rest(&self) -> Duration {
        let now = self.gateway.now();
        self.rests_until
            .map_or(Duration::ZERO, |until| until.since(now))
    }

    fn call(&self, calls: &mut Calls, ready: Ready) {
        let (gateway, caller) = (Arc::clone(&self.gateway), Arc::clone(&self.caller));
        let queue = Arc::clone(&self.queue);
        calls.spawn(async move {
            let outcome = tell(&gateway, caller.as_ref(), &queue, &ready).await;
            (ready, outcome)
        });
    }

    async fn settle(&mut self, ended: Result<(Ready, Outcome), tokio::task::JoinError>) {
        let (ready, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // Its event stays out until this courier ends, and is told again then.
                tracing::error!(%error, "a call of a webhook ended badly");
                return;
            }
        };
        let now = self.gateway.now();
        let index = ready.event.index;
        match outcome {
            Outcome::Taken => {
                self.queue.done(index);
                self.rests_until = None;
            }
            Outcome::NotMade => {
                self.queue.give_back(index);
                self.rests_until = Some(now.saturating_add(REST));
            }
            Outcome::Nothing => self.queue.pass_over(index),
            Outcome::Gone => self.gone(&ready, now).await,
            Outcome::Refused(why, asked) => self.refused(&ready, (why, asked), now).await,
        }
    }

    /// It wants to hear nothing more: the webhook nothing at all, and the URL of a message nothing of that message.
    async fn gone(&mut self, ready: &Ready, now: Timestamp) {
        let index = ready.event.index;
        match self.queue.who() {
            Addressee::Callbacks(_) => {
                self.queue.end_line(ready.event.line);
                self.queue.give_up(index, "gone", now);
            }
            Addressee::Webhook(_) | Addressee::Esme(_) => {
                self.queue.later(index, now, now);
                self.rests_until = Some(now.saturating_add(AWAY_PAUSE));
                self.down(WebhookDown::Gone).await;
            }
        }
    }

    async fn refused(
        &mut self,
        ready: &Ready,
        (why, asked): (&'static str, Option<Duration>),
        now: Timestamp,
    ) {
        let mut chance = [0];
        self.gateway.entropy.fill(&mut chance);
        let [chance] = chance;
        let index = ready.event.index;
        match pause(ready.attempt, chance, asked) {
            Some(pause) => self.queue.later(index, now.saturating_add(pause), now),
            None => self.queue.give_up(index, why, now),
        }
        let (failures, since) = self.queue.trouble();
        if let Some(more) = failures.checked_sub(AWAY) {
            let rest = AWAY_PAUSE.saturating_mul(2_u32.saturating_pow(more));
            let rest = rest.min(AWAY_PAUSE_MAX).max(asked.unwrap_or_default());
            self.rests_until = Some(now.saturating_add(rest.min(AWAY_PAUSE_MAX)));
        }
        let patience = self.gateway.settings().webhooks.give_up;
        let is_long = since.is_some_and(|since| now.since(since) >= patience);
        if is_long && failures >= FAILURES_MIN {
            self.down(WebhookDown::Failing).await;
        }
    }

    async fn down(&self, why: WebhookDown) {
        // The URLs of messages are given up one by one.
        if let Addressee::Webhook(id) = self.queue.who() {
            self.gateway.take_webhook_down(*id, why).await;
        }
    }
}

/// Waits until told to end.
async fn over(ends: &mut watch::Receiver<bool>) {
    let _over = ends.wait_for(|ends| *ends).await;
}
