//! The server for ESMEs: applications that submit over SMPP instead of HTTPS. It takes connections up to a
//! bound, makes them safe, and hands each to its own session. Who may bind and what becomes of a message is
//! the engine's.

mod chatter;
mod conversation;
mod counters;
mod deliveries;
mod parts;
mod places;
pub mod rehearsal;
mod replies;
mod request;
mod session;
mod settings;
mod statuses;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::Gateway;
use engine::ports::Clock;
use tls::TlsSlot;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use places::{NoPlace, Place, Places};
use session::{Peer, Session, Shared};

pub use counters::ServerCounters;
pub use request::IDEMPOTENCY_KEY_TAG;
pub use settings::ServerSettings;

/// How long to wait after a failed accept: most often there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Whether the listener speaks TLS.
#[derive(Clone, Debug)]
pub enum Security {
    /// It does.
    Tls(Arc<TlsSlot>),
    /// Plain TCP: everybody on the way reads the password and every message.
    Clear,
}

/// The system refused the address.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for ESMEs")]
pub struct BindError {
    /// The address asked for.
    pub address: SocketAddr,
    /// What the system said.
    pub source: std::io::Error,
}

/// A socket that listens for ESMEs, and its bounds.
#[derive(Debug)]
pub struct Server {
    socket: TcpListener,
    address: SocketAddr,
    settings: ServerSettings,
    counters: Arc<ServerCounters>,
}

impl Server {
    /// Opens the listener; port 0 takes a free one.
    pub async fn bind(
        address: SocketAddr,
        settings: ServerSettings,
        counters: Arc<ServerCounters>,
    ) -> Result<Self, BindError> {
        let refused = |source| BindError { address, source };
        let socket = TcpListener::bind(address).await.map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            address,
            settings,
            counters,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is true (or its sender is gone), then lets what is under way end, at most for the
    /// shutdown timeout, and unbinds.
    pub async fn serve(
        self,
        (gateway, clock): (Arc<Gateway>, Arc<dyn Clock>),
        security: Security,
        mut stop: watch::Receiver<bool>,
    ) {
        let settings = self.settings;
        let all = settings.connections_max;
        let places = Places::new(all, settings.connections_per_address_max);
        let shared = Arc::new(Shared {
            gateway,
            clock,
            handshakes: Places::new(all, settings.handshakes_per_address_max),
            settings: Arc::new(settings),
            counters: self.counters,
        });
        // Closed once every session has dropped its end.
        let (alive, mut ended) = mpsc::channel::<()>(1);
        loop {
            let accepted = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((socket, peer)) => {
                    let Some(place) = place(&places, peer, &shared.counters) else {
                        continue;
                    };
                    let (shared, security) = (Arc::clone(&shared), security.clone());
                    let (stop, alive) = (stop.clone(), alive.clone());
                    tokio::spawn(async move {
                        one((socket, peer), security, shared, stop).await;
                        drop((place, alive));
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection of an ESME could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop((self.socket, alive));
        let most = shared.settings.shutdown_timeout + ACCEPT_PAUSE * 100;
        if timeout(most, ended.recv()).await.is_err() {
            let open = places.taken();
            tracing::warn!(open, "ESMEs that did not end in time were cut");
        }
    }
}

/// A place for one more connection. Without one it is closed before a single octet of it is read.
fn place(places: &Arc<Places>, peer: SocketAddr, counters: &ServerCounters) -> Option<Place> {
    match places.take(peer.ip()) {
        Ok(place) => Some(place),
        Err(NoPlace::Full) => {
            counters.refused.one();
            None
        }
        Err(NoPlace::Address) => {
            counters.refused_address.one();
            None
        }
    }
}

/// One connection from its handshake to its end.
async fn one(
    (socket, peer): (TcpStream, SocketAddr),
    security: Security,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    shared.counters.accepted.one();
    // An answer is one small write; waiting for more would only make it late.
    let _ = socket.set_nodelay(true);
    let made = tokio::select! {
        made = safe((socket, peer), &security, &shared) => made,
        // Who is in the middle of a handshake has nothing to lose.
        _ = stop.wait_for(|stop| *stop) => None,
    };
    if let Some(peer) = made {
        Session::new(Arc::clone(&shared), peer).run(stop).await;
    }
    shared.counters.closed.one();
}

/// Makes a connection safe; `None` when that fails.
async fn safe(
    (socket, peer): (TcpStream, SocketAddr),
    security: &Security,
    shared: &Shared,
) -> Option<Peer> {
    let address = peer.ip().to_canonical();
    let Security::Tls(slot) = security else {
        return Some(Peer {
            stream: Box::new(socket),
            address,
            certificate: None,
        });
    };
    // Kept until the handshake is over.
    let Ok(_under_way) = shared.handshakes.take(address) else {
        shared.counters.refused_handshake.one();
        return None;
    };
    let in_force = slot.in_force();
    let acceptor = TlsAcceptor::from(in_force.config());
    let made = timeout(shared.settings.handshake_timeout, acceptor.accept(socket)).await;
    let Ok(Ok(stream)) = made else {
        shared.counters.handshakes_failed.one();
        tracing::debug!("a TLS handshake of an ESME failed or took too long");
        return None;
    };
    let Ok(certificate) = in_force.shown(stream.get_ref().1) else {
        shared.counters.handshakes_failed.one();
        tracing::debug!("a TLS session of an ESME was taken up again whose certificate is over");
        return None;
    };
    Some(Peer {
        stream: Box::new(stream),
        address,
        certificate,
    })
}
