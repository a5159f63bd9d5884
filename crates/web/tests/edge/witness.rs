//! The client of a witness: against a real one, and against peers that are none.

use std::sync::Arc;
use std::time::Duration;

use engine::ports::Witness as _;
use engine::ports::witness::{Unreachable, WitnessAnswer};
use engine::{LedgerError, Seat, WitnessPolicy};
use testkit::ledger::log_signer;
use testkit::{ManualClock, TestGateway, Witness, WitnessSetup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use web::witness::{HttpWitness, Roots};

use crate::server::PATIENCE;

const ASKED: &str = "old 0\n\nsomething\n";

async fn witness(folder: &std::path::Path) -> Witness {
    let setup = WitnessSetup {
        name: "witness.example/w1".to_owned(),
        seed: [0x63; 32],
        logs: vec![log_signer().verifier_key().clone()],
        folder: folder.to_owned(),
        clock: Arc::new(ManualClock::new()),
    };
    Witness::start(setup).await.unwrap()
}

fn seat(witness: &Witness) -> Seat {
    Seat {
        name: "w1".to_owned(),
        witness: Arc::new(HttpWitness::new(&witness.url(), &Roots::System).unwrap()),
        keys: vec![witness.vkey().clone()],
    }
}

async fn checkpointed(test: &TestGateway) -> String {
    assert!(test.gateway.make_checkpoint().await.unwrap());
    test.gateway.checkpoint(&test.caller()).unwrap()
}

/// A peer that hears one request and answers with these octets; it gives what it heard.
async fn peer(answer: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/w/", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let heard = hear(&mut socket).await;
        let _ = socket.write_all(&answer).await;
        heard
    });
    (url, task)
}

async fn hear(socket: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let (mut heard, mut piece) = (Vec::new(), [0; 1_024]);
    while !heard.ends_with(ASKED.as_bytes()) {
        let count = socket.read(&mut piece).await.unwrap_or(0);
        if count == 0 {
            break;
        }
        heard.extend_from_slice(&piece[..count]);
    }
    String::from_utf8(heard).unwrap()
}

async fn ask(url: &str, roots: &Roots) -> Result<WitnessAnswer, Unreachable> {
    let client = HttpWitness::new(url, roots).unwrap();
    let asked = client.add_checkpoint(ASKED.to_owned());
    tokio::time::timeout(PATIENCE, asked).await.unwrap()
}

async fn answer(octets: &str) -> Result<WitnessAnswer, Unreachable> {
    let (url, _task) = peer(octets.as_bytes().to_vec()).await;
    ask(&url, &Roots::System).await
}

#[tokio::test]
async fn a_real_witness_cosigns_each_checkpoint_and_remembers_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let cosigner = witness(folder.path()).await;
    let test = TestGateway::immediate();
    test.sign_ledger(vec![seat(&cosigner)], WitnessPolicy::Required(1));
    let note = checkpointed(&test).await;
    assert!(note.contains("\u{2014} witness.example/w1 "), "{note}");
    let first = cosigner.last(testkit::ledger::ORIGIN).unwrap();
    test.add_client(testkit::gateway::everything("second"));
    checkpointed(&test).await;
    let second = cosigner.last(testkit::ledger::ORIGIN).unwrap();
    assert!(second.size > first.size);
    drop(cosigner);
    let again = witness(folder.path()).await;
    assert_eq!(again.last(testkit::ledger::ORIGIN), Some(second));
    // A gateway that begins anew with the same key is behind what the witness has seen.
    let other = TestGateway::immediate();
    other.sign_ledger(vec![seat(&again)], WitnessPolicy::Required(1));
    let refused = other.gateway.make_checkpoint().await;
    assert!(
        matches!(refused, Err(LedgerError::Ahead { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_request_goes_below_the_prefix_and_the_answer_comes_back_as_it_is() {
    let line = "\u{2014} w AAAA\n";
    let length = line.len();
    let octets = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{line}");
    let (url, task) = peer(octets.into_bytes()).await;
    let answered = ask(&url, &Roots::System).await.unwrap();
    assert_eq!((answered.status, answered.body), (200, line.into()));
    let heard = task.await.unwrap().to_lowercase();
    assert!(
        heard.starts_with("post /w/add-checkpoint http/1.1\r\n"),
        "{heard}"
    );
    for line in [
        format!("host: {}", url.split('/').nth(2).unwrap()),
        format!("content-length: {}", ASKED.len()),
        "connection: close".to_owned(),
    ] {
        assert!(heard.lines().any(|found| found == line), "{line}\n{heard}");
    }
    assert!(heard.ends_with(&format!("\r\n\r\n{ASKED}")), "{heard}");
}

#[tokio::test]
async fn whatever_the_status_it_is_the_answer_and_no_redirect_is_followed() {
    for status in [201, 302, 307, 308, 400, 403, 404, 409, 422, 429, 500, 503] {
        let octets = format!(
            "HTTP/1.1 {status} Whatever\r\nLocation: /elsewhere\r\nContent-Type: text/x.tlog.size\r\n\
             Content-Length: 3\r\n\r\n17\n"
        );
        let answered = answer(&octets).await.unwrap();
        assert_eq!(answered.status, status);
        assert_eq!(answered.body, b"17\n");
    }
}

#[tokio::test]
async fn a_size_is_believed_only_in_its_own_media_type() {
    for (kind, body) in [
        ("Content-Type: text/x.tlog.size\r\n", &b"17\n"[..]),
        ("Content-Type: Text/X.TLog.Size; charset=utf-8\r\n", b"17\n"),
        ("Content-Type: text/plain\r\n", b""),
        ("", b""),
    ] {
        let octets = format!("HTTP/1.1 409 Conflict\r\n{kind}Content-Length: 3\r\n\r\n17\n");
        let answered = answer(&octets).await.unwrap();
        assert_eq!(
            (answered.status, answered.body.as_slice()),
            (409, body),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn what_is_too_long_or_breaks_off_is_no_answer() {
    let long = "x".repeat(64 * 1_024 + 1);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{long}");
    let declared = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}",
        long.len()
    );
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(64 * 1_024));
    for octets in [
        &endless,
        &declared,
        &head,
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200",
        "",
        "SSH-2.0-nonsense\r\n",
    ] {
        let answered = answer(octets).await;
        assert!(answered.is_err(), "{answered:?}");
    }
    let most = format!("HTTP/1.1 200 OK\r\n\r\n{}", &long[1..]);
    assert_eq!(answer(&most).await.unwrap().body.len(), 64 * 1_024);
}

#[tokio::test]
async fn a_witness_that_is_silent_is_left_and_one_that_is_gone_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = HttpWitness::new(&url, &Roots::System).unwrap();
    let client = client.within(Duration::from_millis(50));
    let silent = client.add_checkpoint(ASKED.to_owned()).await;
    assert_eq!(silent.unwrap_err().0, "nothing within 50ms");
    drop(listener);
    let gone = ask(&url, &Roots::System).await.unwrap_err();
    assert!(gone.0.starts_with("no connection"), "{gone}");
}

/// A witness behind TLS with this name in its certificate; its URL and the PEM of that certificate.
async fn protected(name: &str) -> (u16, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else {
                continue;
            };
            hear(&mut socket).await;
            let octets = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            socket.write_all(octets).await.unwrap();
            let _ = socket.shutdown().await;
        }
    });
    (port, made.cert.pem())
}

#[tokio::test]
async fn over_https_only_a_certificate_of_that_name_and_authority_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (port, pem) = protected("localhost").await;
    let (other_port, other_pem) = protected("other.example").await;
    let (ours, theirs) = (folder.path().join("a.pem"), folder.path().join("b.pem"));
    std::fs::write(&ours, pem).unwrap();
    std::fs::write(&theirs, other_pem).unwrap();
    let (ours, theirs) = (Roots::File(ours), Roots::File(theirs));
    let good = format!("https://localhost:{port}");
    assert_eq!(ask(&good, &ours).await.unwrap().body, b"ok");
    let strange = ask(&good, &theirs).await.unwrap_err();
    assert!(strange.0.starts_with("TLS failed"), "{strange}");
    let wrong_name = format!("https://localhost:{other_port}");
    assert!(ask(&wrong_name, &theirs).await.is_err());
    let by_address = format!("https://127.0.0.1:{port}");
    assert!(ask(&by_address, &ours).await.is_err());
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let make = || HttpWitness::new("https://w.example", &Roots::File(file.clone()));
    assert!(make().is_err());
    for text in [
        "",
        "no PEM",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        std::fs::write(&file, text).unwrap();
        assert!(make().is_err(), "{text}");
    }
    // Nobody is trusted over plain HTTP, so that nothing is read.
    assert!(HttpWitness::new("http://127.0.0.1:1", &Roots::File(file.clone())).is_ok());
}
