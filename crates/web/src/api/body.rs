//! Takes in the body of a request: of the right type, up to its bound, within its time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::problem::{Code, Problem};

/// Reads a whole body.
pub(crate) async fn collect(
    body: &mut Incoming,
    octets_max: usize,
    within: Duration,
) -> Result<Bytes, Problem> {
    let promised = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if promised > octets_max {
        return Err(too_large(octets_max));
    }
    match tokio::time::timeout(within, all(body, octets_max)).await {
        Ok(done) => done,
        Err(_) => Err(Problem::new(
            Code::RequestTimeout,
            "the body did not come in time, so that nothing was done: send the request again",
        )),
    }
}

async fn all(body: &mut Incoming, octets_max: usize) -> Result<Bytes, Problem> {
    // Nearly every body comes in one piece, which is then used where it lies.
    let Some(first) = next(body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > octets_max {
        return Err(too_large(octets_max));
    }
    let Some(second) = next(body).await? else {
        return Ok(first);
    };
    let mut whole = BytesMut::from(first);
    let mut piece = Some(second);
    while let Some(more) = piece {
        if whole.len() + more.len() > octets_max {
            return Err(too_large(octets_max));
        }
        whole.extend_from_slice(&more);
        piece = next(body).await?;
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are of no interest.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Problem> {
    while !body.is_end_stream() {
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => {
                return Err(Problem::new(
                    Code::MalformedRequest,
                    "the body broke off or is wrongly framed, so that nothing was done",
                ));
            }
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Refuses everything but plain JSON in UTF-8.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let declared = types.next().map(http::HeaderValue::as_bytes);
    if types.next().is_some() || !declared.is_some_and(is_json) {
        return Err(unsupported(
            "send the header Content-Type: application/json",
        ));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(unsupported(
            "send the body as it is, without Content-Encoding",
        ));
    }
    Ok(())
}

/// Whether a content type is `application/json`, at most with the character set UTF-8.
fn is_json(declared: &[u8]) -> bool {
    if declared == b"application/json" {
        return true;
    }
    let Ok(declared) = str::from_utf8(declared) else {
        return false;
    };
    let (media_type, parameters) = declared.split_once(';').unwrap_or((declared, ""));
    let charset = parameters.trim();
    let charset_is_utf8 = charset.is_empty()
        || ["charset=utf-8", "charset=\"utf-8\""]
            .iter()
            .any(|right| charset.eq_ignore_ascii_case(right));
    media_type.trim().eq_ignore_ascii_case("application/json") && charset_is_utf8
}

fn unsupported(what_to_do: &'static str) -> Problem {
    let detail = format!("this route takes plain JSON in UTF-8 only: {what_to_do}");
    Problem::new(Code::UnsupportedMediaType, detail)
}

fn too_large(octets_max: usize) -> Problem {
    let detail = format!(
        "the body has more than {octets_max} octets, which is the bound of this route: send less \
         at once"
    );
    Problem::new(Code::BodyTooLarge, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_json_in_utf8_is_taken() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json;",
        ] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/jsonp",
            "application/x-www-form-urlencoded",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=utf-7",
            "application/json, text/plain",
            "text/plain; application/json",
        ] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_compressed_or_doubly_declared_body_is_refused() {
        let json = || http::HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        assert!(require_json(&headers).is_err());
        headers.insert(CONTENT_TYPE, json());
        assert!(require_json(&headers).is_ok());
        headers.insert(CONTENT_ENCODING, http::HeaderValue::from_static("gzip"));
        assert!(require_json(&headers).is_err());
        headers.remove(CONTENT_ENCODING);
        headers.append(CONTENT_TYPE, json());
        assert!(require_json(&headers).is_err());
    }
}
