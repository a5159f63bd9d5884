//! The ledger as a public log: signed, proven, exported, verified by the binary and by the library, and
//! never signed twice.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ledger::checkpoint::SignedCheckpoint;
use ledger::{LogProof, Policy, VerifierKey};
use serde_json::Value;
use shortstop::clock::SystemClock;
use testkit::{Witness, WitnessSetup};

use super::ground::{Carrier, Ground, reaches, run, run_json, send, until};

const READER: &str = "+447700900123";

/// Starts, sends a few messages and lets them be delivered. Gives the id of the last.
async fn sent(ground: &Ground, count: usize) -> String {
    let mut api = ground.api(&ground.key().await).client();
    let mut last = String::new();
    for place in 0..count {
        last = send(&mut api, READER, "alert", &format!("Message {place}")).await;
    }
    reaches(&mut api, &last, "delivered").await;
    last
}

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

/// Exports to a folder of the ground and gives its path.
async fn export(ground: &Ground, name: &str) -> String {
    let to = ground.path(name).display().to_string();
    run_json(&["ledger", "export", "--to", &to, "--config", &config(ground)]).await;
    to
}

/// Runs `ledger verify` and gives its exit code and events.
async fn verify(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(&[&["ledger", "verify", "--json"], args].concat()).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), events.collect())
}

#[tokio::test]
async fn a_message_is_proven_and_the_exported_log_verifies() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let id = sent(&ground, 3).await;
    let config = config(&ground);
    let proven = until("a checkpoint over the message", async || {
        let output = run(&["ledger", "prove", &id, "--json", "--config", &config]).await;
        let event: Value = serde_json::from_slice(&output.stdout).unwrap();
        output.status.success().then_some(event)
    })
    .await;
    let word = |name: &str| proven[name].as_str().unwrap().to_owned();
    let vkey = run_json(&["ledger", "key", "--config", &config]).await;
    assert_eq!(vkey["vkey"], word("vkey"));
    let policy = Policy::of_log(VerifierKey::parse(&word("vkey")).unwrap());
    let proof = LogProof::parse(word("proof").as_bytes()).unwrap();
    let found = proof.verify(word("entry").as_bytes(), &policy).unwrap();
    assert_eq!(found.origin, "shortstop.local/test-1");
    assert!(word("entry").contains(&id));
    let other = word("entry").replace("message.accepted", "message.delivered");
    assert!(proof.verify(other.as_bytes(), &policy).is_err());

    let live = export(&ground, "live").await;
    let (code, events) = verify(&["--dir", &live, "--vkey", &word("vkey")]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let (code, events) = verify(&["--config", &config]).await;
    assert_eq!(code, Some(0), "{events:?}");
    gateway.stop().await.unwrap();

    // The last checkpoint covers the stop; the old export is a beginning of it.
    let (code, events) = verify(&["--config", &config]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let whole = super::ledger::entries(&ground.data()).len();
    let summary = events.last().unwrap();
    assert_eq!(summary["entries"].as_u64(), u64::try_from(whole).ok());
    let stopped = export(&ground, "stopped").await;
    let old = format!("{live}/checkpoint");
    let policy = format!("{stopped}/policy");
    let args = ["--dir", &stopped, "--policy", &policy, "--checkpoint", &old];
    let (code, events) = verify(&args).await;
    assert_eq!(code, Some(0), "{events:?}");
    let newer = format!("{stopped}/checkpoint");
    let (code, events) = verify(&["--dir", &live, "--checkpoint", &newer]).await;
    assert_eq!((code, &events[0]["kind"]), (Some(1), &"rollback".into()));
}

#[tokio::test]
async fn clients_read_the_log_and_receipts_over_https() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let id = send(&mut api, READER, "otp", "Your code is 482913").await;
    let receipt = until("a receipt", async || {
        let path = format!("/v1/messages/{id}/receipt");
        let reply = api.get(&path).await.unwrap();
        if reply.status.as_u16() == 409 {
            assert_eq!(reply.member("code"), "receipt-pending");
            assert!(reply.header("retry-after").is_some());
            return None;
        }
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
        Some(reply)
    })
    .await;
    let vkey = std::fs::read_to_string(ground.data().join("log.vkey")).unwrap();
    let policy = Policy::of_log(VerifierKey::parse(vkey.trim_end()).unwrap());
    let proof = LogProof::parse(receipt.member("proof").as_bytes()).unwrap();
    let proven = proof.verify(receipt.member("entry").as_bytes(), &policy);
    let proven = proven.unwrap();
    let note = api.get("/ledger/checkpoint").await.unwrap();
    assert_eq!(note.status.as_u16(), 200, "{}", note.text);
    let checkpoint = SignedCheckpoint::parse(note.text.as_bytes()).unwrap();
    policy.judge(&checkpoint).unwrap();
    assert!(checkpoint.checkpoint().size() >= proven.head.size);
    let mut stranger = ground.api("ssk_nobody").client();
    let refused = stranger.get("/ledger/checkpoint").await.unwrap();
    assert_eq!(refused.status.as_u16(), 401);
}

#[tokio::test]
async fn a_gateway_that_must_not_sign_any_more_ends_in_good_order() {
    const TRIES: u32 = 3;
    const PATIENCE: Duration = Duration::from_secs(10);
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    // What another gateway with the same key and guard would have left there.
    let elsewhere = format!("{{\"size\":1000000,\"root\":\"{}\"}}\n", "0".repeat(64));
    let mut status = None;
    // Once more where the gateway was just writing its own: then that lies there again.
    for _ in 0..TRIES {
        std::fs::write(ground.data().join("guard.json"), &elsewhere).unwrap();
        // Something more to sign, unless the gateway has found out already.
        let _told = ground.api("ssk_nobody").client().get("/v1/messages").await;
        let ended = tokio::time::timeout(PATIENCE, gateway.ended()).await;
        if let Ok(ended) = ended {
            status = Some(ended.unwrap());
            break;
        }
    }
    let status = status.expect("the gateway goes on signing");
    assert_eq!(status.code(), Some(1), "{}", ground.log());
    assert!(
        ground.log().contains("the gateway ends"),
        "{}",
        ground.log()
    );
    let entries = super::ledger::entries(&ground.data());
    let last = entries.last().unwrap();
    assert_eq!(super::ledger::word(last, "/kind"), "ledger.stopped");
    let again = run(&["serve", "--json", "--config", &config(&ground)]).await;
    assert_eq!(again.status.code(), Some(1));
}

#[tokio::test]
async fn one_changed_octet_of_an_export_is_found_and_its_entry_named() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    sent(&ground, 2).await;
    gateway.stop().await.unwrap();
    let folder = export(&ground, "log").await;
    let bundles = super::ground::files(&Path::new(&folder).join("tile/entries"));
    let mut octets = std::fs::read(&bundles[0]).unwrap();
    let first = usize::from(u16::from_be_bytes([octets[0], octets[1]]));
    let second = 2 + first + 2;
    let place = second + octets[second..].iter().position(|o| *o == b'1').unwrap();
    octets[place] = b'2';
    std::fs::write(&bundles[0], octets).unwrap();
    let (code, events) = verify(&["--dir", &folder]).await;
    assert_eq!(code, Some(1));
    let named = events
        .iter()
        .any(|event| event["kind"] == "leaf-mismatch" && event["index"] == 1);
    assert!(named, "{events:#?}");
    assert_eq!(events.last().unwrap()["sound"], false);
}

#[tokio::test]
async fn an_older_copy_of_the_data_folder_is_refused_by_the_guard() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    std::fs::create_dir(ground.path("guard")).unwrap();
    ground.more = "[ledger]\nguard_file = 'guard/guard.json'\n".to_owned();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    sent(&ground, 1).await;
    gateway.stop().await.unwrap();
    copy(&ground.data(), &ground.path("old"));
    let gateway = ground.start().await;
    sent(&ground, 20).await;
    gateway.stop().await.unwrap();
    std::fs::rename(ground.data(), ground.path("newer")).unwrap();
    std::fs::rename(ground.path("old"), ground.data()).unwrap();

    let before = super::ledger::entries(&ground.data()).len();
    let refused = run(&["serve", "--json", "--config", &config(&ground)]).await;
    let says = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains("it was rolled back"), "{says}");
    let after = super::ledger::entries(&ground.data()).len();
    assert_eq!(
        before, after,
        "nothing is added to a ledger that was put back"
    );

    std::fs::rename(ground.data(), ground.path("old")).unwrap();
    std::fs::rename(ground.path("newer"), ground.data()).unwrap();
    let _gateway = ground.start().await;
}

#[tokio::test]
async fn the_origin_never_changes() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.more = "[ledger]\norigin = 'log.example/first'\n".to_owned();
    ground.configure(carrier.smpp);
    ground.start().await.stop().await.unwrap();
    ground.more = "[ledger]\norigin = 'log.example/second'\n".to_owned();
    ground.configure(carrier.smpp);
    let refused = run(&["serve", "--json", "--config", &config(&ground)]).await;
    let says = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains("`log.example/first` for life"), "{says}");
}

#[tokio::test]
async fn a_witness_cosigns_and_the_policy_that_asks_for_it_passes() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.configure(carrier.smpp);
    // The first start makes the key that the witness has to know.
    ground.start().await.stop().await.unwrap();
    let vkey = std::fs::read_to_string(ground.data().join("log.vkey")).unwrap();
    let witness = witness(ground.path("witness"), vkey.trim_end()).await;
    ground.more = format!(
        "[ledger]\nwitness_policy = 'required'\n\
         [[witness]]\nname = 'w1'\nurl = '{}'\nvkey = '{}'\n",
        witness.url(),
        witness.vkey()
    );
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    sent(&ground, 2).await;
    gateway.stop().await.unwrap();
    let folder = export(&ground, "log").await;
    let policy = format!("{folder}/policy");
    let (code, events) = verify(&["--dir", &folder, "--policy", &policy]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let summary = events.last().unwrap();
    assert_eq!(summary["cosigned"].as_array().unwrap().len(), 1);
    let note = std::fs::read(Path::new(&folder).join("checkpoint")).unwrap();
    assert_eq!(
        SignedCheckpoint::parse(&note)
            .unwrap()
            .note()
            .signatures()
            .len(),
        2
    );

    // A witness that saw more than there is stops a folder whose guard was put back with it.
    copy(&ground.data(), &ground.path("old"));
    let gateway = ground.start().await;
    sent(&ground, 20).await;
    gateway.stop().await.unwrap();
    std::fs::rename(ground.data(), ground.path("newer")).unwrap();
    std::fs::rename(ground.path("old"), ground.data()).unwrap();
    let refused = run(&["serve", "--json", "--config", &config(&ground)]).await;
    let says = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains("w1: "), "{says}");
}

/// A witness of this log, in the process of the test.
async fn witness(state: PathBuf, log: &str) -> Witness {
    let setup = WitnessSetup {
        name: "witness.example/w1".to_owned(),
        seed: [0x63; 32],
        logs: vec![VerifierKey::parse(log).unwrap()],
        folder: state,
        clock: Arc::new(SystemClock),
    };
    Witness::start(setup).await.unwrap()
}

/// Copies a folder and what lies below it, but no sockets.
pub fn copy(from: &Path, to: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_guard_that_was_removed_is_told_of_or_refused() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    sent(&ground, 1).await;
    gateway.stop().await.unwrap();
    std::fs::remove_file(ground.data().join("guard.json")).unwrap();

    ground.more = "[ledger]\nguard_required = true\n".to_owned();
    ground.configure(carrier.smpp);
    let before = super::ledger::entries(&ground.data()).len();
    let refused = run(&["serve", "--json", "--config", &config(&ground)]).await;
    assert_eq!(refused.status.code(), Some(1));
    let says = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(says.contains("put the guard back"), "{says}");
    assert_eq!(super::ledger::entries(&ground.data()).len(), before);

    ground.more.clear();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let page = ground.admin().get("/metrics").await.unwrap().text;
    assert!(page.contains("shortstop_guard_was_empty 1"), "{page}");
    gateway.stop().await.unwrap();
    let entries = super::ledger::entries(&ground.data());
    let start = &entries[before];
    assert_eq!(super::ledger::word(start, "/kind"), "ledger.started");
    assert_eq!(super::ledger::word(start, "/reason"), "guard-empty");
}

#[tokio::test]
async fn a_forked_ledger_is_refused_before_anything_is_written_to_it() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    std::fs::create_dir(ground.path("guard")).unwrap();
    ground.more = "[ledger]\nguard_file = 'guard/guard.json'\n".to_owned();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    sent(&ground, 1).await;
    gateway.stop().await.unwrap();
    let guard = std::fs::read(ground.path("guard/guard.json")).unwrap();
    copy(&ground.data(), &ground.path("old"));
    // Two histories grow from the same folder; the guard is that of the shorter one.
    let gateway = ground.start().await;
    gateway.stop().await.unwrap();
    let first = std::fs::read(ground.path("guard/guard.json")).unwrap();
    std::fs::remove_dir_all(ground.data()).unwrap();
    std::fs::rename(ground.path("old"), ground.data()).unwrap();
    std::fs::write(ground.path("guard/guard.json"), guard).unwrap();
    let gateway = ground.start().await;
    sent(&ground, 5).await;
    gateway.stop().await.unwrap();
    std::fs::write(ground.path("guard/guard.json"), first).unwrap();

    let before = super::ledger::entries(&ground.data()).len();
    let refused = run(&["serve", "--json", "--config", &config(&ground)]).await;
    let says = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains("forked"), "{says}");
    assert_eq!(super::ledger::entries(&ground.data()).len(), before);
}

#[tokio::test]
async fn a_second_key_signs_too_and_each_is_enough_to_verify_by() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.more = "[ledger]\nmldsa = true\n".to_owned();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let config = config(&ground);
    let keys = run_json(&["ledger", "key", "--config", &config]).await;
    let key = |name: &str| keys[name].as_str().unwrap().to_owned();
    let (first, second) = (key("vkey"), key("second_vkey"));
    let live = export(&ground, "live").await;
    for vkey in [&first, &second] {
        let (code, events) = verify(&["--dir", &live, "--vkey", vkey]).await;
        assert_eq!(code, Some(0), "{events:?}");
    }
    let note = std::fs::read_to_string(format!("{live}/checkpoint")).unwrap();
    let lines = note.matches("\u{2014} shortstop.local/test-1 ").count();
    assert_eq!(lines, 2, "{note}");
    gateway.stop().await.unwrap();
    let changed = note.replace("test-1\n", "test-2\n");
    std::fs::write(format!("{live}/checkpoint"), changed).unwrap();
    let (code, _) = verify(&["--dir", &live, "--vkey", &second]).await;
    assert_eq!(code, Some(1));
    let (code, events) = verify(&["--config", &config]).await;
    assert_eq!(code, Some(0), "{events:?}");
}
