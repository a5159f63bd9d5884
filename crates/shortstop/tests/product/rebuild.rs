//! The state as the ledger tells it, against the store: of a gateway that runs, of one that was killed,
//! and of a store that somebody changed.

use rusqlite::Connection;
use serde_json::{Value, json};

use super::ground::{CODE, Carrier, Ground, reaches, run, run_json, send, until};
use super::ledger;

const READER: &str = "+447700900123";

/// Runs `ledger rebuild` and gives its exit code and events.
async fn rebuild(args: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = run(&[&["ledger", "rebuild", "--json"], args].concat()).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let events = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (output.status.code(), events.collect())
}

fn config(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

/// A life with everything in it that a row can tell of. Gives the id of a message.
async fn live(ground: &Ground, carrier: &Carrier) -> String {
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    send(&mut api, READER, "alert", &"A longer one. ".repeat(30)).await;
    let asked = json!({"to": READER, "from": CODE, "class": "otp", "text": "Your code is 482913",
        "reference": "order-7", "campaign": "spring",
        "risk": {"ip": "203.0.113.9", "user_agent": "Browser/1", "device_id": "d-1"}});
    let reply = api.post("/v1/messages", &asked).await.unwrap();
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    let last = reply.member("id");
    reaches(&mut api, &last, "delivered").await;
    for text in ["Hello", "STOP", "START", "STOP", &"In parts. ".repeat(40)] {
        carrier.say(READER, text).await;
    }
    let wish = json!({"short_code": CODE, "number": "+447700900456", "basis": "request", "evidence": "a letter"});
    for path in ["/v1/opt-outs", "/v1/opt-outs/remove", "/v1/opt-outs"] {
        let reply = api.post(path, &wish).await.unwrap();
        assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    }
    until("the parts", async || {
        let reply = api.get("/v1/inbound").await.unwrap();
        let rows = reply.json()["inbound"].as_array().map_or(0, Vec::len);
        (rows == 5).then_some(())
    })
    .await;
    let config = config(ground);
    let added = run_json(&["client", "list", "--config", &config]).await;
    let id = added["clients"][0]["id"].as_str().unwrap().to_owned();
    run_json(&[
        "client",
        "rotate",
        &id,
        "--overlap-seconds",
        "60",
        "--config",
        &config,
    ])
    .await;
    let old = added["clients"][0]["keys"][0]["id"].as_str().unwrap();
    run_json(&["client", "revoke", &id, "--key", old, "--config", &config]).await;
    last
}

#[tokio::test]
async fn the_ledger_alone_gives_the_state_of_a_gateway_that_runs_was_killed_and_stopped() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    live(&ground, &carrier).await;
    let data = gateway.ready().data.display().to_string();
    let (code, events) = rebuild(&["--data", &data]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let summary = events.last().unwrap();
    assert!(summary["entries"].as_u64().unwrap() > 20 && summary["rows"].as_u64().unwrap() > 20);
    let read = ledger::entries(&ground.data());
    assert_eq!(
        ledger::count(&read, "ledger.read"),
        1,
        "the look is recorded"
    );
    gateway.kill().await.unwrap();

    let config = config(&ground);
    let before = ledger::entries(&ground.data()).len();
    let (code, events) = rebuild(&["--config", &config]).await;
    assert_eq!(code, Some(0), "{events:?}");
    assert_eq!(
        ledger::entries(&ground.data()).len(),
        before,
        "nothing is added"
    );
    ground.start().await.stop().await.unwrap();
    let (code, events) = rebuild(&["--config", &config]).await;
    assert_eq!(code, Some(0), "{events:?}");
}

/// What is changed in the store, and the difference that must be told.
const CHANGES: [(&str, &str, &str); 8] = [
    (
        "UPDATE message SET state = 50 WHERE seq = (SELECT max(seq) FROM message WHERE state = 40)",
        "message",
        "state",
    ),
    (
        "UPDATE optout SET standing = 1 - standing WHERE seq = (SELECT max(seq) FROM optout)",
        "opt-out",
        "standing",
    ),
    (
        "DELETE FROM optout WHERE seq = (SELECT max(seq) FROM optout)",
        "opt-out",
        "row",
    ),
    (
        "UPDATE client SET body = replace(body, '\"messages:read\",', '')",
        "client",
        "scopes",
    ),
    (
        "DELETE FROM vault WHERE row = (SELECT max(row) FROM vault)",
        "vault",
        "row",
    ),
    (
        "UPDATE vault SET sealed = (SELECT sealed FROM vault ORDER BY row LIMIT 1) WHERE row = (SELECT max(row) FROM vault)",
        "vault",
        "value",
    ),
    (
        "UPDATE inbound SET short_code = 99999 WHERE seq = (SELECT max(seq) FROM inbound)",
        "inbound",
        "to",
    ),
    (
        "UPDATE message SET subject = zeroblob(16) WHERE seq = (SELECT max(seq) FROM message)",
        "message",
        "subject",
    ),
];

#[tokio::test]
async fn a_row_that_somebody_changed_is_named() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    live(&ground, &carrier).await;
    gateway.stop().await.unwrap();
    let config = config(&ground);
    let store = ground.data().join("shortstop.sqlite");
    let kept = std::fs::read(&store).unwrap();
    for (sql, what, field) in CHANGES {
        let database = Connection::open(&store).unwrap();
        assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
        drop(database);
        let (code, events) = rebuild(&["--config", &config]).await;
        assert_eq!((code, events.len()), (Some(1), 2), "{sql}: {events:?}");
        assert_eq!(
            (&events[0]["what"], &events[0]["field"]),
            (&what.into(), &field.into())
        );
        let told = events[0].to_string();
        assert!(!told.contains("447700"), "nothing personal is told: {told}");
        std::fs::write(&store, &kept).unwrap();
    }
}

#[tokio::test]
async fn what_the_ledger_tells_is_written_to_a_new_folder_that_a_gateway_goes_on_from() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let id = live(&ground, &carrier).await;
    gateway.stop().await.unwrap();
    let config = config(&ground);
    let store = ground.data().join("shortstop.sqlite");
    let database = Connection::open(&store).unwrap();
    let spoil = "UPDATE message SET state = 50; DELETE FROM optout; DELETE FROM client;";
    database.execute_batch(spoil).unwrap();
    drop(database);
    let to = ground.path("rebuilt");
    let place = to.display().to_string();
    let (code, events) = rebuild(&["--to", &place, "--config", &config]).await;
    assert_eq!(code, Some(1), "the old store differs: {events:?}");
    let (code, _) = rebuild(&["--to", &place, "--config", &config]).await;
    assert_eq!(code, Some(2), "the folder is not empty any more");

    // The rebuilt store takes the place of the spoilt one.
    std::fs::rename(to.join("shortstop.sqlite"), &store).unwrap();
    for file in [
        "index.sqlite",
        "tree.sqlite",
        "catalog.sqlite",
        "shortstop.sqlite-wal",
        "shortstop.sqlite-shm",
    ] {
        let _absent = std::fs::remove_file(ground.data().join(file));
    }
    let (code, events) = rebuild(&["--config", &config]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    send(&mut api, "+447700900789", "alert", "Going on").await;
    let refused = json!({"to": READER, "from": CODE, "class": "alert", "text": "No"});
    let reply = api.post("/v1/messages", &refused).await.unwrap();
    assert_eq!(reply.member("code"), "opted-out");
    gateway.stop().await.unwrap();
    let verified = run(&["ledger", "verify", "--config", &config]).await;
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
    let (code, events) = rebuild(&["--config", &config]).await;
    assert_eq!(code, Some(0), "{events:?}");
    let database = Connection::open(&store).unwrap();
    let sql = "SELECT count(*) FROM message WHERE head LIKE '%order-7%'";
    let kept: i64 = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1, "the reference of {id} is carried over");
}
