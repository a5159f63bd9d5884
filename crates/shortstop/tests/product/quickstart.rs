//! The quick starts, run as they stand in their page: a shell, a Python interpreter and a Node of whoever
//! follows them.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;
use tokio::time::timeout;
use web::twilio::sid::AccountSid;

use super::ground::{Carrier, Ground, PATIENCE, run_json};

const PAGE: &str = include_str!("../../../../docs/quickstart.md");

/// What the blocks of Python and of Node print at their ends: our own API, and Messages and Verify by Twilio's
/// SDKs.
const ENDS: [&str; 3] = ["delivered", "delivered", "approved"];

/// The blocks of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    let parts = PAGE.split(&opening).skip(1);
    parts
        .map(|part| part.split_once("```").unwrap().0)
        .collect()
}

fn tool(name: &str) -> String {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/test-tools/paths.json");
    let text = std::fs::read_to_string(&list);
    let text = text.expect("`cargo xtask test` installs the libraries of the quick starts");
    let paths: Value = serde_json::from_str(&text).unwrap();
    paths[name].as_str().unwrap().to_owned()
}

/// The account of the one client.
async fn account_of(ground: &Ground) -> String {
    let data = ground.data().display().to_string();
    let clients = run_json(&["client", "list", "--data", &data]).await;
    let id = clients["clients"][0]["id"].as_str().unwrap();
    AccountSid::of(id.parse().unwrap()).to_string()
}

/// Runs a program of the page and gives what it printed.
async fn print_of(mut command: Command) -> String {
    let ran = timeout(PATIENCE, command.kill_on_drop(true).output()).await;
    let ran = ran.expect("it ends in time").unwrap();
    let (out, errors) = (
        String::from_utf8(ran.stdout).unwrap(),
        String::from_utf8(ran.stderr).unwrap(),
    );
    assert!(ran.status.success(), "{out}\n{errors}");
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_quick_start_does_what_the_page_says() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let account = account_of(&ground).await;
    let surroundings = |mut command: Command| {
        command
            .env("SHORTSTOP", format!("https://{}", ground.https))
            .env("CARRIER", format!("http://{}", carrier.http))
            .env("CA", ground.data().join("tls/ca.pem"))
            .env("NODE_EXTRA_CA_CERTS", ground.data().join("tls/ca.pem"))
            .env("REQUESTS_CA_BUNDLE", ground.data().join("tls/ca.pem"))
            .env("NODE_PATH", tool("node_modules"))
            .env("ACCOUNT", &account)
            .env("KEY", &key);
        command
    };

    let shell = blocks("sh");
    assert_eq!(shell.len(), 3, "a block of the page is not run");
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", &shell.join("\n")]);
    let out = print_of(surroundings(command)).await;
    assert!(out.contains("\"verified\":true"), "{out}");
    let inbox = carrier.inbox().await;
    let has = |number: &str, text: &str| {
        let mut found = inbox.iter();
        found.any(|(to, said)| to.ends_with(number) && said.contains(text))
    };
    assert!(has("447700900123", "Your order is on its way."));
    assert!(has("447700900124", "Example"));

    let python = blocks("python");
    assert_eq!(python.len(), ENDS.len(), "a block of the page is not run");
    for (place, (code, end)) in python.into_iter().zip(ENDS).enumerate() {
        let file = ground.path(&format!("quick-{place}.py"));
        std::fs::write(&file, code).unwrap();
        let mut command = Command::new(tool("python"));
        command.arg(file);
        let out = print_of(surroundings(command)).await;
        assert!(out.trim_end().ends_with(end), "{out}");
    }
    let js = blocks("js");
    assert_eq!(js.len(), ENDS.len(), "a block of the page is not run");
    for (place, (code, end)) in js.into_iter().zip(ENDS).enumerate() {
        let file = ground.path(&format!("quick-{place}.mjs"));
        std::fs::write(&file, code).unwrap();
        let mut command = Command::new(tool("node"));
        command.arg(file);
        let out = print_of(surroundings(command)).await;
        assert!(out.trim_end().ends_with(end), "{out}");
    }
    gateway.stop().await.unwrap();
}
