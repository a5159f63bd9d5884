//! The ledger for others' systems: written out in their formats, recorded first, never over a file that is
//! there.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use engine::ports::Clock as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use shortstop::certificates::{self, Subject};
use shortstop::clock::SystemClock;
use testkit::SyslogReceiver;
use testkit::syslog::Message;
use tokio_rustls::TlsAcceptor;

use super::ground::{Carrier, Ground, run};

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

/// Runs `ledger export` and gives its exit code and what it printed.
async fn export(ground: &Ground, args: &[&str]) -> (Option<i32>, String) {
    let config = config(ground);
    let output = run(&[&["ledger", "export", "--config", &config], args].concat()).await;
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), text)
}

fn lines(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn entries_are_written_out_in_each_format_and_recorded_first() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    ground.key().await;
    let (code, text) = export(&ground, &["--format", "jsonl"]).await;
    assert_eq!(code, Some(0));
    let told = lines(&text);
    for (place, line) in told.iter().enumerate() {
        assert_eq!(line["index"].as_u64(), u64::try_from(place).ok());
        assert_eq!(line["entry"]["v"], 1);
    }
    assert_eq!(told[0]["entry"]["kind"], "ledger.started");
    let first = format!("{}", told.len());
    let (_, text) = export(&ground, &["--format", "ocsf", "--since", &first]).await;
    let recorded = lines(&text).remove(0);
    assert_eq!(recorded["metadata"]["event_code"], "ledger.exported");
    let data = &recorded["unmapped"]["data"];
    let count = u64::try_from(told.len()).unwrap();
    assert_eq!(
        (&data["format"], &data["first"]),
        (&"jsonl".into(), &0.into())
    );
    assert_eq!(data["count"].as_u64(), Some(count));
    gateway.stop().await.unwrap();

    let to = ground.path("entries.cef");
    let to = to.to_str().unwrap();
    let (code, _) = export(&ground, &["--format", "cef", "--to", to]).await;
    assert_eq!(code, Some(0));
    let mode = std::fs::metadata(to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(to).unwrap();
    assert!(
        text.lines()
            .all(|line| line.starts_with("CEF:0|Shortstop|"))
    );
    assert!(text.contains("|ledger.stopped|"));
}

#[tokio::test]
async fn a_file_is_not_overwritten_and_one_that_was_cut_off_is_gone_on_with() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let to = ground.path("entries.jsonl");
    let to = to.to_str().unwrap();
    let whole = ["--format", "jsonl", "--until", "3", "--to", to];
    assert_eq!(export(&ground, &whole).await.0, Some(0));
    let text = std::fs::read_to_string(to).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert_eq!(export(&ground, &whole).await.0, Some(2), "it is there");
    assert_eq!(std::fs::read_to_string(to).unwrap(), text);

    std::fs::write(to, &text[..text.len() - 20]).unwrap();
    let again = [&whole[..], &["--resume"]].concat();
    assert_eq!(export(&ground, &again).await.0, Some(0));
    assert_eq!(std::fs::read_to_string(to).unwrap(), text, "whole again");
    std::fs::write(to, "dear diary\n").unwrap();
    assert_eq!(export(&ground, &again).await.0, Some(3));
    assert_eq!(std::fs::read_to_string(to).unwrap(), "dear diary\n");
    let (code, _) = export(&ground, &["--format", "cef", "--since", "soon"]).await;
    assert_eq!(code, Some(2), "neither an index nor a time");
    let (code, text) = export(
        &ground,
        &["--format", "cef", "--since", "2199-01-01T00:00:00Z"],
    )
    .await;
    assert_eq!((code, text.as_str()), (Some(0), ""));
    gateway.stop().await.unwrap();
}

/// Shows a certificate of this machine whose authority is `tls/ca.pem` in the ground's folder.
pub fn acceptor(ground: &Ground) -> TlsAcceptor {
    let folder = ground.path("tls");
    certificates::keep(&folder, &[Subject::Carrier], SystemClock.now()).unwrap();
    let files = Subject::Carrier.files(&folder);
    let chain = CertificateDer::pem_file_iter(&files.certificate).unwrap();
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// The next index that is not among the messages, which repeat some and skip none.
fn next_index(messages: &[Message]) -> u64 {
    let mut next = 0;
    for message in messages {
        assert!(message.index <= next, "entry {next} is missing");
        next = next.max(message.index + 1);
    }
    next
}

fn has(messages: &[Message], kind: &str, times: usize) -> bool {
    let of_kind = format!(" {kind} [shortstop@32473 ");
    let found = messages
        .iter()
        .filter(|message| message.text.contains(&of_kind));
    let indices: BTreeSet<u64> = found.map(|message| message.index).collect();
    indices.len() >= times
}

#[tokio::test]
async fn a_siem_is_told_every_entry_over_restarts_of_both_sides() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    let acceptor = acceptor(&ground);
    let receiver = SyslogReceiver::start(Some(acceptor.clone())).await;
    let address = receiver.address();
    ground.more = format!(
        "[[siem]]\nname = 'soc'\naddress = '{address}'\nca_file = 'tls/ca.pem'\nfrom = 'start'\n\
         reconnect_seconds_max = 1\n"
    );
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    ground.key().await;
    let first = receiver
        .until(|heard| has(heard, "client.created", 1))
        .await;
    assert!(has(&first, "ledger.exported", 1) && has(&first, "ledger.started", 1));

    // The receiver ends, entries go on, and another takes its place.
    let mut heard = receiver.messages();
    drop(receiver);
    ground.key().await;
    let receiver = SyslogReceiver::start_at(address, Some(acceptor.clone())).await;
    receiver
        .until(|heard| has(heard, "client.created", 1))
        .await;
    ground.key().await;
    heard.extend(
        receiver
            .until(|heard| has(heard, "client.created", 2))
            .await,
    );
    next_index(&heard);

    // The gateway ends, in good order and not, and goes on where it was.
    gateway.stop().await.unwrap();
    receiver
        .until(|heard| has(heard, "ledger.stopped", 1))
        .await;
    let before = receiver.messages().len();
    let mut gateway = ground.start().await;
    ground.key().await;
    receiver
        .until(|heard| has(heard, "client.created", 3))
        .await;
    let fresh = receiver.messages().split_off(before);
    assert!(!has(&fresh, "ledger.stopped", 1), "nothing was told twice");
    gateway.kill().await.unwrap();
    let gateway = ground.start().await;
    receiver
        .until(|heard| has(heard, "ledger.recovered", 1))
        .await;
    gateway.stop().await.unwrap();
    receiver
        .until(|heard| has(heard, "ledger.stopped", 2))
        .await;
    let mut all = first;
    all.extend(heard);
    all.extend(receiver.messages());
    let entries = super::ledger::entries(&ground.data());
    assert_eq!(next_index(&all), u64::try_from(entries.len()).unwrap());
    for message in &all {
        let told: Value = serde_json::from_str(message.body()).unwrap();
        assert_eq!(told, entries[usize::try_from(message.index).unwrap()]);
    }
}

#[tokio::test]
async fn a_siem_that_is_away_shows_in_the_metrics_and_holds_nothing_up() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    acceptor(&ground);
    ground.more =
        "[[siem]]\nname = 'soc'\naddress = '127.0.0.1:1'\nca_file = 'tls/ca.pem'\n".to_owned();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    ground.key().await;
    let mut admin = ground.admin();
    let page = admin.get("/metrics").await.unwrap().text;
    assert!(
        page.contains("shortstop_siem_up{stream=\"soc\"} 0\n"),
        "{page}"
    );
    let lag = page
        .lines()
        .find_map(|line| line.strip_prefix("shortstop_siem_lag_entries{stream=\"soc\"} "));
    assert!(lag.unwrap().parse::<u64>().unwrap() > 0);
    gateway.stop().await.unwrap();
    assert_eq!(
        ground
            .log()
            .matches("a stream of the ledger stands still")
            .count(),
        1
    );
}
