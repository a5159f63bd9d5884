//! Requests over a few HTTP/2 connections with many streams each, as an application with a connection pool
//! sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::load::{Target, connector_for, histogram};

/// Requests under way on one connection.
const STREAMS: usize = 32;

/// A request: the path and the body.
pub struct Ask {
    /// The path.
    pub path: String,
    /// The body.
    pub body: Value,
}

/// The answers of a run, in the order of the requests.
pub struct Answered {
    /// Status and body of each.
    pub answers: Vec<(u16, Value)>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Times from request to answer, in microseconds.
    pub latency: Histogram<u64>,
}

/// Open connections.
pub struct Streams {
    senders: Vec<SendRequest<Full<Bytes>>>,
    target: Target,
}

impl Streams {
    /// Opens connections.
    pub async fn open(target: &Target, connections: usize) -> anyhow::Result<Self> {
        let connector = connector_for(target, &[b"h2"])?;
        let mut senders = Vec::new();
        for _ in 0..connections {
            let tcp = TcpStream::connect(target.address).await?;
            tcp.set_nodelay(true)?;
            let name = ServerName::from(target.address.ip());
            let tls = connector.connect(name, tcp).await.context("TLS")?;
            let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(tls)).await?;
            tokio::spawn(connection);
            senders.push(sender);
        }
        Ok(Self {
            senders,
            target: target.clone(),
        })
    }

    /// Posts everything, as fast as the answers come.
    pub async fn post(&self, asks: Vec<Ask>) -> anyhow::Result<Answered> {
        let (asks, next) = (Arc::new(asks), Arc::new(AtomicUsize::new(0)));
        let start = Instant::now();
        let mut lanes = Vec::new();
        for sender in self.senders.iter().flat_map(|one| [one; STREAMS]) {
            let (asks, next) = (Arc::clone(&asks), Arc::clone(&next));
            lanes.push(tokio::spawn(lane(
                sender.clone(),
                self.target.clone(),
                asks,
                next,
            )));
        }
        let mut answers = vec![(0, Value::Null); asks.len()];
        let mut latency = histogram()?;
        for lane in lanes {
            for (place, micros, status, body) in lane.await?? {
                latency.saturating_record(micros);
                if let Some(answer) = answers.get_mut(place) {
                    *answer = (status, body);
                }
            }
        }
        Ok(Answered {
            answers,
            elapsed: start.elapsed(),
            latency,
        })
    }
}

/// One stream after another, until nothing is left to ask.
async fn lane(
    mut sender: SendRequest<Full<Bytes>>,
    target: Target,
    asks: Arc<Vec<Ask>>,
    next: Arc<AtomicUsize>,
) -> anyhow::Result<Vec<(usize, u64, u16, Value)>> {
    let mut answered = Vec::new();
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(ask) = asks.get(place) else {
            return Ok(answered);
        };
        let request = Request::post(format!("https://{}{}", target.address, ask.path))
            .header("authorization", format!("Bearer {}", target.key))
            .header("content-type", "application/json")
            .body(Full::from(ask.body.to_string()))?;
        let began = Instant::now();
        let answer = sender.send_request(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        let micros = u64::try_from(began.elapsed().as_micros())?.max(1);
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        answered.push((place, micros, status, body));
    }
}
