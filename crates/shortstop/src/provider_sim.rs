//! A carrier by HTTPS to test against: the shape of Twilio's Messages, with handsets behind it, and what became of each
//! message posted where the message says. Like the carrier over SMPP (`smpp::sim`) it misbehaves as it is told,
//! keeps everything in memory, and is no place for real messages.

mod answer;
mod post;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use smpp::sim::{Behaviour, Random};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::config::secret::Password;

/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1_024;
/// How long a client may take for its TLS handshake, or to send a head.
const PATIENCE: Duration = Duration::from_secs(10);
/// Posts that wait for their time at most; more are not made.
const POSTS_MAX: usize = 10_000;

/// Who the provider is, and how it behaves.
#[derive(Debug)]
pub struct Plan {
    /// The account.
    pub account: String,
    /// Its password, which the posts are signed with too.
    pub secret: Password,
    /// Delays and faults.
    pub behaviour: Behaviour,
    /// Where chance starts.
    pub seed: u64,
    /// Messages that are kept to be looked at.
    pub inbox_max: usize,
    /// File with whose certificates are believed when it posts, in PEM; read at each post, since a gateway may make it later.
    pub authority: Option<PathBuf>,
    /// Where messages from handsets are posted.
    pub inbound: Option<String>,
    /// When it started; ids are made of it.
    pub started: Timestamp,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Counts {
    /// Messages taken, answered or not.
    pub submits: u64,
    /// Messages refused on purpose: throttled, failed.
    pub refused: u64,
    /// Messages taken and never answered, on purpose.
    pub silent: u64,
    /// Connections over which messages and questions came.
    pub connections: u64,
    /// Receipts posted, repetitions counted.
    pub receipts_sent: u64,
    /// Receipts that were taken.
    pub receipts_acked: u64,
    /// Posts that were not made because too many waited.
    pub posts_dropped: u64,
    /// Messages from handsets posted.
    pub mo_sent: u64,
    /// Messages from handsets that were taken.
    pub mo_acked: u64,
}

/// A message as a handset shows it.
#[derive(Clone, Debug, Serialize)]
struct Shown {
    sid: String,
    from: String,
    to: String,
    text: String,
}

/// A provider that runs.
#[derive(Clone, Debug)]
pub struct ProviderSim(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    plan: Plan,
    chance: Mutex<Random>,
    counts: Mutex<Counts>,
    inbox: Mutex<VecDeque<Shown>>,
    posts: Arc<Semaphore>,
}

impl ProviderSim {
    /// A provider that serves nobody yet.
    pub fn new(plan: Plan) -> Self {
        Self(Arc::new(Shared {
            chance: Mutex::new(Random::new(plan.seed)),
            counts: Mutex::default(),
            inbox: Mutex::default(),
            posts: Arc::new(Semaphore::new(POSTS_MAX)),
            plan,
        }))
    }

    /// What it has counted so far.
    pub fn counts(&self) -> Counts {
        *lock(&self.0.counts)
    }

    /// Serves a listener until the task is dropped, over TLS with an acceptor.
    pub async fn serve(self, listener: TcpListener, security: Option<TlsAcceptor>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let Ok((socket, _peer)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (sim, security) = (self.clone(), security.clone());
            tokio::spawn(async move {
                match security {
                    None => sim.one(socket).await,
                    Some(security) => {
                        let secured = tokio::time::timeout(PATIENCE, security.accept(socket));
                        if let Ok(Ok(secured)) = secured.await {
                            sim.one(secured).await;
                        }
                    }
                }
                drop(place);
            });
        }
    }

    async fn one(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        self.count(|counts| counts.connections += 1);
        let service = service_fn(|request| answer::answer(self, request));
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        if let Err(error) = served.await {
            tracing::debug!(%error, "simulator: HTTPS connection ended");
        }
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut lock(&self.0.counts));
    }

    fn inbox(&self) -> Vec<Shown> {
        lock(&self.0.inbox).iter().cloned().collect()
    }

    /// Shows a message on its handset; gives its id.
    fn show(&self, from: &str, to: &str, text: &str) -> String {
        let mut counts = lock(&self.0.counts);
        counts.submits += 1;
        let sid = format!(
            "SM{:016x}{:016x}",
            self.0.plan.started.micros(),
            counts.submits
        );
        drop(counts);
        let mut inbox = lock(&self.0.inbox);
        inbox.push_back(Shown {
            sid: sid.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            text: text.to_owned(),
        });
        while inbox.len() > self.0.plan.inbox_max {
            inbox.pop_front();
        }
        sid
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
