//! Pumping and changed SIMs, as a gateway in a process of its own meets them over HTTPS.

use serde_json::{Value, json};
use shortstop::http_client::{Client, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::ground::{CODE, Carrier, Ground, PATIENCE, run, run_json, until};
use crate::ledger::word;

/// The beginning of the numbers that are pumped.
const PREFIX: &str = "+49151000";

async fn ask(api: &mut Client, number: u32) -> Reply {
    let body = json!({
        "to": format!("{PREFIX}{number:05}"),
        "from": CODE,
        "channel": "sms",
        "purpose": "sign-in",
    });
    api.post("/v1/verifications", &body).await.unwrap()
}

/// How many of these get a code; the others must be refused for their risk.
async fn sent(api: &mut Client, numbers: impl IntoIterator<Item = u32>) -> usize {
    let mut sent = 0;
    for number in numbers {
        let reply = ask(api, number).await;
        match reply.status.as_u16() {
            201 => sent += 1,
            403 => assert_eq!(reply.member("code"), "risk", "{}", reply.text),
            _ => panic!("{}", reply.text),
        }
    }
    sent
}

async fn stats(ground: &Ground) -> Value {
    let data = ground.data().display().to_string();
    run_json(&["verifications", "stats", "--data", &data]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pumping_over_two_hundred_numbers_side_by_side_is_stopped_and_stays_so_over_a_kill() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    assert_eq!(sent(&mut api, 0..200).await, 7);
    gateway.kill().await.unwrap();
    let gateway = ground.start().await;
    let mut api = ground.api(&key).client();
    let reply = ask(&mut api, 5_000).await;
    assert_eq!(reply.status.as_u16(), 403, "{}", reply.text);
    assert_eq!(reply.member("reason"), "prefix-blocked", "{}", reply.text);
    let shown = stats(&ground).await;
    let block = &shown["blocks"][0];
    assert_eq!(word(block, "/prefix"), PREFIX);
    assert_eq!(word(block, "/reason"), "adjacent-numbers");
    assert_eq!(shown["countries"][0]["day"]["sent"], 7);
    let data = ground.data().display().to_string();
    let unblock = [
        "verifications",
        "unblock",
        PREFIX,
        "--reason",
        "case 7",
        "--data",
        &data,
    ];
    run_json(&unblock).await;
    let again = run(&unblock).await;
    assert!(!again.status.success(), "it is blocked no more");
    assert_eq!(ask(&mut api, 5_000).await.status.as_u16(), 201);
    let reached = until("the codes", async || {
        let inbox = carrier.inbox().await;
        let pumped = inbox
            .iter()
            .filter(|(to, _)| to.contains("49151000"))
            .count();
        (pumped >= 8).then_some(pumped)
    })
    .await;
    assert_eq!(reached, 8, "seven, and the one after the block");
    gateway.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guard_that_only_records_lets_everything_through_and_shows_what_it_would_have_stopped() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    "[pumping]\nmode = 'record'\n".clone_into(&mut ground.more);
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    assert_eq!(sent(&mut api, 0..40).await, 40);
    let shown = stats(&ground).await;
    assert_eq!(word(&shown, "/mode"), "record");
    assert_eq!(word(&shown["blocks"][0], "/mode"), "record");
    gateway.stop().await.unwrap();
}

/// A SIM Swap service on loopback that answers every question with this.
async fn sim_service(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sim-swap/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let (mut question, mut piece) = (Vec::new(), [0; 1_024]);
            while !question.ends_with(b"}") {
                match socket.read(&mut piece).await {
                    Ok(count) if count > 0 => question.extend_from_slice(&piece[..count]),
                    _ => break,
                }
            }
            let length = answer.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            let _ = socket.write_all(format!("{head}{answer}").as_bytes()).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_whose_sim_was_changed_gets_no_code() {
    for (answer, status) in [(r#"{"swapped":true}"#, 403), (r#"{"swapped":false}"#, 201)] {
        let carrier = Carrier::start(&[]).await;
        let mut ground = Ground::new();
        let url = sim_service(answer).await;
        let token = ground.path("sim.token");
        shortstop::folder::write_private(&token, b"secret-token\n").unwrap();
        ground.more = format!("[risk]\nurl = '{url}'\nbearer_file = 'sim.token'\n");
        ground.configure(carrier.smpp);
        let gateway = ground.start().await;
        let key = ground.key().await;
        let mut api = ground.api(&key).client();
        let reply = tokio::time::timeout(PATIENCE, ask(&mut api, 1))
            .await
            .unwrap();
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
        if status == 403 {
            assert_eq!(reply.member("reason"), "sim-changed", "{}", reply.text);
        }
        let log = ground.log();
        assert!(!log.contains("49151000") && !log.contains("secret-token"));
        gateway.stop().await.unwrap();
    }
}
