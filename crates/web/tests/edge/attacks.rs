//! Known attacks on servers of HTTP, each sent octet by octet.

use web::ServerSettings;

use crate::server::Server;
use crate::wire::{Wire, get};

/// What a smuggler hopes to have answered as a second request.
const SECOND: &str = "GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Sends octets; gives the statuses of all that is answered before the connection ends.
async fn statuses(server: &Server, octets: &str) -> Vec<u16> {
    let mut wire = Wire::open(server).await;
    wire.send(octets).await;
    let mut statuses = Vec::new();
    while let Some(heard) = wire.answer().await {
        statuses.push(heard.status);
    }
    statuses
}

#[tokio::test]
async fn a_request_with_both_lengths_never_smuggles_a_second_one() {
    let server = Server::start(ServerSettings::default()).await;
    for lengths in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n0\r\n\r\n{SECOND}");
        assert_eq!(statuses(&server, &request).await, [400], "{lengths}");
    }
}

#[tokio::test]
async fn ambiguous_lengths_are_refused_and_the_connection_ends() {
    let server = Server::start(ServerSettings::default()).await;
    for lengths in [
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4, 5",
        "Content-Length: +4",
        "Content-Length: -1",
        "Content-Length: 0x4",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\n : x",
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nHost: localhost\r\n{lengths}\r\n\r\n0\r\n\r\n{SECOND}");
        assert_eq!(statuses(&server, &request).await, [400], "{lengths}");
    }
    let old = format!("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}");
    assert_eq!(statuses(&server, &old).await, [400]);
}

#[tokio::test]
async fn malformed_chunks_end_the_connection() {
    let server = Server::start(ServerSettings::default()).await;
    for chunks in [
        "zz\r\n",
        "4;\nabcd\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "4\r\nabcdX",
    ] {
        let head = "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answered = statuses(&server, &format!("{head}{chunks}{SECOND}")).await;
        assert!(answered.len() <= 1, "{chunks:?}: {answered:?}");
    }
}

#[tokio::test]
async fn odd_heads_are_refused() {
    let server = Server::start(ServerSettings::default()).await;
    for head in [
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX A: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n folded\r\n\r\n",
        "GET /\u{1}b HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/3.1\r\nHost: a\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0",
    ] {
        assert_eq!(statuses(&server, head).await, [400], "{head:?}");
    }
}

#[tokio::test]
async fn rapid_resets_end_the_connection_and_the_server_serves_on() {
    // Without the bound that would end it before.
    let settings = ServerSettings {
        control_frames_max: u32::MAX,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = Wire::over(server.address, &server.root, "h2").await;
    let mut octets = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for stream in (1_u32..4_001).step_by(2) {
        // GET https://a/ from the static table of HPACK, then RST_STREAM with CANCEL.
        let block = [0x82, 0x87, 0x84, 0x41, 0x01, b'a'];
        octets.extend_from_slice(&[0, 0, 6, 1, 0x05]);
        octets.extend_from_slice(&stream.to_be_bytes());
        octets.extend_from_slice(&block);
        octets.extend_from_slice(&[0, 0, 4, 3, 0]);
        octets.extend_from_slice(&stream.to_be_bytes());
        octets.extend_from_slice(&8_u32.to_be_bytes());
    }
    wire.send(octets).await;
    let heard = wire.rest().await;
    // GOAWAY (type 7) with ENHANCE_YOUR_CALM (11).
    let calm = heard.windows(17).any(|frame| {
        frame[..9] == [0, 0, frame[2], 7, 0, 0, 0, 0, 0] && frame[13..17] == [0, 0, 0, 11]
    });
    assert!(calm, "no GOAWAY in {} octets", heard.len());
    server
        .counts("shortstop_http_connections_broken_total", 1)
        .await;
    assert_eq!(Wire::open(&server).await.ask(&get("/")).await.status, 200);
}

#[tokio::test]
async fn more_streams_than_allowed_are_refused_one_by_one() {
    let settings = ServerSettings {
        streams_max: 2,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = Wire::over(server.address, &server.root, "h2").await;
    wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await;
    for stream in [1_u32, 3, 5] {
        // As above, but for /hang, which never answers.
        let mut octets = vec![0, 0, 13, 1, 0x05];
        octets.extend_from_slice(&stream.to_be_bytes());
        octets.extend_from_slice(&[0x82, 0x87, 0x04, 0x05]);
        octets.extend_from_slice(b"/hang");
        octets.extend_from_slice(&[0x41, 0x02]);
        octets.extend_from_slice(b"aa");
        wire.send(octets).await;
    }
    // RST_STREAM (type 3) of the third with REFUSED_STREAM (7).
    let refused = [0, 0, 4, 3, 0, 0, 0, 0, 5, 0, 0, 0, 7];
    assert!(wire.hears(&refused).await);
}
