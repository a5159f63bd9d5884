//! The OpenAPI document before a scanner that others wrote: it makes requests that the document allows and requests
//! that it does not, with each way to prove who asks, and holds every answer against what the document promises.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use domain::id::ClientId;
use shortstop::child::GatewayProcess;
use tokio::process::Command;
use tokio::time::timeout;
use web::twilio::sid::AccountSid;

use super::{certificates, programs};
use crate::ground::{CODE, Carrier, Ground, run_json};

/// A run takes half a minute; on a machine that does much else, some.
const RUN_MAX: Duration = Duration::from_mins(5);

const SCOPES: [&str; 14] = [
    "messages:send",
    "messages:read",
    "messages:redact",
    "inbound:read",
    "opt-outs:read",
    "opt-outs:write",
    "factors:write",
    "factors:check",
    "factors:read",
    "ledger:read",
    "ledger:search",
    "verifications:write",
    "verifications:check",
    "verifications:read",
];

/// A client that may do everything, and what the command told of it.
async fn client(ground: &Ground, name: &str, more: &[&str]) -> serde_json::Value {
    let config = ground.path("shortstop.toml").display().to_string();
    let mut words = vec!["client", "add", name, "--config", &config];
    words.extend(["--short-code", CODE]);
    for class in ["otp", "alert", "marketing"] {
        words.extend(["--class", class]);
    }
    for scope in SCOPES {
        words.extend(["--scope", scope]);
    }
    words.extend(more);
    run_json(&words).await["client"].clone()
}

/// How one run differs from the next.
struct Run<'r> {
    seed: &'r str,
    examples: &'r str,
    words: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

async fn scan(ground: &Ground, run: Run<'_>) -> Output {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product/scanners");
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let url = format!("https://localhost:{}", ground.https.port());
    let mut command = Command::new(programs().join("schemathesis"));
    command
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"));
    command.arg("run").arg(document).args(["--url", &url]);
    command.arg("--tls-verify").arg(ground.path("lab-ca.pem"));
    command.args(["--checks", "all", "--continue-on-failure", "--no-shrink"]);
    command.args(["--no-color", "--seed", run.seed]);
    command
        .args(["--max-examples", run.examples])
        .args(run.words);
    command.env("SCHEMATHESIS_HOOKS", "hooks");
    command
        .env("PYTHONPATH", &here)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(run.environment).current_dir(ground.path(""));
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(RUN_MAX, command.output()).await;
    output.expect("the scanner ends").unwrap()
}

/// The words for a header, on the routes that are ours.
fn header(name: &str, value: &str) -> Vec<String> {
    let value = format!("{name}: {value}");
    ["--header", &value, "--exclude-path-regex", TWILIO]
        .map(str::to_owned)
        .to_vec()
}

/// What the scanner said is its reason when it found something.
fn require_true(scanned: &Output, way: &str) {
    let told = String::from_utf8_lossy(&scanned.stdout);
    assert_eq!(scanned.status.code(), Some(0), "{way}: {told}");
    assert!(told.contains("Tested: "), "{way}: {told}");
}

async fn scene() -> (Ground, Carrier, GatewayProcess) {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    certificates(&ground);
    "certificate_file = 'server.pem'\nkey_file = 'server.key'\n".clone_into(&mut ground.https_more);
    "[factors]\nissuer = 'Example'\n".clone_into(&mut ground.more);
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    (ground, carrier, gateway)
}

/// The routes in the words of another provider.
const TWILIO: &str = "^/(2010-04-01|v2)/";

#[tokio::test]
async fn the_document_is_true_for_applications_of_another_provider() {
    let (ground, _carrier, gateway) = scene().await;
    let made = client(&ground, "application", &[]).await;
    let id: ClientId = made["id"].as_str().unwrap().parse().unwrap();
    let account = AccountSid::of(id).to_string();
    let key = made["api_key"].as_str().unwrap();
    let shown = format!("{account}:{key}");
    let run = Run {
        seed: "4",
        examples: "12",
        words: ["--include-path-regex", TWILIO, "--auth", &shown]
            .map(str::to_owned)
            .to_vec(),
        environment: vec![("ACCOUNT_SID", account)],
    };
    require_true(&scan(&ground, run).await, "account");
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn the_document_is_true_whoever_asks_and_however_they_prove_it() {
    let (ground, _carrier, gateway) = scene().await;
    let keyed = client(&ground, "keyed", &[]).await;
    let signer = client(&ground, "signer", &["--auth", "signed", "--hmac"]).await;
    let file = ground.path("client.pem").display().to_string();
    let mutual = ["--auth", "key+mtls", "--certificate", &file];
    let mutual = client(&ground, "mutual", &mutual).await;
    let bearer = |client: &serde_json::Value| {
        let key = client["api_key"].as_str().unwrap();
        header("Authorization", &format!("Bearer {key}"))
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let by_key = Run {
        seed: "1",
        examples: "12",
        words: bearer(&keyed),
        environment: Vec::new(),
    };
    let by_signature = Run {
        seed: "2",
        examples: "6",
        words: header("Signature", "sign-me"),
        environment: vec![
            ("SIGNING_KEY_ID", text(&signer["keys"][0]["id"])),
            ("SIGNING_SECRET", text(&signer["signing_secret"])),
        ],
    };
    let own = ground.path("client.key").display().to_string();
    let shown = ["--request-cert", &file, "--request-cert-key", &own];
    let by_certificate = Run {
        seed: "3",
        examples: "6",
        words: [bearer(&mutual), shown.map(str::to_owned).to_vec()].concat(),
        environment: Vec::new(),
    };
    let (key, signature, certificate) = tokio::join!(
        scan(&ground, by_key),
        scan(&ground, by_signature),
        scan(&ground, by_certificate),
    );
    for (scanned, way) in [
        (&key, "key"),
        (&signature, "signature"),
        (&certificate, "key and certificate"),
    ] {
        require_true(scanned, way);
    }
    assert!(gateway.stop().await.unwrap().success());
}
