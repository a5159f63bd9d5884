//! The keys of a gateway: shown, replaced while it runs, and a new master key while it does not.

use std::path::Path;

use serde_json::Value;
use shortstop::folder::write_private;

use super::ground::{Carrier, Ground, message, reaches, run, run_json, send, until};

const READER: &str = "+447700900123";
const LEAVER: &str = "+447700900456";

fn said(output: &std::process::Output) -> String {
    let both = [output.stdout.clone(), output.stderr.clone()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// The file of one key, and whether others can read it.
fn row<'s>(status: &'s Value, key: &str) -> &'s Value {
    let rows = status["keys"].as_array().unwrap();
    rows.iter().find(|row| row["key"] == key).unwrap()
}

/// Files of a folder, below `keys` left out, that hold any of these octets.
fn holding(folder: &Path, wanted: &[Vec<u8>]) -> Vec<String> {
    let files = super::ground::files(folder);
    let outside = files
        .into_iter()
        .filter(|file| !file.starts_with(folder.join("keys")));
    let holds = |file: &std::path::PathBuf| {
        let octets = std::fs::read(file).unwrap_or_default();
        let there = |wanted: &Vec<u8>| octets.windows(wanted.len()).any(|part| part == wanted);
        wanted.iter().any(there)
    };
    outside
        .filter(holds)
        .map(|file| file.display().to_string())
        .collect()
}

#[tokio::test]
async fn after_a_re_wrap_an_old_backup_opens_with_the_old_salt_alone() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let data = ground.data().display().to_string();
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let id = send(&mut api, READER, "alert", "Sealed under an old key").await;
    let file = ground.path("backup").display().to_string();
    run_json(&["backup", "--to", &file, "--data", &data]).await;
    let salt = ground.path("old.salt");
    std::fs::copy(ground.data().join("keys/wrap.salt"), &salt).unwrap();
    let old: Vec<Vec<u8>> = store::wrapped_keys(Path::new(&file))
        .unwrap()
        .1
        .into_iter()
        .map(|row| row.wrapped)
        .collect();
    assert!(
        !holding(&ground.data(), &old).is_empty(),
        "there is something to clear"
    );

    let status = run_json(&["keys", "status", "--data", &data]).await;
    let before = row(&status, "salt of the wrapping key")["since"].clone();
    assert_eq!(
        row(&status, "master key")["open_to_others"],
        false,
        "{status}"
    );
    run_json(&["keys", "rotate", "--data", &data]).await;
    let status = run_json(&["keys", "status", "--data", &data]).await;
    assert_ne!(
        row(&status, "salt of the wrapping key")["since"],
        before,
        "{status}"
    );
    until("the files to be clear", async || {
        holding(&ground.data(), &old).is_empty().then_some(())
    })
    .await;
    let view = api.get(&format!("/v1/messages/{id}")).await.unwrap();
    assert_eq!(view.member("to"), READER, "everything opens as ever");
    gateway.stop().await.unwrap();

    let master = ground.data().join("keys/master.key").display().to_string();
    let into = ground.path("restored").display().to_string();
    let restore = [
        "restore",
        "--from",
        &file,
        "--to",
        &into,
        "--master-key",
        &master,
    ];
    let alone = run(&restore).await;
    assert_eq!(alone.status.code(), Some(2));
    assert!(said(&alone).contains("--wrap-salt"), "{}", said(&alone));
    let new = ground.data().join("keys/wrap.salt").display().to_string();
    let refused = run(&[&restore[..], &["--wrap-salt", &new]].concat()).await;
    assert!(
        said(&refused).contains("as old as the backup"),
        "{}",
        said(&refused)
    );
    let old = salt.display().to_string();
    run_json(&[&restore[..], &["--wrap-salt", &old]].concat()).await;

    let _gateway = ground.start().await;
    let mut api = ground.api(&key).client();
    let view = api.get(&format!("/v1/messages/{id}")).await.unwrap();
    assert_eq!(view.member("to"), READER, "after a restart too");
}

#[tokio::test]
async fn under_a_new_master_key_everything_goes_on_and_the_old_one_opens_nothing() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let id = send(&mut api, READER, "alert", "Sealed").await;
    reaches(&mut api, &id, "delivered").await;
    let asked = serde_json::json!({"short_code": "12345", "number": LEAVER, "basis": "request", "evidence": "a letter"});
    let reply = api.post("/v1/opt-outs", &asked).await.unwrap();
    assert!(reply.status.is_success(), "{}", reply.text);

    let config = ground.path("shortstop.toml").display().to_string();
    let new = ground.path("new.key");
    write_private(&new, &[9; 32]).unwrap();
    let file = new.display().to_string();
    let rotate = ["keys", "rotate", "--master", &file, "--config", &config];
    let refused = run(&rotate).await;
    assert!(
        said(&refused).contains("stop it first"),
        "{}",
        said(&refused)
    );
    gateway.stop().await.unwrap();
    run_json(&rotate).await;
    let again = run(&rotate).await;
    assert_eq!(again.status.code(), Some(2));
    assert!(
        said(&again).contains("under the new master key already"),
        "{}",
        said(&again)
    );
    let old = run(&["serve", "--json", "--config", &config]).await;
    assert_eq!(old.status.code(), Some(3), "{}", said(&old));

    std::fs::rename(&new, ground.data().join("keys/master.key")).unwrap();
    let _gateway = ground.start().await;
    let mut api = ground.api(&key).client();
    let view = api.get(&format!("/v1/messages/{id}")).await.unwrap();
    assert_eq!(view.member("to"), READER);
    let search = serde_json::json!({"to": READER});
    let found = api.post("/v1/messages/search", &search).await.unwrap();
    assert!(found.text.contains(&id), "{}", found.text);
    let refused = api
        .post("/v1/messages", &message(LEAVER, "otp", "x"))
        .await
        .unwrap();
    assert_eq!(refused.member("code"), "opted-out", "{}", refused.text);
}

#[tokio::test]
async fn another_log_key_does_not_sign_a_ledger_that_was_signed() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    until("a checkpoint", async || {
        let reply = api.get("/ledger/checkpoint").await.unwrap();
        (reply.status.as_u16() == 200).then_some(())
    })
    .await;
    gateway.stop().await.unwrap();
    let key = ground.data().join("keys/log.key");
    let own = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    std::fs::remove_file(ground.data().join("log.vkey")).unwrap();
    write_private(&key, &[9; 32]).unwrap();
    let config = ground.path("shortstop.toml").display().to_string();
    let refused = run(&["serve", "--json", "--config", &config]).await;
    let says = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{says}");
    assert!(says.contains("was not signed by this log key"), "{says}");
    // The refused start may have written down whose key it found.
    let _ = std::fs::remove_file(ground.data().join("log.vkey"));
    std::fs::write(&key, own).unwrap();
    ground.start().await.stop().await.unwrap();
}
