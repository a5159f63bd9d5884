//! A listener with a service of a few lines behind it, for everything that comes before a route.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rustls::pki_types::CertificateDer;
use tls::{Certificates, ClientCertificates, TlsProfile, TlsSlot};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use web::{Answer, Drained, Listener, ListenerCounters, Security, Serve, ServerSettings};

/// Longer than any test takes, and the end of one that hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// More than the buffers of two sockets on one machine hold.
const LARGE: usize = 16 * 1_024 * 1_024;

/// Answers by path: `/panic` panics, `/hang` never answers, `/wait` waits to be released, `/large` gives
/// [`LARGE`] octets, everything else gives the length of its body.
pub struct Stub {
    pub entered: Arc<Notify>,
    pub release: Arc<Notify>,
}

impl Serve for Stub {
    async fn serve(&self, request: Request<Incoming>, _: SocketAddr) -> Answer {
        match request.uri().path() {
            "/panic" => panic!("asked to"),
            "/hang" => {
                self.entered.notify_one();
                std::future::pending().await
            }
            "/large" => Response::new(Full::new(Bytes::from(vec![b'x'; LARGE]))),
            "/wait" => {
                self.entered.notify_one();
                self.release.notified().await;
                Response::new(Full::new(Bytes::from_static(b"released")))
            }
            _ => {
                let body = request.into_body().collect().await;
                let length = body.map_or("broken".to_owned(), |b| b.to_bytes().len().to_string());
                Response::new(Full::new(Bytes::from(length)))
            }
        }
    }

    fn broken(&self) -> Answer {
        let mut answer = Response::new(Full::new(Bytes::from_static(b"broken")));
        *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        answer
    }
}

/// A certificate for `localhost` and its key.
pub fn certificates() -> (Certificates, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_pem();
    let certificates = Certificates::from_pem(made.cert.pem().as_bytes(), key.as_bytes());
    (certificates.unwrap(), made.cert.der().clone())
}

/// A running listener.
pub struct Server {
    pub address: SocketAddr,
    pub root: CertificateDer<'static>,
    pub slot: Arc<TlsSlot>,
    pub counters: Arc<ListenerCounters>,
    pub entered: Arc<Notify>,
    pub release: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Drained>,
}

impl Server {
    pub async fn start(settings: ServerSettings) -> Self {
        Self::with_profile(settings, TlsProfile::Modern).await
    }

    pub async fn with_profile(settings: ServerSettings, profile: TlsProfile) -> Self {
        Self::asking(settings, profile, ClientCertificates::default()).await
    }

    pub async fn asking(
        settings: ServerSettings,
        profile: TlsProfile,
        clients: ClientCertificates,
    ) -> Self {
        let (certificates, root) = certificates();
        let slot = Arc::new(TlsSlot::asking(profile, certificates, clients).unwrap());
        let counters = Arc::new(ListenerCounters::default());
        let local = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(local, settings, Arc::clone(&counters))
            .await
            .unwrap();
        let address = listener.address();
        let (stop, stopped) = watch::channel(false);
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let stub = Stub {
            entered: Arc::clone(&entered),
            release: Arc::clone(&release),
        };
        let security = Security::Tls(Arc::clone(&slot));
        let task = tokio::spawn(listener.serve(stub, security, stopped));
        Self {
            address,
            root,
            slot,
            counters,
            entered,
            release,
            stop,
            task,
        }
    }

    /// Says stop; the listener drains.
    pub fn begin_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for the end.
    pub async fn drained(self) -> Drained {
        self.begin_stop();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
    }

    /// Waits until a counter has a value.
    pub async fn counts(&self, metric: &str, value: u64) {
        let reached = async {
            while self.counters.total(metric).unwrap() < value {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(
            reached.is_ok(),
            "{metric} is {:?}",
            self.counters.total(metric)
        );
        assert_eq!(self.counters.total(metric), Some(value), "{metric}");
    }
}
