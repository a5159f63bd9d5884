//! The command line: every command against a gateway that runs, and those that work on its data folder
//! when it does not.

use ledger::Kind;
use serde_json::Value;
use shortstop::child::GatewayProcess;
use shortstop::folder::write_private;
use tokio::task::JoinHandle;

use super::book::{self, Act};
use super::stage::{Stage, entries, trace_of};
use crate::ground::{CODE, reaches, run_json, send, until};
use crate::ledger::word;

const PERSON: &str = "+447700900321";

/// Commands that leave nothing, while the gateway runs.
pub async fn silent(stage: &mut Stage) {
    let (config, data) = (stage.config(), stage.ground.data().display().to_string());
    stage.silent(&["version"]).await;
    stage.silent(&["check-config", &config]).await;
    stage.silent(&["ledger", "key", "--data", &data]).await;
    stage.silent(&["keys", "status", "--data", &data]).await;
    let stats = ["verifications", "stats", "--data", &data];
    stage.silent(&stats).await;
    // Four of them run already.
    let words = [
        "carrier-sim",
        "--listen",
        "127.0.0.1:0",
        "--http",
        "127.0.0.1:0",
    ];
    stage.book.silent("command carrier-sim", trace_of(&words));
}

/// Every other one, on a gateway that runs.
pub async fn running(stage: &mut Stage, _gateway: &GatewayProcess) {
    let data = stage.ground.data().display().to_string();
    let place = ["--data", &data];
    let key = clients(stage, &place).await;
    let mut api = stage.ground.api(&key).client();
    let id = send(&mut api, PERSON, "alert", "Of a person").await;
    reaches(&mut api, &id, "delivered").await;
    until("its receipt", async || {
        let path = format!("/v1/messages/{id}/receipt");
        (api.get(&path).await.unwrap().status.as_u16() == 200).then_some(())
    })
    .await;
    reads(stage, &id, &place).await;
    written_out(stage, &place).await;
    let person = [&["subject", "export", PERSON], &place[..]].concat();
    stage.command(&person, Kind::SubjectExported).await;
    let erase = ["subject", "erase", PERSON, "--basis", "case 8"];
    let erase = [&erase, &place[..]].concat();
    stage.command(&erase, Kind::SubjectErased).await;
    webhooks(stage, &place).await;
    let (asked, _) = stage.client(&["messages:send"]).await;
    let explain = ["limits", "explain", "--client", &asked, "--to", PERSON];
    let explain = [&explain, &place[..]].concat();
    stage.command(&explain, Kind::LimitRead).await;
    let rotate = [&["keys", "rotate"], &place[..]].concat();
    stage.command(&rotate, Kind::KeyRotated).await;
    let backup = stage.ground.path("backup").display().to_string();
    let backup = [&["backup", "--to", &backup], &place[..]].concat();
    stage.command(&backup, Kind::BackupMade).await;
    let prune = [&["ledger", "prune"], &place[..]].concat();
    let pruned = stage.command(&prune, Kind::LedgerPruned).await;
    assert_eq!(pruned["minimum_index"], 512, "{pruned}");
}

/// Makes two clients and takes one back; gives the key of the other.
async fn clients(stage: &mut Stage, place: &[&str]) -> String {
    let add = [
        "client",
        "add",
        "shop",
        "--short-code",
        CODE,
        "--class",
        "alert",
    ];
    let add = [&add, place].concat();
    let made = stage.command(&add, Kind::ClientCreated).await;
    let id = word(&made, "/client/id").to_owned();
    stage.book.happened_to(&id);
    let list = [&["client", "list"], place].concat();
    stage.command(&list, Kind::ClientRead).await;
    for (word, kind) in [
        ("rotate", Kind::ClientRotated),
        ("change", Kind::ClientChanged),
        ("callback-secret", Kind::CallbackRotated),
        ("revoke", Kind::ClientRevoked),
    ] {
        let more = match word {
            "change" => &["--auth", "key"][..],
            "callback-secret" => &["--rotate"],
            _ => &[],
        };
        let words = [&["client", word, &id], more, place].concat();
        stage.command(&words, kind).await;
        stage.book.happened_to(&id);
    }
    let kept = stage.command(&add, Kind::ClientCreated).await;
    let shown = ["client", "callback-secret", word(&kept, "/client/id")];
    let shown = [&shown, place].concat();
    stage.command(&shown, Kind::CallbackRead).await;
    word(&kept, "/client/api_key").to_owned()
}

/// Everything that is done with a webhook.
async fn webhooks(stage: &mut Stage, place: &[&str]) {
    let add = [
        "client",
        "add",
        "hooked",
        "--short-code",
        CODE,
        "--class",
        "alert",
    ];
    let made = stage
        .command(&[&add, place].concat(), Kind::ClientCreated)
        .await;
    let client = word(&made, "/client/id").to_owned();
    stage.book.happened_to(&client);
    let url = "https://hooks.example/in";
    let add = [
        "webhook",
        "add",
        &client,
        url,
        "--event",
        "verification.expired",
    ];
    let made = stage
        .command(&[&add, place].concat(), Kind::WebhookAdded)
        .await;
    let id = word(&made, "/webhook/id").to_owned();
    stage.book.happened_to(&id);
    let list = [&["webhook", "list"], place].concat();
    stage.command(&list, Kind::WebhookRead).await;
    let dead = [&["webhook", "dead", &id], place].concat();
    stage.command(&dead, Kind::WebhookRead).await;
    for (act, kind) in [
        ("replay", Kind::WebhookReplayed),
        ("rotate", Kind::WebhookRotated),
        ("disable", Kind::WebhookDisabled),
        ("enable", Kind::WebhookEnabled),
        ("remove", Kind::WebhookRemoved),
    ] {
        let words = [&["webhook", act, &id], place].concat();
        stage.command(&words, kind).await;
        stage.book.happened_to(&id);
    }
}

/// Reads that are counted: the first is told within a second, the next when the gateway stops.
async fn reads(stage: &mut Stage, id: &str, place: &[&str]) {
    for words in [&["ledger", "prove", id][..], &["ledger", "verify"]] {
        let words = [words, place].concat();
        let from = stage.next();
        run_json(&words).await;
        let row = book::command(&words);
        let act = stage.of_me(row.clone(), Kind::LedgerRead, from);
        if words[1] == "prove" {
            until("the first read", async || {
                let told = stage.entries().split_off(&from);
                let mut kinds = told.values().map(|entry| word(entry, "/kind"));
                kinds.any(|kind| kind == "ledger.read").then_some(())
            })
            .await;
        }
        stage.book.act(act, &[Kind::LedgerRead]);
        stage.book.row(&row, trace_of(&words));
    }
    let rebuild = [&["ledger", "rebuild"], place].concat();
    stage.command(&rebuild, Kind::LedgerRead).await;
    let search = [&["ledger", "search", "--message", id], place].concat();
    stage.command(&search, Kind::LedgerSearched).await;
}

/// The ledger in every format.
async fn written_out(stage: &mut Stage, place: &[&str]) {
    for format in ["c2sp", "jsonl", "ocsf", "cef"] {
        let to = stage.ground.path(&format!("export-{format}"));
        let to = to.display().to_string();
        let words = ["ledger", "export", "--format", format, "--to", &to];
        let words = [&words, place].concat();
        stage.command(&words, Kind::LedgerExported).await;
    }
}

/// On the data folder of a gateway that does not run.
pub async fn stopped(stage: &mut Stage) {
    let config = stage.config();
    let place = ["--config", &config];
    clients(stage, &place).await;
    written_out_again(stage, &place).await;
    let search = [
        &["ledger", "search", "--kind", "message.accepted"],
        &place[..],
    ]
    .concat();
    stage.command(&search, Kind::LedgerSearched).await;
    let person = [&["subject", "export", PERSON], &place[..]].concat();
    stage.command(&person, Kind::SubjectExported).await;
    let before = stage.next();
    for what in ["verify", "rebuild"] {
        stage.silent(&["ledger", what, "--config", &config]).await;
    }
    assert_eq!(stage.next(), before, "only whoever reads the file reads it");
    let key = stage.ground.path("new.key");
    write_private(&key, &[9; 32]).unwrap();
    let key = key.display().to_string();
    let rotate = [&["keys", "rotate", "--master", &key], &place[..]].concat();
    stage.command(&rotate, Kind::KeyRotated).await;
    stage.book.find(&entries(&stage.ground.data()));
}

async fn written_out_again(stage: &mut Stage, place: &[&str]) {
    let to = stage.ground.path("export-offline").display().to_string();
    let words = ["ledger", "export", "--format", "jsonl", "--to", &to];
    let words = [&words, place].concat();
    stage.command(&words, Kind::LedgerExported).await;
}

/// A folder that is made from a backup says so itself.
pub async fn restored(stage: &mut Stage) {
    let [from, to] = ["backup", "restored"].map(|name| stage.ground.path(name));
    let (from, into) = (from.display().to_string(), to.display().to_string());
    let words = ["restore", "--from", &from, "--to", &into];
    run_json(&words).await;
    let (row, trace) = (book::command(&words), trace_of(&words));
    stage.book.row(&row, trace);
    let act = Act {
        origin: "process",
        ..stage.of_me(row, Kind::BackupRestored, 0)
    };
    stage.book.act(act, trace.kinds());
    stage.book.find(&entries(&to));
}

/// The demo, which has a gateway of its own.
pub fn demo(stage: &Stage) -> JoinHandle<Value> {
    let data = stage.ground.path("demo").display().to_string();
    tokio::spawn(
        async move { run_json(&["demo", "--once", "--load", "20", "--data", &data]).await },
    )
}

/// Its ledger tells of what it did.
pub async fn told_of_demo(stage: &mut Stage, demo: JoinHandle<Value>) {
    demo.await.unwrap();
    let told = entries(&stage.ground.path("demo"));
    let parts = [
        "ledger.started",
        "client.created",
        "message.accepted",
        "ledger.recovered",
    ];
    for part in parts {
        let is_told = told.values().any(|entry| word(entry, "/kind") == part);
        assert!(is_told, "the demo leaves no {part}");
    }
    stage.book.row("command demo", trace_of(&["demo"]));
}
