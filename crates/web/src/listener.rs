//! The accept loop: takes connections up to a bound, makes them safe, hands each to its own task,
//! and ends them in an orderly way. One listener is HTTPS, the admin's is plain HTTP on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use crate::addresses::{self, Addresses, Sort};
use crate::connection::{self, Peer, Phase, Protocol, Serve, Shared};
use crate::counters::ListenerCounters;
use crate::settings::ServerSettings;
use tls::{InForce, TlsSlot};

/// How long to wait after a failed accept: most often there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Whether a listener speaks TLS.
#[derive(Clone, Debug)]
pub enum Security {
    /// It does.
    Tls(Arc<TlsSlot>),
    /// Plain HTTP, for loopback.
    Clear,
}

/// Where the admin listener may be reached from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdminExposure {
    /// From this machine alone.
    #[default]
    LoopbackOnly,
    /// From any address, unencrypted and without credentials: only behind a network of your own.
    AnyAddressInClear,
}

/// Why a listener was not opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The admin listener would be reachable from other machines, and no setting says so.
    #[error(
        "the admin listener is plain HTTP without credentials: use a loopback address such as \
         127.0.0.1:9443, or allow any address in clear by its setting"
    )]
    NotLoopback,
    /// The system refused the address.
    #[error("cannot listen on {address}")]
    Refused {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// How a listener ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every connection ended by itself.
    Clean,
    /// The bound passed; so many connections were cut.
    Cut(usize),
}

/// A socket that listens, and its bounds.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    settings: ServerSettings,
    counters: Arc<ListenerCounters>,
}

impl Listener {
    /// Opens a listener; port 0 takes a free one.
    pub async fn bind(
        address: SocketAddr,
        settings: ServerSettings,
        counters: Arc<ListenerCounters>,
    ) -> Result<Self, BindError> {
        let refused = |source| BindError::Refused { address, source };
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            address,
            settings,
            counters,
        })
    }

    /// Opens the admin listener, which is plain HTTP and therefore for loopback unless said loudly.
    pub async fn bind_admin(
        address: SocketAddr,
        exposure: AdminExposure,
        settings: ServerSettings,
        counters: Arc<ListenerCounters>,
    ) -> Result<Self, BindError> {
        if exposure == AdminExposure::LoopbackOnly && !address.ip().is_loopback() {
            return Err(BindError::NotLoopback);
        }
        Self::bind(address, settings, counters).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is true (or its sender is gone), then lets open requests end, at most
    /// for the shutdown timeout.
    pub async fn serve<S: Serve>(
        self,
        service: S,
        security: Security,
        mut stop: watch::Receiver<bool>,
    ) -> Drained {
        let limit = self.settings.connections_max.min(Semaphore::MAX_PERMITS);
        let drain = self.settings.shutdown_timeout;
        let places = Arc::new(Semaphore::new(limit));
        let (phase, follow) = watch::channel(Phase::Serving);
        let Self {
            socket,
            settings,
            counters,
            ..
        } = self;
        let shared = Arc::new(Shared {
            service,
            settings,
            counters,
        });
        let addresses = Addresses::new(&shared.settings);
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let Some(place) = place(&addresses, &places, peer, &shared.counters) else {
                        continue;
                    };
                    let shared = Arc::clone(&shared);
                    let security = security.clone();
                    tokio::spawn(one((socket, peer), security, shared, follow.clone(), place));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop((socket, follow));
        ended(&places, limit, &phase, drain).await
    }
}

/// What a connection holds until it ends: its place among all, and among those of its address.
struct Place {
    _of_all: OwnedSemaphorePermit,
    of_address: addresses::Place,
    addresses: Arc<Addresses>,
}

/// A place for one more connection. Without one it is closed before a single octet of it is read.
fn place(
    addresses: &Arc<Addresses>,
    places: &Arc<Semaphore>,
    peer: SocketAddr,
    counters: &ListenerCounters,
) -> Option<Place> {
    let Some(of_address) = addresses.take(peer.ip(), Sort::Connection) else {
        counters.refused_address.add(1);
        return None;
    };
    let Ok(of_all) = Arc::clone(places).try_acquire_owned() else {
        counters.refused.add(1);
        return None;
    };
    Some(Place {
        _of_all: of_all,
        of_address,
        addresses: Arc::clone(addresses),
    })
}

/// Waits for the connections to end, then cuts those that have not.
async fn ended(
    places: &Semaphore,
    limit: usize,
    phase: &watch::Sender<Phase>,
    drain: Duration,
) -> Drained {
    // Nobody may be listening any more, which is what is wanted.
    phase.send_replace(Phase::Draining);
    if timeout(drain, phase.closed()).await.is_ok() {
        return Drained::Clean;
    }
    let open = limit.saturating_sub(places.available_permits());
    phase.send_replace(Phase::Ending);
    // Each ends at its next poll; the bound is for a machine that does not get to it.
    let _ = timeout(drain, phase.closed()).await;
    Drained::Cut(open)
}

/// One connection from its handshake to its end.
async fn one<S: Serve>(
    (socket, address): (TcpStream, SocketAddr),
    security: Security,
    shared: Arc<Shared<S>>,
    phase: watch::Receiver<Phase>,
    place: Place,
) {
    shared.counters.accepted.add(1);
    // An answer is one small write; waiting for more would only make it late.
    let _ = socket.set_nodelay(true);
    let peer = Peer {
        address,
        reached: socket.local_addr().ok().map(|reached| reached.ip()),
        certificate: None,
    };
    match security {
        Security::Clear => {
            connection::run(socket, Protocol::Http1, Arc::clone(&shared), peer, phase).await;
        }
        Security::Tls(slot) => match place.addresses.take(address.ip(), Sort::Handshake) {
            Some(handshake) => {
                let opening = (socket, handshake);
                encrypted(opening, peer, &slot, Arc::clone(&shared), phase).await;
            }
            None => shared.counters.handshakes_refused.add(1),
        },
    }
    drop(place.of_address);
    shared.counters.closed.add(1);
}

async fn encrypted<S: Serve>(
    (socket, under_way): (TcpStream, addresses::Place),
    peer: Peer,
    slot: &TlsSlot,
    shared: Arc<Shared<S>>,
    mut phase: watch::Receiver<Phase>,
) {
    let in_force = slot.in_force();
    let accepted = accepted(slot, &in_force, socket);
    let handshake = timeout(shared.settings.handshake_timeout, accepted);
    let made = tokio::select! {
        made = handshake => made,
        // A client in the middle of its handshake has no request to lose.
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
    };
    drop(under_way);
    match made {
        // An authority has looked at a name.
        Ok(Ok(None)) => {}
        Ok(Ok(Some(stream))) => {
            let protocol = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            let Ok(certificate) = in_force.shown(stream.get_ref().1) else {
                shared.counters.handshakes_failed.add(1);
                tracing::debug!("a TLS session was taken up again whose certificate is over");
                return;
            };
            let peer = Peer {
                certificate,
                ..peer
            };
            connection::run(stream, protocol, shared, peer, phase).await;
        }
        Ok(Err(error)) => {
            shared.counters.handshakes_failed.add(1);
            tracing::debug!(%error, "a TLS handshake failed");
        }
        Err(_) => {
            shared.counters.handshakes_failed.add(1);
            tracing::debug!("a TLS handshake took too long");
        }
    }
}

/// Makes a connection safe; `None` when it was an authority that looks at a name, which is told nothing else.
async fn accepted(
    slot: &TlsSlot,
    in_force: &InForce,
    socket: TcpStream,
) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    if !slot.is_challenged() {
        let acceptor = TlsAcceptor::from(in_force.config());
        return acceptor.accept(socket).await.map(Some);
    }
    let hello = LazyConfigAcceptor::new(Acceptor::default(), socket).await?;
    match slot.proof_for(&hello.client_hello()) {
        None => hello.into_stream(in_force.config()).await.map(Some),
        Some(proof) => {
            let mut stream = hello.into_stream(proof).await?;
            stream.shutdown().await?;
            Ok(None)
        }
    }
}
