//! Whether a request's head is sound HTTP: what hyper lets through and RFC 9112 or RFC 9113 does not.
//! What hyper refuses by itself, such as two different lengths, never comes here; neither does what is spoilt for it,
//! such as a length beside a transfer coding (`connection::lines`).

use http::header::{EXPECT, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Version};

use crate::problem::{Code, Problem};

/// The port of `https` that may be left away.
const DEFAULT_PORT: &str = ":443";

/// Refuses a head that is no sound HTTP, or has more than so many lines.
pub(crate) fn require_sound(parts: &Parts, headers_max: usize) -> Result<(), Problem> {
    // Over HTTP/1.1 hyper has counted already.
    if parts.headers.len() > headers_max {
        return Err(too_many(headers_max));
    }
    if parts.version < Version::HTTP_2 {
        require_one_host(&parts.headers)?;
        require_plain_chunks(&parts.headers)?;
    }
    require_same_host(parts)
}

/// Refuses to be expected to do anything but to say that a body may come (RFC 9110 section 10.1.1).
pub(crate) fn require_known_expectation(headers: &HeaderMap) -> Result<(), Problem> {
    let mut expected = headers.get_all(EXPECT).iter();
    if expected.all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Ok(());
    }
    Err(Problem::new(
        Code::ExpectationFailed,
        "nothing can be expected here but 100-continue: leave any other Expect away",
    ))
}

/// HTTP/1.1 has exactly one `Host` (RFC 9112 section 3.2).
fn require_one_host(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get_all(HOST).iter().count() == 1 {
        return Ok(());
    }
    Err(malformed(
        "the request must have one Host header, no less and no more",
    ))
}

/// A body that is coded once more than its framing would be read as it is, and somebody in between may
/// see another one (RFC 9112 section 6.1).
fn require_plain_chunks(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    if codings.next().is_none() && coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    Err(malformed(
        "the only transfer coding taken is chunked, once and alone: send the body as it is",
    ))
}

/// HTTP/2 names its host in `:authority`, and HTTP/1.1 may name it in the target; a `Host` beside it must be the same
/// (RFC 9113 section 8.3.1, RFC 9112 section 3.2.2).
fn require_same_host(parts: &Parts) -> Result<(), Problem> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        return Ok(());
    };
    let named = parts.uri.authority().map(http::uri::Authority::as_str);
    let same = host.to_str().is_ok_and(|host| {
        named.is_none_or(|named| without_port(named).eq_ignore_ascii_case(without_port(host)))
    });
    if same && hosts.next().is_none() {
        return Ok(());
    }
    Err(malformed(
        "the Host header must name the same host as :authority or the target: write only the path as the target, or in \
         HTTP/2 leave Host away",
    ))
}

fn without_port(host: &str) -> &str {
    host.strip_suffix(DEFAULT_PORT).unwrap_or(host)
}

fn malformed(detail: &'static str) -> Problem {
    Problem::new(Code::MalformedRequest, detail)
}

fn too_many(headers_max: usize) -> Problem {
    let detail = format!("the request has more than {headers_max} header lines: send fewer");
    Problem::new(Code::TooManyHeaders, detail)
}
