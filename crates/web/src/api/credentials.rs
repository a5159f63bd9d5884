//! What a request says about itself in its headers: who sends it, and under which idempotency
//! key.

use engine::IdempotencyKey;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::problem::{Code, Place, Problem};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The credential of `Authorization: Bearer …`, when there is exactly one. The scheme's case does not
/// matter (RFC 9110 section 11.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    let one = values.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    one.then_some(credential)
}

/// Refuses an idempotency key where the first answer cannot be given again.
pub(super) fn refuse_idempotency_key(headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.contains_key(&IDEMPOTENCY_KEY) {
        return Ok(());
    }
    Err(Problem::with_fault(
        Place::Header("Idempotency-Key"),
        "is not taken here: the answer shows a secret once and it is not kept, so that it cannot be given \
         again. Leave the header out; when an answer is lost, enrol anew, and what nobody confirms is removed",
    ))
}

/// The idempotency key, when there is one.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .and_then(|text| IdempotencyKey::parse(text).ok());
    match key {
        Some(key) if values.next().is_none() => Ok(Some(key)),
        _ => {
            let place = Place::Header("Idempotency-Key");
            let detail = "must be 1 to 255 printable ASCII characters, once";
            let problem = Problem::with_fault(place, detail);
            Err(Problem {
                code: Code::IdempotencyKeyInvalid,
                ..problem
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn one_bearer_credential_is_taken_and_nothing_else() {
        let check = |values: &[&'static str], expected| {
            assert_eq!(
                bearer(&headers(&AUTHORIZATION, values)),
                expected,
                "{values:?}"
            );
        };
        check(&["Bearer ssk_x"], Some("ssk_x"));
        check(&["bearer ssk_x"], Some("ssk_x"));
        // What follows the one space is the credential, spaces too, so that it is looked up and fails.
        check(&["Bearer  ssk_x"], Some(" ssk_x"));
        check(&[], None);
        check(&["ssk_x"], None);
        check(&["Basic ssk_x"], None);
        check(&["Bearer ssk_x", "Bearer ssk_y"], None);
    }

    #[test]
    fn an_idempotency_key_is_optional_but_never_ambiguous() {
        let read = |values: &[&'static str]| idempotency_key(&headers(&IDEMPOTENCY_KEY, values));
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&["\"k-1\""]).unwrap(), read(&["k-1"]).unwrap());
        for wrong in [&[""][..], &["a\"b"], &["k-1", "k-1"]] {
            assert_eq!(read(wrong).unwrap_err().code, Code::IdempotencyKeyInvalid);
        }
    }
}
