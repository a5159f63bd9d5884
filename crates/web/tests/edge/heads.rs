//! Heads of requests that hyper lets through and the API does not.

use crate::frames::{END, GOODBYE, HEADERS, PREFACE, WHOLE, frame, head};
use crate::site::{MESSAGE, Site};
use crate::wire::Wire;

/// Whether an HTTP/2 request for a public page is answered by a body with these words in it.
async fn brings(site: &Site, headers: &[(&str, &str)], words: &str) -> bool {
    let mut wire = Wire::over(site.address, &site.root, "h2").await;
    wire.send(PREFACE).await;
    let block = head("GET", "/docs/errors", headers);
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
