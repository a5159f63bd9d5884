//! The simulator's window for people and tests: `GET /stats`, `GET /inbox` (one JSON object a line),
//! `POST /mo` with `{"from": …, "to": …, "text": …}`. It has no authentication and belongs on
//! loopback.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::SimHandle;

/// The largest request body, in octets.
const BODY_LIMIT_OCTETS: usize = 64 * 1024;
/// Connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 64;
/// How long a client may take to send its header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// The body of `POST /mo`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoRequest {
    from: String,
    to: String,
    text: String,
}

/// The answer to `POST /mo`.
#[derive(Serialize)]
struct MoAnswer {
    parts: usize,
}

/// Serves until the task is dropped.
pub async fn serve(sim: SimHandle, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((socket, _peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let sim = sim.clone();
        tokio::spawn(async move {
            let service =
                service_fn(|request| async { Ok::<_, Infallible>(answer(&sim, request).await) });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(socket), service);
            if let Err(error) = served.await {
                tracing::debug!(%error, "simulator: HTTP connection ended");
            }
            drop(place);
        });
    }
}

async fn answer(sim: &SimHandle, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/stats") => lines(StatusCode::OK, &[sim.stats()]),
        (&Method::GET, "/inbox") => lines(StatusCode::OK, &sim.inbox()),
        (&Method::POST, "/mo") => inject(sim, request).await,
        _ => refusal(
            StatusCode::NOT_FOUND,
            "there are GET /stats, GET /inbox and POST /mo",
        ),
    }
}

async fn inject(sim: &SimHandle, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let Ok(body) = Limited::new(request.into_body(), BODY_LIMIT_OCTETS)
        .collect()
        .await
    else {
        return refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is longer than 64 KiB or broken",
        );
    };
    let Ok(mo) = serde_json::from_slice::<MoRequest>(&body.to_bytes()) else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "the body is not {from, to, text}, all of them text",
        );
    };
    match sim.inject_mo(&mo.from, &mo.to, &mo.text) {
        Ok(parts) => lines(StatusCode::ACCEPTED, &[MoAnswer { parts }]),
        Err(_) => refusal(
            StatusCode::BAD_REQUEST,
            "the text needs more than 255 parts",
        ),
    }
}

fn refusal(status: StatusCode, why: &str) -> Response<Full<Bytes>> {
    lines(status, &[serde_json::json!({ "error": why })])
}

/// Each item as JSON on a line of its own.
fn lines<T: Serialize>(status: StatusCode, items: &[T]) -> Response<Full<Bytes>> {
    let mut body = Vec::new();
    for item in items {
        // Writing plain structures into memory does not fail.
        if serde_json::to_writer(&mut body, item).is_ok() {
            body.push(b'\n');
        }
    }
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
