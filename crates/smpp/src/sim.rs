//! The carrier simulator that ships with the product: an SMSC that takes binds, answers submits,
//! sends receipts and messages from handsets, and misbehaves as it is told. It keeps everything in
//! memory and is no place for real messages.

mod behaviour;
mod connection;
mod deliveries;
mod hub;
mod inbox;
mod random;
mod receipts;
mod seen;
mod session;
mod stats;

pub mod http;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::text::segment::SegmentError;
use engine::ports::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::wire::{Stream, Wire};
use connection::Connection;
use hub::Hub;

pub use behaviour::{
    Behaviour, IdForm, ReceiptForm, ReceiptOrder, ReceiptPlan, ReceiptSwitch, Span,
};
pub use inbox::InboxMessage;
pub use random::Random;
pub use stats::Stats;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Who may bind.
#[derive(Clone)]
pub struct Account {
    /// `system_id`.
    pub system_id: String,
    /// `password`.
    pub password: String,
}

/// What a simulator is started with. Every bound is a field.
#[derive(Clone)]
pub struct SimConfig {
    /// The name in bind responses, at most 15 characters.
    pub name: String,
    /// Where randomness starts: the same seed and the same traffic give the same faults.
    pub seed: u64,
    /// Tells the time for receipts, ids and the inbox.
    pub clock: Arc<dyn Clock>,
    /// TLS for every connection; `None` is plain TCP.
    pub tls: Option<TlsAcceptor>,
    /// Who may bind; empty means anyone.
    pub accounts: Vec<Account>,
    /// Connections at once; more wait to be accepted.
    pub connections_max: usize,
    /// Unanswered deliver_sm on one bind.
    pub window_max: usize,
    /// Receipts and messages waiting for a receiver; beyond it new receipts are dropped and counted.
    pub waiting_max: usize,
    /// Messages kept in the inbox; the oldest go first. 0 keeps none, which is cheapest.
    pub inbox_max: usize,
    /// Submits remembered to tell duplicates; the oldest are forgotten first.
    pub seen_max: usize,
    /// How long after a refused deliver_sm it is sent again.
    pub retry_delay: Duration,
    /// How long a connection may stay without a bind.
    pub bind_timeout: Duration,
    /// How it behaves at first; see [`SimHandle::behave`].
    pub behaviour: Behaviour,
}

impl SimConfig {
    /// A well-behaved carrier on plain TCP that lets anyone bind.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            name: "SHORTSTOP-SIM".to_owned(),
            seed: 1,
            clock,
            tls: None,
            accounts: Vec::new(),
            connections_max: 256,
            window_max: 1_000,
            waiting_max: 1_000_000,
            inbox_max: 10_000,
            seen_max: 4_000_000,
            retry_delay: Duration::from_secs(1),
            bind_timeout: Duration::from_secs(10),
            behaviour: Behaviour::default(),
        }
    }
}

/// What connections are told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Go on; the number counts how often links were dropped.
    Run(u64),
    /// End.
    Stop,
}

/// Starts simulators.
pub struct Simulator;

impl Simulator {
    /// Starts to accept on `listener`. It ends with [`SimHandle::stop`], or when the last handle is
    /// dropped.
    pub fn start(config: SimConfig, listener: TcpListener) -> SimHandle {
        let address = listener.local_addr().ok();
        let (orders, watched) = watch::channel(Order::Run(0));
        let hub = Arc::new(Hub::new(config));
        tokio::spawn(accept(Arc::clone(&hub), listener, watched));
        SimHandle {
            hub,
            orders: Arc::new(orders),
            address,
        }
    }
}

/// A running simulator. Clones are the same simulator.
#[derive(Clone)]
pub struct SimHandle {
    hub: Arc<Hub>,
    orders: Arc<watch::Sender<Order>>,
    address: Option<SocketAddr>,
}

impl SimHandle {
    /// Where it listens.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Counts since the start.
    pub fn stats(&self) -> Stats {
        self.hub.stats()
    }

    /// What handsets have received, oldest first, long messages put together.
    pub fn inbox(&self) -> Vec<InboxMessage> {
        self.hub.inbox()
    }

    /// Lets a handset write. The message waits until a receiver is bound and has taken it. Returns
    /// the number of parts.
    pub fn inject_mo(&self, from: &str, to: &str, text: &str) -> Result<usize, SegmentError> {
        self.hub.inject_mo(from, to, text)
    }

    /// Changes the behaviour from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.hub.behave(behaviour);
    }

    /// Drops every connection at once, as a broken network would. Peers may connect again.
    pub fn drop_links(&self) {
        self.orders.send_modify(|order| {
            if let Order::Run(count) = order {
                *count += 1;
            }
        });
    }

    /// Ends the listener and every connection.
    pub fn stop(&self) {
        self.orders.send_replace(Order::Stop);
    }
}

async fn accept(hub: Arc<Hub>, listener: TcpListener, mut orders: watch::Receiver<Order>) {
    let places = Arc::new(Semaphore::new(hub.config().connections_max));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut orders) => return,
        };
        let Ok((socket, _peer)) = accepted else {
            // Out of file descriptors, say: give the others time to end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if *orders.borrow_and_update() == Order::Stop {
            return;
        }
        // The clone has seen every order so far: only the next one concerns the new connection.
        let (hub, orders) = (Arc::clone(&hub), orders.clone());
        tokio::spawn(async move {
            serve(hub, socket, orders).await;
            drop(place);
        });
    }
}

/// Waits until the simulator is stopped or nobody can stop it any more.
async fn stopped(orders: &mut watch::Receiver<Order>) {
    while *orders.borrow_and_update() != Order::Stop {
        if orders.changed().await.is_err() {
            return;
        }
    }
}

async fn serve(hub: Arc<Hub>, socket: TcpStream, orders: watch::Receiver<Order>) {
    // Without it small writes would wait for the peer's acknowledgement.
    let _ = socket.set_nodelay(true);
    let stream: Box<dyn Stream> = match &hub.config().tls {
        None => Box::new(socket),
        Some(acceptor) => {
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(socket)).await {
                Ok(Ok(stream)) => Box::new(stream),
                Ok(Err(error)) => return tracing::debug!(%error, "simulator: TLS handshake failed"),
                Err(_) => return tracing::debug!("simulator: TLS handshake took too long"),
            }
        }
    };
    Connection::new(hub, Wire::new(stream)).run(orders).await;
}
