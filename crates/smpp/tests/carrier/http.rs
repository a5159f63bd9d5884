//! The simulator's window.

use engine::ports::carrier::Delivery;
use serde_json::Value;
use smpp::sim::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gateway::{Told, behaviour, bound_to, listener};

/// Status and lines of the answer to one request.
async fn ask(port: u16, method: &str, path: &str, body: &str) -> (u16, Vec<Value>) {
    let mut socket = TcpStream::connect(("localhost", port)).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (
        status,
        body.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

#[tokio::test]
async fn stats_inbox_and_messages_go_over_http() {
    let (mut gateway, sim) = bound_to(behaviour()).await;
    let window = listener().await;
    let port = window.local_addr().unwrap().port();
    tokio::spawn(http::serve(sim, window));
    gateway.submit(2);
    gateway.answers(2).await;
    let (status, counts) = ask(port, "GET", "/stats", "").await;
    assert_eq!(
        (status, &counts[0]["submits"], &counts[0]["duplicates"]),
        (200, &2.into(), &0.into())
    );
    let (_, inbox) = ask(port, "GET", "/inbox", "").await;
    assert_eq!((inbox.len(), &inbox[0]["text"]), (2, &"hello".into()));
    let mo = r#"{"from": "+447700900123", "to": "12345", "text": "HELP"}"#;
    assert_eq!(
        ask(port, "POST", "/mo", mo).await,
        (202, vec![serde_json::json!({ "parts": 1 })])
    );
    let (mut receipts, mut texts) = (0, Vec::new());
    while receipts < 2 || texts.is_empty() {
        if let Told::Delivered(_, batch) = gateway.next().await {
            for delivery in batch {
                match delivery {
                    Delivery::Receipt(_) => receipts += 1,
                    Delivery::Mobile(mobile) => texts.push(mobile.payload),
                }
            }
        }
    }
    assert_eq!(texts, [b"HELP"]);
}

#[tokio::test]
async fn a_wrong_request_is_told_what_is_wrong() {
    let sim = crate::gateway::simulator(behaviour()).await;
    let window = listener().await;
    let port = window.local_addr().unwrap().port();
    tokio::spawn(http::serve(sim, window));
    for (method, path, body, expected) in [
        ("GET", "/", "", 404),
        ("POST", "/stats", "", 404),
        ("POST", "/mo", "{}", 400),
        ("POST", "/mo", "not JSON", 400),
    ] {
        let (status, lines) = ask(port, method, path, body).await;
        assert_eq!((status, lines.len()), (expected, 1), "{method} {path}");
        assert!(lines[0]["error"].is_string());
    }
    let (status, _) = ask(port, "POST", "/mo", &"x".repeat(70_000)).await;
    assert_eq!(status, 413);
}
