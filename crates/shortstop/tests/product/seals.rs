//! Seals in the role of the one who checks: the first key is taken away, an honest log passes live, stopped
//! and exported, and each way to cheat behind the last witness is named.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::ground::{Ground, run, run_json, until};

const MORE: &str = "[ledger]\nseal_seconds = 1\n";

/// Runs `ledger verify` and gives its exit code and events.
async fn verify(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(&[&["ledger", "verify", "--json"], args].concat()).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), events.collect())
}

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

fn seals(ground: &Ground) -> Vec<String> {
    let text = std::fs::read_to_string(ground.data().join("ledger.seals")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Adds clients until something is sealed with entries.
async fn sealed(ground: &Ground, seals_at_least: usize) {
    ground.key().await;
    until("seals", async || {
        (seals(ground).len() > seals_at_least).then_some(())
    })
    .await;
}

fn taken_away(ground: &Ground) -> String {
    let here = ground.data().join("keys/seal.first");
    let there = ground.path("kept.key");
    std::fs::rename(here, &there).unwrap();
    there.display().to_string()
}

/// The kinds of the faults in what was told.
fn kinds(events: &[Value]) -> Vec<&str> {
    let faults = events.iter().filter(|event| event["event"] == "fault");
    faults
        .map(|event| event["kind"].as_str().unwrap())
        .collect()
}

fn configured() -> Ground {
    let mut ground = Ground::new();
    MORE.clone_into(&mut ground.more);
    ground.configure("127.0.0.1:1".parse().unwrap());
    ground
}

#[tokio::test]
async fn an_honest_log_passes_live_stopped_over_a_crash_and_exported() {
    let ground = configured();
    let mut gateway = ground.start().await;
    sealed(&ground, 3).await;
    let config = config(&ground);
    let status = run_json(&["keys", "status", "--config", &config]).await;
    let named = |status: &Value| {
        let keys = status["keys"].as_array().unwrap().clone();
        keys.iter()
            .any(|key| key["key"] == "first key of the seals")
    };
    assert!(named(&status), "{status}");
    assert_eq!(status["seals"]["up"], true);
    let key = taken_away(&ground);
    let status = run_json(&["keys", "status", "--config", &config]).await;
    assert!(!named(&status), "{status}");

    let (code, events) = verify(&["--config", &config, "--seal-key", &key]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let summary = &events.last().unwrap()["seals"];
    assert!(summary["epochs"].as_u64() >= Some(3), "{summary}");
    assert!(summary["entries"].as_u64() > Some(0), "{summary}");
    gateway.kill().await.unwrap();

    let gateway = ground.start().await;
    let to = ground.path("out").display().to_string();
    let before = seals(&ground).len();
    until("seals after the crash", async || {
        (seals(&ground).len() > before + 2).then_some(())
    })
    .await;
    run_json(&["ledger", "export", "--to", &to, "--config", &config]).await;
    let (code, events) = verify(&["--dir", &to, "--seal-key", &key]).await;
    assert_eq!(code, Some(0), "{events:?}");
    gateway.stop().await.unwrap();
    let (code, events) = verify(&["--config", &config, "--seal-key", &key]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let hex = std::fs::read_to_string(&key).unwrap();
    let other = ground.path("other.key");
    std::fs::write(&other, "11".repeat(32)).unwrap();
    assert_ne!(hex.trim(), "11".repeat(32));
    let other = other.display().to_string();
    let (code, events) = verify(&["--dir", &to, "--seal-key", &other]).await;
    assert_eq!((code, kinds(&events)), (Some(1), vec!["seal-forged"]));
}

/// A sound exported folder with a key that checks it.
struct Exported {
    _ground: Ground,
    folder: PathBuf,
    key: String,
    until: String,
}

async fn exported() -> Exported {
    let ground = configured();
    let gateway = ground.start().await;
    sealed(&ground, 4).await;
    gateway.stop().await.unwrap();
    let key = taken_away(&ground);
    let folder = ground.path("out");
    let to = folder.display().to_string();
    let config = config(&ground);
    run_json(&["ledger", "export", "--to", &to, "--config", &config]).await;
    Exported {
        _ground: ground,
        folder,
        key,
        until: "2100-01-01T00:00:00Z".to_owned(),
    }
}

impl Exported {
    async fn kinds(&self) -> Vec<String> {
        let to = self.folder.display().to_string();
        let (code, events) = verify(&["--dir", &to, "--seal-key", &self.key]).await;
        let found: Vec<String> = kinds(&events).into_iter().map(str::to_owned).collect();
        assert_eq!(code == Some(1), !found.is_empty(), "{events:?}");
        found
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join("seals")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn put(&self, lines: &[String]) {
        std::fs::write(self.folder.join("seals"), lines.join("\n") + "\n").unwrap();
    }
}

#[tokio::test]
async fn a_removed_changed_or_early_ending_seal_is_named() {
    let sound = exported().await;
    assert!(sound.kinds().await.is_empty());
    let lines = sound.lines();
    let without = |place: usize| {
        let mut lines = lines.clone();
        lines.remove(place);
        lines
    };
    sound.put(&without(2));
    assert_eq!(sound.kinds().await, ["seal-missing"]);
    sound.put(&without(0));
    assert_eq!(sound.kinds().await, ["seal-malformed"]);
    let mut forged = lines.clone();
    let seal = ledger::seal::Seal::parse(&forged[1]).unwrap();
    let larger = ledger::seal::Seal {
        count: seal.count + 1,
        ..seal
    };
    forged[1] = larger.line();
    sound.put(&forged);
    assert_eq!(sound.kinds().await, ["seal-forged"]);
    std::fs::remove_file(sound.folder.join("seals")).unwrap();
    assert_eq!(sound.kinds().await, ["seal-missing"]);
    // The chain ends long before the time up to which there must be seals.
    sound.put(&lines);
    let to = sound.folder.display().to_string();
    let args = ["--dir", &to, "--seal-key", &sound.key];
    let (code, events) = verify(&[&args[..], &["--sealed-until", &sound.until]].concat()).await;
    assert_eq!((code, kinds(&events)), (Some(1), vec!["seals-end"]));
}

#[tokio::test]
async fn a_cut_tail_and_an_entry_changed_before_the_last_seal_are_named() {
    let sound = exported().await;
    let bundles = super::ground::files(&Path::new(&sound.folder).join("tile/entries"));
    let mut changed = std::fs::read(&bundles[0]).unwrap();
    for octet in changed.iter_mut().filter(|octet| **octet == b'1') {
        *octet = b'2';
    }
    std::fs::write(&bundles[0], changed).unwrap();
    assert!(sound.kinds().await.contains(&"seal-mismatch".to_owned()));
    std::fs::remove_file(&bundles[0]).unwrap();
    assert!(sound.kinds().await.contains(&"seal-mismatch".to_owned()));
}
