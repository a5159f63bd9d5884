//! What a handler gives back, and the one place where it becomes an HTTP answer with its headers.

use bytes::Bytes;
use domain::limit::book::Meter;
use domain::limit::fields;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::connection::Answer;
use crate::guide::STYLE_POLICY;
use crate::json::Json;
use crate::problem::{Code, Problem};
use crate::request_id::{REQUEST_ID, RequestId};
use crate::route::Dialect;
use crate::twilio::errors;

/// Says that the answer is that of an earlier request with the same idempotency key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The limits that are told of, and how it stands with them (draft-ietf-httpapi-ratelimit-headers).
const LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Two years, sub-domains too (ASVS 3.4.1).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// An answer is data, and a browser that shows it all the same loads and runs nothing for it, nor shows it within
/// another page (ASVS 3.4.3 and 3.4.6).
const NO_CONTENT: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// JSON.
    Json,
    /// A problem (RFC 9457).
    Problem,
    /// The page of errors.
    Markdown,
    /// A page of the documentation.
    Html,
    /// Metrics in the text format of Prometheus, version 0.0.4.
    Metrics,
    /// A checkpoint of the ledger.
    Note,
    /// A tile of the ledger, or a bundle of its entries.
    Octets,
}

impl Kind {
    const fn media_type(self) -> HeaderValue {
        match self {
            Self::Json => HeaderValue::from_static("application/json"),
            Self::Problem => HeaderValue::from_static("application/problem+json"),
            Self::Markdown => HeaderValue::from_static("text/markdown; charset=utf-8"),
            Self::Html => HeaderValue::from_static("text/html; charset=utf-8"),
            Self::Metrics => HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
            Self::Note => HeaderValue::from_static("text/plain; charset=utf-8"),
            Self::Octets => HeaderValue::from_static("application/octet-stream"),
        }
    }

    /// How long it may be kept, by the caller alone: what needs a key is nobody else's. A checkpoint is
    /// new every second; a tile never changes (C2SP tlog-tiles).
    const fn caching(self) -> HeaderValue {
        match self {
            Self::Note => HeaderValue::from_static("private, max-age=1"),
            Self::Octets => HeaderValue::from_static("private, max-age=31536000, immutable"),
            _ => HeaderValue::from_static("no-store"),
        }
    }
}

/// Whether an answer goes out under TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// It does.
    Encrypted,
    /// It does not (the admin listener).
    Clear,
}

/// Whether the connection goes on after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It does.
    Keep,
    /// It is closed: what the client sent next cannot be trusted.
    Close,
}

/// An answer before its headers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content: Content,
    pub(crate) after: After,
    /// Sends `Idempotency-Replayed: true`.
    pub(crate) repeated: bool,
    /// The limit with the least left, of those that counted the request.
    pub(crate) limit: Option<Meter>,
    /// In whose words a problem is told.
    pub(crate) dialect: Dialect,
}

/// What an answer says.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A body that is ready.
    Ready(Kind, Bytes),
    /// A problem; its request id is not in it yet.
    Problem(Box<Problem>),
}

impl Reply {
    /// A success with its body.
    pub(crate) fn json(status: StatusCode, json: Json) -> Self {
        Self::ready(status, Kind::Json, Bytes::from(json.finish()))
    }

    /// A body of any kind.
    pub(crate) fn ready(status: StatusCode, kind: Kind, body: Bytes) -> Self {
        let content = Content::Ready(kind, body);
        Self {
            status,
            content,
            after: After::Keep,
            repeated: false,
            limit: None,
            dialect: Dialect::Own,
        }
    }

    /// The same in the words of a route.
    pub(crate) fn in_dialect(self, dialect: Dialect) -> Self {
        let status = match (&self.content, dialect) {
            (Content::Ready(..), _) | (_, Dialect::Own) => self.status,
            (Content::Problem(problem), _) => errors::answer(problem, dialect).1,
        };
        Self {
            status,
            dialect,
            ..self
        }
    }

    /// Puts the answer together.
    pub(crate) fn into_answer(self, id: RequestId, transport: Transport) -> Answer {
        let (kind, body, problem) = match self.content {
            Content::Ready(kind, body) => (kind, body, None),
            Content::Problem(problem) => match self.dialect {
                Dialect::Own => (Kind::Problem, page(&problem, &id), Some(problem)),
                dialect => (Kind::Json, errors::page(&problem, dialect), Some(problem)),
            },
        };
        let mut answer = Response::new(Full::new(body));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.reserve(10);
        headers.insert(CONTENT_TYPE, kind.media_type());
        headers.insert(CACHE_CONTROL, kind.caching());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CONTENT_SECURITY_POLICY, NO_CONTENT);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(REQUEST_ID, id.into_header());
        if kind == Kind::Html {
            headers.insert(CONTENT_SECURITY_POLICY, STYLE_POLICY.clone());
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        }
        if transport == Transport::Encrypted {
            headers.insert(STRICT_TRANSPORT_SECURITY, HSTS);
        }
        if self.repeated {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        if self.after == After::Close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(limit) = &self.limit {
            limit_headers(headers, std::slice::from_ref(limit));
        }
        if let Some(problem) = problem {
            problem_headers(headers, &problem);
            if self.status == StatusCode::UNAUTHORIZED {
                headers.insert(WWW_AUTHENTICATE, challenge(self.dialect));
            }
        }
        answer
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        // Whatever follows a request that is no sound HTTP, or a body that stopped, is not the next
        // request.
        let after = match problem.code {
            Code::MalformedRequest | Code::RequestTimeout => After::Close,
            _ => After::Keep,
        };
        Self {
            status: problem.code.status(),
            content: Content::Problem(Box::new(problem)),
            after,
            repeated: false,
            limit: None,
            dialect: Dialect::Own,
        }
    }
}

fn page(problem: &Problem, id: &RequestId) -> Bytes {
    let mut json = Json::with_capacity(512);
    json.open();
    problem.write(&mut json);
    json.name("request_id").text(id.as_str()).close();
    Bytes::from(json.finish())
}

/// Names of limits are plain ASCII, so that the fields always are.
fn limit_headers(headers: &mut http::HeaderMap, meters: &[Meter]) {
    let field = |text: String| HeaderValue::from_maybe_shared(Bytes::from(text)).ok();
    if let (Some(policies), Some(standings)) = (
        field(fields::policies(meters)),
        field(fields::standings(meters)),
    ) {
        headers.insert(LIMIT_POLICY, policies);
        headers.insert(LIMIT, standings);
    }
}

fn problem_headers(headers: &mut http::HeaderMap, problem: &Problem) {
    if let Some(seconds) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if !problem.violated.is_empty() {
        limit_headers(headers, &problem.violated);
    }
    if let Some(methods) = problem.allow {
        headers.insert(ALLOW, HeaderValue::from_static(methods));
    }
}

/// What is asked for. The code tells an expired key from a wrong one; the challenge stays one and the same.
const fn challenge(dialect: Dialect) -> HeaderValue {
    match dialect {
        Dialect::Own => HeaderValue::from_static("Bearer realm=\"shortstop\""),
        Dialect::Messages | Dialect::Verify => {
            HeaderValue::from_static("Basic realm=\"shortstop\"")
        }
    }
}
