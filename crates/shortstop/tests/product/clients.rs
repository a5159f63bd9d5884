//! Clients and keys over the command line, on a running gateway and on its data folder.

use shortstop::process;

use super::ground::{CODE, Carrier, Ground, message, run, run_json, send};
use super::ledger;

const READER: &str = "+447700900123";

async fn status(ground: &Ground, key: &str) -> u16 {
    let mut api = ground.api(key).client();
    api.get("/v1/messages?limit=1")
        .await
        .unwrap()
        .status
        .as_u16()
}

fn text(ground: &Ground) -> String {
    ground.path("shortstop.toml").display().to_string()
}

#[tokio::test]
async fn clients_are_added_listed_rotated_and_revoked_on_a_running_gateway() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let data = gateway.ready().data.display().to_string();
    let key = ground.key().await;
    send(&mut ground.api(&key).client(), READER, "otp", "Hello").await;

    let list = run_json(&["client", "list", "--data", &data]).await;
    let client = &list["clients"][0];
    assert_eq!(
        (client["name"].as_str(), client["short_codes"][0].as_str()),
        (Some("tester"), Some(CODE))
    );
    assert!(!list.to_string().contains(&key), "a key is shown once");
    let id = client["id"].as_str().unwrap();

    let rotate = [
        "client",
        "rotate",
        id,
        "--overlap-seconds",
        "0",
        "--data",
        &data,
    ];
    let fresh = run_json(&rotate).await["client"]["api_key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        (status(&ground, &key).await, status(&ground, &fresh).await),
        (401, 200)
    );

    run_json(&["client", "revoke", id, "--data", &data]).await;
    assert_eq!(status(&ground, &fresh).await, 401);
}

#[tokio::test]
async fn the_same_commands_work_on_the_data_folder_of_a_gateway_that_is_not_running() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    ground.start().await.stop().await.unwrap();
    let key = ground.key().await;
    let config = text(&ground);
    let list = run_json(&["client", "list", "--config", &config]).await;
    assert_eq!(list["clients"].as_array().unwrap().len(), 1);
    let gateway = ground.start().await;
    assert_eq!(status(&ground, &key).await, 200);
    gateway.stop().await.unwrap();
    let id = list["clients"][0]["id"].as_str().unwrap();
    run_json(&["client", "revoke", id, "--config", &config]).await;
    let entries = ledger::entries(&ground.data());
    let changes = entries.iter().filter(|entry| {
        ledger::word(entry, "/kind").starts_with("client.")
            && ledger::word(entry, "/actor/type") == "os_user"
    });
    let me = process::user_name(process::own_uid());
    let actors: Vec<_> = changes
        .map(|entry| {
            (
                ledger::word(entry, "/kind"),
                ledger::word(entry, "/actor/type"),
                ledger::word(entry, "/actor/id"),
            )
        })
        .collect();
    let by_me = |kind| (kind, "os_user", me.as_str());
    let kinds = ["client.created", "client.read", "client.revoked"];
    assert_eq!(actors, kinds.map(by_me));
    let _gateway = ground.start().await;
    assert_eq!(status(&ground, &key).await, 401);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_exit_code() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let data = ground.data().display().to_string();
    let list = run(&["client", "list", "--data", &data]).await;
    assert_eq!(list.status.code(), Some(3), "nobody runs");
    let gateway = ground.start().await;
    let nobody = domain::id::ClientId::new(1, 1).to_string();
    let revoke = run(&["client", "revoke", &nobody, "--data", &data]).await;
    assert_eq!(revoke.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&revoke.stderr).contains("no such client"));
    let add = [
        "client",
        "add",
        "x",
        "--short-code",
        CODE,
        "--class",
        "otp",
        "--scope",
        "all",
    ];
    let add = run(&[&add[..], &["--data", &data]].concat()).await;
    assert_eq!(add.status.code(), Some(2));
    assert_eq!(
        run(&["client", "list"]).await.status.code(),
        Some(2),
        "which gateway?"
    );
    drop(gateway);
}

#[tokio::test]
async fn a_client_uses_what_it_was_given_and_nothing_else() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let data = gateway.ready().data.display().to_string();
    let add = async |more: &[&str]| {
        let base = [
            "client",
            "add",
            "narrow",
            "--short-code",
            CODE,
            "--class",
            "otp",
            "--data",
            &data,
        ];
        let client = run_json(&[&base[..], more].concat()).await;
        client["client"]["api_key"].as_str().unwrap().to_owned()
    };
    let key = add(&[]).await;
    let mut api = ground.api(&key).client();
    send(&mut api, READER, "otp", "Hello").await;
    let reply = api
        .post("/v1/messages", &message(READER, "marketing", "Hello"))
        .await
        .unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.member("code").as_str()),
        (403, "class-not-granted")
    );
    let reply = api.get("/v1/inbound").await.unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.member("code").as_str()),
        (403, "scope-missing")
    );
    let elsewhere = add(&["--network", "192.0.2.0/24"]).await;
    let reply = ground
        .api(&elsewhere)
        .client()
        .get("/v1/messages")
        .await
        .unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.member("code").as_str()),
        (403, "network-not-allowed")
    );
    let over = add(&["--expires", "2020-01-01T00:00:00Z"]).await;
    let reply = ground
        .api(&over)
        .client()
        .get("/v1/messages")
        .await
        .unwrap();
    assert_eq!(
        (reply.status.as_u16(), reply.member("code").as_str()),
        (401, "key-expired")
    );
}
