//! Clients that are slow, or that keep the server busy with nothing: each has its bound, is counted, and
//! leaves the others served.

use std::time::Duration;

use testkit::TestGateway;
use testkit::gateway::everything;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use web::ServerSettings;

use crate::frames::{
    CONTINUATION, DATA, END, HEADERS, PING, PREFACE, RESET, SETTINGS, WHOLE, WINDOW, frame, head,
};
use crate::server::{PATIENCE, Server};
use crate::site::{MESSAGE, Site};
use crate::wire::{Wire, get, socket_from};

const SHORT: Duration = Duration::from_millis(40);

/// Whether the server has hung up on a socket.
async fn is_closed(socket: &mut TcpStream) -> bool {
    let heard = timeout(PATIENCE, socket.read(&mut [0; 8])).await;
    matches!(heard, Ok(Ok(0) | Err(_)))
}

/// An HTTP/2 connection that has begun.
async fn framed(server: &Server) -> Wire {
    let mut wire = Wire::over(server.address, &server.root, "h2").await;
    wire.send(PREFACE).await;
    wire
}

/// The server still serves.
async fn serves(server: &Server) {
    let mut wire = Wire::from("127.0.0.9", server).await.unwrap();
    assert_eq!(wire.ask(&get("/")).await.status, 200);
}

#[tokio::test]
async fn an_address_has_only_so_many_connections_and_gets_its_places_back() {
    let settings = ServerSettings {
        connections_per_address_max: 2,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let first = Wire::from("127.0.0.2", &server).await.unwrap();
    let second = Wire::from("127.0.0.2", &server).await.unwrap();
    assert!(is_closed(&mut socket_from("127.0.0.2", server.address).await).await);
    server
        .counts("shortstop_http_connections_refused_address_total", 1)
        .await;
    serves(&server).await;
    drop((first, second));
    let freed = async { while Wire::from("127.0.0.2", &server).await.is_err() {} };
    timeout(PATIENCE, freed).await.unwrap();
}

#[tokio::test]
async fn a_thousand_idle_and_slow_connections_of_one_address_leave_another_served() {
    let settings = ServerSettings {
        connections_max: 500,
        connections_per_address_max: 200,
        handshakes_per_address_max: 200,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut slow = Wire::from("127.0.0.2", &server).await.unwrap();
        slow.send("GET / HTTP/1.1\r\nHost: lo").await;
        held.push(slow);
    }
    let mut silent = Vec::new();
    for _ in 0..960 {
        silent.push(socket_from("127.0.0.2", server.address).await);
    }
    server
        .counts("shortstop_http_connections_refused_address_total", 800)
        .await;
    for source in ["127.0.0.3", "127.0.0.4"] {
        let mut other = Wire::from(source, &server).await.unwrap();
        assert_eq!(other.ask(&get("/")).await.status, 200);
    }
    assert_eq!(
        server
            .counters
            .total("shortstop_http_connections_refused_total"),
        Some(0)
    );
}

#[tokio::test]
async fn an_address_has_only_so_many_handshakes_under_way() {
    let settings = ServerSettings {
        handshakes_per_address_max: 1,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    // One that is over takes no place.
    let done = Wire::from("127.0.0.2", &server).await.unwrap();
    let silent = socket_from("127.0.0.2", server.address).await;
    server.counts("shortstop_http_connections_total", 2).await;
    assert!(is_closed(&mut socket_from("127.0.0.2", server.address).await).await);
    server
        .counts("shortstop_tls_handshakes_refused_total", 1)
        .await;
    serves(&server).await;
    drop((done, silent));
    let freed = async { while Wire::from("127.0.0.2", &server).await.is_err() {} };
    timeout(PATIENCE, freed).await.unwrap();
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut() {
    let settings = ServerSettings {
        write_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = Wire::open(&server).await;
    wire.send(get("/large")).await;
    server
        .counts("shortstop_http_connections_stalled_total", 1)
        .await;
    serves(&server).await;
}

#[tokio::test]
async fn an_answer_without_a_window_is_cut_though_others_are_taken() {
    let settings = ServerSettings {
        write_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = framed(&server).await;
    // SETTINGS_INITIAL_WINDOW_SIZE (4) of nothing.
    wire.send(frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
    wire.send(frame(HEADERS, WHOLE | END, 1, &head("GET", "/", &[])))
        .await;
    server
        .counts("shortstop_http_connections_stalled_total", 1)
        .await;
    serves(&server).await;
}

#[tokio::test]
async fn frames_that_carry_nothing_end_the_connection_in_the_end() {
    let settings = ServerSettings {
        control_frames_max: 100,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    for (ended, flood) in (1..).zip([
        frame(PING, 0, 0, &[7; 8]),
        frame(SETTINGS, 0, 0, &[]),
        frame(WINDOW, 0, 0, &[0, 0, 0, 1]),
        frame(0x77, 0, 0, &[]),
        frame(DATA, 0, 1, &[]),
    ]) {
        let mut wire = framed(&server).await;
        wire.send(frame(HEADERS, WHOLE, 1, &head("POST", "/", &[])))
            .await;
        let good: Vec<u8> = flood.repeat(50);
        wire.send(&good).await;
        wire.send(frame(PING, 0, 0, &[1; 8])).await;
        assert!(
            wire.hears(&frame(PING, END, 0, &[1; 8])).await,
            "a few are taken: {flood:?}"
        );
        wire.send(flood.repeat(1_000)).await;
        server
            .counts("shortstop_http_connections_flooded_total", ended)
            .await;
        wire.rest().await;
    }
    serves(&server).await;
}

#[tokio::test]
async fn resets_of_requests_that_are_being_answered_run_dry_too() {
    let settings = ServerSettings {
        control_frames_max: 100,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = framed(&server).await;
    let ended = server.counts("shortstop_http_connections_flooded_total", 1);
    let flood = async {
        for stream in (1..200).step_by(2) {
            let request = head("GET", "/hang", &[]);
            wire.send(frame(HEADERS, WHOLE | END, stream, &request))
                .await;
            server.entered.notified().await;
            wire.send(frame(RESET, 0, stream, &[0, 0, 0, 8])).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = ended => {}
        () = flood => {}
    }
    wire.rest().await;
    serves(&server).await;
}

#[tokio::test]
async fn a_head_that_goes_on_for_ever_ends_the_connection() {
    let server = Server::start(ServerSettings::default()).await;
    let mut wire = framed(&server).await;
    wire.send(frame(HEADERS, END, 1, &head("GET", "/", &[])))
        .await;
    for _ in 0..100 {
        // A literal field without indexing: its name and its value have a letter each.
        wire.send(frame(CONTINUATION, 0, 1, &[0, 1, b'a', 1, b'b']))
            .await;
    }
    wire.rest().await;
    server
        .counts("shortstop_http_connections_broken_total", 1)
        .await;
    serves(&server).await;
}

#[tokio::test]
async fn a_head_larger_than_its_bound_is_refused_in_http2() {
    let server = Server::start(ServerSettings::default()).await;
    let mut wire = framed(&server).await;
    let value = "v".repeat(100);
    let large: Vec<(&str, &str)> = vec![("x-a", &*value); 130];
    // Some 14,000 octets on the wire, and 17,500 by the count of RFC 9113 section 6.5.2.
    wire.send(frame(
        HEADERS,
        WHOLE | END,
        1,
        &head("GET", "/hang", &large),
    ))
    .await;
    // An answer without a body from whom else but the server: this path never answers.
    assert!(wire.hears(&[HEADERS, WHOLE | END, 0, 0, 0, 1]).await);
    serves(&server).await;
}

#[tokio::test]
async fn a_body_that_drips_is_given_up_before_its_time_is_over() {
    let settings = ServerSettings {
        body_timeout: Duration::from_secs(16),
        body_bytes_per_second_min: 1_000_000,
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::immediate(), settings).await;
    let mut client = site.client().await;
    let more = "Content-Type: application/json\r\nContent-Length: 60000\r\n";
    let request = client.written("POST /v1/messages", more, "{");
    let begun = Instant::now();
    client.wire.send(request).await;
    let heard = client.wire.answer().await.unwrap();
    assert_eq!(heard.problem(), (408, "request-timeout".to_owned()));
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "a quarter of its time"
    );
    let metrics = site.admin("GET", "/metrics").await.body;
    assert!(
        metrics.contains("shortstop_http_bodies_slow_total 1\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn no_client_takes_the_places_of_all_requests_or_batches() {
    let settings = ServerSettings {
        client_requests_max: 1,
        client_batches_max: 0,
        ..ServerSettings::default()
    };
    let site = Site::over(TestGateway::immediate(), settings).await;
    let (_, key) = site.test.add_client(everything("another"));
    let mut other = site.role(Some(key.reveal())).await;
    let (mut slow, mut same) = (site.client().await, site.client().await);
    let more = "Content-Type: application/json\r\nContent-Length: 9\r\n";
    let request = slow.written("POST /v1/messages", more, "{");
    slow.wire.send(request).await;
    let full = async { while same.get("/v1/messages").await.status != 503 {} };
    timeout(PATIENCE, full).await.unwrap();
    let heard = same.post("/v1/messages", MESSAGE).await;
    assert_eq!(heard.problem(), (503, "busy".to_owned()));
    assert_eq!(heard.header("retry-after"), Some("1"));
    assert_eq!(other.post("/v1/messages", MESSAGE).await.status, 202);
    let batch = format!(r#"{{"messages":[{MESSAGE}]}}"#);
    let heard = other.post("/v1/messages/batch", &batch).await;
    assert_eq!(heard.problem(), (503, "busy".to_owned()));
    let metrics = site.admin("GET", "/metrics").await.body;
    assert!(
        metrics.contains("shortstop_http_clients_busy_total "),
        "{metrics}"
    );
}
