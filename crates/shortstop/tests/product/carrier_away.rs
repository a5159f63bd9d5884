//! A carrier that is away: messages are accepted and wait, up to the bound, and go out when it is back.

use super::ground::{Carrier, Ground, free_address, message, reaches, send};

const READER: &str = "+447700900123";

#[tokio::test]
async fn messages_wait_for_a_carrier_that_is_away_and_a_full_queue_says_so() {
    let mut ground = Ground::new();
    ground.more = "[bounds]\nqueue_alert_max = 3\n".to_owned();
    let address = free_address();
    ground.configure(address);
    let _gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    let mut waiting = Vec::new();
    for number in 0..3 {
        waiting.push(send(&mut api, READER, "alert", &format!("Waiting {number}")).await);
    }
    let full = api
        .post("/v1/messages", &message(READER, "alert", "One more"))
        .await
        .unwrap();
    assert_eq!(
        (full.status.as_u16(), full.member("code").as_str()),
        (503, "queue-full")
    );
    assert!(full.header("retry-after").is_some());
    let urgent = send(&mut api, READER, "otp", "Another class has its own room").await;
    assert_eq!(
        ground.admin().get("/readyz").await.unwrap().status.as_u16(),
        200
    );

    let carrier = Carrier::start_at(&address.to_string(), &[]).await;
    waiting.push(urgent);
    for id in &waiting {
        reaches(&mut api, id, "delivered").await;
    }
    assert_eq!(carrier.count("unique").await, 4);
}

#[tokio::test]
async fn a_carrier_that_throttles_fails_and_breaks_off_gets_everything_in_the_end() {
    let carrier = Carrier::start(&[
        "--throttle-rate",
        "0.05",
        "--disconnect-rate",
        "0.02",
        "--latency-milliseconds",
        "1-5",
    ])
    .await;
    let mut ground = Ground::new();
    ground.carrier = "throttle_pause_milliseconds = 20\nreconnect_seconds = 1\n".to_owned();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(send(&mut api, READER, "otp", &format!("Rough {number}")).await);
    }
    for id in &ids {
        reaches(&mut api, id, "delivered").await;
    }
    assert_eq!(carrier.count("unique").await, 100);
}
