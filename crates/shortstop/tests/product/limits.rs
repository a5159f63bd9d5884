//! Limits of the binary: 429 with what to do, kept over a kill and a reload, shown and explained on the
//! command line.

use domain::id::ClientId;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::ground::{CODE, Carrier, Ground, message, run, run_json, until};

const PERSON: &str = "+447700900123";

/// The limits out of the box, but for one.
fn codes_an_hour(amount: u32) -> String {
    format!("[[limit]]\nname = 'recipient-otp-10-minutes'\namount = {amount}\n")
}

fn explained(output: &std::process::Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_over_a_kill_and_a_reload_and_says_what_it_does() {
    let carrier = Carrier::start(&[]).await;
    let mut ground = Ground::new();
    ground.limits = codes_an_hour(3);
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let code = json!({"to": PERSON, "from": CODE, "text": "Your code is 1", "class": "otp"});
    for _ in 0..3 {
        let reply = api.post("/v1/messages", &code).await.unwrap();
        assert_eq!(reply.status.as_u16(), 202, "{}", reply.text);
    }
    let reply = api.post("/v1/messages", &code).await.unwrap();
    assert_eq!(reply.status.as_u16(), 429, "{}", reply.text);
    assert_eq!(reply.member("code"), "throttled");
    assert!(reply.text.contains("recipient-otp-10-minutes"));
    gateway.kill().await.unwrap();

    let gateway = ground.start().await;
    let mut api = ground.api(&key).client();
    let reply = api.post("/v1/messages", &code).await.unwrap();
    assert_eq!(reply.status.as_u16(), 429, "no amnesty: {}", reply.text);

    ground.limits = codes_an_hour(4);
    ground.configure(carrier.smpp);
    gateway.signal(Signal::HUP).unwrap();
    until("the reload", async || {
        let reply = api.post("/v1/messages", &code).await.unwrap();
        (reply.status.as_u16() == 202).then_some(())
    })
    .await;
    let reply = api.post("/v1/messages", &code).await.unwrap();
    assert_eq!(reply.status.as_u16(), 429, "counts stayed: {}", reply.text);

    let data = ground.data().display().to_string();
    let shown = run_json(&["limits", "--data", &data]).await;
    let limits = shown["limits"].as_array().unwrap();
    let limit = limits
        .iter()
        .find(|limit| limit["name"] == "recipient-otp-10-minutes");
    let limit = limit.unwrap();
    assert_eq!(limit["top"][0]["used"], 4, "{limit}");
    assert!(
        !shown.to_string().contains("7700900123"),
        "numbers are masked"
    );
    let clients = run_json(&["client", "list", "--data", &data]).await;
    let client = clients["clients"][0]["id"].as_str().unwrap();
    let words = ["limits", "explain", "--client", client, "--to", PERSON];
    let words = [&words[..], &["--json", "--data", &data]].concat();
    let output = run(&words).await;
    assert_eq!(output.status.code(), Some(1), "it would be refused");
    let explained = explained(&output);
    assert_eq!(explained["verdict"], "refused");
    assert!(!explained.to_string().contains("7700900123"));
    let nobody = ClientId::new(7, 7).to_string();
    let words = ["limits", "explain", "--client", &nobody, "--to", PERSON];
    let output = run(&[&words[..], &["--data", &data]].concat()).await;
    assert!(!output.status.success());
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains(&format!("no client {nobody}")), "{says}");
    gateway.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_that_is_not_enabled_is_refused_by_name() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut api = ground.api(&key).client();
    let abroad = message("+18765230123", "alert", "Hello");
    let reply = api.post("/v1/messages", &abroad).await.unwrap();
    assert_eq!(reply.status.as_u16(), 422, "{}", reply.text);
    assert_eq!(reply.member("code"), "country-off");
    gateway.stop().await.unwrap();
}
