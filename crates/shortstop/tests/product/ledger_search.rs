//! `shortstop ledger search`, against a gateway that runs and on its folder when it does not.

use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::ground::{BINARY, Carrier, Ground, reaches, run, send};
use super::ledger::{count, entries};

const TO: &str = "+447700900123";

/// Runs `ledger search` and gives its exit code and what it printed.
async fn search(ground: &Ground, args: &[&str]) -> (Option<i32>, String) {
    let config = ground.path("shortstop.toml").display().to_string();
    let output = run(&[&["ledger", "search", "--config", &config], args].concat()).await;
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code(), text)
}

fn rows(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn entries_are_found_live_and_offline_in_every_format() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    let id = send(&mut api, TO, "otp", "Your code is 482913").await;
    reaches(&mut api, &id, "delivered").await;

    let (code, text) = search(&ground, &["--message", &id, "--format", "jsonl"]).await;
    assert_eq!(code, Some(0), "{text}");
    let live = rows(&text);
    let kinds: Vec<&str> = live
        .iter()
        .map(|row| row["entry"]["kind"].as_str().unwrap())
        .collect();
    let story = ["receipt.received", "message.submitted", "message.accepted"];
    assert_eq!(kinds, story);
    let (_, text) = search(&ground, &["--kind", "message.accepted", "--message", &id]).await;
    assert!(text.contains("message.accepted") && text.contains("1 entries; there are no more."));
    let (_, text) = search(&ground, &["--message", &id, "--json"]).await;
    let events = rows(&text);
    assert_eq!(events.last().unwrap()["event"], "ledger-searched");
    assert_eq!(events[0]["entry"], live[0]["entry"]);
    gateway.stop().await.unwrap();

    let (_, text) = search(&ground, &["--message", &id, "--format", "jsonl"]).await;
    assert_eq!(rows(&text), live);
    let (_, text) = search(&ground, &["--message", &id, "--format", "csv", "--proof"]).await;
    assert!(text.starts_with("index,time,kind,outcome,actor_type,actor,"));
    assert_eq!(text.matches("c2sp.org/tlog-proof@v1").count(), 3, "{text}");
    let searches = count(&entries(&ground.data()), "ledger.searched");
    assert_eq!(searches, 5);
}

#[tokio::test]
async fn a_number_is_taken_from_standard_input_and_never_told() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    let config = ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    let id = send(&mut api, TO, "otp", "Your code is 482913").await;
    let mut command = Command::new(BINARY);
    command
        .args(["ledger", "search", "--number", "-", "--format", "jsonl"])
        .arg("--config")
        .arg(&config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("{TO}\n").as_bytes()).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains(&id), "{text}");
    assert!(!text.contains(&TO[1..]), "{text}");
    let (code, text) = search(&ground, &["--object", TO]).await;
    assert_eq!(code, Some(2));
    assert!(!text.contains(&TO[1..]), "{text}");
    let (code, text) = search(&ground, &["--kind", "message.sent"]).await;
    assert!(
        code == Some(2) && text.contains("message.accepted"),
        "{text}"
    );
    gateway.stop().await.unwrap();
    let entries = entries(&ground.data());
    let last = entries.iter().rfind(|it| it["kind"] == "ledger.searched");
    assert!(last.unwrap()["private"]["number"].is_string());
    assert!(entries.iter().all(|it| !it.to_string().contains(&TO[1..])));
}
