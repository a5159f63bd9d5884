//! The life of one configured bind: connect, bind, live, wait, and again. While there is no session
//! whatever the engine hands over is handed back unsent, at once.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::Entropy;
use engine::ports::carrier::{Answer, CarrierEvents, Direction, Submission};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::backoff::Failures;
use super::config::LinkConfig;
use super::connect::{Dialer, connect};
use super::ending::Ending;
use super::session::{Life, Session, stopped};
use super::{LinkState, Run};
use crate::frame;
use crate::pdu::{Bind, BindKind, Body, Pdu};
use crate::status::Status;
use crate::wire::{Driven, Wire};

/// The sequence number of the bind request: the first of the session.
const BIND_SEQUENCE: u32 = 1;

/// The link's own ends of what others hold.
pub(super) struct Ends {
    pub(super) submissions: mpsc::UnboundedReceiver<Vec<Submission>>,
    pub(super) stop: watch::Receiver<Run>,
    pub(super) report: watch::Sender<LinkState>,
}

pub(super) struct Link {
    config: LinkConfig,
    dialer: Dialer,
    ends: Ends,
    entropy: Arc<dyn Entropy>,
}

impl Link {
    pub(super) fn new(
        config: LinkConfig,
        dialer: Dialer,
        ends: Ends,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            config,
            dialer,
            ends,
            entropy,
        }
    }

    /// Keeps the bind up until the links are stopped.
    pub(super) async fn run(mut self, events: Arc<dyn CarrierEvents>) {
        let mut failures = Failures::default();
        loop {
            let Some(life) = self.live(&events).await else {
                break;
            };
            failures.lived(life.lived, self.config.backoff);
            let reason = life.ending.to_string();
            self.ends.report.send_replace(LinkState::Down(reason));
            match life.ending {
                Ending::Stopped => break,
                Ending::Refused(_) => failures.count_refusal(),
                _ => failures.count(),
            }
            let delay = failures.delay(self.config.backoff, &*self.entropy);
            if self.aside(&events, sleep(delay)).await.is_none() {
                break;
            }
        }
        self.hand_back_rest(&events);
    }

    /// One connection from its beginning to its end; `None` when the links stop before it is bound.
    async fn live(&mut self, events: &Arc<dyn CarrierEvents>) -> Option<Life> {
        let (config, dialer) = (self.config.clone(), self.dialer.clone());
        let bound = self.aside(events, open(&config, &dialer)).await?;
        let bind = &config.bind;
        let wire = match bound {
            Ok(wire) => wire,
            Err(ending) => {
                let reason = ending.to_string();
                tracing::warn!(carrier = %bind.carrier, index = bind.index, %reason, "no link");
                return Some(Life {
                    ending,
                    lived: Duration::ZERO,
                });
            }
        };
        tracing::info!(carrier = %bind.carrier, index = bind.index, "link bound");
        // Nothing that was handed over before may go out behind the engine's back: it counts the
        // window from here on.
        self.hand_back_rest(events);
        self.ends.report.send_replace(LinkState::Bound);
        events.bound(bind, config.direction);
        let session = Session::new(&config, events, wire);
        Some(
            session
                .run(&mut self.ends.submissions, &mut self.ends.stop)
                .await,
        )
    }

    /// Waits for something while there is no session; `None` when the links are to stop.
    async fn aside<T>(
        &mut self,
        events: &Arc<dyn CarrierEvents>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                _ = stopped(&mut self.ends.stop) => return None,
                batch = self.ends.submissions.recv() => hand_back(events, &self.config, batch?),
            }
        }
    }

    /// Hands back what waits in the queue.
    fn hand_back_rest(&mut self, events: &Arc<dyn CarrierEvents>) {
        while let Ok(batch) = self.ends.submissions.try_recv() {
            hand_back(events, &self.config, batch);
        }
    }
}

/// Hands a batch back: it certainly did not go.
fn hand_back(events: &Arc<dyn CarrierEvents>, config: &LinkConfig, batch: Vec<Submission>) {
    let unsent = |submission: Submission| (submission.token, Answer::NotSent);
    events.answered(&config.bind, batch.into_iter().map(unsent).collect());
}

/// Connects and binds.
async fn open(config: &LinkConfig, dialer: &Dialer) -> Result<Wire, Ending> {
    let mut wire = connect(config, dialer).await?;
    let request = Bind::new(
        config.system_id.as_bytes(),
        config.password.reveal().as_bytes(),
        config.system_type.as_bytes(),
    );
    let kind = match config.direction {
        Direction::Transmit => BindKind::Transmitter,
        Direction::Receive => BindKind::Receiver,
        Direction::Both => BindKind::Transceiver,
    };
    Pdu::request(BIND_SEQUENCE, Body::Bind(kind, request)).encode(wire.output())?;
    let answered = timeout(config.timers.bind, bind_answer(config, &mut wire)).await;
    let answered = answered.unwrap_or(Err(Ending::BindTimeout));
    if let Err(Ending::Frame(_) | Ending::Malformed(_)) = &answered {
        // Whatever the peer speaks, it may take what it was told.
        let _ = timeout(Duration::from_secs(1), wire.finish()).await;
    }
    answered.map(|()| wire)
}

/// Waits for the answer to the bind. What comes behind it stays in the wire's input.
async fn bind_answer(config: &LinkConfig, wire: &mut Wire) -> Result<(), Ending> {
    loop {
        match next_answer(config, wire)? {
            Some(Status::OK) => return Ok(()),
            Some(status) => return Err(Ending::Refused(status)),
            None => {}
        }
        if wire.drive().await? == Driven::End {
            return Err(Ending::Closed);
        }
    }
}

/// Reads PDUs up to the answer to the bind; `None` when it has not come yet.
fn next_answer(config: &LinkConfig, wire: &mut Wire) -> Result<Option<Status>, Ending> {
    loop {
        let (input, out) = wire.both();
        let mut rest = input;
        let frame = match frame::take(&mut rest, config.frame_limit_octets) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(error) => {
                let sequence = error.nack_sequence();
                let status = Status::INVALID_COMMAND_LENGTH;
                Pdu::response(sequence, status, Body::GenericNack).encode(out)?;
                return Err(error.into());
            }
        };
        let octets = input.len() - rest.len();
        let pdu = Pdu::decode(frame)?;
        let answer = match pdu.body {
            Body::GenericNack if pdu.status == Status::OK => Some(Status::BIND_FAILED),
            Body::BindResponse(..) | Body::GenericNack => Some(pdu.status),
            Body::EnquireLink => {
                Pdu::response(pdu.sequence, Status::OK, Body::EnquireLinkResponse).encode(out)?;
                None
            }
            // outbind and everything else before the answer is ignored.
            _ => None,
        };
        wire.consume(octets);
        if answer.is_some() {
            return Ok(answer);
        }
    }
}
