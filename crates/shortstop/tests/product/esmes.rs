//! ESMEs at the door of the real binary: one played PDU by PDU, and three that others wrote, over TLS.

mod kannel;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use bytes::BytesMut;
use rustix::process::Signal;
use serde_json::{Value, json};
use shortstop::child::GatewayProcess;
use shortstop::folder::write_private;
use smpp::frame::{self, FRAME_LIMIT_OCTETS};
use smpp::pdu::{Address, Bind, BindKind, Body, Cancel, Pdu, Query, ShortMessage, id};
use smpp::status::Status;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::acts::stage::entries;
use super::ground::{CODE, Carrier, Ground, PATIENCE, free_address, run_json, until};

/// The password of the account.
const ESME_PASSWORD: &str = "3sm3-pwd";

/// A short code whose carrier is never there.
const AWAY: &str = "54320";

/// A gateway with a door for ESMEs.
struct Door {
    ground: Ground,
    carrier: Carrier,
    gateway: GatewayProcess,
    address: SocketAddr,
    key: String,
}

impl Door {
    /// With the account `esme1`, which a reload brought.
    async fn open(transport: &str) -> Self {
        let carrier = Carrier::start(&[]).await;
        let mut ground = Ground::new();
        let address = free_address();
        ground.more = format!(
            "[[short_code]]\nnumber = '{AWAY}'\ncarriers = ['away']\n\
             [[carrier]]\nname = 'away'\naddress = '{}'\nsystem_id = 'tester'\n\
             password_file = 'password'\ntransport = 'plaintext-loopback'\n\
             [smpp]\nlisten = '{address}'\ntransport = '{transport}'\n",
            free_address()
        );
        ground.configure(carrier.smpp);
        let gateway = ground.start().await;
        let config = ground.path("shortstop.toml").display().to_string();
        let added = run_json(&[
            "client",
            "add",
            "esmes",
            "--short-code",
            CODE,
            "--short-code",
            AWAY,
            "--class",
            "otp",
            "--class",
            "alert",
            "--scope",
            "messages:send",
            "--scope",
            "messages:read",
            "--scope",
            "inbound:read",
            "--config",
            &config,
        ])
        .await;
        let client = added["client"]["id"].as_str().unwrap();
        let key = added["client"]["api_key"].as_str().unwrap().to_owned();
        write_private(&ground.path("esme1.password"), ESME_PASSWORD.as_bytes()).unwrap();
        ground.more = format!(
            "{}[[esme]]\nsystem_id = 'esme1'\nclient = '{client}'\n\
             password_file = 'esme1.password'\nnetworks = ['127.0.0.0/8']\n\
             service_types = {{ OTP = 'otp' }}\n",
            ground.more
        );
        let mut door = Self {
            ground,
            carrier,
            gateway,
            address,
            key,
        };
        door.reload().await;
        door
    }

    /// Has the configuration read again.
    async fn reload(&mut self) {
        let told = "the configuration was read again";
        let before = self.ground.log().matches(told).count();
        self.ground.configure(self.carrier.smpp);
        self.gateway.signal(Signal::HUP).unwrap();
        until("the reload", async || {
            (self.ground.log().matches(told).count() > before).then_some(())
        })
        .await;
    }
}

/// An ESME, played PDU by PDU.
struct Esme {
    stream: TcpStream,
    input: Vec<u8>,
    sequence: u32,
}

impl Esme {
    async fn connect(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            input: Vec::new(),
            sequence: 0,
        }
    }

    async fn bound(address: SocketAddr) -> Self {
        let mut esme = Self::connect(address).await;
        assert_eq!(esme.bind(ESME_PASSWORD).await, Some(Status::OK));
        esme
    }

    async fn bind(&mut self, password: &str) -> Option<Status> {
        let bind = Bind::new(b"esme1", password.as_bytes(), b"");
        let asked = Body::Bind(BindKind::Transceiver, bind);
        self.ask(asked).await.map(|(status, _)| status)
    }

    /// Asks and waits for the answer: its status and its body.
    async fn ask(&mut self, body: Body<'_>) -> Option<(Status, Vec<u8>)> {
        self.send(body).await;
        let (_, status, body) = self.next().await?;
        Some((status, body))
    }

    async fn send(&mut self, body: Body<'_>) -> u32 {
        self.sequence += 1;
        let mut out = BytesMut::new();
        Pdu::request(self.sequence, body).encode(&mut out).unwrap();
        self.stream.write_all(&out).await.unwrap();
        self.sequence
    }

    /// The next PDU: its id, its status and its body.
    async fn next(&mut self) -> Option<(u32, Status, Vec<u8>)> {
        loop {
            let mut rest = self.input.as_slice();
            if let Some(frame) = frame::take(&mut rest, FRAME_LIMIT_OCTETS).unwrap() {
                let status = Status(frame.header.status);
                let found = (frame.header.id, status, frame.body.to_vec());
                let taken = self.input.len() - rest.len();
                self.input.drain(..taken);
                return Some(found);
            }
            let mut room = [0; 4_096];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut room)).await;
            match read.expect("nothing comes") {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.input.extend_from_slice(&room[..count]),
            }
        }
    }

    /// Submits, and gives the message's id.
    async fn submit(&mut self, from: &str, text: &str) -> String {
        let (status, body) = self
            .ask(Body::SubmitSm(submit(from, text)))
            .await
            .expect("an answer");
        assert_eq!(status, Status::OK);
        text_of(&body)
    }
}

fn submit<'a>(from: &'a str, text: &'a str) -> ShortMessage<'a> {
    ShortMessage {
        source: Address::new(3, 0, from.as_bytes()),
        destination: Address::new(1, 1, b"447700900123"),
        short_message: text.as_bytes(),
        registered_delivery: 1,
        ..ShortMessage::default()
    }
}

fn text_of(body: &[u8]) -> String {
    String::from_utf8(body.strip_suffix(b"\0").unwrap().to_vec()).unwrap()
}

/// The entries of a kind, after the gateway has ended.
fn of_kind(ground: &Ground, kind: &str) -> Vec<Value> {
    entries(&ground.data())
        .into_values()
        .filter(|entry| entry["kind"] == kind)
        .collect()
}

#[tokio::test]
async fn what_an_esme_does_is_in_the_ledger() {
    let door = Door::open("plaintext-loopback").await;
    let mut stranger = Esme::connect(door.address).await;
    assert_eq!(stranger.bind("wrong").await, Some(Status::BIND_FAILED));
    let mut esme = Esme::bound(door.address).await;
    let id = esme.submit(AWAY, "Hello").await;
    let query = Query {
        message_id: id.as_bytes(),
        ..Query::default()
    };
    let asked = esme.ask(Body::Query(query)).await.unwrap();
    assert_eq!(asked.0, Status::OK);
    let cancel = Cancel {
        message_id: id.as_bytes(),
        ..Cancel::default()
    };
    let cancelled = esme.ask(Body::Cancel(cancel)).await.unwrap();
    assert_eq!(cancelled.0, Status::OK);
    let (status, _) = esme.ask(Body::Unbind).await.unwrap();
    assert_eq!(status, Status::OK);
    assert!(esme.next().await.is_none());
    assert!(door.gateway.stop().await.unwrap().success());

    let ground = &door.ground;
    let bound = &of_kind(ground, "esme.bound")[0];
    assert_eq!(
        bound["data"],
        json!({"bind": "transceiver", "proof": "password", "system_id": "esme1"})
    );
    assert_eq!(bound["origin"]["id"], "127.0.0.1");
    assert_eq!(of_kind(ground, "esme.unbound")[0]["reason"], "unbound");
    let accepted = &of_kind(ground, "message.accepted")[0];
    assert_eq!(accepted["object"]["id"], id.as_str());
    assert_eq!(accepted["data"]["system_id"], "esme1");
    assert_eq!(
        of_kind(ground, "message.cancelled")[0]["object"]["id"],
        id.as_str()
    );
    assert_eq!(of_kind(ground, "message.read")[0]["data"]["count"], 1);
    assert_eq!(of_kind(ground, "auth.failed")[0]["reason"], "bind-password");
    let log = ground.log();
    assert!(!log.contains(ESME_PASSWORD) && !log.contains("447700900123"));
}

#[tokio::test]
async fn what_an_esme_was_answered_for_outlives_a_kill() {
    let mut door = Door::open("plaintext-loopback").await;
    let mut esme = Esme::bound(door.address).await;
    let mut ids = Vec::new();
    for _ in 0..64 {
        esme.send(Body::SubmitSm(submit(AWAY, "Hello"))).await;
    }
    while ids.len() < 32 {
        let (command, status, body) = esme.next().await.unwrap();
        assert_eq!((command, status), (id::SUBMIT_SM_RESP, Status::OK));
        ids.push(text_of(&body));
    }
    door.gateway.kill().await.unwrap();
    door.gateway = door.ground.start().await;
    let mut api = door.ground.api(&door.key).client();
    for id in ids {
        let reply = api.get(&format!("/v1/messages/{id}")).await.unwrap();
        assert_eq!(reply.member("state"), "accepted", "{}", reply.text);
    }
}

#[tokio::test]
async fn a_reload_takes_an_account_away_and_ends_its_binds() {
    let mut door = Door::open("plaintext-loopback").await;
    let mut esme = Esme::bound(door.address).await;
    let (kept, _) = door.ground.more.split_once("[[esme]]").unwrap();
    door.ground.more = kept.to_owned();
    door.reload().await;
    let (command, ..) = esme.next().await.unwrap();
    assert_eq!(command, id::UNBIND);
    drop(esme);
    let mut again = Esme::connect(door.address).await;
    assert_eq!(again.bind(ESME_PASSWORD).await, Some(Status::BIND_FAILED));
}

/// Runs an ESME that others wrote to its end, and gives what it said. Its orders go to its input.
async fn played(mut command: Command, orders: &Value) -> Vec<Value> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap_or_else(|error| {
        panic!("{error}: the SMPP peers are missing; run `cargo xtask test`")
    });
    let run = async {
        let mut input = child.stdin.take().unwrap();
        // A peer that failed early has closed it, and says why.
        let _ = input.write_all(format!("{orders}\n").as_bytes()).await;
        drop(input);
        child.wait_with_output().await.unwrap()
    };
    let output = tokio::time::timeout(PATIENCE, run)
        .await
        .expect("the peer hangs");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}; see its words above");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn tool(name: &str) -> PathBuf {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
    let text = std::fs::read_to_string(&list)
        .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask test`", list.display()));
    let paths: Value = serde_json::from_str(&text).unwrap();
    paths[name].as_str().unwrap().into()
}

fn of<'v>(events: &'v [Value], name: &str) -> Vec<&'v Value> {
    let named = events.iter().filter(|event| event["event"] == name);
    named.collect()
}

/// The handset has received these texts, whole.
async fn receives(carrier: &Carrier, texts: &[String]) {
    until("the texts at the handset", async || {
        let inbox = carrier.inbox().await;
        let is_there = |text: &String| inbox.iter().any(|(_, received)| received == text);
        texts.iter().all(is_there).then_some(())
    })
    .await;
}

fn texts() -> Vec<String> {
    vec![
        "Your code is {482913} €".to_owned(),
        "Ваш код 482913".to_owned(),
        "Your code is 482913. ".repeat(15),
        "Ваш код 482913. ".repeat(12),
    ]
}

#[tokio::test]
async fn an_esme_of_smpplib_sends_texts_and_gets_receipts_and_what_handsets_wrote_over_tls() {
    let door = Door::open("tls").await;
    // Both were written before it ever bound.
    let written = ["HELLO".to_owned(), "Здравствуйте! ".repeat(10)];
    for text in &written {
        door.carrier.say("447700900999", text).await;
    }
    let settings = json!({
        "port": door.address.port(),
        "password": ESME_PASSWORD,
        "bind": "bind_transceiver",
        "ca_file": door.ground.data().join("tls/ca.pem"),
    });
    let script = "../smpp/tests/peers/esme_smpplib.py";
    let mut command = Command::new(tool("python"));
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
        .arg(settings.to_string());
    let expected = texts().len() + written.len();
    let orders = json!({"texts": texts(), "deliveries": expected});
    let events = played(command, &orders).await;
    assert_eq!(of(&events, "bound")[0]["carrier"], "shortstop");
    let answered = of(&events, "answered");
    assert_eq!(
        answered.len() as u64,
        of(&events, "submitted")[0]["parts"].as_u64().unwrap()
    );
    assert!(
        answered
            .iter()
            .all(|event| event["id"].as_str().unwrap().starts_with("msg_"))
    );
    assert_eq!(of(&events, "unbound").len(), 1);
    let delivered = of(&events, "delivered");
    let (receipts, mobiles): (Vec<&Value>, Vec<&Value>) =
        delivered.iter().partition(|event| event["esm_class"] == 4);
    assert_eq!(
        (receipts.len(), mobiles.len()),
        (texts().len(), written.len())
    );
    for receipt in receipts {
        assert_eq!(receipt["state"], 2, "{receipt}");
        let id = &receipt["receipted"];
        assert!(answered.iter().any(|event| event["id"] == *id), "{receipt}");
    }
    for mobile in &mobiles {
        assert_eq!(mobile["source"], json!([1, 1, "447700900999"]));
    }
    receives(&door.carrier, &texts()).await;
    assert!(door.gateway.stop().await.unwrap().success());
    let told = of_kind(&door.ground, "events.told");
    let opened = told
        .iter()
        .map(|entry| entry["data"]["opened"].as_u64().unwrap());
    assert_eq!(opened.sum::<u64>(), u64::try_from(expected).unwrap());
}

#[tokio::test]
async fn an_esme_of_npm_sends_payloads_over_tls_and_asks_for_them() {
    let door = Door::open("tls").await;
    let settings = json!({
        "port": door.address.port(),
        "password": ESME_PASSWORD,
        "ca_file": door.ground.data().join("tls/ca.pem"),
        "texts": texts(),
    });
    let script = "tests/product/esmes/esme_smpp.js";
    let mut command = Command::new(tool("node"));
    command
        .env("NODE_PATH", tool("node_modules"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
        .arg(settings.to_string());
    let events = played(command, &Value::Null).await;
    assert_eq!(of(&events, "bound")[0]["status"], 0, "{events:?}");
    let answered = of(&events, "answered");
    assert_eq!(answered.len(), texts().len());
    assert!(
        answered.iter().all(|event| event["status"] == 0),
        "{events:?}"
    );
    assert_eq!(of(&events, "asked")[0]["status"], 0);
    assert_eq!(of(&events, "unbound").len(), 1);
    receives(&door.carrier, &texts()).await;
}
