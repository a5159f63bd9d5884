//! Old entries of the ledger lose their bytes, and everything that was ever signed still verifies.

use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use domain::time::Timestamp;
use engine::changes::Changes;
use ledger::{Kind, NodeName};
use serde_json::Value;
use shortstop::clock::SystemClock;
use shortstop::http_client::Client;
use store::{Embedded, EmbeddedConfig};
use testkit::contract::store::samples::draft;
use testkit::contract::store::waiting::commit;

use super::ground::{Carrier, Ground, reaches, run, run_json, send, until};

const READER: &str = "+447700900123";
const DAY: u64 = 86_400_000_000;

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

/// A store with so many hundreds of entries from so many days ago, the oldest first, and its keys.
pub fn grow_old(data: &Path, past: &[(u64, u64)]) {
    use engine::ports::Clock as _;
    let keys = data.join("keys");
    let mut folders = std::fs::DirBuilder::new();
    folders.recursive(true).mode(0o700).create(&keys).unwrap();
    for name in ["master.key", "log.key"] {
        let mut file = std::fs::OpenOptions::new();
        let file = file.write(true).create_new(true).mode(0o600);
        let mut key = file.open(keys.join(name)).unwrap();
        std::io::Write::write_all(&mut key, &[7; 32]).unwrap();
    }
    let node = NodeName::parse("test-1").unwrap();
    let store = Embedded::open(EmbeddedConfig::new(data, node)).unwrap();
    for &(days, hundreds) in past {
        let old = SystemClock.now().micros() - days * DAY;
        for n in 0..hundreds {
            let at = Timestamp::from_micros(old + n);
            let mut changes = Changes::new(draft(Kind::ConfigLoaded), at);
            for _ in 1..100 {
                changes.entry(draft(Kind::ConfigLoaded));
            }
            commit(&store, changes).unwrap();
        }
    }
}

async fn ledger(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(&[&["ledger"], args, &["--json"]].concat()).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), events.collect())
}

async fn passes(args: &[&str]) {
    let (code, events) = ledger(args).await;
    assert_eq!(code, Some(0), "{args:?}: {events:?}");
}

#[tokio::test]
async fn old_entries_go_and_every_checkpoint_and_receipt_still_verifies() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    grow_old(&ground.data(), &[(400, 7)]);
    let gateway = ground.start().await;
    let config = config(&ground);
    let mut api = ground.api(&ground.key().await).client();
    let id = send(&mut api, READER, "alert", "Of today").await;
    reaches(&mut api, &id, "delivered").await;
    let receipt = format!("/v1/messages/{id}/receipt");
    until("a receipt", async || {
        let reply = api.get(&receipt).await.unwrap();
        (reply.status.as_u16() == 200).then_some(())
    })
    .await;
    let before = ground.path("before").display().to_string();
    passes(&["export", "--to", &before, "--config", &config]).await;

    prunes(&mut api, &config).await;
    outsiders_see_the_rest(&mut api).await;
    let reply = api.get(&receipt).await.unwrap();
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    passes(&["prove", &id, "--config", &config]).await;
    it_verifies(&ground, &config, &before).await;

    let backup = ground.path("backup").display().to_string();
    run_json(&["backup", "--to", &backup, "--config", &config]).await;
    gateway.stop().await.unwrap();
    it_lives_on(&ground, &config, &backup).await;
}

/// Too little is refused, a dry run changes nothing, and then the entries go.
async fn prunes(api: &mut Client, config: &str) {
    for days in ["91", "100"] {
        let (code, _) = ledger(&["prune", "--keep-days", days, "--config", config]).await;
        assert_eq!(code, Some(2), "{days} days");
    }
    let two_bundles = (&512.into(), &512.into());
    let dry = run_json(&["ledger", "prune", "--dry-run", "--config", config]).await;
    assert_eq!((&dry["minimum_index"], &dry["entries"]), two_bundles);
    let text = api.get("/ledger/minimum-index").await.unwrap().text;
    assert_eq!(text, "0\n");
    let pruned = run_json(&["ledger", "prune", "--config", config]).await;
    assert_eq!((&pruned["minimum_index"], &pruned["entries"]), two_bundles);
}

async fn outsiders_see_the_rest(api: &mut Client) {
    let text = api.get("/ledger/minimum-index").await.unwrap().text;
    assert_eq!(text, "512\n");
    for (path, status) in [
        ("/ledger/tile/entries/000", 404),
        ("/ledger/tile/entries/001", 404),
        ("/ledger/tile/entries/002.p/188", 200),
        ("/ledger/tile/0/000", 200),
        ("/ledger/tile/1/000.p/2", 200),
    ] {
        let reply = api.get(path).await.unwrap();
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text);
        if status == 404 {
            assert_eq!(reply.member("code"), "pruned");
        }
    }
}

/// As it runs, exported, and against the checkpoint from before.
async fn it_verifies(ground: &Ground, config: &str, before: &str) {
    passes(&["verify", "--config", config]).await;
    passes(&["rebuild", "--config", config]).await;
    let after = ground.path("after").display().to_string();
    passes(&["export", "--to", &after, "--config", config]).await;
    assert!(!Path::new(&after).join("tile/entries/000").exists());
    let lines = ground.path("lines.jsonl").display().to_string();
    let told = [
        "export", "--format", "jsonl", "--to", &lines, "--config", config,
    ];
    passes(&told).await;
    let lines = std::fs::read_to_string(lines).unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        first["index"], 512,
        "what is there can still be written out"
    );
    let old = format!("{before}/checkpoint");
    passes(&["verify", "--dir", &after, "--checkpoint", &old]).await;
    passes(&["verify", "--dir", &after, "--since", &old]).await;
    std::fs::remove_file(Path::new(&after).join("tile/0/001")).unwrap();
    let (code, _) = ledger(&["verify", "--dir", &after]).await;
    assert_eq!(code, Some(1), "the hashes of pruned entries must be there");
}

/// Stopped, started again, and restored.
async fn it_lives_on(ground: &Ground, config: &str, backup: &str) {
    passes(&["verify", "--config", config]).await;
    passes(&["rebuild", "--config", config]).await;
    let again = run_json(&["ledger", "prune", "--config", config]).await;
    assert_eq!(again["entries"], 0);
    ground.start().await.stop().await.unwrap();
    passes(&["rebuild", "--config", config]).await;
    let to = ground.path("restored").display().to_string();
    let restored = run(&["restore", "--from", backup, "--to", &to]).await;
    assert!(
        restored.status.success(),
        "{}",
        String::from_utf8_lossy(&restored.stderr)
    );
}
