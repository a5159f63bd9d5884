//! HTTP written by hand: whatever the API does not expect is refused plainly, and what it refuses tells nothing.

use std::collections::BTreeSet;

use web::{Access, Dialect, ROUTES, ServerSettings};

use crate::site::{MESSAGE, Role, Site};
use crate::wire::{Heard, Wire};

/// What a smuggler hopes to have answered as a second request.
const SECOND: &str = "GET /docs/errors HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// All that is answered to these octets before the connection ends.
async fn answers(site: &Site, octets: &str) -> Vec<Heard> {
    let mut wire = site.wire().await;
    wire.send(octets).await;
    let mut heard = Vec::new();
    while let Some(answer) = wire.answer().await {
        heard.push(answer);
    }
    heard
}

#[tokio::test]
async fn a_request_that_two_readers_could_read_differently_ends_its_connection() {
    let site = Site::start().await;
    let client = site.client().await;
    let json = "Content-Type: application/json\r\n";
    let length = MESSAGE.len();
    let chunk = format!("{length:x}\r\n{MESSAGE}\r\n0\r\n\r\n");
    let post = |more: &str, body: &str| {
        client.written("POST /v1/messages", &format!("{json}{more}"), body) + SECOND
    };
    let both = format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n");
    let turned = format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n");
    let twice = format!("Content-Length: {length}\r\nContent-Length: {length}\r\n");
    let bare = format!("Content-Length: {length}\nX-A: b\r\n");
    let chunked = "Transfer-Encoding: chunked\r\n";
    for request in [
        post(&both, &chunk),
        post(&turned, &chunk),
        post(&twice, MESSAGE),
        post(&bare, MESSAGE),
        post(
            &format!("Content-Length: {length}\r\nX-A: b\r\n folded\r\n"),
            MESSAGE,
        ),
        post(
            &format!("Content-Length: {length}\r\nX-A: b\0c\r\n"),
            MESSAGE,
        ),
        post(
            &format!("Content-Length: {length}\r\nX-A: b\rc\r\n"),
            MESSAGE,
        ),
        post(chunked, &chunk.replacen("\r\n", "\n", 1)),
        post(chunked, &chunk.replacen("\r\n", " \n\r\n", 1)),
    ] {
        let heard = answers(&site, &request).await;
        let statuses: Vec<u16> = heard.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [400], "{request:?}");
    }
    assert_eq!(
        site.client().await.get("/v1/messages").await.json()["messages"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_up_to_the_first_that_is_none() {
    let site = Site::start().await;
    let mut client = site.client().await;
    // A body holds what it likes, line ends too.
    let pretty = MESSAGE.replace(',', ",\n\n  ");
    let json = format!(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        pretty.len()
    );
    let chunks = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let chunk = format!("{:x};a=b\r\n{pretty}\r\n0\r\nX-A: b\r\n\r\n", pretty.len());
    let pipe = [
        client.written("POST /v1/messages", &json, &pretty),
        SECOND.to_owned(),
        client.written("POST /v1/messages", chunks, &chunk),
        client.written("GET /nowhere", "", ""),
        "and more\r\n\r\n".to_owned(),
        SECOND.to_owned(),
    ];
    client.wire.send(pipe.concat()).await;
    let mut statuses = Vec::new();
    while let Some(heard) = client.wire.answer().await {
        statuses.push(heard.status);
    }
    assert_eq!(statuses, [202, 200, 202, 404, 400]);
}

#[tokio::test]
async fn no_other_protocol_is_taken_up() {
    let site = Site::start().await;
    let get = "GET /docs/errors HTTP/1.1\r\nHost: localhost\r\n";
    for upgrade in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n",
    ] {
        let mut wire = site.wire().await;
        let heard = wire.ask(&format!("{get}{upgrade}\r\n")).await;
        assert_eq!(heard.status, 200, "{upgrade}");
        assert!(heard.head.starts_with("http/1.1 200"), "{}", heard.head);
        assert_eq!(wire.ask(SECOND).await.status, 200, "still HTTP/1.1");
    }
    let heard = answers(&site, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(heard.iter().all(|answer| answer.status == 400), "{heard:?}");
}

#[tokio::test]
async fn methods_that_a_route_has_not_are_told_which_it_has() {
    let site = Site::start().await;
    let client = site.client().await;
    for method in [
        "HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "get", "PROPFIND",
    ] {
        for path in ["/v1/messages", "/openapi.json", "/ledger/checkpoint"] {
            let mut wire = site.wire().await;
            let request = client.written(&format!("{method} {path}"), "", "");
            // The answer to HEAD has the length of a body and none.
            wire.send(request.replacen("\r\n", "\r\nConnection: close\r\n", 1))
                .await;
            let text = String::from_utf8_lossy(&wire.rest().await).to_lowercase();
            assert!(text.starts_with("http/1.1 405"), "{method} {path}: {text}");
            assert!(text.contains("\r\nallow: get"), "{method} {path}: {text}");
            assert!(
                !text.contains("authorization: "),
                "nothing is echoed: {text}"
            );
        }
    }
}

#[tokio::test]
async fn a_target_in_full_must_name_the_host_that_is_asked() {
    let site = Site::start().await;
    let ask = async |target: &str, host: &str| {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        site.wire().await.ask(&request).await
    };
    for (target, host) in [
        ("https://localhost/docs/errors", "localhost"),
        ("https://LOCALHOST:443/docs/errors", "localhost"),
    ] {
        assert_eq!(ask(target, host).await.status, 200, "{target} {host}");
    }
    for (target, host) in [
        ("https://other.example/docs/errors", "localhost"),
        ("https://localhost:8443/docs/errors", "localhost"),
        ("https://localhost/docs/errors", "other.example"),
    ] {
        let heard = ask(target, host).await;
        assert_eq!(heard.problem(), (400, "malformed-request".to_owned()));
        assert!(!heard.body.contains("other.example"), "{heard:?}");
    }
}

#[tokio::test]
async fn a_body_is_taken_in_one_type_and_coding_whatever_is_accepted_in_return() {
    let site = Site::start().await;
    let client = site.client().await;
    let bomb = "\u{1f}\u{8b}\u{8}\0".repeat(100);
    for (headers, status) in [
        (
            "Content-Type: application/json\r\nAccept: text/html\r\nAccept-Encoding: gzip, br\r\n",
            202,
        ),
        (
            "Content-Type: Application/JSON; charset=\"UTF-8\"\r\nAccept-Charset: utf-16\r\n",
            202,
        ),
        ("Content-Type: application/json; charset=latin1\r\n", 415),
        ("Content-Type: application/xml\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        ("Content-Type: multipart/form-data; boundary=a\r\n", 415),
        (
            "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
            415,
        ),
        (
            "Content-Type: application/json\r\nContent-Encoding: br, gzip\r\n",
            415,
        ),
        (
            "Content-Type: application/json\r\nContent-Encoding: identity\r\n",
            415,
        ),
        ("\r\n", 415),
    ] {
        let body = if headers.contains("Content-Encoding") {
            &bomb
        } else {
            MESSAGE
        };
        let headers = headers.trim_start_matches("\r\n");
        let more = format!("Content-Length: {}\r\n{headers}", body.len());
        let request = client.written("POST /v1/messages", &more, body);
        let heard = site.wire().await.ask(&request).await;
        assert_eq!(heard.status, status, "{headers}: {heard:?}");
        let kind = heard.header("content-type").unwrap();
        assert!(
            kind.starts_with("application/") && kind.contains("json"),
            "{kind}"
        );
        assert_eq!(heard.header("content-encoding"), None);
        assert_eq!(
            heard.header("vary"),
            None,
            "nothing depends on what is accepted"
        );
    }
}

#[tokio::test]
async fn the_bounds_of_a_head_are_answered_as_what_they_are() {
    let settings = ServerSettings {
        header_bytes_max: 8_192,
        ..ServerSettings::default()
    };
    let site = Site::over(testkit::TestGateway::immediate(), settings).await;
    for (request, statuses) in [
        (
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(70_000)),
            [414, 431],
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n",
                "a".repeat(9_000)
            ),
            [431, 431],
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
                "X-A: b\r\n".repeat(200)
            ),
            [431, 431],
        ),
    ] {
        let mut wire = Wire::over(site.address, &site.root, "http/1.1").await;
        let heard = wire.ask(&request).await;
        assert!(statuses.contains(&heard.status), "{}", heard.head);
        assert_eq!(wire.rest().await, b"");
        for banner in ["server", "x-powered-by", "via"] {
            assert_eq!(heard.header(banner), None, "{banner}");
        }
    }
}

/// The body without what differs from request to request, with its status.
fn told(heard: &Heard) -> String {
    let mut body = heard.json();
    body["request_id"].take();
    let kept: Vec<&str> = heard
        .head
        .lines()
        .filter(|line| !line.starts_with("x-request-id") && !line.starts_with("date"))
        .collect();
    format!("{body} {kept:?}")
}

/// Calls a route about a thing as well as anybody can.
async fn call(role: &mut Role, verb: &str, path: &str) -> Heard {
    match verb {
        "GET" => role.get(path).await,
        "DELETE" => role.delete(path).await,
        _ if path.ends_with("/check") || path.ends_with("/confirm") => {
            role.post(path, r#"{"code":"482913"}"#).await
        }
        _ => role.post(path, "").await,
    }
}

#[tokio::test]
async fn a_thing_of_another_client_is_answered_like_none_at_all_on_every_route() {
    let site = Site::start().await;
    site.test
        .sign_ledger(Vec::new(), engine::WitnessPolicy::BestEffort);
    let mut owner = site.client().await;
    let message = owner.send().await;
    let verification = owner
        .post(
            "/v1/verifications",
            r#"{"to":"+447700900124","from":"12345","channel":"sms","purpose":"sign-in"}"#,
        )
        .await;
    assert_eq!(verification.status, 201, "{verification:?}");
    let factor = owner
        .post("/v1/factors", r#"{"kind":"recovery","user":"ann"}"#)
        .await;
    assert_eq!(factor.status, 201, "{factor:?}");
    let things = [
        ("/v1/messages/", message),
        (
            "/v1/verifications/",
            crate::site::text(&verification.json()["id"]),
        ),
        ("/v1/factors/", crate::site::text(&factor.json()["id"])),
    ];
    let mut stranger = site.another(&engine::Scope::ALL).await;
    let mut routes = 0;
    // What carriers post to is named by the carrier, and is no client's.
    let own = ROUTES
        .iter()
        .filter(|row| row.dialect == Dialect::Own && matches!(row.access, Access::Scoped(_)));
    for row in own.filter(|row| row.path.contains("{id}")) {
        let (before, theirs) = things
            .iter()
            .find(|(before, _)| row.path.starts_with(before))
            .unwrap_or_else(|| panic!("{} has things of a new kind", row.path));
        let (prefix, rest) = theirs.split_once('_').unwrap();
        let nobodys = format!("{prefix}_{}", rest.chars().rev().collect::<String>());
        let mut seen = BTreeSet::new();
        let verb = row.verb.as_str();
        for id in [theirs.as_str(), &nobodys, "7", &theirs[..theirs.len() - 1]] {
            let path = row.path.replace("{id}", id);
            let heard = call(&mut stranger, verb, &path).await;
            assert_eq!(
                heard.problem(),
                (404, "not-found".to_owned()),
                "{verb} {path}"
            );
            assert!(!heard.body.contains(id) || id == "7", "{heard:?}");
            seen.insert(told(&heard));
        }
        assert_eq!(seen.len(), 1, "{verb} {}: {seen:?}", row.path);
        let own = call(&mut owner, verb, &row.path.replace("{id}", theirs)).await;
        assert_ne!(
            own.status, 404,
            "{verb} {} is there for its own: {before}",
            row.path
        );
        routes += 1;
    }
    assert!(routes >= 12, "{routes}");
}
