//! Requests that a library others wrote signs, and connections with certificates, on the real binary: over a
//! `kill -9` and a reload.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use shortstop::child::GatewayProcess;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::ground::{CODE, Carrier, Ground, PATIENCE, message, run_json, until};
use super::ledger;

const READER: &str = "+447700900123";

/// A gateway, and what calls it.
struct Scene {
    _carrier: Carrier,
    ground: Ground,
}

impl Scene {
    async fn new(https: &str) -> Self {
        let carrier = Carrier::start(&[]).await;
        let mut ground = Ground::new();
        https.clone_into(&mut ground.https_more);
        ground.configure(carrier.smpp);
        Self {
            _carrier: carrier,
            ground,
        }
    }

    fn ca(&self) -> PathBuf {
        self.ground.data().join("tls/ca.pem")
    }

    /// Makes a client; gives what the command answers.
    async fn client(&self, more: &[&str]) -> Value {
        let data = self.ground.data().display().to_string();
        let base = [
            "client",
            "add",
            "signer",
            "--short-code",
            CODE,
            "--class",
            "otp",
            "--data",
            &data,
        ];
        run_json(&[&base[..], more].concat()).await["client"].clone()
    }

    /// What is asked of the peer, without who asks.
    fn asks(&self, requests: &[Value]) -> Value {
        let url = format!("https://{}", self.ground.https);
        json!({"url": url, "ca": self.ca(), "requests": requests})
    }

    /// Sends what the key signs.
    async fn signed(&self, key: &Value, requests: &[Value]) -> Vec<Value> {
        let mut asked = self.asks(requests);
        asked["key"] = key.clone();
        answers(&asked).await
    }

    async fn started(&self) -> GatewayProcess {
        self.ground.start().await
    }
}

fn submit() -> Value {
    let body = message(READER, "otp", "Your code is 482913").to_string();
    json!({"method": "POST", "path": "/v1/messages", "body": body})
}

fn list() -> Value {
    json!({"method": "GET", "path": "/v1/messages?limit=5"})
}

/// The same request as it went out before.
fn again(request: &Value, answer: &Value) -> Value {
    let mut request = request.clone();
    request["headers"] = answer["headers"].clone();
    request
}

fn outcome(answer: &Value) -> (u64, &str) {
    let status = answer["status"].as_u64().unwrap();
    (status, answer["code"].as_str().unwrap_or_default())
}

async fn answers(asked: &Value) -> Vec<Value> {
    let told = python(&script(), asked, &[]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    told["answers"].as_array().unwrap().clone()
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product/signed/peer.py")
}

/// Runs a script with the interpreter that `cargo xtask test` has set up.
pub(super) async fn python(script: &Path, input: &Value, environment: &[(&str, String)]) -> String {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
    let paths = std::fs::read(list).expect("`cargo xtask test` installs the peers");
    let paths: Value = serde_json::from_slice(&paths).unwrap();
    let mut command = Command::new(paths["python"].as_str().unwrap());
    command.arg(script).envs(environment.iter().cloned());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let mut to = child.stdin.take().unwrap();
    to.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(to);
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.expect("the peer ends").unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// An Ed25519 key in two files: the private and the public half.
async fn make_pair(ground: &Ground) -> (PathBuf, PathBuf) {
    let (private, public) = (ground.path("signer.key"), ground.path("signer.pub"));
    python(&script(), &json!({"make": [private, public]}), &[]).await;
    (private, public)
}

#[tokio::test]
async fn a_library_that_others_wrote_signs_and_no_request_of_it_is_taken_twice_over_a_kill() {
    let scene = Scene::new("").await;
    let mut gateway = scene.started().await;
    let (private, public) = make_pair(&scene.ground).await;
    let public = public.display().to_string();
    let pair = scene
        .client(&["--auth", "signed", "--public-key", &public])
        .await;
    let secret = scene.client(&["--auth", "signed", "--hmac"]).await;
    assert!(pair.get("signing_secret").is_none() && pair.get("api_key").is_none());
    let keys = [
        json!({"id": pair["keys"][0]["id"], "private": private}),
        json!({"id": secret["keys"][0]["id"], "secret": secret["signing_secret"]}),
    ];
    let mut first = Vec::new();
    for key in &keys {
        let sent = scene.signed(key, &[submit(), list()]).await;
        assert_eq!(outcome(&sent[0]), (202, ""), "{sent:?}");
        assert_eq!(outcome(&sent[1]), (200, ""), "{sent:?}");
        let same = [again(&submit(), &sent[0]), again(&list(), &sent[1])];
        for replayed in scene.signed(key, &same).await {
            assert_eq!(outcome(&replayed), (401, "signature-replayed"));
        }
        first.push(same);
    }
    gateway.kill().await.unwrap();
    let gateway = scene.started().await;
    for (key, same) in keys.iter().zip(&first) {
        for replayed in scene.signed(key, same).await {
            assert_eq!(outcome(&replayed), (401, "signature-stale"));
        }
        // Honest clients wait for some seconds at most.
        let taken = until("a new signature", async || {
            let sent = scene.signed(key, &[list()]).await;
            (outcome(&sent[0]).0 == 200).then_some(())
        });
        timeout(Duration::from_secs(20), taken).await.unwrap();
        for replayed in scene.signed(key, same).await {
            assert_eq!(outcome(&replayed), (401, "signature-stale"));
        }
    }
    assert!(gateway.stop().await.unwrap().success());
    let entries = ledger::entries(&scene.ground.data());
    let used = entries
        .iter()
        .filter(|entry| ledger::word(entry, "/kind") == "client.used");
    assert_eq!(used.count(), 2, "one of each key on this day");
    let sent = entries
        .iter()
        .filter(|entry| ledger::word(entry, "/kind") == "message.accepted");
    assert_eq!(sent.count(), 2, "none was done twice");
}

#[tokio::test]
async fn the_example_of_the_page_sends_a_signed_message() {
    let scene = Scene::new("").await;
    let gateway = scene.started().await;
    let (private, public) = make_pair(&scene.ground).await;
    let public = public.display().to_string();
    let client = scene
        .client(&["--auth", "signed", "--public-key", &public])
        .await;
    let page = include_str!("../../../../docs/api.md");
    let (_, example) = page.split_once("```python\n").expect("an example");
    let (example, _) = example.split_once("```").unwrap();
    let script = scene.ground.path("example.py");
    std::fs::write(&script, example).unwrap();
    let environment = [
        ("SHORTSTOP", format!("https://{}", scene.ground.https)),
        ("CA", scene.ca().display().to_string()),
        (
            "KEY_ID",
            client["keys"][0]["id"].as_str().unwrap().to_owned(),
        ),
        ("PRIVATE_KEY", private.display().to_string()),
    ];
    let said = python(&script, &Value::Null, &environment).await;
    assert!(
        said.contains("\"state\":\"accepted\"") && said.contains("msg_"),
        "{said}"
    );
    assert!(gateway.stop().await.unwrap().success());
}

/// A certificate and its key, in two files.
struct Own {
    certificate: PathBuf,
    key: PathBuf,
}

impl Own {
    fn signed_by(ground: &Ground, name: &str, issuer: &Issuer<'_, KeyPair>) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["client".to_owned()]).unwrap();
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = rcgen::date_time_ymd(2100, 1, 1);
        let made = params.signed_by(&key, issuer).unwrap();
        let own = Self {
            certificate: ground.path(&format!("{name}.pem")),
            key: ground.path(&format!("{name}.key")),
        };
        std::fs::write(&own.certificate, made.pem()).unwrap();
        std::fs::write(&own.key, key.serialize_pem()).unwrap();
        own
    }

    fn paths(&self) -> Value {
        json!([self.certificate, self.key])
    }
}

fn authority(ground: &Ground, name: &str) -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    std::fs::write(ground.path(name), pem).unwrap();
    Issuer::new(params, key)
}

#[tokio::test]
async fn a_key_comes_with_its_certificate_and_a_reload_takes_in_another_authority() {
    let scene =
        Scene::new("client_certificates = 'required'\nclient_ca_file = 'clients.pem'\n").await;
    let ground = &scene.ground;
    let issuer = authority(ground, "clients.pem");
    let [ours, theirs] = ["ours", "theirs"].map(|name| Own::signed_by(ground, name, &issuer));
    let gateway = scene.started().await;
    let file = ours.certificate.display().to_string();
    let client = scene
        .client(&["--auth", "key+mtls", "--certificate", &file])
        .await;
    assert_eq!(client["auth"], "key+mtls");
    let ask = async |own: Option<&Own>, key: &str| {
        let mut asked = scene.asks(&[list()]);
        asked["bearer"] = key.into();
        if let Some(own) = own {
            asked["certificate"] = own.paths();
        }
        let told = answers(&asked).await;
        (told[0]["status"].as_u64().unwrap(), told[0]["code"].clone())
    };
    let key = client["api_key"].as_str().unwrap();
    assert_eq!(ask(Some(&ours), key).await, (200, Value::Null));
    let wrong = "ssk_".to_owned() + &"0".repeat(72);
    assert_eq!(
        ask(Some(&theirs), key).await,
        ask(Some(&theirs), &wrong).await
    );
    assert_eq!(ask(Some(&theirs), key).await, (401, "unauthorized".into()));
    assert_eq!(ask(None, key).await.0, 0, "no connection without one");

    // The authority is replaced in its file, and the certificate of the client with a new one of it.
    let next = authority(ground, "clients.pem");
    let renewed = Own::signed_by(ground, "renewed", &next);
    let data = ground.data().display().to_string();
    let id = client["id"].as_str().unwrap();
    let (file, old) = (
        renewed.certificate.display().to_string(),
        client["certificates"][0]["sha256"].as_str().unwrap(),
    );
    let change = [
        "client",
        "change",
        id,
        "--certificate",
        &file,
        "--drop-certificate",
        old,
        "--data",
        &data,
    ];
    let changed = run_json(&change).await;
    assert_eq!(
        changed["client"]["certificates"].as_array().unwrap().len(),
        1
    );
    gateway.signal(rustix::process::Signal::HUP).unwrap();
    until("the other authority", async || {
        (ask(Some(&renewed), key).await.0 == 200).then_some(())
    })
    .await;
    assert_eq!(ask(Some(&ours), key).await.0, 0);

    let metrics = ground.admin().get("/metrics").await.unwrap().text;
    for row in [
        "shortstop_certificate_expires_seconds{certificate=\"server\"} ",
        "shortstop_certificate_expires_seconds{certificate=\"client-ca\"} ",
        "shortstop_client_certificates_ending 0",
    ] {
        assert!(metrics.contains(row), "{row}");
    }
    assert!(gateway.stop().await.unwrap().success());
}
