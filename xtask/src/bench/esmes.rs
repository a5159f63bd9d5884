//! The load generator over SMPP: ESMEs that bind over TLS, keep their windows full and answer what is delivered
//! to them. PDUs are written by hand and read only as far as their kind, status and number.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::load::{Target, connector, histogram};

const BIND_TRANSMITTER: u32 = 2;
const BIND_RECEIVER: u32 = 1;
const BIND_TRANSCEIVER: u32 = 9;
const SUBMIT_SM: u32 = 4;
const DELIVER_SM: u32 = 5;
const ENQUIRE_LINK: u32 = 0x15;
const RESPONSE: u32 = 0x8000_0000;
const HEADER_OCTETS: usize = 16;

/// What the ESMEs bind as.
#[derive(Clone, Copy)]
pub enum Role {
    /// They submit, and get nothing back but answers.
    Transmitter,
    /// They are delivered receipts, and submit nothing.
    Receiver,
    /// Both.
    Transceiver,
}

impl Role {
    const fn command(self) -> u32 {
        match self {
            Self::Transmitter => BIND_TRANSMITTER,
            Self::Receiver => BIND_RECEIVER,
            Self::Transceiver => BIND_TRANSCEIVER,
        }
    }
}

/// The account that they bind under, and how they behave.
#[derive(Clone, Copy)]
pub struct Crew<'a> {
    /// Where the gateway listens for them.
    pub address: SocketAddr,
    /// Whose certificate authority and short code are used.
    pub target: &'a Target,
    /// `system_id` and password.
    pub account: (&'a str, &'a str),
    /// Unanswered submits of each.
    pub window: usize,
    /// `registered_delivery` of every submit.
    pub registered: u8,
    /// So many submits a second in all, as far as windows allow, each due at a moment of its own; without it
    /// windows are always full. Times count from when a submit was due.
    pub rate: Option<u32>,
}

/// What came of a run.
pub struct Outcome {
    /// From the first submit to the last answer, or to the last receipt if it was waited for.
    pub elapsed: Duration,
    /// From the first submit to the last answer.
    pub answered: Duration,
    /// Times from submit to answer, in microseconds.
    pub latency: Histogram<u64>,
}

/// One ESME that is bound.
struct Esme {
    stream: TlsStream<TcpStream>,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// What all ESMEs of a run share.
struct Shared {
    /// Numbers of messages that are taken.
    taken: AtomicU64,
    /// Receipts that came.
    receipts: AtomicU64,
    first: u64,
    submits: u64,
    receipts_wanted: u64,
    start: Instant,
    rate: Option<u32>,
}

/// One ESME's own count.
struct Lane {
    shared: Arc<Shared>,
    /// The message that it submits next, and when that is due.
    next: Option<(u64, Instant)>,
    /// When each submit was due.
    sent_at: Vec<Instant>,
    open: usize,
    latency: Histogram<u64>,
    answered_at: Instant,
}

impl Crew<'_> {
    /// Binds `count` ESMEs, submits messages numbered from `first`, and waits for all answers and for so many
    /// receipts. With `submits` of 0 it only waits for receipts.
    pub async fn run(
        &self,
        (count, role): (usize, Role),
        (first, submits): (u64, u64),
        receipts: u64,
    ) -> anyhow::Result<Outcome> {
        let connector = connector(self.target)?;
        let mut esmes = Vec::new();
        for _ in 0..count {
            esmes.push(Esme::bind(self, &connector, role).await?);
        }
        let start = Instant::now();
        let shared = Arc::new(Shared {
            taken: AtomicU64::new(0),
            receipts: AtomicU64::new(0),
            first,
            submits,
            receipts_wanted: receipts,
            start,
            rate: self.rate,
        });
        let mut tasks = Vec::new();
        for esme in esmes {
            let lane = Lane {
                shared: Arc::clone(&shared),
                next: None,
                sent_at: Vec::new(),
                open: 0,
                latency: histogram()?,
                answered_at: start,
            };
            let (code, window, registered) =
                (self.target.short_code.clone(), self.window, self.registered);
            tasks.push(tokio::spawn(lane.run(esme, code, window, registered)));
        }
        let (mut latency, mut answered) = (histogram()?, start);
        for task in tasks {
            let lane = task.await??;
            latency.add(&lane.latency)?;
            answered = answered.max(lane.answered_at);
        }
        Ok(Outcome {
            elapsed: start.elapsed(),
            answered: answered.duration_since(start),
            latency,
        })
    }
}

impl Shared {
    /// The next message, if one is left, and when it is due.
    fn take(&self) -> Option<(u64, Instant)> {
        if self.taken.load(Ordering::Relaxed) >= self.submits {
            return None;
        }
        let place = self.taken.fetch_add(1, Ordering::Relaxed);
        let due = match self.rate {
            Some(rate) => self.start + Duration::from_micros(place * 1_000_000 / u64::from(rate)),
            None => Instant::now(),
        };
        (place < self.submits).then_some((self.first + place, due))
    }

    fn is_told(&self) -> bool {
        self.receipts.load(Ordering::Relaxed) >= self.receipts_wanted
    }
}

impl Lane {
    async fn run(
        mut self,
        mut esme: Esme,
        code: String,
        window: usize,
        registered: u8,
    ) -> anyhow::Result<Self> {
        /// Others may have got the last receipt: then nothing more comes here.
        const LOOK: Duration = Duration::from_millis(20);
        loop {
            while self.open < window && self.submit(&mut esme, &code, registered)? {}
            esme.flush().await?;
            if self.open == 0 && self.next.is_none() && self.shared.is_told() {
                return Ok(self);
            }
            let now = Instant::now();
            let due = self.next.filter(|_| self.open < window);
            let wait = due.map_or(LOOK, |(_, due)| due.duration_since(now).min(LOOK));
            if let Ok(read) = tokio::time::timeout(wait, esme.read()).await {
                read?;
            }
            self.take(&mut esme)?;
        }
    }

    /// Writes the next submit; `false` when none is left or due.
    fn submit(&mut self, esme: &mut Esme, code: &str, registered: u8) -> anyhow::Result<bool> {
        self.next = self.next.or_else(|| self.shared.take());
        let Some((number, due)) = self.next.filter(|(_, due)| *due <= Instant::now()) else {
            return Ok(false);
        };
        self.next = None;
        self.sent_at.push(due);
        self.open += 1;
        let sequence = u32::try_from(self.sent_at.len())?;
        let body = submit_body(code, number, registered)?;
        esme.write(SUBMIT_SM, sequence, &body)?;
        Ok(true)
    }

    /// Takes every whole PDU that was read.
    fn take(&mut self, esme: &mut Esme) -> anyhow::Result<()> {
        let mut at = 0;
        while let Some((length, [id, status, sequence])) = header(esme.input.get(at..)) {
            if esme.input.len() < at + length {
                break;
            }
            at += length;
            match id {
                _ if id == SUBMIT_SM | RESPONSE => {
                    ensure!(status == 0, "a submit was answered {status:#x}");
                    self.answered(sequence)?;
                }
                DELIVER_SM => {
                    self.shared.receipts.fetch_add(1, Ordering::Relaxed);
                    esme.write(DELIVER_SM | RESPONSE, sequence, b"\0")?;
                }
                ENQUIRE_LINK => esme.write(ENQUIRE_LINK | RESPONSE, sequence, b"")?,
                other => anyhow::bail!("the gateway said {other:#x}"),
            }
        }
        esme.input.drain(..at);
        Ok(())
    }

    fn answered(&mut self, sequence: u32) -> anyhow::Result<()> {
        let place = usize::try_from(sequence)?.checked_sub(1);
        let sent = place.and_then(|place| self.sent_at.get(place));
        let took = sent.context("an answer to nothing")?.elapsed();
        self.latency
            .saturating_record(u64::try_from(took.as_micros())?.max(1));
        self.open = self.open.saturating_sub(1);
        self.answered_at = Instant::now();
        Ok(())
    }
}

impl Esme {
    async fn bind(crew: &Crew<'_>, connector: &TlsConnector, role: Role) -> anyhow::Result<Self> {
        let tcp = TcpStream::connect(crew.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::from(crew.address.ip());
        let stream = connector.connect(name, tcp).await.context("TLS")?;
        let mut esme = Self {
            stream,
            input: Vec::with_capacity(1 << 16),
            output: Vec::with_capacity(1 << 16),
        };
        let (name, password) = crew.account;
        // No system_type, version 3.4, and no range of addresses.
        let body = format!("{name}\0{password}\0\0\x34\0\0\0");
        esme.write(role.command(), 1, body.as_bytes())?;
        esme.flush().await?;
        loop {
            esme.read().await?;
            if let Some((length, [_, status, _])) = header(Some(&esme.input)) {
                ensure!(status == 0, "a bind was answered {status:#x}");
                if esme.input.len() >= length {
                    esme.input.drain(..length);
                    return Ok(esme);
                }
            }
        }
    }

    fn write(&mut self, id: u32, sequence: u32, body: &[u8]) -> anyhow::Result<()> {
        let length = u32::try_from(HEADER_OCTETS + body.len())?;
        for word in [length, id, 0, sequence] {
            self.output.extend_from_slice(&word.to_be_bytes());
        }
        self.output.extend_from_slice(body);
        Ok(())
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.stream.flush().await?;
            self.output.clear();
        }
        Ok(())
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        self.input.reserve(1 << 14);
        let read = self.stream.read_buf(&mut self.input).await?;
        ensure!(read > 0, "the gateway closed the connection");
        Ok(())
    }
}

/// The length of the PDU that begins there, and its id, status and number.
fn header(octets: Option<&[u8]>) -> Option<(usize, [u32; 3])> {
    let head = octets?.first_chunk::<HEADER_OCTETS>()?;
    let mut words = head.chunks_exact(4).map(|word| {
        word.iter()
            .fold(0, |sum, octet| sum << 8 | u32::from(*octet))
    });
    let length = usize::try_from(words.next()?).ok()?;
    Some((length, [words.next()?, words.next()?, words.next()?]))
}

/// One message to a number of its own, with a text like those over HTTPS.
fn submit_body(code: &str, number: u64, registered: u8) -> anyhow::Result<Vec<u8>> {
    let text = format!("Your Example code is {number:09}. Do not share it with anyone.");
    let mut body = Vec::with_capacity(160);
    body.extend_from_slice(b"\0\x03\x00");
    body.extend_from_slice(code.as_bytes());
    body.extend_from_slice(b"\0\x01\x01");
    body.extend_from_slice(format!("447400{:06}", number % 1_000_000).as_bytes());
    // esm_class, protocol_id, priority, no schedule, the class's own validity; then a text of GSM letters.
    body.extend_from_slice(&[0, 0, 0, 0, 0, 0, registered, 0, 0, 0]);
    body.push(u8::try_from(text.len())?);
    body.extend_from_slice(text.as_bytes());
    Ok(body)
}
