//! Somebody who hears what an application of Twilio's signs and sends: of no use, as it is or altered, before and after
//! a `kill -9`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::ground::{CODE, Carrier, Ground, PATIENCE, run_json, until};
use super::ledger;

const READER: &str = "+447700900123";
const REFUSED: (i64, i64) = (401, 20_003);

/// A client that must sign, and what its application holds.
struct App {
    url: String,
    ca: String,
    account: String,
    credential: String,
    private: PathBuf,
}

impl App {
    async fn new(ground: &Ground) -> Self {
        let private = ground.path("validation.key");
        let public = rsa(&private).await.display().to_string();
        let data = ground.data().display().to_string();
        let add = ["client", "add", "bank", "--short-code", CODE];
        let more = ["--class", "alert", "--data", &data];
        let signs = ["--auth", "signed", "--public-key", &public];
        let made = run_json(&[&add[..], &more, &signs].concat()).await["client"].clone();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            url: format!("https://{}", ground.https),
            ca: ground.data().join("tls/ca.pem").display().to_string(),
            account: word(&made["account_sid"]),
            credential: word(&made["keys"][0]["sid"]),
            private,
        }
    }

    /// Asks one thing in a process of its own.
    async fn asks(&self, what: Value) -> Value {
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
        let paths = std::fs::read(list).expect("`cargo xtask test` installs the SDKs");
        let paths: Value = serde_json::from_slice(&paths).unwrap();
        let mut command = Command::new(paths["python"].as_str().unwrap());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product/twilio");
        command.arg(folder.join("heard.py"));
        command.env("REQUESTS_CA_BUNDLE", &self.ca);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let told = json!({
            "url": self.url, "account": self.account, "user": self.credential.replace("CR", "SK"),
            "credential": self.credential, "private": self.private, "ask": what,
        });
        let mut to = child.stdin.take().unwrap();
        to.write_all(told.to_string().as_bytes()).await.unwrap();
        drop(to);
        let output = timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("the SDK ends").unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    async fn sends(&self, body: &str) -> Value {
        let with = json!({"to": READER, "from_": CODE, "body": body});
        self.asks(json!({"do": "create", "with": with})).await
    }

    /// What it would have sent, had nobody caught it.
    async fn caught(&self, body: &str) -> Value {
        let with = json!({"to": READER, "from_": CODE, "body": body});
        let asked = json!({"do": "catch", "with": with});
        self.asks(asked).await["sent"].clone()
    }

    async fn resent(&self, request: &Value) -> (i64, i64) {
        let asked = json!({"do": "resend", "request": request});
        let answer = self.asks(asked).await;
        let number = |name: &str| answer[name].as_i64().unwrap_or_default();
        (number("status"), number("code"))
    }
}

/// An RSA key in two files, made by OpenSSL: gives the public one.
async fn rsa(private: &Path) -> PathBuf {
    let public = private.with_extension("pub");
    let openssl = async |words: &[&str]| {
        let output = Command::new("openssl").args(words).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let (of, to) = (private.to_str().unwrap(), public.to_str().unwrap());
    openssl(&["genrsa", "-out", of, "2048"]).await;
    openssl(&["pkey", "-in", of, "-pubout", "-out", to]).await;
    public
}

/// How many entries of a kind the ledger has, and how many of them for that reason.
fn told(ground: &Ground, kind: &str, reason: &str) -> (usize, usize) {
    let entries = ledger::entries(&ground.data());
    let of_kind = entries
        .iter()
        .filter(|entry| ledger::word(entry, "/kind") == kind);
    let of_reason = of_kind
        .clone()
        .filter(|entry| ledger::word(entry, "/reason") == reason);
    (of_kind.count(), of_reason.count())
}

#[tokio::test]
async fn what_was_heard_on_the_wire_is_of_no_use_altered_or_not_before_and_after_a_kill() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let app = App::new(&ground).await;
    let sent = app.sends("Pay 10 to Ann").await;
    assert!(sent["done"].is_string(), "{sent}");
    let heard = sent["sent"].clone();
    assert_eq!(app.resent(&heard).await, REFUSED, "again");
    let mut alone = heard.clone();
    let headers = alone["headers"].as_object_mut().unwrap();
    headers.remove("Twilio-Client-Validation").expect("a token");
    assert_eq!(app.resent(&alone).await, REFUSED, "without the token");
    gateway.kill().await.unwrap();
    let gateway = ground.start().await;
    assert_eq!(app.resent(&heard).await, REFUSED, "after the kill");
    // Honest ones wait for some seconds at most.
    let taken = until("a new token", async || {
        let sent = app.sends("Pay 11 to Ann").await;
        sent["done"].is_string().then_some(())
    });
    timeout(Duration::from_secs(30), taken).await.unwrap();
    assert_eq!(app.resent(&heard).await, REFUSED, "and later");
    // It never came through, so that its token is new.
    let mut caught = app.caught("Pay 12 to Ann").await;
    let body = caught["body"].as_str().unwrap().replace("Ann", "Bob");
    caught["body"] = body.into();
    assert_eq!(app.resent(&caught).await, REFUSED, "altered");
    assert!(gateway.stop().await.unwrap().success());
    assert_eq!(told(&ground, "message.accepted", "").0, 2, "none twice");
    let altered = told(&ground, "auth.failed", "digest-mismatch");
    assert_eq!(altered.1, 1, "{altered:?}");
}
