//! The whole road of a message, over real HTTPS and real SMPP between processes.

use super::ground::{CODE, Carrier, Ground, message, reaches, send, until};

const READER: &str = "+447700900123";

#[tokio::test]
async fn a_message_goes_out_and_its_receipt_comes_back() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let gateway = ground.start().await;
    assert_eq!(gateway.ready().short_code.as_deref(), Some(CODE));
    assert_eq!(gateway.ready().api_key, None);
    let mut api = ground.api(&ground.key().await).client();
    let id = send(&mut api, READER, "otp", "Your code is 482913").await;
    reaches(&mut api, &id, "delivered").await;
    let inbox = carrier.inbox().await;
    assert_eq!(
        inbox,
        [(READER[1..].to_owned(), "Your code is 482913".to_owned())]
    );
}

#[tokio::test]
async fn a_long_message_arrives_whole() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    let text = "Привет, мир. ".repeat(20);
    let id = send(&mut api, READER, "alert", &text).await;
    reaches(&mut api, &id, "delivered").await;
    assert_eq!(carrier.inbox().await, [(READER[1..].to_owned(), text)]);
}

#[tokio::test]
async fn the_same_key_never_sends_twice_even_over_a_restart() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let target = ground.api(&ground.key().await);
    let body = message(READER, "alert", "Once");
    let first = target
        .client()
        .post_once("/v1/messages", "k-1", &body)
        .await
        .unwrap();
    assert_eq!(first.status.as_u16(), 202, "{}", first.text);
    gateway.kill().await.unwrap();
    let _gateway = ground.start().await;
    let mut api = target.client();
    let again = api.post_once("/v1/messages", "k-1", &body).await.unwrap();
    assert_eq!(again.member("id"), first.member("id"));
    let other = message(READER, "alert", "Twice");
    let other = api.post_once("/v1/messages", "k-1", &other).await.unwrap();
    assert_eq!(
        (other.status.as_u16(), other.member("code").as_str()),
        (422, "idempotency-key-reused")
    );
    reaches(&mut api, &first.member("id"), "delivered").await;
    assert_eq!(carrier.count("unique").await, 1);
}

#[tokio::test]
async fn a_stop_is_confirmed_once_and_honoured() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    carrier.say(&READER[1..], "ＳＴＯＰ").await;
    carrier.say(&READER[1..], "stop!").await;
    until("both keywords", async || {
        (carrier.count("mo_acked").await == 2 && carrier.count("submits").await > 0).then_some(())
    })
    .await;
    for class in ["otp", "alert", "marketing"] {
        let reply = api
            .post("/v1/messages", &message(READER, class, "Hello"))
            .await
            .unwrap();
        assert_eq!(
            (reply.status.as_u16(), reply.member("code").as_str()),
            (422, "opted-out")
        );
    }
    assert_eq!(
        carrier.count("submits").await,
        1,
        "one confirmation and nothing else"
    );
}

#[tokio::test]
async fn probes_and_metrics_are_on_the_admin_listener_alone() {
    let carrier = Carrier::start(&[]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let _gateway = ground.start().await;
    let mut api = ground.api(&ground.key().await).client();
    let id = send(&mut api, READER, "otp", "Your code is 482913").await;
    reaches(&mut api, &id, "delivered").await;
    let mut admin = ground.admin();
    assert_eq!(admin.get("/healthz").await.unwrap().status.as_u16(), 200);
    assert_eq!(
        admin.get("/readyz").await.unwrap().member("status"),
        "ready"
    );
    let metrics = admin.get("/metrics").await.unwrap().text;
    assert!(
        metrics.contains("shortstop_messages_accepted_total{class=\"otp\"} 1"),
        "{metrics}"
    );
    assert!(metrics.contains("shortstop_bind_up"), "{metrics}");
    assert_eq!(api.get("/metrics").await.unwrap().status.as_u16(), 404);
}
