//! One connection: HTTP/1.1 or HTTP/2 over a socket that is already safe, its bounds, and its end.
//! Routes and credentials are the service's business.

pub(crate) mod frames;
pub(crate) mod lines;
pub(crate) mod metered;
pub(crate) mod pulse;
pub(crate) mod sent;

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use engine::PeerCertificate;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::connection::frames::Frames;
use crate::connection::metered::Metered;
use crate::connection::pulse::{Heads, Pulse, Waiting};
use crate::connection::sent::Sent;
use crate::counters::ListenerCounters;
use crate::hosts::Reached;
use crate::settings::ServerSettings;

/// hyper's own number of header lines, for which it needs no heap.
const HEADERS_ON_STACK: usize = 100;

/// The least read buffer that hyper takes, and room for a whole TLS record beside a head.
const READ_BUFFER: usize = 32 * 1_024;

/// An answer as it goes to the socket: its body is one piece, so that head and body leave in one
/// write.
pub type Answer = Response<Full<Bytes>>;

/// Answers requests. One per listener.
pub trait Serve: Send + Sync + 'static {
    /// Answers one request from that address. Dropped when the client goes away.
    fn serve(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Answer> + Send;

    /// The answer to a request whose `serve` panicked.
    fn broken(&self) -> Answer;
}

/// What a listener tells its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Serve on.
    Serving,
    /// Finish open requests, take no more.
    Draining,
    /// End now.
    Ending,
}

/// The version of HTTP agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1 (or 1.0).
    Http1,
    /// HTTP/2.
    Http2,
}

/// What every connection of a listener shares.
pub(crate) struct Shared<S> {
    /// Answers the requests.
    pub(crate) service: S,
    /// The bounds.
    pub(crate) settings: ServerSettings,
    /// What is counted.
    pub(crate) counters: Arc<ListenerCounters>,
}

/// One connection's part of a request's way.
struct Line<S> {
    shared: Arc<Shared<S>>,
    pulse: Arc<Pulse>,
    peer: Peer,
}

/// The other side of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// The address of ours that it came to.
    pub(crate) reached: Option<IpAddr>,
    /// The certificate that it has shown, having proved that it holds the key.
    pub(crate) certificate: Option<PeerCertificate>,
}

/// Serves one connection to its end. Its requests carry the certificate of the other side as an extension.
pub(crate) async fn run<T, S>(
    socket: T,
    protocol: Protocol,
    shared: Arc<Shared<S>>,
    peer: Peer,
    phase: watch::Receiver<Phase>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Serve,
{
    let pulse = Arc::new(Pulse::default());
    let counters = Arc::clone(&shared.counters);
    let write_timeout = shared.settings.write_timeout;
    let socket = Metered::new(socket, Arc::clone(&pulse), counters, write_timeout);
    let line = Arc::new(Line {
        shared: Arc::clone(&shared),
        pulse: Arc::clone(&pulse),
        peer,
    });
    let service = service_fn(move |request| answer(Arc::clone(&line), request));
    let settings = &shared.settings;
    let end = match protocol {
        Protocol::Http1 => {
            let io = TokioIo::new(socket.lined());
            let connection = http1_builder(settings).serve_connection(io, service);
            drive(connection, &pulse, Heads::Plain, settings, phase).await
        }
        Protocol::Http2 => {
            let io = TokioIo::new(socket.framed(Frames::new(settings.control_frames_max)));
            let connection = http2_builder(settings).serve_connection(io, service);
            drive(connection, &pulse, Heads::Framed, settings, phase).await
        }
    };
    match end {
        End::Closed => {}
        End::TooSlow => shared.counters.timed_out.add(1),
        End::Stalled => shared.counters.stalled.add(1),
        End::Broken => shared.counters.broken.add(1),
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Either side closed it.
    Closed,
    /// It waited for too long.
    TooSlow,
    /// Its client did not take an answer.
    Stalled,
    /// Its client broke the protocol, or a bound that the protocol allows.
    Broken,
}

impl End {
    /// What it means that hyper ended a connection so. A socket that fails is everyday.
    fn of(error: &hyper::Error) -> Self {
        let is_everyday = error.is_closed()
            || error.is_canceled()
            || error.is_incomplete_message()
            || error.is_body_write_aborted()
            || std::error::Error::source(error)
                .is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
        if is_everyday {
            Self::Closed
        } else {
            Self::Broken
        }
    }
}

fn http1_builder(settings: &ServerSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        // The pulse watches over heads and pauses, without a timer for each request.
        .header_read_timeout(None)
        .max_header_size(settings.header_bytes_max)
        .max_buf_size(READ_BUFFER.max(settings.header_bytes_max))
        // One buffer, one write, one TLS record for head and body.
        .writev(false);
    if settings.headers_max != HEADERS_ON_STACK {
        builder.max_headers(settings.headers_max);
    }
    builder
}

fn http2_builder(settings: &ServerSettings) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams_max)
        .max_pending_accept_reset_streams(settings.resets_max)
        .max_local_error_reset_streams(settings.resets_max)
        .max_header_list_size(u32::try_from(settings.header_bytes_max).unwrap_or(u32::MAX));
    builder
}

async fn answer<S: Serve>(
    line: Arc<Line<S>>,
    mut request: Request<Incoming>,
) -> Result<Response<Sent>, Infallible> {
    let _open = line.pulse.enter();
    if let Some(certificate) = line.peer.certificate.clone() {
        request.extensions_mut().insert(certificate);
    }
    if let Some(reached) = line.peer.reached {
        request.extensions_mut().insert(Reached(reached));
    }
    let address = line.peer.address;
    let serving = AssertUnwindSafe(line.shared.service.serve(request, address));
    let answer = serving.catch_unwind().await.unwrap_or_else(|_| {
        line.shared.counters.panics.add(1);
        line.shared.service.broken()
    });
    Ok(answer.map(|body| Sent::new(body, &line.pulse)))
}

/// Polls a connection until it ends, the listener stops, or it has waited for too long.
async fn drive<C: GracefulConnection<Error = hyper::Error>>(
    connection: C,
    pulse: &Pulse,
    heads: Heads,
    settings: &ServerSettings,
    mut phase: watch::Receiver<Phase>,
) -> End {
    let mut connection = pin!(connection);
    let mut watch = pin!(pulse.stopped(heads, settings));
    let mut end = End::Closed;
    loop {
        tokio::select! {
            biased;
            // Errors are the client's: a reset, a malformed head. hyper has answered what it could.
            ended = connection.as_mut() => return match ended {
                Err(error) if end == End::Closed => End::of(&error),
                _ => end,
            },
            waiting = watch.as_mut() => {
                if waiting == Waiting::Untaken {
                    return End::Stalled;
                }
                if waiting == Waiting::ForHead || end == End::TooSlow {
                    return End::TooSlow;
                }
                // Say goodbye in the protocol first; whoever does not listen is cut the next time.
                end = End::TooSlow;
                connection.as_mut().graceful_shutdown();
                watch.set(pulse.stopped(heads, settings));
            }
            changed = phase.changed() => {
                let now = *phase.borrow_and_update();
                if changed.is_err() || now == Phase::Ending {
                    return end;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
