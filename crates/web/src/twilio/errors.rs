//! The one place where errors of the gateway become errors of Twilio's: a number and a status for each. The words
//! stay ours. `docs/errors.md` has the same table, and a test holds the two together.

use bytes::Bytes;
use http::StatusCode;

use crate::json::Json;
use crate::json::fields::MISSING;
use crate::problem::{Code, Place, Problem};
use crate::route::Dialect;
use crate::twilio::message::TOO_LONG;

/// A number of Twilio's and the status it comes with.
type Answer = (u32, StatusCode);

/// The number and the status of a problem.
pub(crate) fn answer(problem: &Problem, dialect: Dialect) -> Answer {
    let [messages, verify] = row(problem.code);
    match (dialect, problem.code) {
        (Dialect::Verify, _) => verify,
        (_, Code::InvalidRequest) => of_parameter(problem).unwrap_or(messages),
        _ => messages,
    }
}

/// The body of an answer that is no success.
pub(crate) fn page(problem: &Problem, dialect: Dialect) -> Bytes {
    let (code, status) = answer(problem, dialect);
    let mut json = Json::with_capacity(512);
    json.open();
    json.name("code").bare(code);
    json.name("message").text(&words(problem));
    json.name("more_info")
        .word(format_args!("/docs/errors#{}", problem.code.as_str()));
    json.name("status").bare(status.as_u16()).close();
    Bytes::from(json.finish())
}

/// There is room for one text: what is wrong with each part stands in it.
fn words(problem: &Problem) -> String {
    if problem.faults.is_empty() {
        return problem.detail.to_string();
    }
    let faults = problem.faults.iter().map(|fault| match &fault.place {
        Place::Parameter(name) if name.is_empty() => format!("a parameter {}", fault.detail),
        place => format!("{place}: {}", fault.detail),
    });
    let faults: Vec<_> = faults.collect();
    format!(
        "{}: nothing was done; correct it and send the request again",
        faults.join("; ")
    )
}

/// The answer to the first wrong parameter that has one of its own.
fn of_parameter(problem: &Problem) -> Option<Answer> {
    let number = problem.faults.iter().find_map(|fault| {
        let Place::Parameter(name) = &fault.place else {
            return None;
        };
        match (name.as_str(), fault.detail.as_ref()) {
            ("To", MISSING) => Some(21_604),
            ("To", _) => Some(21_211),
            ("From", MISSING) => Some(21_603),
            ("From", _) => Some(21_212),
            ("Body", MISSING) => Some(21_602),
            ("Body", TOO_LONG) => Some(21_617),
            ("StatusCallback", _) => Some(21_609),
            ("PageSize", _) => Some(20_007),
            _ => None,
        }
    });
    number.map(|number| (number, StatusCode::BAD_REQUEST))
}

/// The answers to a code in Messages and in Verify.
const fn row(code: Code) -> [Answer; 2] {
    use StatusCode as S;
    match code {
        Code::InvalidJson
        | Code::InvalidRequest
        | Code::MalformedRequest
        | Code::IdempotencyKeyInvalid
        | Code::ValidityTooLong => each(20_422, 60_200, S::BAD_REQUEST),
        Code::DigestMismatch
        | Code::Unauthorized
        | Code::KeyExpired
        | Code::KeyRevoked
        | Code::SignatureUnsound
        | Code::SignatureStale
        | Code::SignatureReplayed => both(20_003, S::UNAUTHORIZED),
        Code::NetworkNotAllowed | Code::ScopeMissing | Code::ClassNotGranted => {
            both(20_403, S::FORBIDDEN)
        }
        Code::ShortCodeNotGranted => each(21_606, 60_200, S::BAD_REQUEST),
        Code::Risk => each(30_450, 60_410, S::FORBIDDEN),
        Code::NotFound | Code::Pruned => both(20_404, S::NOT_FOUND),
        Code::MethodNotAllowed => both(20_004, S::METHOD_NOT_ALLOWED),
        Code::NotSettled => both(20_009, S::CONFLICT),
        Code::NotCancellable
        | Code::NotOptedOut
        | Code::ReceiptPending
        | Code::NothingToSend
        | Code::FactorPending
        | Code::FactorConfirmed
        | Code::IdempotencyInFlight
        | Code::IdempotencyKeyReused => both(20_409, S::CONFLICT),
        Code::RequestTimeout => each(20_422, 60_200, S::REQUEST_TIMEOUT),
        Code::ExpectationFailed => each(20_422, 60_200, S::EXPECTATION_FAILED),
        Code::MisdirectedRequest => each(20_422, 60_200, S::MISDIRECTED_REQUEST),
        Code::BodyTooLarge => both(20_413, S::PAYLOAD_TOO_LARGE),
        Code::UnsupportedMediaType => each(20_422, 60_200, S::UNSUPPORTED_MEDIA_TYPE),
        Code::TooManyHeaders => each(20_422, 60_200, S::REQUEST_HEADER_FIELDS_TOO_LARGE),
        Code::OptedOut => both(21_610, S::BAD_REQUEST),
        Code::NoRoute => both(21_612, S::BAD_REQUEST),
        Code::CountryOff | Code::RangeOff => [(21_408, S::BAD_REQUEST), (60_605, S::FORBIDDEN)],
        Code::TooManySegments | Code::TextDoesNotFit => each(21_617, 60_200, S::BAD_REQUEST),
        Code::VerificationsOff => both(20_010, S::FORBIDDEN),
        Code::FixedLine => each(21_614, 60_205, S::BAD_REQUEST),
        Code::Throttled => both(20_429, S::TOO_MANY_REQUESTS),
        Code::QueueFull => each(21_611, 20_429, S::TOO_MANY_REQUESTS),
        Code::SentTooOften | Code::SendCooldown | Code::SendBudget => {
            each(20_429, 60_203, S::TOO_MANY_REQUESTS)
        }
        Code::GuessBudget | Code::ChecksUsedUp | Code::CodesDisabled => {
            each(20_429, 60_202, S::TOO_MANY_REQUESTS)
        }
        Code::IdempotencyFull
        | Code::VerificationsFull
        | Code::Busy
        | Code::Unavailable
        | Code::StorageLow
        | Code::Timeout => both(20_503, S::SERVICE_UNAVAILABLE),
        Code::Internal => both(20_500, S::INTERNAL_SERVER_ERROR),
    }
}

const fn both(number: u32, status: StatusCode) -> [Answer; 2] {
    each(number, number, status)
}

const fn each(messages: u32, verify: u32, status: StatusCode) -> [Answer; 2] {
    [(messages, status), (verify, status)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the page: a row `code | number status | number status` for each code.
    fn documented() -> Vec<String> {
        let page = include_str!("../../../../docs/errors.md");
        let (_, table) = page.split_once("\n### Numbers of Twilio\n").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `"));
        rows.map(str::to_owned).collect()
    }

    #[test]
    fn every_code_has_its_numbers_and_the_page_says_which() {
        let rows: Vec<_> = Code::ALL
            .iter()
            .map(|code| {
                let [(messages, status), (verify, verify_status)] = row(*code);
                format!(
                    "| `{}` | {messages} | {} | {verify} | {} |",
                    code.as_str(),
                    status.as_u16(),
                    verify_status.as_u16()
                )
            })
            .collect();
        assert_eq!(documented(), rows);
    }

    fn told(problem: &Problem, dialect: Dialect) -> serde_json::Value {
        serde_json::from_slice(&page(problem, dialect)).unwrap()
    }

    #[test]
    fn an_error_has_a_number_our_words_and_a_page() {
        let problem = Problem::new(Code::OptedOut, "opted out: do not send");
        assert_eq!(
            told(&problem, Dialect::Messages),
            serde_json::json!({
                "code": 21_610,
                "message": "opted out: do not send",
                "more_info": "/docs/errors#opted-out",
                "status": 400,
            })
        );
    }

    #[test]
    fn a_wrong_parameter_is_named_and_has_its_number() {
        let check = |name: &str, detail: &'static str, expected: u32| {
            let place = Place::Parameter(name.to_owned());
            let problem = Problem::with_fault(place, detail);
            let shown = told(&problem, Dialect::Messages);
            assert_eq!(shown["code"], expected, "{name} {detail}");
            let says = shown["message"].as_str().unwrap();
            assert!(says.starts_with(&format!("{name}: {detail}")), "{says}");
            assert_eq!(told(&problem, Dialect::Verify)["code"], 60_200);
        };
        check("To", MISSING, 21_604);
        check("To", "is no number", 21_211);
        check("From", MISSING, 21_603);
        check("From", "is no short code", 21_212);
        check("Body", MISSING, 21_602);
        check("Body", TOO_LONG, 21_617);
        check("Body", "holds a control character", 20_422);
        check("StatusCallback", "is not taken", 21_609);
        check("PageSize", "is too large", 20_007);
        check("Colour", "is not known", 20_422);
    }
}
