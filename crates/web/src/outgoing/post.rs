//! One POST: connect, protect, send, take in a bounded answer. Nothing runs on after it: a caller that
//! stops waiting takes the connection with it.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::place::Place;
use super::trust::Trust;

/// Octets of an answer's body at most; a cosignature takes 150, one of ML-DSA-44 3,400, a token a few
/// thousand.
const ANSWER_MAX: usize = 64 * 1_024;

/// Octets of an answer's head at most.
const HEAD_MAX: usize = 32 * 1_024;

/// How long one address may take to answer, so that the next has its turn.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(2);

/// What is asked.
pub(crate) struct Post {
    /// The path.
    pub(crate) path: String,
    /// The media type of the body.
    pub(crate) content_type: &'static str,
    /// Further header fields.
    pub(crate) fields: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub(crate) body: Bytes,
}

/// What was answered, whatever the status.
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: StatusCode,
    /// The header fields.
    pub(crate) headers: HeaderMap,
    /// The body, at most 64 KiB.
    pub(crate) body: Bytes,
}

/// No answer, and why; it holds nothing of what was asked.
#[derive(Debug)]
pub(crate) struct Unanswered(pub(crate) String);

/// What drives a connection, to be polled while it is used.
pub(super) type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// Asks a service. It has no time limit.
pub(crate) async fn post(place: &Place, trust: &Trust, post: Post) -> Result<Answered, Unanswered> {
    let request = request(place, post)?;
    open(place, trust).await?.ask(request).await
}

/// A connection to a service over which nothing was asked yet.
pub(crate) enum Opened {
    /// Plain, on this machine.
    Plain(TcpStream),
    /// Protected.
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to a service; no octet of a request leaves. It has no time limit.
pub(crate) async fn open(place: &Place, trust: &Trust) -> Result<Opened, Unanswered> {
    let socket = connect(place, trust).await?;
    match trust {
        Trust::Loopback => Ok(Opened::Plain(socket)),
        Trust::Tls(connector, name) => {
            let protected = connector.connect(name.clone(), socket).await;
            let protected = protected.map_err(because("TLS failed"))?;
            Ok(Opened::Tls(Box::new(protected)))
        }
    }
}

impl Opened {
    /// Asks. From here on nobody knows how much of it left, unless there is an answer.
    pub(crate) async fn ask(self, request: Request<Full<Bytes>>) -> Result<Answered, Unanswered> {
        match self {
            Self::Plain(socket) => exchange(socket, request).await,
            Self::Tls(protected) => exchange(*protected, request).await,
        }
    }
}

/// Asks over a connection that is already there, protected for this name. It has no time limit.
pub(crate) async fn post_over(
    socket: TcpStream,
    (connector, name): (&TlsConnector, ServerName<'static>),
    authority: &str,
    post: Post,
) -> Result<Answered, Unanswered> {
    let request = posted(authority, post)?;
    socket.set_nodelay(true).map_err(because("no connection"))?;
    let protected = connector.connect(name, socket).await;
    exchange(protected.map_err(because("TLS failed"))?, request).await
}

/// The request that a post to a service is.
pub(crate) fn request(place: &Place, post: Post) -> Result<Request<Full<Bytes>>, Unanswered> {
    posted(&place.authority, post)
}

fn posted(authority: &str, post: Post) -> Result<Request<Full<Bytes>>, Unanswered> {
    let request = Request::post(post.path).header(CONTENT_TYPE, post.content_type);
    written(request, authority, post.fields, post.body)
}

/// The request that looks at something of a service.
pub(crate) fn look(
    place: &Place,
    path: &str,
    fields: Vec<(HeaderName, HeaderValue)>,
) -> Result<Request<Full<Bytes>>, Unanswered> {
    written(Request::get(path), &place.authority, fields, Bytes::new())
}

fn written(
    request: http::request::Builder,
    authority: &str,
    fields: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, Unanswered> {
    let mut request = request
        .header(HOST, authority)
        .header(USER_AGENT, concat!("shortstop/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close");
    for (name, value) in fields {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body));
    request.map_err(because("the request cannot be written"))
}

async fn connect(place: &Place, trust: &Trust) -> Result<TcpStream, Unanswered> {
    let found = lookup_host((place.host.as_str(), place.port)).await;
    let mut last = Unanswered("the name has no address".to_owned());
    for address in found.map_err(because("the name has no address"))? {
        match connect_to(address, trust).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn connect_to(address: SocketAddr, trust: &Trust) -> Result<TcpStream, Unanswered> {
    if matches!(trust, Trust::Loopback) && !address.ip().is_loopback() {
        let away = "the name leads to another machine, where plain http is not used";
        return Err(Unanswered(away.to_owned()));
    }
    let connected = tokio::time::timeout(ADDRESS_PATIENCE, TcpStream::connect(address)).await;
    let connected = connected.map_err(|_| Unanswered("the connection took too long".to_owned()))?;
    let socket = connected.map_err(because("no connection"))?;
    // The body would wait for the head's acknowledgement.
    socket.set_nodelay(true).map_err(because("no connection"))?;
    Ok(socket)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answered, Unanswered>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, driver) = driven(stream).await?;
    match select(pin!(ask(sender, request)), driver).await {
        Either::Left((answer, _)) => answer,
        // A connection's end reaches whoever waits on it, after what came before.
        Either::Right((_, asked)) => asked.await,
    }
}

/// A connection over which HTTP is spoken, and what drives it.
pub(super) async fn driven<S>(stream: S) -> Result<(SendRequest<Full<Bytes>>, Driver), Unanswered>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    let opened = builder
        .max_buf_size(HEAD_MAX)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = opened.map_err(because("no HTTP"))?;
    Ok((sender, Box::pin(connection)))
}

async fn ask(
    mut sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answered, Unanswered> {
    let answer = sender.send_request(request).await;
    taken_in(answer.map_err(because("no sound answer"))?).await
}

/// An answer with its whole body.
pub(super) async fn taken_in(answer: Response<Incoming>) -> Result<Answered, Unanswered> {
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_MAX).collect().await;
    let body = body.map_err(|error| {
        Unanswered(if error.is::<LengthLimitError>() {
            format!("the answer is longer than {ANSWER_MAX} octets")
        } else {
            "the answer broke off".to_owned()
        })
    })?;
    Ok(Answered {
        status: head.status,
        headers: head.headers,
        body: body.to_bytes(),
    })
}

pub(super) fn because<E: Error>(what: &'static str) -> impl Fn(E) -> Unanswered {
    move |error| Unanswered(format!("{what}: {error}"))
}
