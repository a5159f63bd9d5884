//! HTTP of a witness: two routes, bounded bodies, exact paths.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ledger::note::MAX_NOTE_BYTES;
use tokio::net::TcpListener;
use tokio::task::{JoinSet, spawn_blocking};

use super::book::{Answer, Book};

/// Octets of a request at most; the parser takes no more either.
const BODY_MAX: usize = 2 * MAX_NOTE_BYTES;

/// Serves until it is dropped, and its connections with it.
pub(super) async fn serve(listener: TcpListener, book: Arc<Book>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                let book = Arc::clone(&book);
                let service = service_fn(move |request| answer(Arc::clone(&book), request));
                let io = TokioIo::new(socket);
                connections.spawn(http1::Builder::new().serve_connection(io, service));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer(
    book: Arc<Book>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let answer = match (request.method(), path.as_str()) {
        (&Method::POST, "/add-checkpoint") => add_checkpoint(book, request).await,
        (_, "/add-checkpoint") => Answer::text(405, "use POST\n"),
        (&Method::GET, _) => {
            let latest = book.latest(path.trim_start_matches('/'));
            latest.map_or_else(
                || Answer::text(404, "nothing\n"),
                |note| Answer::text(200, note),
            )
        }
        _ => Answer::text(404, "nothing\n"),
    };
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    let kind = HeaderValue::from_static(answer.kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

async fn add_checkpoint(book: Arc<Book>, request: Request<Incoming>) -> Answer {
    match Limited::new(request.into_body(), BODY_MAX).collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            let answered = spawn_blocking(move || book.add_checkpoint(&body)).await;
            answered.unwrap_or_else(|_| Answer::text(500, "a mistake\n"))
        }
        Err(_) => Answer::text(400, "too long, or broken off\n"),
    }
}
