//! The doors of the real binary before those who speak something else, and before floods of HTTP/2 that are meant to
//! cost more than they send.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use shortstop::child::GatewayProcess;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::ground::{Carrier, Ground, PATIENCE, free_address, until};

#[path = "../../../web/tests/edge/frames.rs"]
#[allow(dead_code, reason = "this file needs some of them")]
mod frames;

use frames::{
    CONTINUATION, END, HEADERS, PING, PREFACE, RESET, SETTINGS, WHOLE, WINDOW, frame, head,
};

/// How long a handshake may take in these tests.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// By then a connection has ended for which the bound is [`HANDSHAKE`], also on a machine that does much else.
const ENDED: Duration = Duration::from_secs(10);

/// A hello of TLS 1.0 with one cipher suite.
const TLS10: &[u8] = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x010123456789abcdef0123456789abcdef\0\x00\x02\x00\x2f\x01\0\0\0";

/// The head of a `bind_transceiver`, and some of it.
const BIND: &[u8] = b"\0\0\0\x20\0\0\0\x09\0\0\0\0\0\0\0\x01esme1\0pw\0\0\x34\0\0\0";

const REQUEST: &[u8] = b"GET /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What strangers say at a door, before TLS.
const STRANGERS: [&[u8]; 7] = [
    REQUEST,
    TLS10,
    BIND,
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\x16\x03\x01\xff\xff\x01",
    b"\xde\xad\xbe\xef\x00\xff\x7f\x80\xde\xad\xbe\xef\x00\xff\x7f\x80",
    b"",
];

async fn doors() -> (Ground, GatewayProcess, Carrier, SocketAddr) {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    let smpp = free_address();
    let seconds = HANDSHAKE.as_secs();
    ground.https_more = format!("handshake_seconds = {seconds}\n");
    ground.more = format!(
        "[smpp]\nlisten = '{smpp}'\nhandshake_seconds = {seconds}\nsession_init_seconds = {seconds}\n"
    );
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    (ground, gateway, carrier, smpp)
}

/// The sum of all rows of a metric.
async fn counted(ground: &Ground, metric: &str) -> u64 {
    let page = ground.admin().get("/metrics").await.unwrap().text;
    let rows = page.lines().filter(|line| line.starts_with(metric));
    let value = |row: &str| row.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    rows.map(value).sum()
}

/// Waits for the end of a connection, within the bound; gives what came before.
async fn ended(mut stream: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut heard = Vec::new();
    let read = stream.read_to_end(&mut heard);
    // A reset is an end too.
    let _ = timeout(ENDED, read).await.expect("the connection stays");
    heard
}

async fn secured(ground: &Ground, address: SocketAddr, protocol: &str) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let pem = std::fs::read(ground.data().join("tls/ca.pem")).unwrap();
    for authority in CertificateDer::pem_slice_iter(&pem) {
        roots.add(authority.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let made = timeout(PATIENCE, connector.connect(name, socket)).await;
    made.unwrap().unwrap()
}

#[tokio::test]
async fn whoever_speaks_something_else_is_gone_within_the_handshake_and_counted() {
    let (ground, gateway, _carrier, smpp) = doors().await;
    let mut strangers = 0;
    for address in [ground.https, smpp] {
        for stranger in STRANGERS {
            let mut socket = TcpStream::connect(address).await.unwrap();
            socket.write_all(stranger).await.unwrap();
            let heard = ended(socket).await;
            // An alert of TLS, and not a word of anything else.
            let is_alert = heard.first() == Some(&0x15) && heard.len() < 40;
            assert!(heard.is_empty() || is_alert, "{stranger:?}: {heard:?}");
            strangers += 1;
        }
    }
    let all = async || {
        let at_https = counted(&ground, "shortstop_tls_handshakes_failed_total").await;
        let at_smpp = counted(&ground, "shortstop_smpp_handshakes_failed_total").await;
        (at_https + at_smpp == strangers).then_some(())
    };
    until("the count of strangers", all).await;
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn behind_tls_too_each_door_speaks_its_own_protocol_alone() {
    let (ground, gateway, _carrier, smpp) = doors().await;
    let mut web = secured(&ground, ground.https, "http/1.1").await;
    web.write_all(BIND).await.unwrap();
    let heard = ended(web).await;
    assert!(heard.starts_with(b"HTTP/1.1 400 "), "{heard:?}");
    let mut esmes = secured(&ground, smpp, "smpp").await;
    esmes.write_all(REQUEST).await.unwrap();
    let heard = ended(esmes).await;
    // One generic_nack: 16 octets, and none of HTTP.
    assert_eq!((heard.len(), heard.get(4)), (16, Some(&0x80)), "{heard:?}");
    let foreign = async || {
        let foreign = counted(&ground, "shortstop_smpp_connections_foreign_total").await;
        (foreign == 1).then_some(())
    };
    until("the count of a foreign protocol", foreign).await;
    assert!(gateway.stop().await.unwrap().success());
}

/// What a connection of HTTP/2 is flooded with, one round of it after another.
type Flood = fn(round: u32) -> Vec<u8>;

const FLOODS: [(&str, Flood); 6] = [
    ("rapid reset (CVE-2023-44487)", resets),
    ("CONTINUATION without end (CVE-2024-27316)", continuations),
    ("pings", |_| frame(PING, 0, 0, &[7; 8]).repeat(16)),
    ("settings", |_| frame(SETTINGS, 0, 0, &[]).repeat(16)),
    ("window updates", |_| {
        frame(WINDOW, 0, 0, &[0, 0, 0, 1]).repeat(16)
    }),
    ("heads that unpack to megabytes", bombs),
];

/// The same frame on another stream.
fn on(stream: u32, mut frame: Vec<u8>) -> Vec<u8> {
    frame[5..9].copy_from_slice(&stream.to_be_bytes());
    frame
}

fn resets(round: u32) -> Vec<u8> {
    let block = head("GET", "/v1/messages", &[]);
    let both = |stream: u32| {
        let asked = on(stream, frame(HEADERS, WHOLE | END, 1, &block));
        [asked, on(stream, frame(RESET, 0, 1, &[0, 0, 0, 8]))].concat()
    };
    (0..16)
        .flat_map(|place| both(32 * round + 2 * place + 1))
        .collect()
}

fn continuations(round: u32) -> Vec<u8> {
    let more = frame(CONTINUATION, 0, 1, &[0, 1, b'a', 1, b'b']).repeat(16);
    match round {
        0 => [frame(HEADERS, END, 1, &head("GET", "/", &[])), more].concat(),
        _ => more,
    }
}

/// A field of 4,000 octets goes into the table once; then each octet of a head stands for it.
fn bombs(round: u32) -> Vec<u8> {
    let mut block = head("GET", "/docs/errors", &[]);
    if round == 0 {
        // A literal with indexing: the name `a`, and a value whose length is 127 + 3,873.
        block.extend([0x40, 1, b'a', 0x7f, 0xa1, 0x1e]);
        block.resize(block.len() + 4_000, b'v');
    } else {
        block.extend([0xbe; 12_000]);
    }
    on(2 * round + 1, frame(HEADERS, WHOLE | END, 1, &block))
}

/// Floods one connection until it ends; gives how many octets that took.
async fn flood(ground: &Ground, round_of: Flood) -> usize {
    let stream = secured(ground, ground.https, "h2").await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let reading = tokio::spawn(async move {
        let mut piece = [0; 16 * 1_024];
        while matches!(reader.read(&mut piece).await, Ok(count) if count > 0) {}
    });
    let mut sent = PREFACE.len();
    let _ = writer.write_all(PREFACE).await;
    for round in 0.. {
        let octets = round_of(round);
        sent += octets.len();
        if reading.is_finished() || written(&mut writer, &octets).await.is_none() {
            break;
        }
        assert!(
            sent < 8 * 1_024 * 1_024,
            "the flood goes on after {sent} octets"
        );
    }
    timeout(ENDED, reading)
        .await
        .expect("the connection stays")
        .unwrap();
    sent
}

async fn written(writer: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> Option<()> {
    let write = async {
        writer.write_all(octets).await?;
        writer.flush().await
    };
    timeout(ENDED, write)
        .await
        .expect("the flood is not read")
        .ok()
}

/// What the gateway holds in memory, in KiB.
fn resident(gateway: &GatewayProcess) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id().unwrap()));
    let status = status.unwrap();
    let row = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    row.unwrap()
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// Connections of each flood, after those that show how much memory a used gateway takes.
const CONNECTIONS: usize = 12;
/// More than the answers of a machine that does much else take, and far less than a queue behind a flood.
const ANSWERED: Duration = Duration::from_secs(2);
/// KiB by which memory may be larger after floods that unpack to gigabytes.
const GROWN_KIB: u64 = 48 * 1_024;

#[tokio::test]
async fn floods_of_http2_end_their_connections_while_others_are_answered_and_memory_stays() {
    let (ground, gateway, _carrier, _) = doors().await;
    let mut victim = ground.api(&ground.key().await).client();
    for (_, round_of) in FLOODS {
        flood(&ground, round_of).await;
    }
    let before = resident(&gateway);
    for (name, round_of) in FLOODS {
        let floods = async {
            let half = async || {
                let mut most = 0;
                for _ in 0..CONNECTIONS / 2 {
                    most = most.max(flood(&ground, round_of).await);
                }
                most
            };
            let (one, other) = tokio::join!(half(), half());
            one.max(other)
        };
        let mut floods = std::pin::pin!(floods);
        let mut slowest = Duration::ZERO;
        let most = loop {
            let asked = Instant::now();
            let answer = victim.get("/v1/messages?limit=1");
            let mut answer = std::pin::pin!(answer);
            let over = tokio::select! {
                biased;
                reply = &mut answer => { assert_eq!(reply.unwrap().status.as_u16(), 200); None }
                most = &mut floods => { assert_eq!(answer.await.unwrap().status.as_u16(), 200); Some(most) }
            };
            slowest = slowest.max(asked.elapsed());
            if let Some(most) = over {
                break most;
            }
        };
        assert!(slowest < ANSWERED, "{name}: an answer took {slowest:?}");
        println!("{name}: ended after {most} octets at most; the slowest answer took {slowest:?}");
    }
    let after = resident(&gateway);
    assert!(
        after < before + GROWN_KIB,
        "{before} KiB before, {after} KiB after"
    );
    assert!(gateway.stop().await.unwrap().success());
}
