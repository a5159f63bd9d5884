//! Backup and restore: a round trip with the key, and none without it.

use shortstop::folder::write_private;

use super::ground::{Carrier, Ground, message, reaches, run, run_json, send, until};
use super::ledger::word;

const READER: &str = "+447700900123";
const LEAVER: &str = "+447700900456";

#[tokio::test]
async fn a_backup_brings_back_messages_clients_and_opt_outs() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let data = gateway.ready().data.display().to_string();
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let id = send(&mut api, READER, "alert", "Kept over a restore").await;
    reaches(&mut api, &id, "delivered").await;
    carrier.say(&LEAVER[1..], "STOP").await;
    // What the list shows is on disk; the refusal alone could come from memory.
    until("the opt-out", async || {
        let list = api.get("/v1/inbound").await.unwrap();
        list.text.contains("STOP").then_some(())
    })
    .await;
    let refused = api
        .post("/v1/messages", &message(LEAVER, "otp", "x"))
        .await
        .unwrap();
    assert_eq!(refused.member("code"), "opted-out", "{}", refused.text);
    let file = ground.path("backup").display().to_string();
    run_json(&["backup", "--to", &file, "--data", &data]).await;
    let again = run(&["backup", "--to", &file, "--data", &data]).await;
    assert_eq!(again.status.code(), Some(2), "a backup never overwrites");
    gateway.stop().await.unwrap();

    let kept = ground.path("kept-keys");
    std::fs::rename(ground.data().join("keys"), &kept).unwrap();
    std::fs::rename(ground.data(), ground.path("old")).unwrap();
    restore(&ground, &file).await;
    let without = run(&["serve", "--json", "--config", &config(&ground)]).await;
    assert_eq!(without.status.code(), Some(3));
    let says = String::from_utf8_lossy(&without.stdout).into_owned();
    assert!(says.contains("restore the key from its backup"), "{says}");

    let keys = ground.data().join("keys");
    std::fs::create_dir(&keys).unwrap();
    std::fs::copy(kept.join("master.key"), keys.join("master.key")).unwrap();
    let without = run(&["serve", "--json", "--config", &config(&ground)]).await;
    assert_eq!(without.status.code(), Some(3));
    let says = String::from_utf8_lossy(&without.stdout).into_owned();
    assert!(says.contains("put it back"), "no second history: {says}");
    assert!(!keys.join("log.key").exists());
    std::fs::copy(kept.join("log.key"), keys.join("log.key")).unwrap();
    let without = run(&["serve", "--json", "--config", &config(&ground)]).await;
    assert_eq!(without.status.code(), Some(3));
    let says = String::from_utf8_lossy(&without.stdout).into_owned();
    assert!(says.contains("wrap.salt) is missing"), "{says}");
    std::fs::copy(kept.join("wrap.salt"), keys.join("wrap.salt")).unwrap();
    let _gateway = ground.start().await;
    let entries = super::ledger::entries(&ground.data());
    let at = entries
        .iter()
        .position(|entry| word(entry, "/kind") == "backup.restored");
    let restored = &entries[at.unwrap()];
    assert_eq!(restored["data"]["entries"], at.unwrap());
    assert_eq!(word(restored, "/actor/type"), "os_user");
    let mut api = ground.api(&key).client();
    let view = api.get(&format!("/v1/messages/{id}")).await.unwrap();
    assert_eq!(
        (view.member("state").as_str(), view.member("to").as_str()),
        ("delivered", READER)
    );
    let refused = api
        .post("/v1/messages", &message(LEAVER, "otp", "x"))
        .await
        .unwrap();
    assert_eq!(refused.member("code"), "opted-out", "{}", refused.text);
    let id = send(&mut api, READER, "alert", "After the restore").await;
    reaches(&mut api, &id, "delivered").await;
}

#[tokio::test]
async fn the_wrong_master_key_and_a_full_folder_are_refused() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    send(&mut ground.api(&key).client(), READER, "alert", "Sealed").await;
    gateway.stop().await.unwrap();
    let file = ground.path("backup").display().to_string();
    run_json(&["backup", "--to", &file, "--config", &config(&ground)]).await;
    let into = ground.data().display().to_string();
    let full = run(&["restore", "--from", &file, "--to", &into]).await;
    assert_eq!(full.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&full.stderr).contains("not empty"));

    std::fs::rename(ground.data(), ground.path("old")).unwrap();
    let wrong = ground.path("wrong.key");
    std::fs::write(&wrong, [7; 32]).unwrap();
    let wrong = wrong.display().to_string();
    let into_new = ["restore", "--from", &file, "--to", &into];
    let with_key = [&into_new[..], &["--master-key", &wrong]].concat();
    let refused = run(&with_key).await;
    assert_eq!(
        refused.status.code(),
        Some(2),
        "it is seen before anything is made"
    );
    run_json(&into_new).await;
    let keys = ground.data().join("keys");
    std::fs::create_dir(&keys).unwrap();
    std::fs::copy(ground.path("old/keys/wrap.salt"), keys.join("wrap.salt")).unwrap();
    write_private(&keys.join("master.key"), &[7; 32]).unwrap();
    std::fs::copy(ground.path("old/keys/log.key"), keys.join("log.key")).unwrap();
    let refused = run(&["serve", "--json", "--config", &config(&ground)]).await;
    assert_eq!(refused.status.code(), Some(3));
    let says = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(says.contains("master key"), "{says}");
}

async fn restore(ground: &Ground, file: &str) {
    let into = ground.data().display().to_string();
    run_json(&["restore", "--from", file, "--to", &into]).await;
}

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}
