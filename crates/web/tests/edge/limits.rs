//! Every bound of the listener, reached.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use web::{Drained, ServerSettings};

use crate::server::{PATIENCE, Server};
use crate::wire::{Wire, client_config, connect, get};

const SHORT: Duration = Duration::from_millis(40);

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once_and_a_freed_place_is_used_again() {
    let settings = ServerSettings {
        connections_max: 1,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut first = Wire::open(&server).await;
    assert_eq!(first.ask(&get("/")).await.status, 200);
    let mut second = TcpStream::connect(server.address).await.unwrap();
    let heard = tokio::time::timeout(PATIENCE, second.read(&mut [0; 8]))
        .await
        .unwrap();
    assert!(matches!(heard, Ok(0) | Err(_)), "{heard:?}");
    server
        .counts("shortstop_http_connections_refused_total", 1)
        .await;
    drop((first, second));
    let freed = async {
        let config = client_config(&server.root, "http/1.1", &[&rustls::version::TLS13]);
        while connect(server.address, config.clone()).await.is_err() {}
    };
    tokio::time::timeout(PATIENCE, freed).await.unwrap();
}

#[tokio::test]
async fn a_silent_handshake_is_ended() {
    let settings = ServerSettings {
        handshake_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let heard = tokio::time::timeout(PATIENCE, socket.read(&mut [0; 8]))
        .await
        .unwrap();
    assert!(matches!(heard, Ok(0) | Err(_)), "{heard:?}");
    server
        .counts("shortstop_tls_handshakes_failed_total", 1)
        .await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_ended_even_when_it_drips() {
    let settings = ServerSettings {
        header_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = Wire::open(&server).await;
    assert_eq!(wire.ask(&get("/")).await.status, 200);
    let begun = tokio::time::Instant::now();
    for octet in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Drip: aaaaaaaaaaaaaaaaaaaaaaaa".repeat(9)
    {
        if begun.elapsed() > SHORT * 20 {
            break;
        }
        wire.send([octet]).await;
        tokio::time::timeout(Duration::from_millis(2), std::future::pending::<()>())
            .await
            .unwrap_err();
    }
    assert_eq!(wire.rest().await, b"");
    server
        .counts("shortstop_http_connections_timed_out_total", 1)
        .await;
}

#[tokio::test]
async fn an_idle_connection_is_ended_in_both_versions_of_http() {
    let settings = ServerSettings {
        idle_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut one = Wire::open(&server).await;
    assert_eq!(one.ask(&get("/")).await.status, 200);
    assert_eq!(one.rest().await, b"");
    let mut two = Wire::over(server.address, &server.root, "h2").await;
    two.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await;
    let rest = two.rest().await;
    assert!(
        rest.len() > 9,
        "settings and goodbye are expected, not {rest:?}"
    );
    server
        .counts("shortstop_http_connections_timed_out_total", 2)
        .await;
}

#[tokio::test]
async fn a_request_longer_than_the_idle_bound_is_left_alone() {
    let settings = ServerSettings {
        idle_timeout: SHORT,
        header_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = Wire::open(&server).await;
    wire.send(get("/wait")).await;
    server.entered.notified().await;
    let long = tokio::time::timeout(SHORT * 5, wire.answer()).await;
    assert!(long.is_err(), "the answer came before its time");
    server.release.notify_one();
    assert_eq!(wire.answer().await.unwrap().body, "released");
}

#[tokio::test]
async fn too_large_and_too_many_headers_are_refused() {
    let server = Server::start(ServerSettings::default()).await;
    let large = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: {}\r\n\r\n",
        "a".repeat(20_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X-A: 1\r\n".repeat(101)
    );
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(70_000));
    for (request, expected) in [(large, 431), (many, 431), (long, 414)] {
        let mut wire = Wire::open(&server).await;
        let heard = wire.ask(&request).await;
        assert!([expected, 431].contains(&heard.status), "{}", heard.head);
        assert_eq!(wire.rest().await, b"");
    }
    let settings = ServerSettings {
        headers_max: 10,
        ..ServerSettings::default()
    };
    let strict = Server::start(settings).await;
    let eleven = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X-A: 1\r\n".repeat(10)
    );
    assert_eq!(Wire::open(&strict).await.ask(&eleven).await.status, 431);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_next_request_is_served() {
    let server = Server::start(ServerSettings::default()).await;
    let mut wire = Wire::open(&server).await;
    assert_eq!(wire.ask(&get("/panic")).await.status, 500);
    assert_eq!(wire.ask(&get("/")).await.status, 200);
    server.counts("shortstop_http_panics_total", 1).await;
}

#[tokio::test]
async fn stopping_lets_open_requests_end_and_closes_idle_connections() {
    let server = Server::start(ServerSettings::default()).await;
    let mut idle = Wire::open(&server).await;
    assert_eq!(idle.ask(&get("/")).await.status, 200);
    let mut busy = Wire::open(&server).await;
    busy.send(get("/wait")).await;
    server.entered.notified().await;
    server.begin_stop();
    assert_eq!(idle.rest().await, b"");
    server.release.notify_one();
    assert_eq!(busy.answer().await.unwrap().body, "released");
    assert_eq!(busy.rest().await, b"");
    let address = server.address;
    assert_eq!(server.drained().await, Drained::Clean);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_after_the_bound() {
    let settings = ServerSettings {
        shutdown_timeout: SHORT,
        ..ServerSettings::default()
    };
    let server = Server::start(settings).await;
    let mut wire = Wire::open(&server).await;
    wire.send(get("/hang")).await;
    server.entered.notified().await;
    assert_eq!(server.drained().await, Drained::Cut(1));
    assert_eq!(wire.rest().await, b"");
}

#[tokio::test]
async fn octets_are_counted_and_no_answer_names_the_server() {
    let server = Server::start(ServerSettings::default()).await;
    let request = get("/");
    let heard = Wire::open(&server).await.ask(&request).await;
    assert!(!heard.head.contains("server:"), "{}", heard.head);
    let length = u64::try_from(request.len()).unwrap();
    server
        .counts("shortstop_http_received_bytes_total", length)
        .await;
}
