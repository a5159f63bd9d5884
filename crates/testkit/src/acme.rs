//! A certificate authority that works by itself (RFC 8555), for tests: real TLS, every signature, nonce and URL
//! checked, names looked at over TLS-ALPN-01 (RFC 8737) where the test says they are, and certificates of an authority
//! of its own that last as long as the test wants.

mod books;
mod desk;
mod issue;
mod jws;
mod look;
mod tricks;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use books::Books;
use issue::Issuing;
pub use tricks::Trick;

/// How an authority behaves.
#[derive(Clone, Debug)]
pub struct AcmeSettings {
    /// Where every name is looked at.
    pub names_at: SocketAddr,
    /// How long its certificates last.
    pub life: Duration,
    /// The one customer that it knows, with the octets of the secret; without one, it takes everybody.
    pub customer: Option<(String, Vec<u8>)>,
}

/// An authority; it stops when this is dropped.
pub struct AcmeAuthority {
    address: SocketAddr,
    root: String,
    inside: Arc<Inside>,
    task: JoinHandle<()>,
}

pub(crate) struct Inside {
    pub(crate) base: String,
    pub(crate) settings: AcmeSettings,
    pub(crate) issuing: Issuing,
    books: Mutex<Books>,
}

impl Inside {
    fn plays(&self, trick: Trick) -> bool {
        self.books().trick == Some(trick)
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for AcmeAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AcmeAuthority({})", self.address)
    }
}

impl AcmeAuthority {
    /// Starts on a free port of this machine, under the name `localhost`.
    pub async fn start(settings: AcmeSettings) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let own = params.self_signed(&key).expect("a certificate");
        let secret = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], secret)
            .expect("a pair");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let inside = Arc::new(Inside {
            base: format!("https://localhost:{}", address.port()),
            issuing: Issuing::new(),
            settings,
            books: Mutex::default(),
        });
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let task = tokio::spawn(serve(listener, acceptor, Arc::clone(&inside)));
        Self {
            address,
            root: own.pem(),
            inside,
            task,
        }
    }

    /// The URL of its directory.
    pub fn directory(&self) -> String {
        format!("{}/directory", self.inside.base)
    }

    /// Whom to trust when it is asked, in PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Whom to trust to believe its certificates, in PEM.
    pub fn issuer(&self) -> &str {
        self.inside.issuing.pem()
    }

    /// Refuses so many orders from now on (`rateLimited`).
    pub fn refuse(&self, orders: u32) {
        self.inside.books().refusals = orders;
    }

    /// Plays a trick from now on, or none.
    pub fn plays(&self, trick: Option<Trick>) {
        self.inside.books().trick = trick;
    }

    /// From now on certificates are best renewed at once.
    pub fn wants_renewal(&self) {
        self.inside.books().wants_renewal = true;
    }

    /// How many certificates it has given.
    pub fn given(&self) -> usize {
        self.inside.books().certificates.len()
    }

    /// How many accounts it has.
    pub fn accounts(&self) -> usize {
        self.inside.books().accounts.len()
    }

    /// Ids of certificates that others replaced (RFC 9773 section 5).
    pub fn replaced(&self) -> Vec<String> {
        self.inside.books().replaced.clone()
    }
}

impl Drop for AcmeAuthority {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, inside: Arc<Inside>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, inside) = (acceptor.clone(), Arc::clone(&inside));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(socket).await else {
                return;
            };
            let service = service_fn(move |request| desk::answer(Arc::clone(&inside), request));
            let _ended = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
