//! Takes in the body of a request: of the right type, up to its bound, within its time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::problem::{Code, Problem};
use crate::settings::ServerSettings;

/// A body may take this part of its time before it must come at its pace.
const GRACE: u32 = 4;

/// How fast a body must come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    begun: Instant,
    within: Duration,
    octets_per_second: u64,
}

impl Pace {
    /// The pace of a body that begins now.
    pub(crate) fn begin(settings: &ServerSettings) -> Self {
        let per_second = u64::try_from(settings.body_bytes_per_second_min);
        Self {
            begun: Instant::now(),
            within: settings.body_timeout,
            octets_per_second: per_second.unwrap_or(u64::MAX).max(1),
        }
    }

    /// Until when the next piece must be there, when so many octets have come.
    pub(crate) fn deadline(&self, came: usize) -> Instant {
        let millis = u64::try_from(came)
            .unwrap_or(u64::MAX)
            .saturating_mul(1_000);
        let earned = Duration::from_millis(millis / self.octets_per_second);
        self.begun + (self.within / GRACE + earned).min(self.within)
    }
}

/// Reads a whole body.
pub(crate) async fn collect(
    body: &mut Incoming,
    octets_max: usize,
    pace: Pace,
) -> Result<Bytes, Problem> {
    let promised = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if promised > octets_max {
        return Err(too_large(octets_max));
    }
    // Nearly every body comes in one piece, which is then used where it lies.
    let Some(first) = next(body, pace, 0).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > octets_max {
        return Err(too_large(octets_max));
    }
    let Some(second) = next(body, pace, first.len()).await? else {
        return Ok(first);
    };
    let mut whole = BytesMut::from(first);
    let mut piece = Some(second);
    while let Some(more) = piece {
        if whole.len() + more.len() > octets_max {
            return Err(too_large(octets_max));
        }
        whole.extend_from_slice(&more);
        piece = next(body, pace, whole.len()).await?;
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are of no interest.
async fn next(body: &mut Incoming, pace: Pace, came: usize) -> Result<Option<Bytes>, Problem> {
    while !body.is_end_stream() {
        let frame = timeout_at(pace.deadline(came), body.frame()).await;
        match frame.map_err(|_| too_slow())? {
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

fn too_slow() -> Problem {
    Problem::new(
        Code::RequestTimeout,
        "the body did not come in time, so that nothing was done: send the request again",
    )
}

/// A type that a body may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// JSON.
    Json,
    /// A form.
    Form,
}

impl Media {
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }

    const fn refusal(self) -> &'static str {
        match self {
            Self::Json => "this route takes plain JSON in UTF-8 only: ",
            Self::Form => "this route takes a form in UTF-8 only: ",
        }
    }
}

/// Refuses everything but plain JSON in UTF-8.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    require(Media::Json, headers)
}

/// Refuses every body but one of this type, in UTF-8 and as it is.
pub(crate) fn require(media: Media, headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let declared = types.next().map(http::HeaderValue::as_bytes);
    if types.next().is_some() || !declared.is_some_and(|declared| is_of(media, declared)) {
        let what_to_do = format!("send the header Content-Type: {}", media.name());
        return Err(unsupported(media, &what_to_do));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        let what_to_do = "send the body as it is, without Content-Encoding";
        return Err(unsupported(media, what_to_do));
    }
    Ok(())
}

/// Whether a content type is this one, at most with the character set UTF-8.
fn is_of(media: Media, declared: &[u8]) -> bool {
    if declared == media.name().as_bytes() {
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
    media_type.trim().eq_ignore_ascii_case(media.name()) && charset_is_utf8
}

fn unsupported(media: Media, what_to_do: &str) -> Problem {
    let detail = format!("{}{what_to_do}", media.refusal());
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
    fn a_body_must_come_at_its_pace_after_a_grace_and_end_in_its_time() {
        let pace = Pace {
            begun: Instant::now(),
            within: Duration::from_secs(10),
            octets_per_second: 1_000,
        };
        let after = |came| pace.deadline(came) - pace.begun;
        assert_eq!(after(0), Duration::from_millis(2_500));
        assert_eq!(after(1), Duration::from_millis(2_501));
        assert_eq!(after(5_000), Duration::from_millis(7_500));
        assert_eq!(after(1_000_000), Duration::from_secs(10));
    }

    #[test]
    fn only_plain_json_in_utf8_is_taken() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json;",
        ] {
            assert!(is_of(Media::Json, good.as_bytes()), "{good}");
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
            assert!(!is_of(Media::Json, bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_form_is_a_type_of_its_own() {
        let form = Media::Form.name();
        assert!(is_of(Media::Form, form.as_bytes()));
        assert!(is_of(
            Media::Form,
            format!("{form}; charset=UTF-8").as_bytes()
        ));
        assert!(!is_of(Media::Form, b"application/json"));
        assert!(!is_of(Media::Form, b"multipart/form-data; boundary=x"));
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
