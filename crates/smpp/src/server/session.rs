//! One connection of an ESME, from its first octet to its last: moves octets between the wire and the
//! conversation, has the engine do the work, and keeps the timers. One task does it all; answers that are
//! ready together are written together.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::ports::Clock;
use engine::{BoundEsme, EsmeDeliveries, EsmeEnd, Gateway, PeerCertificate};
use futures_util::future::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::conversation::{Conversation, Flow, Phase};
use super::counters::ServerCounters;
use super::places::Places;
use super::request::Ground;
use super::settings::ServerSettings;
use super::work::{Asker, Done, Work, perform};
use crate::pdu::Body;
use crate::wire::{Driven, Reading, Stream, Wire};

/// How long the last octets, and the answer to our unbind, may take.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
/// How often timers are looked at.
const TICK: Duration = Duration::from_secs(1);

/// What every session of a listener has.
pub(super) struct Shared {
    pub(super) gateway: Arc<Gateway>,
    pub(super) clock: Arc<dyn Clock>,
    /// TLS handshakes that are under way.
    pub(super) handshakes: Arc<Places>,
    pub(super) settings: Arc<ServerSettings>,
    pub(super) counters: Arc<ServerCounters>,
}

/// A connection that is safe.
pub(super) struct Peer {
    pub(super) stream: Box<dyn Stream>,
    pub(super) address: IpAddr,
    /// The certificate that it showed.
    pub(super) certificate: Option<PeerCertificate>,
}

pub(super) struct Session {
    shared: Arc<Shared>,
    wire: Wire,
    conversation: Conversation,
    asker: Asker,
    bound: Option<BoundEsme>,
    deliveries: Option<EsmeDeliveries>,
    /// Whether deliveries are being waited for.
    fetches: bool,
    work: Vec<Work>,
    /// When it must be bound.
    init_until: Instant,
    /// Since when a PDU is there in part.
    partial_since: Option<Instant>,
    /// Until when what is under way may take, once the gateway stops.
    closing: Option<Instant>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, peer: Peer) -> Self {
        let conversation =
            Conversation::new(Arc::clone(&shared.settings), Arc::clone(&shared.counters));
        let asker = Asker {
            gateway: Arc::clone(&shared.gateway),
            caller: None,
            source: peer.address,
            certificate: peer.certificate,
        };
        let init_until = Instant::now() + shared.settings.session_init_timeout;
        Self {
            shared,
            wire: Wire::new(peer.stream),
            conversation,
            asker,
            bound: None,
            deliveries: None,
            fetches: false,
            work: Vec::new(),
            init_until,
            partial_since: None,
            closing: None,
        }
    }

    /// Lives until the session ends.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let end = self.live(&mut stop).await;
        if let Some(bound) = self.bound.take() {
            bound.end(end);
        }
        match end {
            EsmeEnd::Closed | EsmeEnd::Stalled => {}
            // The peer may be gone; then there is nobody left to tell.
            EsmeEnd::Gone | EsmeEnd::Idle | EsmeEnd::Stopped => {
                let _ = timeout(FAREWELL_TIMEOUT, self.say_farewell()).await;
            }
            EsmeEnd::Unbound | EsmeEnd::Broken => {
                let _ = timeout(FAREWELL_TIMEOUT, self.wire.finish()).await;
            }
        }
    }

    async fn live(&mut self, stop: &mut watch::Receiver<bool>) -> EsmeEnd {
        let mut running = FuturesUnordered::new();
        let tick =
            (self.shared.settings.response_timeout / 4).clamp(Duration::from_millis(10), TICK);
        let mut ticks = interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.fetch();
            let asker = &self.asker;
            running.extend(self.work.drain(..).map(|work| perform(asker.clone(), work)));
            if let Some(end) = self.is_over() {
                return end;
            }
            let quiet_until = self.conversation.quiet_until();
            let reading = self.reading(quiet_until);
            if reading == Reading::Off || self.wire.is_held_up() {
                // Nobody is late with what is not read: the time begins anew once it is looked at.
                self.partial_since = None;
            }
            let deadline = self.deadline();
            let result = tokio::select! {
                driven = self.wire.drive_if(reading) => match driven {
                    Ok(Driven::Octets) => self.take_input(),
                    Ok(Driven::End) => Err(EsmeEnd::Closed),
                    Err(error) => Err(lost(&error)),
                },
                Some(done) = running.next() => {
                    let mut next = Some(done);
                    let mut result = Ok(());
                    while let Some(done) = next {
                        result = result.and(self.take_outcome(done));
                        next = running.next().now_or_never().flatten();
                    }
                    // What was read before may now find room.
                    result.and_then(|()| self.take_input())
                }
                () = until(quiet_until), if quiet_until.is_some() => self.take_input(),
                _ = ticks.tick() => self.check_timers(),
                () = until(deadline) => Err(self.timed_out()),
                _ = stop.wait_for(|stop| *stop), if self.closing.is_none() => {
                    self.closing = Some(Instant::now() + self.shared.settings.shutdown_timeout);
                    Ok(())
                }
            };
            if let Err(end) = result {
                return end;
            }
        }
    }

    /// Whether more is heard.
    fn reading(&self, quiet_until: Option<Instant>) -> Reading {
        let hears = !self.conversation.is_full() && quiet_until.is_none();
        if hears && self.closing.is_none() {
            Reading::On
        } else {
            Reading::Off
        }
    }

    /// Waits for deliveries while there is room for some.
    fn fetch(&mut self) {
        let room = self.conversation.delivery_room();
        if let Some(deliveries) = &self.deliveries
            && !self.fetches
            && room > 0
            && self.closing.is_none()
        {
            self.fetches = true;
            self.work.push(Work::Fetch(deliveries.clone(), room));
        }
    }

    /// Whether the session has come to its end in good order.
    fn is_over(&mut self) -> Option<EsmeEnd> {
        if !self.conversation.is_idle() {
            return None;
        }
        if let Phase::Leaving(sequence) = self.conversation.phase() {
            Conversation::leave(self.wire.output(), sequence);
            return Some(EsmeEnd::Unbound);
        }
        self.closing.map(|_| EsmeEnd::Stopped)
    }

    /// When the session ends for want of progress.
    fn deadline(&self) -> Option<Instant> {
        let settings = &self.shared.settings;
        let init = (self.conversation.phase() == Phase::Open).then_some(self.init_until);
        let partial = self.partial_since.map(|since| since + settings.pdu_timeout);
        [init, partial, self.closing].into_iter().flatten().min()
    }

    fn timed_out(&self) -> EsmeEnd {
        let now = Instant::now();
        let counters = &self.shared.counters;
        if self.closing.is_some_and(|until| until <= now) {
            return EsmeEnd::Stopped;
        }
        if self.conversation.phase() == Phase::Open && self.init_until <= now {
            counters.timed_out.one();
        } else {
            counters.slow.one();
        }
        EsmeEnd::Broken
    }

    /// Looks at what was read, as far as the window allows.
    fn take_input(&mut self) -> Result<(), EsmeEnd> {
        if self.wire.unframed() == 0 || self.conversation.is_full() {
            return Ok(());
        }
        let standing = self.bound.as_ref().map(BoundEsme::standing).transpose();
        let standing = standing.map_err(|_| EsmeEnd::Gone)?;
        if let Some((caller, _)) = &standing {
            self.asker.caller = Some(Arc::new(caller.clone()));
        }
        let ground = standing.as_ref().map(|(caller, account)| Ground {
            account,
            short_codes: caller.short_codes(),
            now: self.shared.clock.now(),
        });
        let (input, out) = self.wire.both();
        let (octets, flow) = self
            .conversation
            .take(input, ground.as_ref(), out, &mut self.work);
        self.wire.consume(octets);
        self.watch_pdu(octets);
        self.follow(flow)
    }

    /// Keeps the time since which a PDU is there in part.
    fn watch_pdu(&mut self, taken: usize) {
        if self.wire.unframed() == 0 {
            self.partial_since = None;
        } else if taken > 0 || self.partial_since.is_none() {
            self.partial_since = Some(Instant::now());
        }
    }

    fn follow(&self, flow: Flow) -> Result<(), EsmeEnd> {
        let counters = &self.shared.counters;
        match flow {
            Flow::Continue => Ok(()),
            Flow::Unbound => Err(EsmeEnd::Unbound),
            Flow::Foreign => {
                counters.foreign.one();
                Err(EsmeEnd::Broken)
            }
            Flow::Broken => {
                counters.broken.one();
                Err(EsmeEnd::Broken)
            }
        }
    }

    fn take_outcome(&mut self, done: Done) -> Result<(), EsmeEnd> {
        if matches!(done, Done::Fetched(_)) {
            self.fetches = false;
        }
        let was_binding = self.conversation.phase() == Phase::Binding;
        let bound = done.write(&mut self.conversation, self.wire.output());
        if let Some(bound) = bound {
            self.bound = Some(bound.esme);
            self.deliveries = bound.deliveries;
        }
        // Who was refused has to connect again, so that guesses cost what they may.
        if was_binding && self.conversation.phase() == Phase::Open {
            return Err(EsmeEnd::Broken);
        }
        Ok(())
    }

    fn check_timers(&mut self) -> Result<(), EsmeEnd> {
        let now = Instant::now();
        if self.wire.blocked_for(now) >= self.shared.settings.response_timeout {
            self.shared.counters.stalled.one();
            return Err(EsmeEnd::Stalled);
        }
        if self
            .bound
            .as_ref()
            .is_some_and(|bound| bound.standing().is_err())
        {
            return Err(EsmeEnd::Gone);
        }
        if !self.conversation.check_timers(now, self.wire.output()) {
            self.shared.counters.timed_out.one();
            return Err(EsmeEnd::Idle);
        }
        Ok(())
    }

    /// Unbinds, and waits for the answer.
    async fn say_farewell(&mut self) {
        if matches!(self.conversation.phase(), Phase::Bound(_)) {
            self.conversation.say(Body::Unbind, self.wire.output());
            while let Ok(Driven::Octets) = self.wire.drive().await {
                let (input, out) = self.wire.both();
                let (octets, flow) = self.conversation.take(input, None, out, &mut self.work);
                self.wire.consume(octets);
                if octets == 0 || flow != Flow::Continue {
                    break;
                }
            }
        }
        // The peer may be gone already.
        let _ = self.wire.finish().await;
    }
}

fn lost(error: &std::io::Error) -> EsmeEnd {
    tracing::debug!(%error, "an ESME's connection broke");
    EsmeEnd::Closed
}

/// Waits until a moment, or for ever when there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
