//! The load generator: HTTPS keep-alive connections that send messages and read the answers, with
//! as little work of its own as can be. Requests are written in one piece; answers are read only as
//! far as their status and length.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where and as whom to send.
#[derive(Clone)]
pub struct Target {
    /// The address of the HTTPS API.
    pub address: SocketAddr,
    /// The certificate authority of its certificate, as PEM.
    pub ca: std::path::PathBuf,
    /// The API key.
    pub key: String,
    /// The client's id.
    pub client: String,
    /// The short code to send under.
    pub short_code: String,
    /// The class of its messages.
    pub class: String,
}

/// What came of a run.
pub struct Outcome {
    /// Messages accepted.
    pub accepted: u64,
    /// Requests answered otherwise.
    pub refused: u64,
    /// When the first request was due, in microseconds since 1970.
    pub began: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Times from request to answer, in microseconds.
    pub latency: Histogram<u64>,
}

/// Numbers the messages, over all connections and runs, so that no two are alike.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Begins at a number.
    pub fn starting_at(first: u64) -> Self {
        Self(Arc::new(AtomicU64::new(first)))
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

struct Connection {
    stream: TlsStream<TcpStream>,
    target: Target,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(connector: &TlsConnector, target: &Target) -> anyhow::Result<Self> {
        let tcp = TcpStream::connect(target.address)
            .await
            .context("the gateway does not answer")?;
        tcp.set_nodelay(true)?;
        let name = ServerName::from(target.address.ip());
        let stream = connector
            .connect(name, tcp)
            .await
            .context("TLS handshake")?;
        let (request, answer) = (Vec::with_capacity(1024), Vec::with_capacity(4096));
        Ok(Self {
            stream,
            target: target.clone(),
            request,
            answer,
        })
    }

    /// Sends one message; gives the status of the answer.
    async fn send(&mut self, number: u64) -> anyhow::Result<u16> {
        use std::io::Write;

        let body = format!(
            "{{\"to\":\"+447400{:06}\",\"from\":\"{}\",\"class\":\"{}\",\"valid_for_seconds\":3600,\
             \"text\":\"Your Example code is {number:09}. Do not share it with anyone.\"}}",
            number % 1_000_000,
            self.target.short_code,
            self.target.class,
        );
        self.request.clear();
        write!(
            self.request,
            "POST /v1/messages HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.target.address,
            self.target.key,
            body.len(),
        )?;
        self.stream.write_all(&self.request).await?;
        self.read_answer().await
    }

    async fn read_answer(&mut self) -> anyhow::Result<u16> {
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the gateway closed the connection");
            }
            let text = &self.answer;
            let Some(end) = find(text, b"\r\n\r\n") else {
                continue;
            };
            let head = std::str::from_utf8(text.get(..end).unwrap_or_default())?;
            if text.len() >= end + 4 + content_length(head) {
                let status = head.get(9..12).context("no status in the answer")?;
                return Ok(status.parse()?);
            }
        }
    }
}

/// Where `what` begins.
pub fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The length of the body that follows a head.
pub fn content_length(head: &str) -> usize {
    let line = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    line.unwrap_or(0)
}

/// What makes TLS connections that trust the target's authority and nobody else.
pub fn connector(target: &Target) -> anyhow::Result<TlsConnector> {
    connector_for(target, &[])
}

/// The same for connections that speak a protocol, by its name in TLS.
pub fn connector_for(target: &Target, protocols: &[&[u8]]) -> anyhow::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&target.ca)? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// How the requests of a run are spread over time.
#[derive(Clone, Copy)]
pub enum Rhythm {
    /// Each connection sends its next request as soon as the last is answered.
    Closed,
    /// So many requests a second in all, whatever the answers do; latency counts from the moment at
    /// which a request was due.
    Steady(u32),
}

/// Opens the connections, then sends `messages` over them.
pub async fn run(
    target: &Target,
    counter: &Counter,
    connections: u32,
    messages: u64,
    rhythm: Rhythm,
) -> anyhow::Result<Outcome> {
    let connector = connector(target)?;
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Connection::open(&connector, target).await?);
    }
    let left = Arc::new(AtomicU64::new(0));
    // Only now, when the handshakes are over.
    let (start, began) = (Instant::now(), unix_micros()?);
    let mut lanes = Vec::new();
    for connection in open {
        let lane = Lane {
            left: Arc::clone(&left),
            counter: counter.clone(),
            messages,
            rhythm,
            start,
        };
        lanes.push(tokio::spawn(lane.run(connection)));
    }
    let mut outcome = Outcome {
        accepted: 0,
        refused: 0,
        began,
        elapsed: Duration::ZERO,
        latency: histogram()?,
    };
    for lane in lanes {
        let (accepted, refused, latency) = lane.await??;
        outcome.accepted += accepted;
        outcome.refused += refused;
        outcome.latency.add(latency)?;
    }
    outcome.elapsed = start.elapsed();
    Ok(outcome)
}

fn unix_micros() -> anyhow::Result<u64> {
    let time = std::time::UNIX_EPOCH.elapsed()?;
    Ok(u64::try_from(time.as_micros())?)
}

/// For times in microseconds, up to a minute.
pub fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

struct Lane {
    left: Arc<AtomicU64>,
    counter: Counter,
    messages: u64,
    rhythm: Rhythm,
    start: Instant,
}

impl Lane {
    async fn run(self, mut connection: Connection) -> anyhow::Result<(u64, u64, Histogram<u64>)> {
        let (mut accepted, mut refused, mut latency) = (0, 0, histogram()?);
        loop {
            let place = self.left.fetch_add(1, Ordering::Relaxed);
            if place >= self.messages {
                return Ok((accepted, refused, latency));
            }
            let due = match self.rhythm {
                Rhythm::Closed => Instant::now(),
                Rhythm::Steady(rate) => {
                    let at = Duration::from_secs_f64(seconds(place, rate));
                    tokio::time::sleep_until(self.start + at).await;
                    self.start + at
                }
            };
            match connection.send(self.counter.next()).await? {
                202 => accepted += 1,
                _ => refused += 1,
            }
            let micros = u64::try_from(due.elapsed().as_micros())?.max(1);
            latency.saturating_record(micros);
        }
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a bench sends few messages"
)]
fn seconds(place: u64, rate: u32) -> f64 {
    place as f64 / f64::from(rate)
}
