//! Requests that are wrong, each in its own way, and what every answer has in common.

use std::time::Duration;

use testkit::TestGateway;
use web::ServerSettings;

use crate::site::{MESSAGE, Site};
use crate::wire::Heard;

async fn check(site: &Site, request: &str, status: u16, code: &str) -> Heard {
    let mut wire = site.wire().await;
    let heard = wire.ask(request).await;
    assert_eq!(
        heard.problem(),
        (status, code.to_owned()),
        "{request}\n{heard:?}"
    );
    heard
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_it() {
    let site = Site::start().await;
    let mut client = site.client().await;
    for heard in [
        client.post("/v1/messages", MESSAGE).await,
        client.post("/v1/messages", "{").await,
        client.get("/nowhere").await,
        client.get("/openapi.json").await,
        client.delete("/v1/messages").await,
        site.anonymous().await.get("/v1/messages").await,
    ] {
        assert_eq!(heard.header("cache-control"), Some("no-store"));
        assert_eq!(heard.header("x-content-type-options"), Some("nosniff"));
        let policy = heard.header("content-security-policy");
        assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"));
        assert_eq!(heard.header("referrer-policy"), Some("no-referrer"));
        let hsts = heard.header("strict-transport-security").unwrap();
        assert_eq!(hsts, "max-age=63072000; includesubdomains");
        assert!(heard.header("x-request-id").unwrap().starts_with("req_"));
        for absent in [
            "server",
            "x-powered-by",
            "access-control-allow-origin",
            "set-cookie",
        ] {
            assert_eq!(heard.header(absent), None, "{absent}");
        }
    }
}

#[tokio::test]
async fn a_callers_request_id_comes_back_unless_it_is_odd() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let mut given = async |id: &str| {
        let heard = client
            .post_with("/v1/messages", &format!("X-Request-Id: {id}\r\n"), "{")
            .await;
        heard.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(given("order-77").await, "order-77");
    for odd in ["447700900123", "short", "a b c d e f g", "\"quoted-id\""] {
        assert!(given(odd).await.starts_with("req_"), "{odd}");
    }
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let site = Site::start().await;
    let client = site.client().await;
    for (method, allow) in [
        ("PUT", "get, post"),
        ("PATCH", "get, post"),
        ("DELETE", "get, post"),
        ("TRACE", "get, post"),
        ("OPTIONS", "get, post"),
        ("POLL", "get, post"),
    ] {
        let request = client.written(&format!("{method} /v1/messages"), "", "");
        let heard = check(&site, &request, 405, "method-not-allowed").await;
        assert_eq!(heard.header("allow"), Some(allow));
    }
    let overridden = client.written("GET /v1/opt-outs", "X-HTTP-Method-Override: POST\r\n", "");
    check(&site, &overridden, 405, "method-not-allowed").await;
    for path in [
        "/",
        "/metrics",
        "/healthz",
        "/v1/messages/",
        "/v1/../v1/messages",
        "//v1/messages",
    ] {
        check(
            &site,
            &client.written(&format!("GET {path}"), "", ""),
            404,
            "not-found",
        )
        .await;
    }
    check(
        &site,
        &client.written("CONNECT localhost:443", "", ""),
        404,
        "not-found",
    )
    .await;
}

#[tokio::test]
async fn only_plain_json_of_bounded_size_is_read() {
    let site = Site::start().await;
    let client = site.client().await;
    let post = |headers: &str, body: &str| {
        let length = body.len();
        client.written(
            "POST /v1/messages",
            &format!("Content-Length: {length}\r\n{headers}"),
            body,
        )
    };
    let json = "Content-Type: application/json\r\n";
    for headers in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/json; charset=utf-16\r\n",
        "Content-Type: application/json\r\nContent-Type: application/json\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
    ] {
        check(
            &site,
            &post(headers, MESSAGE),
            415,
            "unsupported-media-type",
        )
        .await;
    }
    for body in [
        "",
        "{",
        "\u{feff}{}",
        "to=1&from=2",
        "{\"to\":\"\\ud800\"}",
        "{\"to\":1e999}",
    ] {
        check(&site, &post(json, body), 400, "invalid-json").await;
    }
    let deep = format!("{{\"to\":{}{}}}", "[".repeat(20_000), "]".repeat(20_000));
    check(&site, &post(json, &deep), 400, "invalid-request").await;
    let large = MESSAGE.replace("482913", &"1".repeat(66_000));
    check(&site, &post(json, &large), 413, "body-too-large").await;
    let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let chunked = client.written(
        "POST /v1/messages",
        &format!("{json}Transfer-Encoding: chunked\r\n"),
        &chunk,
    );
    check(&site, &chunked, 413, "body-too-large").await;
}

#[tokio::test]
async fn octets_that_are_no_utf8_are_no_json() {
    let site = Site::start().await;
    let client = site.client().await;
    let more = "Content-Type: application/json\r\nContent-Length: 12\r\n";
    let mut octets = client.written("POST /v1/messages", more, "").into_bytes();
    octets.extend_from_slice(b"{\"text\":\"\xff\"}");
    let mut wire = site.wire().await;
    wire.send(octets).await;
    assert_eq!(
        wire.answer().await.unwrap().problem(),
        (400, "invalid-json".to_owned())
    );
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let settings = ServerSettings {
        body_timeout: Duration::from_millis(40),
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::immediate(), settings).await;
    let client = site.client().await;
    let more = "Content-Type: application/json\r\nContent-Length: 100\r\n";
    let request = client.written("POST /v1/messages", more, "{");
    check(&site, &request, 408, "request-timeout").await;
}

#[tokio::test]
async fn a_request_without_one_host_is_refused_and_its_connection_ends() {
    let site = Site::start().await;
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let request = format!("GET /openapi.json HTTP/1.1\r\n{hosts}\r\n");
        let mut wire = site.wire().await;
        let heard = wire.ask(&request).await;
        assert_eq!(heard.problem(), (400, "malformed-request".to_owned()));
        assert_eq!(wire.rest().await, b"");
    }
}

#[tokio::test]
async fn a_number_in_a_url_is_refused_and_not_repeated() {
    let site = Site::start().await;
    let mut client = site.client().await;
    for path in [
        "/v1/messages?to=%2B447700900123",
        "/v1/messages?%2B447700900123=1",
        "/v1/inbound?from=%2B447700900123",
        "/v1/messages/msg_x?to=%2B447700900123",
    ] {
        let heard = client.get(path).await;
        assert_eq!(
            heard.problem(),
            (400, "invalid-request".to_owned()),
            "{path}"
        );
        assert!(!heard.body.contains("7700900"), "{heard:?}");
    }
    let heard = client
        .post("/v1/opt-outs?number=%2B447700900123", "{}")
        .await;
    assert_eq!(heard.problem(), (400, "invalid-request".to_owned()));
}

#[tokio::test]
async fn no_problem_repeats_what_it_is_about() {
    let site = Site::start().await;
    let mut client = site.client().await;
    for body in [
        r#"{"to":"+4477009009879999999","from":"canary1","text":"","class":"canary2"}"#,
        r#"{"to":"canary3","reference":"canary4\u0000","canary 5":1,"risk":{"ip":"canary6"}}"#,
        r#"{"to":["canary7"],"text":{"canary 8":"canary9"},"ssk_canary":1}"#,
        r#"{"text":"canary10"#,
    ] {
        let heard = client.post("/v1/messages", body).await;
        assert_eq!(heard.status, 400);
        for canary in ["canary", "900987", "ssk_"] {
            assert!(!heard.body.contains(canary), "{canary}: {heard:?}");
        }
    }
}

#[tokio::test]
async fn wrong_fields_are_named_all_at_once() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let body = r#"{"to":"+44 7700 9００123","from":"ACME","text":"hi","class":"otp","price":0,
        "valid_for_seconds":0,"text":"hi"}"#;
    let heard = client.post("/v1/messages", body).await;
    assert_eq!(heard.problem(), (400, "invalid-request".to_owned()));
    let errors = heard.json()["errors"].as_array().unwrap().clone();
    let places: Vec<_> = errors
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        places,
        ["#/to", "#/from", "#/text", "#/valid_for_seconds", "#/price"]
    );
    let heard = client
        .post(
            "/v1/messages",
            &MESSAGE.replace('}', r#","valid_for_seconds":99999999}"#),
        )
        .await;
    assert_eq!(heard.problem(), (422, "validity-too-long".to_owned()));
}
