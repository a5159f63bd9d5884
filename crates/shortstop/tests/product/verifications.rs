//! Verifications from outside: a code goes to a simulated handset and comes back over HTTPS, through
//! restarts, kills and a crowd that checks at the same time.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use domain::id::FactorId;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ledger::{LogProof, Policy, VerifierKey};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use shortstop::http_client::{Client, Reply};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::factors::{App, issue};
use super::ground::{Carrier, Ground, files, run, run_json, until};
use super::ledger::{entries, word};

const PERSON: &str = "+447700900123";

/// Starts a verification, and gives its id.
async fn start(api: &mut Client, to: &str) -> String {
    start_with(
        api,
        json!({"to": to, "channel": "sms", "purpose": "sign-in"}),
    )
    .await
}

async fn start_with(api: &mut Client, asked: Value) -> String {
    let reply = api.post("/v1/verifications", &asked).await.unwrap();
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    reply.member("id")
}

/// The last code that reached a handset: the longest run of digits of its text.
pub async fn code_of(carrier: &Carrier, to: &str) -> String {
    until(&format!("the code of {to}"), async || {
        let inbox = carrier.inbox().await;
        let digits = to.trim_start_matches('+');
        let mine = inbox
            .iter()
            .rev()
            .find(|(number, _)| number.ends_with(digits));
        let (_, text) = mine?;
        let runs = text.split(|character: char| !character.is_ascii_digit());
        runs.max_by_key(|run| run.len()).map(str::to_owned)
    })
    .await
}

async fn check(api: &mut Client, id: &str, code: &str) -> Reply {
    let path = format!("/v1/verifications/{id}/check");
    api.post(&path, &json!({"code": code})).await.unwrap()
}

/// A code of as many digits that is another one.
pub fn other_than(code: &str) -> String {
    let last = if code.ends_with('1') { '2' } else { '1' };
    let mut other = code.to_owned();
    other.pop();
    other.push(last);
    other
}

#[tokio::test]
async fn a_code_verifies_once_and_a_kill_gives_no_check_back() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let id = start(&mut api, PERSON).await;
    let code = code_of(&carrier, PERSON).await;
    for left in [4, 3] {
        let wrong = check(&mut api, &id, &other_than(&code)).await;
        assert_eq!(wrong.status.as_u16(), 200, "{}", wrong.text);
        assert_eq!(wrong.json()["verified"], false);
        assert_eq!(wrong.json()["checks_left"], left);
        gateway.kill().await.unwrap();
        gateway = ground.start().await;
        api = ground.api(&key).client();
    }
    let right = check(&mut api, &id, &code).await;
    assert_eq!(right.json()["verified"], true, "{}", right.text);
    gateway.kill().await.unwrap();
    gateway = ground.start().await;
    api = ground.api(&key).client();
    let again = check(&mut api, &id, &code).await;
    assert_eq!(again.status.as_u16(), 404, "{}", again.text);
    let unknown = check(&mut api, "ver_adgt2kc5thpzuzq3iu5bwr2v6m", &code).await;
    let without_id = |reply: &Reply| {
        let mut body = reply.json();
        body["request_id"].take();
        body
    };
    assert_eq!(without_id(&again), without_id(&unknown), "word for word");
    let path = format!("/v1/verifications/{id}");
    assert_eq!(api.get(&path).await.unwrap().member("state"), "verified");
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_locked_number_stays_locked_for_right_and_wrong_over_a_kill() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.verifications += "failed_checks_day_max = 3\n";
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let id = start(&mut api, PERSON).await;
    let code = code_of(&carrier, PERSON).await;
    for _ in 0..3 {
        let wrong = check(&mut api, &id, &other_than(&code)).await;
        assert_eq!(wrong.status.as_u16(), 200, "{}", wrong.text);
    }
    for round in 0..2 {
        let right = check(&mut api, &id, &code).await;
        let wrong = check(&mut api, &id, &other_than(&code)).await;
        for reply in [&right, &wrong] {
            assert_eq!(reply.status.as_u16(), 429, "{}", reply.text);
            assert_eq!(reply.member("code"), "guess-budget");
            assert!(reply.header("retry-after").is_some());
            assert_eq!(reply.json()["still_works"]["checks"], json!(["mo"]));
        }
        assert_eq!(right.member("detail"), wrong.member("detail"));
        if round == 0 {
            gateway.kill().await.unwrap();
            gateway = ground.start().await;
            api = ground.api(&key).client();
        }
    }
    let early = json!({"to": "+44 7700 900123", "channel": "sms", "purpose": "sign-in"});
    let early = api.post("/v1/verifications", &early).await.unwrap();
    assert_eq!(early.member("code"), "guess-budget", "{}", early.text);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_number_that_wrong_codes_disabled_is_enabled_by_an_operator_and_that_is_told() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.verifications += "failed_checks_row_max = 2\n";
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let data = ground.data().display().to_string();
    let clients = run_json(&["client", "list", "--data", &data]).await;
    let client = word(&clients, "/clients/0/id");
    let mut api = ground.api(&key).client();
    let id = start(&mut api, PERSON).await;
    let code = code_of(&carrier, PERSON).await;
    for _ in 0..2 {
        check(&mut api, &id, &other_than(&code)).await;
    }
    let disabled = check(&mut api, &id, &code).await;
    assert_eq!(disabled.member("code"), "codes-disabled");
    let words = ["verifications", "enable", "--data", &data, "--reason"];
    let whose = ["came with a passport", "--client", client, "--number"];
    let enable = [&words[..], &whose, &[PERSON]].concat();
    let enabled = run_json(&enable).await;
    assert_eq!(enabled["failures"], 2, "{enabled}");
    let told = entries(&ground.data());
    let told = told
        .iter()
        .find(|entry| word(entry, "/kind") == "verification.enabled");
    let told = told.expect("it is told before the answer").to_string();
    assert!(told.contains("came with a passport"), "{told}");
    assert!(!told.contains(&PERSON[1..]), "{told}");
    let again = run(&enable).await;
    assert!(!again.status.success(), "it is enabled");
    let right = check(&mut api, &id, &code).await;
    assert_eq!(right.json()["verified"], true, "{}", right.text);
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_receipt_proves_to_its_client_how_a_verification_began_and_ended() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let id = start(&mut api, PERSON).await;
    let code = code_of(&carrier, PERSON).await;
    let right = check(&mut api, &id, &code).await;
    assert_eq!(right.json()["verified"], true, "{}", right.text);
    let path = format!("/v1/verifications/{id}/receipt");
    let receipt = until("a receipt", async || {
        let reply = api.get(&path).await.unwrap();
        if reply.status.as_u16() == 409 {
            assert_eq!(reply.member("code"), "receipt-pending");
            return None;
        }
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
        Some(reply.json())
    })
    .await;
    let vkey = std::fs::read_to_string(ground.data().join("log.vkey")).unwrap();
    let policy = Policy::of_log(VerifierKey::parse(vkey.trim_end()).unwrap());
    for (of, kind) in [("", "verification.started"), ("/end", "verification.ended")] {
        let [entry, proof] = ["entry", "proof"].map(|name| word(&receipt, &format!("{of}/{name}")));
        assert!(entry.contains(kind) && entry.contains(&id), "{entry}");
        let proof = LogProof::parse(proof.as_bytes()).unwrap();
        proof.verify(entry.as_bytes(), &policy).unwrap();
    }
    assert_eq!(word(&receipt, "/openings/0/value"), PERSON);
    let unknown = "/v1/verifications/ver_adgt2kc5thpzuzq3iu5bwr2v6m/receipt";
    let unknown = api.get(unknown).await.unwrap();
    let mut other = ground.api(&ground.key().await).client();
    let foreign = other.get(&path).await.unwrap();
    for reply in [&unknown, &foreign] {
        assert_eq!(reply.status.as_u16(), 404, "{}", reply.text);
    }
    assert_eq!(unknown.member("detail"), foreign.member("detail"));
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn an_app_and_a_recovery_code_verify_by_the_same_api_and_a_kill_gives_nothing_back() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let app = App::enrol(&mut api, "ann@example.com").await;
    let asked = json!({"channel": "totp", "factor": app.id, "purpose": "payment",
        "binding": {"amount": "10.00 EUR"}});
    let early = api.post("/v1/verifications", &asked).await.unwrap();
    let unknown = FactorId::new(7, 7).to_string();
    let unknown = json!({"channel": "totp", "factor": unknown, "purpose": "payment"});
    let unknown = api.post("/v1/verifications", &unknown).await.unwrap();
    for reply in [&early, &unknown] {
        assert_eq!(reply.status.as_u16(), 404, "{}", reply.text);
    }
    assert_eq!(early.member("detail"), unknown.member("detail"));
    let path = format!("/v1/factors/{}/confirm", app.id);
    let confirmed = api
        .post(&path, &json!({"code": app.code(0)}))
        .await
        .unwrap();
    assert_eq!(confirmed.json()["verified"], true, "{}", confirmed.text);
    let id = start_with(&mut api, asked).await;
    let resent = format!("/v1/verifications/{id}/resend");
    let resent = api.post(&resent, &json!({})).await.unwrap();
    assert_eq!(resent.member("code"), "nothing-to-send", "{}", resent.text);
    let code = app.code(1);
    let unbound = check(&mut api, &id, &code).await;
    assert_eq!(unbound.json()["verified"], false, "{}", unbound.text);
    assert_eq!(unbound.json()["checks_left"], 4);
    gateway.kill().await.unwrap();
    gateway = ground.start().await;
    api = ground.api(&key).client();
    let path = format!("/v1/verifications/{id}");
    let shown = api.get(&path).await.unwrap().json();
    assert_eq!(shown["checks_left"], 4);
    assert_eq!(
        (word(&shown, "/factor"), &shown["from"]),
        (&*app.id, &Value::Null)
    );
    let bound = json!({"code": code, "binding": {"amount": "10.00 EUR"}});
    let right = format!("/v1/verifications/{id}/check");
    let right = api.post(&right, &bound).await.unwrap();
    assert_eq!(right.json()["verified"], true, "{}", right.text);
    gateway.kill().await.unwrap();
    gateway = ground.start().await;
    api = ground.api(&key).client();
    let again = json!({"channel": "totp", "factor": app.id, "purpose": "sign-in"});
    let again = start_with(&mut api, again).await;
    let used = check(&mut api, &again, &code).await;
    assert_eq!(used.json()["verified"], false, "{}", used.text);
    let (set, codes) = issue(&mut api, "ann@example.com", 3).await;
    let asked = json!({"channel": "recovery", "factor": set, "purpose": "recovery"});
    let id = start_with(&mut api, asked).await;
    let right = check(&mut api, &id, &codes[1]).await;
    assert_eq!(right.json()["verified"], true, "{}", right.text);
    assert!(carrier.inbox().await.is_empty(), "nothing is sent");
    gateway.stop().await.unwrap();
}

#[tokio::test]
async fn a_handset_that_texts_the_code_of_a_page_is_verified() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let asked = json!({"to": PERSON, "channel": "mo", "purpose": "sign-in"});
    let reply = api.post("/v1/verifications", &asked).await.unwrap();
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    let (id, code) = (reply.member("id"), reply.member("code"));
    let by_page = check(&mut api, &id, &code).await;
    assert_eq!(by_page.json()["verified"], false, "{}", by_page.text);
    carrier.say(&PERSON[1..], &format!("code {code}")).await;
    let path = format!("/v1/verifications/{id}");
    until("the verification", async || {
        let reply = api.get(&path).await.unwrap();
        (reply.member("state") == "verified").then_some(())
    })
    .await;
    gateway.stop().await.unwrap();
}

/// Ten digits, so that no time or id holds them by accident.
#[tokio::test]
async fn the_code_lies_nowhere_in_clear_while_it_is_good_and_after() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.more = "[log]\nlevel = 'trace'\n".to_owned();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let asked = json!({"to": PERSON, "channel": "sms", "purpose": "sign-in", "length": 10,
        "origin": "login.example.com"});
    let id = start_with(&mut api, asked).await;
    let code = code_of(&carrier, PERSON).await;
    assert_eq!(code.len(), 10);
    let shown = check(&mut api, &id, &other_than(&code)).await;
    absent(&ground, &code, &shown.text).await;
    let right = check(&mut api, &id, &code).await;
    assert_eq!(right.json()["verified"], true, "{}", right.text);
    absent(&ground, &code, &right.text).await;
    gateway.stop().await.unwrap();
    absent_on_disk(&ground, &code);
}

async fn absent(ground: &Ground, code: &str, answer: &str) {
    assert!(!answer.contains(code), "{answer}");
    let metrics = ground.admin().get("/metrics").await.unwrap().text;
    assert!(!metrics.contains(code), "the metrics hold the code");
    absent_on_disk(ground, code);
}

fn absent_on_disk(ground: &Ground, code: &str) {
    assert!(!ground.log().contains(code), "the log holds the code");
    let number: u64 = code.parse().unwrap();
    let written = [
        code.as_bytes().to_vec(),
        number.to_be_bytes()[3..].to_vec(),
        number.to_le_bytes()[..5].to_vec(),
    ];
    for path in files(&ground.data()) {
        let octets = std::fs::read(&path).unwrap();
        for form in &written {
            let found = octets.windows(form.len()).any(|window| window == form);
            assert!(!found, "{} holds the code", path.display());
        }
    }
}

/// Connections that check at the same time.
const CROWD: usize = 50;
/// How often they do.
const ROUNDS: u32 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_connections_that_check_at_once_at_most_five_are_evaluated_and_one_approved() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    // A hundred numbers in a row are what the guard against pumping is for.
    ground.more = "[pumping]\nmode = 'record'\n".to_owned();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let ca = std::fs::read(ground.data().join("tls/ca.pem")).unwrap();
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(connect(ground.https, &ca).await);
    }
    for round in 0..ROUNDS {
        let to = format!("+4477009{:05}", 100 + round);
        let id = start(&mut api, &to).await;
        let code = code_of(&carrier, &to).await;
        let wrong = other_than(&code);
        let mut checks = JoinSet::new();
        for (place, sender) in crowd.iter().enumerate() {
            // Every third round nobody knows the code.
            let knows = round % 3 != 0 && place % 2 == 0;
            let shown = if knows { code.clone() } else { wrong.clone() };
            let asked = Asked {
                address: ground.https,
                authorization: format!("Bearer {key}"),
                path: format!("/v1/verifications/{id}/check"),
                body: ("application/json", json!({"code": shown}).to_string()),
            };
            checks.spawn(ask(sender.clone(), asked));
        }
        let answers = checks.join_all().await;
        let evaluated = answers.iter().filter(|(status, _)| *status == 200);
        let approved = answers.iter().filter(|(_, body)| body["verified"] == true);
        let (evaluated, approved) = (evaluated.count(), approved.count());
        let others = answers.iter().filter(|(status, _)| *status == 404).count();
        assert!(evaluated <= 5, "{evaluated} evaluated in round {round}");
        assert!(approved <= 1, "{approved} approved in round {round}");
        assert_eq!(evaluated + others, CROWD, "{answers:?}");
        assert!(approved == 1 || evaluated == 5, "{answers:?}");
    }
    gateway.stop().await.unwrap();
}

pub type Sender = SendRequest<Full<Bytes>>;

/// One connection of HTTP/2.
pub async fn connect(address: SocketAddr, ca_pem: &[u8]) -> Sender {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::IpAddress(address.ip().into());
    let tls = TlsConnector::from(Arc::new(config));
    let stream = tls.connect(name, socket).await.unwrap();
    let shaking = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = shaking.await.unwrap();
    tokio::spawn(connection);
    sender
}

/// One request.
pub struct Asked {
    /// Where to.
    pub address: SocketAddr,
    /// What is shown.
    pub authorization: String,
    /// The path.
    pub path: String,
    /// What is sent, and as what.
    pub body: (&'static str, String),
}

/// Asks, and tells the status and what came back.
pub async fn ask(mut sender: Sender, asked: Asked) -> (u16, Value) {
    let request = hyper::Request::post(format!("https://{}{}", asked.address, asked.path))
        .header("authorization", asked.authorization)
        .header("content-type", asked.body.0)
        .body(Full::new(Bytes::from(asked.body.1)))
        .unwrap();
    sender.ready().await.unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
