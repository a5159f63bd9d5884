//! Messages over the API: sent, read, listed, searched, cancelled, in batches, and once only.

use serde_json::json;
use web::ServerSettings;

use crate::site::{MESSAGE, Site, text};

#[tokio::test]
async fn an_accepted_message_is_read_listed_and_found_by_its_client() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let heard = client.post("/v1/messages", MESSAGE).await;
    assert_eq!(heard.status, 202);
    let accepted = heard.json();
    assert_eq!(accepted["state"], "accepted");
    assert_eq!(accepted["encoding"], "gsm7");
    assert_eq!(accepted["segments"], 1);
    let id = text(&accepted["id"]);
    let read = client.get(&format!("/v1/messages/{id}")).await.json();
    assert_eq!(read["id"], accepted["id"]);
    assert_eq!(read["to"], "+447700900123");
    assert_eq!(read["segments"], json!([{"state": "pending"}]));
    assert_eq!(read["created"], accepted["created"]);
    let listed = client
        .get("/v1/messages?class=otp&state=accepted&from=12345&limit=5")
        .await;
    assert_eq!(listed.json()["messages"], json!([read]));
    let found = client
        .post("/v1/messages/search", r#"{"to":"+447700900123"}"#)
        .await;
    assert_eq!(found.json(), json!({"messages": [read], "next": null}));
    let other = client
        .post("/v1/messages/search", r#"{"to":"+447700900124"}"#)
        .await;
    assert_eq!(other.json()["messages"], json!([]));
}

#[tokio::test]
async fn pages_follow_one_another_by_their_cursor() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(client.send().await);
    }
    sent.reverse();
    let (mut read, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client
            .get(&format!("/v1/messages?limit=2{cursor}"))
            .await
            .json();
        read.extend(
            page["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| text(&row["id"])),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(read, sent);
}

#[tokio::test]
async fn an_idempotency_key_brings_the_first_result_again_and_no_second_message() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let key = "Idempotency-Key: \"8e03978e\"\r\n";
    let first = client.post_with("/v1/messages", key, MESSAGE).await;
    assert_eq!(first.header("idempotency-replayed"), None);
    let again = client
        .post_with("/v1/messages", "Idempotency-Key: 8e03978e\r\n", MESSAGE)
        .await;
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (202, Some("true"))
    );
    assert_eq!(again.json(), first.json());
    let other = MESSAGE.replace("482913", "482914");
    let reused = client.post_with("/v1/messages", key, &other).await;
    assert_eq!(reused.problem(), (422, "idempotency-key-reused".to_owned()));
    let wrong = client
        .post_with("/v1/messages", "Idempotency-Key: \r\n", MESSAGE)
        .await;
    assert_eq!(wrong.problem(), (400, "idempotency-key-invalid".to_owned()));
    let listed = client.get("/v1/messages").await.json();
    assert_eq!(listed["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_that_has_not_left_can_be_cancelled_once() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let path = format!("/v1/messages/{}/cancel", client.send().await);
    for (body, expected) in [(r#"{"why":1}"#, 400), ("{}", 200), ("", 409)] {
        let heard = client.post(&path, body).await;
        assert_eq!(heard.status, expected, "{heard:?}");
    }
    let too_late = client.post(&path, "").await;
    assert_eq!(too_late.problem(), (409, "not-cancellable".to_owned()));
    assert!(too_late.body.contains("cancelled already"), "{too_late:?}");
}

#[tokio::test]
async fn each_message_of_a_batch_is_answered_by_itself_and_in_its_place() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let long = MESSAGE.replace("Your code is 482913", &"a".repeat(1_600));
    let foreign = MESSAGE.replace("12345", "54321");
    let body = format!(r#"{{"messages":[{MESSAGE},{{"to":"x"}},{foreign},{long},{MESSAGE}]}}"#);
    let heard = client.post("/v1/messages/batch", &body).await;
    assert_eq!(heard.status, 200, "{heard:?}");
    let results = heard.json()["results"].as_array().unwrap().clone();
    let statuses: Vec<_> = results
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [202, 400, 403, 422, 202]);
    assert_eq!(results[1]["errors"].as_array().unwrap().len(), 4);
    assert_eq!(results[2]["code"], "short-code-not-granted");
    assert_eq!(results[3]["code"], "too-many-segments");
    assert_ne!(results[0]["id"], results[4]["id"]);
}

#[tokio::test]
async fn repairing_one_message_of_a_batch_sends_no_other_one_twice() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let key = "Idempotency-Key: batch-1\r\n";
    let body = |middle: &str| format!(r#"{{"messages":[{MESSAGE},{middle},{MESSAGE}]}}"#);
    let first = client
        .post_with("/v1/messages/batch", key, &body("{}"))
        .await
        .json();
    let second = client
        .post_with("/v1/messages/batch", key, &body(MESSAGE))
        .await
        .json();
    assert_eq!(first["results"][0]["id"], second["results"][0]["id"]);
    assert_eq!(first["results"][2]["id"], second["results"][2]["id"]);
    assert_eq!(
        (
            &first["results"][1]["status"],
            &second["results"][1]["status"]
        ),
        (&json!(400), &json!(202))
    );
    let listed = client.get("/v1/messages").await.json();
    assert_eq!(listed["messages"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_thousand_messages_are_a_batch_and_one_more_is_not() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let batch = |count| format!(r#"{{"messages":[{}]}}"#, vec![MESSAGE; count].join(","));
    let heard = client.post("/v1/messages/batch", &batch(1_000)).await;
    assert_eq!(heard.json()["results"].as_array().unwrap().len(), 1_000);
    let heard = client.post("/v1/messages/batch", &batch(1_001)).await;
    assert_eq!(heard.problem(), (400, "invalid-request".to_owned()));
}

#[tokio::test]
async fn a_chunked_body_and_http2_are_as_good_as_any() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let more = "Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n";
    let (one, two) = MESSAGE.split_at(20);
    let chunks = format!(
        "{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    let request = client.written("POST /v1/messages", more, &chunks);
    assert_eq!(client.wire.ask(&request).await.status, 202);
    assert_eq!(over_http2(&site).await, 202);
}

/// Sends a good message over HTTP/2.
async fn over_http2(site: &Site) -> u16 {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let config = crate::wire::client_config(&site.root, "h2", &[&rustls::version::TLS13]);
    let stream = crate::wire::connect(site.address, config).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("https://localhost/v1/messages")
        .header(
            "authorization",
            format!("Bearer {}", site.test.key.reveal()),
        )
        .header("content-type", "application/json")
        .body(http_body_util::Full::new(bytes::Bytes::from_static(
            MESSAGE.as_bytes(),
        )))
        .unwrap();
    sender
        .send_request(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_with_advice() {
    let settings = ServerSettings {
        request_timeout: std::time::Duration::from_millis(50),
        ..ServerSettings::default()
    };
    let site = Site::over(testkit::TestGateway::queued(), settings).await;
    let heard = site.client().await.post("/v1/messages", MESSAGE).await;
    assert_eq!(heard.problem(), (503, "timeout".to_owned()));
    assert!(heard.body.contains("idempotency key"), "{heard:?}");
}
