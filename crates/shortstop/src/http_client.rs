//! A small HTTP client with one kept connection, for the demo and the tests: HTTPS to the gateway, plain
//! HTTP to the simulator on loopback. It is no general client: it follows nothing and repeats nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use web::twilio::form::encoded;

/// Nothing here answers slower than this unless it is gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// Octets of an answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// How an answer came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

impl Reply {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A member of the body as text; empty when there is none.
    pub fn member(&self, name: &str) -> String {
        let value = self.json();
        let member = value.get(name);
        member
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

/// Where to, and over what.
#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    tls: Option<TlsConnector>,
    headers: Vec<(&'static str, String)>,
}

impl Target {
    /// HTTPS to an address of this machine, verified against this authority.
    pub fn https(address: SocketAddr, ca_pem: &[u8]) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem) {
            roots.add(certificate.context("the authority is not PEM")?)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = Some(TlsConnector::from(Arc::new(config)));
        Ok(Self {
            address,
            tls,
            headers: Vec::new(),
        })
    }

    /// Plain HTTP.
    pub const fn http(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            headers: Vec::new(),
        }
    }

    /// With an API key in every request.
    pub fn with_key(mut self, key: &str) -> Self {
        self.headers
            .push(("authorization", format!("Bearer {key}")));
        self
    }

    /// With an API key in every request, as applications of Twilio's show it: under the SID of an account or a key.
    pub fn with_account(mut self, sid: &str, key: &str) -> Self {
        let token = STANDARD.encode(format!("{sid}:{key}"));
        self.headers.retain(|(name, _)| *name != "authorization");
        self.headers
            .push(("authorization", format!("Basic {token}")));
        self
    }

    /// With another header in every request.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// A client with a connection of its own.
    pub fn client(&self) -> Client {
        Client {
            target: self.clone(),
            sender: None,
        }
    }
}

/// What a request carries.
enum Sent<'a> {
    Nothing,
    Json(Option<&'a str>, &'a Value),
    Form(String),
}

/// One connection, opened when it is first needed and again after it broke.
pub struct Client {
    target: Target,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// Asks for a path.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Reply> {
        self.send(Method::GET, path, Sent::Nothing).await
    }

    /// Sends JSON.
    pub async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Reply> {
        self.send(Method::POST, path, Sent::Json(None, body)).await
    }

    /// Sends JSON under an idempotency key, so that sending it again is safe.
    pub async fn post_once(
        &mut self,
        path: &str,
        key: &str,
        body: &Value,
    ) -> anyhow::Result<Reply> {
        self.send(Method::POST, path, Sent::Json(Some(key), body))
            .await
    }

    /// Sends a form.
    pub async fn post_form(
        &mut self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> anyhow::Result<Reply> {
        let written = parameters.iter();
        let written = written.map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let form = written.collect::<Vec<_>>().join("&");
        self.send(Method::POST, path, Sent::Form(form)).await
    }

    /// Deletes what is at a path.
    pub async fn delete(&mut self, path: &str) -> anyhow::Result<Reply> {
        self.send(Method::DELETE, path, Sent::Nothing).await
    }

    async fn send(&mut self, method: Method, path: &str, sent: Sent<'_>) -> anyhow::Result<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.target.address.to_string());
        for (name, value) in &self.target.headers {
            request = request.header(*name, value);
        }
        if let Sent::Json(Some(key), _) = sent {
            request = request.header("idempotency-key", format!("\"{key}\""));
        }
        let (kind, body) = match sent {
            Sent::Nothing => (None, Bytes::new()),
            Sent::Json(_, body) => (Some("application/json"), Bytes::from(body.to_string())),
            Sent::Form(form) => (Some("application/x-www-form-urlencoded"), Bytes::from(form)),
        };
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let request = request.body(Full::new(body))?;
        let sent = tokio::time::timeout(PATIENCE, self.exchange(request)).await;
        let reply = sent.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in {PATIENCE:?}")));
        if reply.is_err() {
            self.sender = None;
        }
        reply
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Reply> {
        let mut sender = match self.sender.take() {
            Some(sender) if !sender.is_closed() => sender,
            _ => connect(&self.target).await?,
        };
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer broke off: {error}"))?;
        self.sender = Some(sender);
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(Reply {
            status,
            headers,
            text,
        })
    }
}

async fn connect(target: &Target) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let socket = TcpStream::connect(target.address).await?;
    socket.set_nodelay(true)?;
    let Some(tls) = &target.tls else {
        return open(socket).await;
    };
    let name = ServerName::IpAddress(target.address.ip().into());
    open(tls.connect(name, socket).await?).await
}

async fn open<S>(socket: S) -> anyhow::Result<SendRequest<Full<Bytes>>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    // Its errors reach the requests that are waiting on it.
    tokio::spawn(connection);
    Ok(sender)
}
