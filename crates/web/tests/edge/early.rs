//! Answers that are known before the body has come: they reach a client that is still sending it.

use std::time::Duration;

use testkit::TestGateway;
use web::ServerSettings;

use crate::frames::{DATA, END, GOODBYE, HEADERS, PING, PREFACE, RESET, WHOLE, frame, head, kinds};
use crate::site::{Role, Site};
use crate::wire::Wire;

/// A request with a body of so many octets, which come in many pieces.
fn long(role: &Role, start: &str, more: &str, octets: usize) -> String {
    let more = format!("Content-Length: {octets}\r\n{more}");
    role.written(start, &more, &"x".repeat(octets))
}

/// Asks, and asks again on the same connection: what was left of the body is no second request.
async fn answered_and_open(site: &Site, request: &str, status: u16) {
    let mut wire = site.wire().await;
    assert_eq!(wire.ask(request).await.status, status, "{}", &request[..60]);
    wire.send("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await;
    let next = wire.answer().await.expect("the connection was closed");
    assert_eq!(next.status, 200);
}

#[tokio::test]
async fn an_early_answer_waits_for_the_rest_of_the_body() {
    let site = Site::start().await;
    let (client, anonymous) = (site.client().await, site.anonymous().await);
    let wrong = site.role(Some("ssk_wrong")).await;
    let json = "Content-Type: application/json\r\n";
    for (role, start, more, octets, status) in [
        (&anonymous, "POST /v1/messages", json, 60_000, 401),
        (&wrong, "POST /v1/messages", json, 60_000, 401),
        (&client, "POST /nowhere", json, 60_000, 404),
        (&client, "PUT /v1/messages", json, 60_000, 405),
        (&client, "POST /v1/messages", json, 70_000, 413),
        (&client, "POST /v1/messages", json, 2_000_000, 413),
        (&client, "POST /v1/messages/batch", json, 2_100_000, 413),
        (&client, "POST /v1/messages", "", 60_000, 415),
    ] {
        answered_and_open(&site, &long(role, start, more, octets), status).await;
    }
    let chunk = format!("11170\r\n{}\r\n0\r\n\r\n", "x".repeat(70_000));
    let more = format!("{json}Transfer-Encoding: chunked\r\n");
    let chunked = client.written("POST /v1/messages", &more, &chunk);
    answered_and_open(&site, &chunked, 413).await;
}

#[tokio::test]
async fn a_rest_beyond_its_bound_is_not_waited_for() {
    let settings = ServerSettings {
        body_bytes_max: 40_000,
        batch_body_bytes_max: 60_000,
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::immediate(), settings).await;
    let anonymous = site.anonymous().await;
    // Nothing of the body is sent: only the promise of it is too large.
    let declared = anonymous.written("POST /v1/messages", "Content-Length: 100001\r\n", "");
    let more = "Transfer-Encoding: chunked\r\n";
    let chunk = format!("30d40\r\n{}", "x".repeat(100_001));
    let undeclared = anonymous.written("POST /v1/messages", more, &chunk);
    for request in [declared, undeclared] {
        let mut wire = site.wire().await;
        let heard = wire.ask(&request).await;
        assert_eq!(heard.status, 401);
        assert_eq!(heard.header("connection"), Some("close"));
        assert_eq!(wire.rest().await, b"");
    }
}

#[tokio::test]
async fn a_rest_that_does_not_come_is_given_up_in_time() {
    let settings = ServerSettings {
        body_timeout: Duration::from_millis(40),
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::immediate(), settings).await;
    let anonymous = site.anonymous().await;
    let request = anonymous.written("POST /v1/messages", "Content-Length: 9\r\n", "{");
    let mut wire = site.wire().await;
    let heard = wire.ask(&request).await;
    assert_eq!(heard.status, 401);
    assert_eq!(heard.header("connection"), Some("close"));
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn no_more_rests_are_waited_for_at_once_than_allowed() {
    let settings = ServerSettings {
        requests_max: 0,
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::immediate(), settings).await;
    let anonymous = site.anonymous().await;
    // A thirty-second part of the requests, rounded up: here none at all.
    let request = anonymous.written("POST /v1/messages", "Content-Length: 9\r\n", "{");
    let mut wire = site.wire().await;
    let heard = wire.ask(&request).await;
    assert_eq!(heard.problem(), (503, "busy".to_owned()));
    assert_eq!(heard.header("connection"), Some("close"));
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_answered_at_once() {
    let site = Site::start().await;
    let anonymous = site.anonymous().await;
    let more = "Content-Length: 9\r\nExpect: 100-continue\r\n";
    let request = anonymous.written("POST /v1/messages", more, "");
    assert_eq!(site.wire().await.ask(&request).await.status, 401);
}

#[tokio::test]
async fn an_early_answer_does_not_reset_a_stream_whose_body_comes_late() {
    let site = Site::start().await;
    let mut wire = Wire::over(site.address, &site.root, "h2").await;
    wire.send(PREFACE).await;
    // The stream stays open.
    let block = head("POST", "/v1/messages", &[]);
    wire.send(frame(HEADERS, WHOLE, 1, &block)).await;
    // Several rounds of PING, so that whatever the server has to say to a head alone has been said.
    for round in 1..=5 {
        wire.send(frame(PING, 0, 0, &[round; 8])).await;
        assert!(wire.hears(&frame(PING, END, 0, &[round; 8])).await);
    }
    wire.send(frame(DATA, 0, 1, b"{\"to\":")).await;
    wire.send(frame(DATA, END, 1, b"1}")).await;
    // The connection ends once the stream is answered.
    wire.send(frame(GOODBYE, 0, 0, &[0; 8])).await;
    let kinds = kinds(&wire.rest().await, 1);
    assert!(kinds.starts_with(&[HEADERS]), "no answer: {kinds:?}");
    assert!(!kinds.contains(&RESET), "{kinds:?}");
}
