//! The SDKs of Twilio's, as they are, against the real binary: two lines changed, and everything else as before.

mod verify;

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;
use web::twilio::sid::{AccountSid, ApiKeySid};

use super::ground::{CODE, Carrier, Ground, PATIENCE, run_json, until};

const READER: &str = "+447700900123";
const OTHER: &str = "+447700900456";

/// An SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sdk {
    Python,
    Node(&'static str),
}

const SDKS: [Sdk; 3] = [Sdk::Python, Sdk::Node("twilio"), Sdk::Node("twilio-5")];

/// An application: its SDK, its account and what it shows.
#[derive(Clone)]
struct App {
    sdk: Sdk,
    url: String,
    ca: String,
    account: String,
    user: String,
    key: String,
    /// The key with which it signs, the file of its private half and the algorithm.
    signs: Option<(String, String, &'static str)>,
}

impl App {
    /// Asks one thing after the other in one process.
    async fn asks(&self, asks: Value) -> Vec<Value> {
        self.tells(json!({"asks": asks})).await
    }

    /// Gives the SDK more than questions.
    async fn tells(&self, more: Value) -> Vec<Value> {
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
        let paths = std::fs::read(list).expect("`cargo xtask test` installs the SDKs");
        let paths: Value = serde_json::from_slice(&paths).unwrap();
        let (program, script, library) = match self.sdk {
            Sdk::Python => ("python", "peer.py", ""),
            Sdk::Node(library) => ("node", "peer.js", library),
        };
        let mut command = Command::new(paths[program].as_str().unwrap());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product/twilio");
        command.arg(folder.join(script));
        command.env("NODE_PATH", paths["node_modules"].as_str().unwrap());
        command.env("NODE_EXTRA_CA_CERTS", &self.ca);
        command.env("REQUESTS_CA_BUNDLE", &self.ca);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut told = json!({
            "url": self.url, "account": self.account, "user": self.user, "key": self.key,
            "library": library, "ca": self.ca,
        });
        for (name, value) in more.as_object().unwrap() {
            told[name] = value.clone();
        }
        if let Some((credential, private, algorithm)) = &self.signs {
            told["credential"] = json!(credential);
            told["private"] = json!(private);
            told["algorithm"] = json!(algorithm);
        }
        let mut to = child.stdin.take().unwrap();
        to.write_all(told.to_string().as_bytes()).await.unwrap();
        drop(to);
        let output = timeout(PATIENCE, child.wait_with_output()).await;
        let output = output.expect("the SDK ends").unwrap();
        assert!(output.status.success(), "{output:?}");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["answers"].as_array().unwrap().clone()
    }

    /// Asks one thing.
    async fn ask(&self, what: Value) -> Value {
        self.asks(json!([what])).await.remove(0)
    }

    /// Asks one thing that is done.
    async fn done(&self, what: Value) -> Value {
        let answer = self.ask(what.clone()).await;
        assert!(
            answer.get("done").is_some(),
            "{:?} {what}: {answer}",
            self.sdk
        );
        answer["done"].clone()
    }

    /// Asks one thing that is refused; gives the status and the number.
    async fn refused(&self, what: Value) -> (i64, i64) {
        let answer = self.ask(what.clone()).await;
        refusal(&answer)
    }
}

fn refusal(answer: &Value) -> (i64, i64) {
    let number = |name: &str| answer[name].as_i64().unwrap_or_default();
    assert!(
        !answer["message"].as_str().unwrap_or_default().is_empty(),
        "{answer}"
    );
    (number("status"), number("code"))
}

fn create(to: &str, body: &str) -> Value {
    json!({"do": "create", "with": {"to": to, "from_": CODE, "body": body}})
}

fn about(what: &str, sid: &Value) -> Value {
    json!({"do": what, "sid": sid})
}

/// What a key may do with messages.
const EVERY: [&str; 6] = [
    "--scope",
    "messages:send",
    "--scope",
    "messages:read",
    "--scope",
    "messages:redact",
];

/// Makes a client; gives it as an application.
async fn client(ground: &Ground, sdk: Sdk, more: &[&str]) -> (App, Value) {
    let data = ground.data().display().to_string();
    let base = [
        "client",
        "add",
        "shop",
        "--short-code",
        CODE,
        "--class",
        "alert",
        "--data",
        &data,
    ];
    let made = run_json(&[&base[..], more].concat()).await["client"].clone();
    let id: domain::id::ClientId = made["id"].as_str().unwrap().parse().unwrap();
    let account = AccountSid::of(id).to_string();
    let app = App {
        sdk,
        url: format!("https://{}", ground.https),
        ca: ground.data().join("tls/ca.pem").display().to_string(),
        user: account.clone(),
        account,
        key: made["api_key"].as_str().unwrap_or("unused").to_owned(),
        signs: None,
    };
    (app, made)
}

#[tokio::test]
async fn an_application_sends_reads_lists_redacts_and_deletes_with_two_lines_changed() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    for sdk in SDKS {
        let (app, _) = client(&ground, sdk, &EVERY).await;
        let says = "Hall\u{f6} & \"welcome\" + 100 %\nx";
        let sent = app.done(create(READER, says)).await;
        assert_eq!(sent["status"], "queued", "{sdk:?}");
        assert_eq!(sent["body"], says, "{sdk:?}");
        assert_eq!(sent["account_sid"], app.account);
        assert_eq!(
            (&sent["num_segments"], &sent["from_"]),
            (&json!("1"), &json!(CODE))
        );
        assert!(
            sent["created"].is_string() && sent["price"].is_null(),
            "{sent}"
        );
        let sid = sent["sid"].clone();
        let delivered = until("the receipt", async || {
            let read = app.done(about("fetch", &sid)).await;
            (read["status"] == "delivered").then_some(read)
        })
        .await;
        assert_eq!(
            (&delivered["body"], &delivered["error_code"]),
            (&json!(says), &Value::Null)
        );
        assert!(delivered["sent"].is_string(), "{delivered}");
        let more: Vec<Value> = (0..4).map(|n| create(OTHER, &n.to_string())).collect();
        app.asks(Value::Array(more)).await;
        let paged = json!({"do": "list", "with": {"page_size": 2}});
        let listed = app.done(paged).await;
        let bodies: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["body"].clone())
            .collect();
        assert_eq!(
            bodies,
            [json!("3"), json!("2"), json!("1"), json!("0"), json!(says)],
            "{sdk:?}"
        );
        let narrow = json!({"do": "list", "with": {"to": READER, "from_": CODE, "limit": 5}});
        assert_eq!(
            app.done(narrow).await.as_array().unwrap().len(),
            1,
            "{sdk:?}"
        );
        assert_eq!(app.done(about("redact", &sid)).await["body"], "");
        assert_eq!(app.done(about("fetch", &sid)).await["body"], "");
        app.done(about("delete", &sid)).await;
        assert_eq!(
            app.refused(about("fetch", &sid)).await,
            (404, 20_404),
            "{sdk:?}"
        );
    }
}

#[tokio::test]
async fn refusals_reach_an_application_as_errors_of_its_sdk() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.limits.push_str(
        "[[limit]]\nname = 'three'\nevent = 'message'\nby = ['client']\nalgorithm = 'quota'\namount = 3\nwindow_seconds = 3600\n",
    );
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    for sdk in SDKS {
        let (app, made) = client(
            &ground,
            sdk,
            &["--scope", "messages:send", "--scope", "messages:read"],
        )
        .await;
        let by_key = App {
            user: {
                let id: domain::id::KeyId =
                    made["keys"][0]["id"].as_str().unwrap().parse().unwrap();
                ApiKeySid::of(id).to_string()
            },
            ..app.clone()
        };
        let (stranger, _) = client(&ground, sdk, &[]).await;
        by_key.done(create(READER, "by the key")).await;
        assert_eq!(
            app.refused(create("0123", "x")).await,
            (400, 21_211),
            "{sdk:?}"
        );
        assert_eq!(
            app.refused(create("+33612345678", "x")).await,
            (400, 21_408)
        );
        let cross = App {
            key: stranger.key.clone(),
            ..app.clone()
        };
        assert_eq!(cross.refused(create(READER, "x")).await, (401, 20_003));
        let foreign = App {
            account: stranger.account.clone(),
            ..by_key.clone()
        };
        assert_eq!(foreign.refused(create(READER, "x")).await, (404, 20_404));
        let mut seen = (0, 0);
        for count in 0..4 {
            let answer = app.ask(create(READER, &count.to_string())).await;
            if answer.get("done").is_none() {
                seen = refusal(&answer);
                break;
            }
        }
        assert_eq!(seen, (429, 20_429), "{sdk:?}");
        let data = ground.data().display().to_string();
        run_json(&[
            "client",
            "revoke",
            made["id"].as_str().unwrap(),
            "--data",
            &data,
        ])
        .await;
        // Of a list the SDK of Python tells no status.
        let late = create(READER, "too late");
        assert_eq!(app.refused(late.clone()).await, (401, 20_003), "{sdk:?}");
        assert_eq!(by_key.refused(late).await, (401, 20_003));
    }
}

#[tokio::test]
async fn requests_that_an_sdk_signs_are_known_by_their_key_alone() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let ways = [
        (Sdk::Python, "RS256"),
        (Sdk::Node("twilio"), "RS256"),
        (Sdk::Node("twilio"), "PS256"),
        (Sdk::Node("twilio-5"), "RS256"),
    ];
    for (sdk, algorithm) in ways {
        let (private, public) = (ground.path("signer.key"), ground.path("signer.pub"));
        let (private, public) = (private.display().to_string(), public.display().to_string());
        let (python, _) = client(&ground, Sdk::Python, &[]).await;
        python.tells(json!({"make": [private, public]})).await;
        let signed = ["--auth", "signed", "--public-key", &public];
        let (plain, made) = client(&ground, sdk, &signed).await;
        let credential = made["keys"][0]["sid"].as_str().unwrap().to_owned();
        assert!(
            credential.starts_with("CR") && made.get("api_key").is_none(),
            "{made}"
        );
        let app = App {
            user: credential.replace("CR", "SK"),
            signs: Some((credential.clone(), private.clone(), algorithm)),
            ..plain.clone()
        };
        let says = "Hall\u{f6} & +1";
        let sent = app.done(create(READER, says)).await;
        assert_eq!(sent["body"], says, "{sdk:?} {algorithm}");
        let narrow = json!({"do": "list", "with": {"to": READER, "from_": CODE, "limit": 5}});
        assert_eq!(
            app.done(narrow).await[0]["sid"],
            sent["sid"],
            "{sdk:?} {algorithm}"
        );
        assert_eq!(plain.refused(create(READER, "x")).await, (401, 20_003));
        python.tells(json!({"make": [private, public]})).await;
        let another = app.refused(create(READER, "by another key")).await;
        assert_eq!(another, (401, 20_003), "{sdk:?} {algorithm}");
    }
}
