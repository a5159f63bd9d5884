//! What a provider's answer means: for the message, and for the provider itself.

use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use engine::ports::carrier::Answer;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde::Deserialize;

use crate::outgoing::Answered;

/// How a provider is, as one request shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It answers.
    Fine,
    /// It failed this time; a few such in a row are an outage.
    Failing(String),
    /// It cannot be used until something changes.
    Broken(String),
}

/// Error codes that are about the account and not about the message.
const OF_THE_ACCOUNT: std::ops::Range<u32> = 20_000..21_000;
/// The code for too many requests.
const TOO_MANY: u32 = 20_429;
/// The codes for full queues: the sender's at the provider, and the account's.
const QUEUES_FULL: [u32; 2] = [21_611, 30_001];

/// What an answer to a message means.
pub(super) fn of_message(answered: &Answered) -> (Answer, Health) {
    let status = answered.status.as_u16();
    let code = code_of(answered);
    match (status, code) {
        (200..=299, _) => accepted(answered),
        (429, _) | (_, Some(TOO_MANY)) => (throttled(answered), Health::Fine),
        // It says itself that it did nothing.
        (503, _) => (Answer::Later(503), failing(status)),
        // Whether it took the message before it failed is known to nobody.
        (408 | 500..=599, _) => (Answer::Silence, failing(status)),
        (_, Some(code)) if QUEUES_FULL.contains(&code) => (Answer::QueueFull(code), Health::Fine),
        (400, Some(code)) => (Answer::Rejected(code), Health::Fine),
        (401..=499, Some(code)) if !OF_THE_ACCOUNT.contains(&code) => {
            (Answer::Rejected(code), Health::Fine)
        }
        (400 | 413 | 415 | 422, None) => (Answer::Rejected(u32::from(status)), Health::Fine),
        _ => (
            Answer::Later(u32::from(status)),
            Health::Broken(refused(status, code)),
        ),
    }
}

/// What an answer to the question for the account means.
pub(super) fn of_probe(answered: &Answered) -> Health {
    let status = answered.status.as_u16();
    let code = code_of(answered);
    match (status, code) {
        // Without a code it has no such page, but it is there.
        (200..=299 | 429, _) | (404 | 405, None) => Health::Fine,
        (500..=599, _) => failing(status),
        _ => Health::Broken(refused(status, code)),
    }
}

fn accepted(answered: &Answered) -> (Answer, Health) {
    #[derive(Deserialize)]
    struct Taken {
        sid: String,
    }
    let taken: Option<Taken> = serde_json::from_slice(&answered.body).ok();
    let id = taken.and_then(|taken| CarrierMessageId::parse(taken.sid.as_bytes()).ok());
    match id {
        Some(id) => (Answer::Accepted(id), Health::Fine),
        // It may well have taken it, and nobody can tell under which id.
        None => (
            Answer::Silence,
            Health::Failing("it takes messages without a usable id".to_owned()),
        ),
    }
}

fn throttled(answered: &Answered) -> Answer {
    let status = u32::from(answered.status.as_u16());
    let asked = answered.headers.get(RETRY_AFTER);
    let seconds: Option<u32> = asked.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match seconds {
        Some(seconds) => Answer::ThrottledFor(status, Duration::from_secs(seconds.into())),
        None => Answer::Throttled(status),
    }
}

/// The error code of the answer, where it has one.
fn code_of(answered: &Answered) -> Option<u32> {
    #[derive(Deserialize)]
    struct Refused {
        code: u32,
    }
    if answered.status.is_success() {
        return None;
    }
    let refused: Option<Refused> = serde_json::from_slice(&answered.body).ok();
    refused.map(|refused| refused.code)
}

fn failing(status: u16) -> Health {
    Health::Failing(format!("its answer is {status}"))
}

fn refused(status: u16, code: Option<u32>) -> String {
    let why = match StatusCode::from_u16(status) {
        Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            "it refuses our account or secret".to_owned()
        }
        Ok(status) if status.is_redirection() => {
            format!(
                "it leads elsewhere ({}), and no redirect is followed",
                status.as_u16()
            )
        }
        _ => format!("its answer is {status}"),
    };
    match code {
        Some(code) => format!("{why} (error {code})"),
        None => why,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    const SID: &str = "SM0123456789abcdef0123456789abcdef";

    fn answered(status: u16, body: &str) -> Answered {
        Answered {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_owned()),
        }
    }

    fn check(status: u16, body: &str, expected: &Answer, is_fine: bool) {
        let (answer, health) = of_message(&answered(status, body));
        assert_eq!(answer, *expected, "{status} {body}");
        assert_eq!(
            health == Health::Fine,
            is_fine,
            "{status} {body} {health:?}"
        );
    }

    #[test]
    fn a_message_is_taken_under_its_sid_or_of_unknown_fate() {
        let sid = CarrierMessageId::parse(SID.as_bytes()).unwrap();
        let body = format!(r#"{{"sid":"{SID}","status":"queued"}}"#);
        check(201, &body, &Answer::Accepted(sid.clone()), true);
        check(200, &body, &Answer::Accepted(sid), true);
        for body in [
            "",
            "{}",
            "[]",
            r#"{"sid":7}"#,
            r#"{"sid":""}"#,
            r#"{"sid":"a\u0000"}"#,
        ] {
            check(201, body, &Answer::Silence, false);
        }
        let long = format!(r#"{{"sid":"{}"}}"#, "a".repeat(65));
        check(201, &long, &Answer::Silence, false);
    }

    #[test]
    fn a_refusal_of_the_message_is_for_good_and_one_of_the_account_is_not() {
        check(400, r#"{"code":21211}"#, &Answer::Rejected(21_211), true);
        check(403, r#"{"code":60410}"#, &Answer::Rejected(60_410), true);
        check(400, r#"{"code":20001}"#, &Answer::Rejected(20_001), true);
        check(400, "no JSON", &Answer::Rejected(400), true);
        check(400, r#"{"code":21611}"#, &Answer::QueueFull(21_611), true);
        check(401, r#"{"code":20003}"#, &Answer::Later(401), false);
        check(404, r#"{"code":20404}"#, &Answer::Later(404), false);
        check(403, "<html>", &Answer::Later(403), false);
        check(404, "", &Answer::Later(404), false);
        check(302, "", &Answer::Later(302), false);
    }

    #[test]
    fn what_failed_behind_the_door_may_have_gone_and_what_was_turned_away_did_not() {
        for status in [408, 500, 502, 504] {
            check(status, r#"{"code":20500}"#, &Answer::Silence, false);
        }
        check(503, "", &Answer::Later(503), false);
        check(429, "", &Answer::Throttled(429), true);
        check(400, r#"{"code":20429}"#, &Answer::Throttled(400), true);
    }

    #[test]
    fn a_wait_is_taken_in_seconds_and_anything_else_is_none() {
        let after = |value: &'static str| {
            let mut answered = answered(429, "");
            answered
                .headers
                .insert(RETRY_AFTER, http::HeaderValue::from_static(value));
            of_message(&answered).0
        };
        assert_eq!(
            after("7"),
            Answer::ThrottledFor(429, Duration::from_secs(7))
        );
        for value in [
            "",
            "-1",
            "1.5",
            "Fri, 31 Dec 1999 23:59:59 GMT",
            "99999999999",
        ] {
            assert_eq!(after(value), Answer::Throttled(429), "{value}");
        }
    }

    #[test]
    fn a_probe_asks_for_the_account_and_takes_its_absence_for_a_door_without_that_page() {
        let of = |status, body| of_probe(&answered(status, body));
        assert_eq!(of(200, "{}"), Health::Fine);
        assert_eq!(of(404, "nothing here"), Health::Fine);
        let refused = Health::Broken("it refuses our account or secret (error 20003)".to_owned());
        assert_eq!(of(401, r#"{"code":20003}"#), refused);
        assert!(matches!(of(404, r#"{"code":20404}"#), Health::Broken(_)));
        assert!(matches!(of(301, ""), Health::Broken(_)));
        assert!(matches!(of(502, ""), Health::Failing(_)));
    }
}
