//! One connection to the simulator: moves octets between the wire and the session until one of them,
//! or the operator, ends it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::Order;
use super::hub::Hub;
use super::session::{Flow, Session};
use crate::wire::{Driven, Wire};

/// How long the last octets may take to be written.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct Connection {
    session: Session,
    wire: Wire,
    wake: Arc<Notify>,
    /// When a connection without a bind is closed.
    bind_until: Instant,
}

impl Connection {
    pub(super) fn new(hub: Arc<Hub>, wire: Wire) -> Self {
        let wake = Arc::new(Notify::new());
        let bind_until = Instant::now() + hub.config().bind_timeout;
        Self {
            session: Session::new(hub, Arc::clone(&wake)),
            wire,
            wake,
            bind_until,
        }
    }

    pub(super) async fn run(mut self, mut orders: watch::Receiver<Order>) {
        let flow = tokio::select! {
            flow = self.serve() => flow,
            _ = orders.changed() => Flow::Break,
        };
        self.session.end();
        if flow == Flow::Finish {
            // The peer may be gone already; there is nobody left to tell.
            let _ = timeout(FINISH_TIMEOUT, self.wire.finish()).await;
        }
    }

    async fn serve(&mut self) -> Flow {
        loop {
            let due = self.session.write_due(self.wire.output());
            let bind_until = (!self.session.is_bound()).then_some(self.bind_until);
            tokio::select! {
                driven = self.wire.drive() => match driven {
                    Ok(Driven::Octets) => {
                        let (input, out) = self.wire.both();
                        let (octets, flow) = self.session.take(input, out);
                        self.wire.consume(octets);
                        if flow != Flow::Continue {
                            return flow;
                        }
                    }
                    Ok(Driven::End) | Err(_) => return Flow::Break,
                },
                () = until(due) => {}
                () = until(bind_until) => return Flow::Break,
                () = self.wake.notified() => {}
            }
        }
    }
}

/// Waits until a moment, or for ever when there is none.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
