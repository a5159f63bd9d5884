//! Start, reload and stop of a gateway, by signals.

use engine::ports::Clock as _;
use rustix::process::Signal;
use shortstop::certificates::{self, Subject};
use shortstop::clock::SystemClock;
use shortstop::demo::load::Load;
use shortstop::http_client::Target;

use super::ground::{CODE, Carrier, Ground, free_address, reaches, run, send, until};
use super::ledger;

const READER: &str = "+447700900123";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_under_load_answers_what_is_open_and_loses_nothing() {
    let carrier = Carrier::start(&["--latency-milliseconds", "2-20"]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let api = ground.api(&ground.key().await);
    let load = Load {
        api: api.clone(),
        from: CODE.to_owned(),
        mark: "Stop".to_owned(),
        count: 300,
    };
    let load = load.start();
    until("a third of the load", async || {
        (load.accepted() >= 100).then_some(())
    })
    .await;
    let status = gateway.stop().await.unwrap();
    assert!(status.success(), "{status}\n{}", ground.log());
    assert!(!ground.data().join("control.sock").exists());
    let entries = ledger::entries(&ground.data());
    assert_eq!(
        ledger::word(entries.last().unwrap(), "/kind"),
        "ledger.stopped"
    );

    let _gateway = ground.start().await;
    let mut client = api.client();
    for message in load.finish().await.unwrap() {
        reaches(&mut client, &message.id, "delivered").await;
    }
    assert_eq!(
        carrier.count("duplicates").await,
        0,
        "a clean stop leaves nothing in doubt"
    );
    assert_eq!(
        ledger::count(&ledger::entries(&ground.data()), "ledger.recovered"),
        0
    );
}

#[tokio::test]
async fn a_data_folder_has_one_gateway_at_a_time() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    (ground.https, ground.admin) = (free_address(), free_address());
    let config = ground.configure(carrier.smpp);
    let second = run(&["serve", "--json", "--config", config.to_str().unwrap()]).await;
    assert_eq!(second.status.code(), Some(3));
    let says = String::from_utf8_lossy(&second.stdout).into_owned();
    assert!(says.contains("in use by another process"), "{says}");
}

#[tokio::test]
async fn a_taken_port_is_said_before_anything_is_recorded() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    let config = ground.configure(carrier.smpp);
    let _taken = std::net::TcpListener::bind(ground.https).unwrap();
    let output = run(&["serve", "--json", "--config", config.to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("cannot listen on"));
    assert!(!ground.data().join("shortstop.sqlite").exists());
}

#[tokio::test]
async fn a_reload_takes_limits_and_refuses_what_needs_a_restart() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    ground.more = "[bounds]\nsegments_max = 1\n".to_owned();
    ground.configure(carrier.smpp);
    gateway.signal(Signal::HUP).unwrap();
    let long = super::ground::message(READER, "otp", &"a".repeat(161));
    until("the new limit", async || {
        let reply = api.post("/v1/messages", &long).await.unwrap();
        (reply.member("code") == "too-many-segments").then_some(())
    })
    .await;

    ground.more = "[bounds]\nsegments_max = 2\n".to_owned();
    ground.store.push_str("readers = 3\n");
    ground.configure(carrier.smpp);
    gateway.signal(Signal::HUP).unwrap();
    until("the refusal of the reload", async || {
        ground
            .log()
            .contains("these settings need a restart: store.readers")
            .then_some(())
    })
    .await;
    let reply = api.post("/v1/messages", &long).await.unwrap();
    assert_eq!(
        reply.member("code"),
        "too-many-segments",
        "all of it is taken or none"
    );

    std::fs::write(ground.path("shortstop.toml"), "[https").unwrap();
    gateway.signal(Signal::HUP).unwrap();
    until("the refusal of nonsense", async || {
        (ground
            .log()
            .matches("the configuration stays as it was")
            .count()
            == 2)
            .then_some(())
    })
    .await;
    send(&mut api, READER, "otp", "It still serves").await;
}

#[tokio::test]
async fn a_reload_takes_a_new_certificate_without_a_gap() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    let tls = ground.path("tls");
    let make = |days_ago: u64| {
        let age = std::time::Duration::from_hours(24 * days_ago);
        let now = SystemClock.now().saturating_sub(age);
        certificates::keep(&tls, &[Subject::Gateway], now).unwrap()
    };
    let files = make(300);
    let old = std::fs::read(&files.ca).unwrap();
    let config = ground.configure(carrier.smpp);
    let text = std::fs::read_to_string(&config).unwrap();
    let paths = "[https]\ncertificate_file = 'tls/server.pem'\nkey_file = 'tls/server.key'";
    std::fs::write(&config, text.replace("[https]", paths)).unwrap();
    let gateway = ground.start().await;
    assert_eq!(gateway.ready().ca, None, "the certificate is ours to trust");
    std::fs::remove_dir_all(&tls).unwrap();
    let fresh = std::fs::read(make(0).ca).unwrap();
    assert_ne!(old, fresh);
    gateway.signal(Signal::HUP).unwrap();
    until("the new certificate", async || {
        let mut client = Target::https(ground.https, &fresh).unwrap().client();
        client.get("/v1/messages").await.ok()
    })
    .await;
}
