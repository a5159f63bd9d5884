//! Heads of requests that hyper lets through and the API does not.

use crate::frames::{END, GOODBYE, HEADERS, PREFACE, WHOLE, frame, head_for};
use crate::site::{HOST, MESSAGE, Site};
use crate::wire::Wire;

/// Whether an HTTP/2 request for a public page is answered by a body with these words in it.
async fn brings(site: &Site, headers: &[(&str, &str)], words: &str) -> bool {
    brings_for("localhost", site, headers, words).await
}

/// The same for another host.
async fn brings_for(host: &str, site: &Site, headers: &[(&str, &str)], words: &str) -> bool {
    let mut wire = Wire::over(site.address, &site.root, "h2").await;
    wire.send(PREFACE).await;
    let block = head_for(host, "GET", "/docs/errors", headers);
    wire.send(frame(HEADERS, WHOLE | END, 1, &block)).await;
    // The connection ends once the stream is answered.
    wire.send(frame(GOODBYE, 0, 0, &[0; 8])).await;
    let heard = wire.rest().await;
    String::from_utf8_lossy(&heard).contains(words)
}

const PAGE: &str = "# Errors of the API";
const MALFORMED: &str = "\"code\":\"malformed-request\"";
const TOO_MANY: &str = "\"code\":\"too-many-headers\"";

#[tokio::test]
async fn http2_has_the_bound_of_header_lines_too() {
    let site = Site::start().await;
    assert!(brings(&site, &[("x-a", "1"); 100], PAGE).await);
    assert!(brings(&site, &[("x-a", "1"); 101], TOO_MANY).await);
    assert!(brings(&site, &[("x-a", "1"); 150], TOO_MANY).await);
}

#[tokio::test]
async fn http2_takes_no_host_beside_its_authority_but_the_same_one() {
    let site = Site::start().await;
    for same in ["localhost", "LOCALHOST", "localhost:443"] {
        assert!(brings(&site, &[("host", same)], PAGE).await, "{same}");
    }
    for other in [
        "example.com",
        "localhost:8443",
        "",
        "localhost.",
        "a@localhost",
    ] {
        assert!(
            brings(&site, &[("host", other)], MALFORMED).await,
            "{other}"
        );
    }
    let twice = [("host", "localhost"); 2];
    assert!(brings(&site, &twice, MALFORMED).await);
}

/// Hosts under which the gateway is asked, and some under which it is not.
const OURS: [&str; 7] = [
    "localhost",
    "LocalHost:443",
    "127.0.0.1",
    "127.0.0.1:8443",
    "[::1]:8443",
    HOST,
    "SMS.example.com:8443",
];
const OTHERS: [&str; 9] = [
    "other.example",
    "localhost.other.example",
    "sms.example.com.other.example",
    "example.com",
    "localhost.",
    "169.254.169.254",
    "a@localhost",
    "localhost:a",
    "*",
];

#[tokio::test]
async fn a_request_for_another_host_is_misdirected_whatever_it_asks_for() {
    let site = Site::start().await;
    let ask = async |path: &str, host: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        site.wire().await.ask(&request).await
    };
    for host in OURS {
        assert_eq!(ask("/docs/errors", host).await.status, 200, "{host}");
        assert!(brings_for(host, &site, &[], PAGE).await, "{host}");
    }
    let misdirected = (421, "misdirected-request".to_owned());
    for host in OTHERS {
        for path in ["/docs/errors", "/v1/messages", "/nowhere"] {
            let heard = ask(path, host).await;
            assert_eq!(heard.problem(), misdirected, "{host} {path}");
            assert!(!heard.body.contains("example"), "{heard:?}");
        }
    }
    assert_eq!(ask("/docs/errors", "").await.problem(), misdirected);
    for host in ["other.example", "169.254.169.254"] {
        let words = "\"code\":\"misdirected-request\"";
        assert!(brings_for(host, &site, &[], words).await, "{host}");
        // Two names that are not the same are no sound head, whichever of them is ours.
        let (ours, theirs) = ([("host", "localhost")], [("host", host)]);
        assert!(brings_for(host, &site, &ours, MALFORMED).await);
        assert!(brings(&site, &theirs, MALFORMED).await);
    }
    let client = site.client().await;
    let good = client.written("GET /v1/messages", "", "");
    let turned = good.replace("Host: localhost", "Host: other.example");
    assert_eq!(site.wire().await.ask(&turned).await.problem(), misdirected);
    let twilio = ask("/2010-04-01/Accounts/AC1/Messages.json", "other.example").await;
    assert_eq!(twilio.json()["code"], 20_422);
    assert_eq!(twilio.status, 421);
}

#[tokio::test]
async fn nothing_but_a_body_may_be_expected() {
    let site = Site::start().await;
    let ask = async |expected: &str| {
        let request = format!("GET /docs/errors HTTP/1.1\r\nHost: localhost\r\n{expected}\r\n");
        site.wire().await.ask(&request).await
    };
    assert_eq!(ask("Expect: 100-Continue\r\n").await.status, 200);
    let failed = (417, "expectation-failed".to_owned());
    for expected in [
        "Expect: 200-ok\r\n",
        "Expect:\r\n",
        "Expect: 100-continue, 200-ok\r\n",
        "Expect: 100-continue\r\nExpect: x=y\r\n",
    ] {
        assert_eq!(ask(expected).await.problem(), failed, "{expected}");
    }
    let words = "\"code\":\"expectation-failed\"";
    assert!(brings(&site, &[("expect", "200-ok")], words).await);
    assert!(brings(&site, &[("expect", "100-continue")], PAGE).await);
}

#[tokio::test]
async fn no_transfer_coding_but_chunked_alone_is_taken() {
    let site = Site::start().await;
    let client = site.client().await;
    let chunk = format!("{:x}\r\n{MESSAGE}\r\n0\r\n\r\n", MESSAGE.len());
    for (coding, status) in [
        ("Transfer-Encoding: chunked\r\n", 202),
        ("Transfer-Encoding: Chunked\r\n", 202),
        ("Transfer-Encoding: gzip, chunked\r\n", 400),
        ("Transfer-Encoding: chunked, chunked\r\n", 400),
        ("Transfer-Encoding: identity, chunked\r\n", 400),
        ("Transfer-Encoding: , chunked\r\n", 400),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            400,
        ),
    ] {
        let more = format!("Content-Type: application/json\r\n{coding}");
        let request = client.written("POST /v1/messages", &more, &chunk);
        let mut wire = site.wire().await;
        let heard = wire.ask(&request).await;
        assert_eq!(heard.status, status, "{coding}");
        if status == 400 {
            assert_eq!(heard.problem(), (400, "malformed-request".to_owned()));
            assert_eq!(wire.rest().await, b"");
        }
    }
}
