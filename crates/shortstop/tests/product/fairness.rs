//! One client floods; another's codes arrive as if it did not, and marketing moves all the same.

use serde_json::json;
use shortstop::http_client::Client;

use super::ground::{CODE, Carrier, Ground, message, reaches, run_json, send};

const READER: &str = "+447700900123";

/// Sends a thousand messages of one class at once; gives how many were accepted.
async fn thousand(api: &mut Client, class: &str, text: &str) -> usize {
    let messages: Vec<_> = (0..1_000)
        .map(|number| {
            let to = format!("+447911{number:06}");
            message(&to, class, &format!("{text} {number}"))
        })
        .collect();
    let body = json!({ "messages": messages });
    let reply = api.post("/v1/messages/batch", &body).await.unwrap();
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    let results = reply.json()["results"].as_array().unwrap().clone();
    results.iter().filter(|one| one.get("id").is_some()).count()
}

async fn another(ground: &Ground, name: &str) -> String {
    let config = ground.path("shortstop.toml");
    let config = config.to_str().unwrap();
    let words = [
        "client",
        "add",
        name,
        "--short-code",
        CODE,
        "--class",
        "otp",
    ];
    let client = run_json(&[&words[..], &["--config", config]].concat()).await;
    client["client"]["api_key"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn codes_arrive_though_another_client_floods_and_marketing_is_not_forgotten() {
    // 50 segments under way, half a second each: a hundred a second.
    let carrier = Carrier::start(&["--latency-milliseconds", "500"]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let mut flood = ground.api(&ground.key().await).client();
    let mut quiet = ground.api(&another(&ground, "quiet").await).client();
    let mut waiting = thousand(&mut flood, "marketing", "Sale").await;
    for _ in 0..3 {
        waiting += thousand(&mut flood, "otp", "Flood").await;
    }
    assert!(waiting > 3_000, "{waiting} were accepted");
    for number in 0..3 {
        let id = send(&mut quiet, READER, "otp", &format!("Quiet {number}")).await;
        reaches(&mut quiet, &id, "delivered").await;
    }
    let inbox = carrier.inbox().await;
    let count = |start: &str| {
        inbox
            .iter()
            .filter(|(_, text)| text.starts_with(start))
            .count()
    };
    assert_eq!(count("Quiet"), 3);
    let flooded = count("Flood");
    assert!(flooded < 3_000, "the flood is over; nothing was shown");
    let sales = count("Sale");
    assert!(
        sales > flooded / 100,
        "{sales} sales beside {flooded} codes"
    );
    assert!(sales < 1_000, "the codes went first");
}
