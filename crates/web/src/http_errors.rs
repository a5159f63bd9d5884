//! The one place where errors and refusals of the engine become problems of the API: code, words and
//! when to come back. A refusal is an ordinary answer with a reason; a failure is ours.

use std::time::Duration;

use domain::admission::Refusal;
use domain::webhook::TargetError;
use engine::{
    AuthError, CancelError, Forbidden, LookupError, OptOutError, ReceiptError, RedactError,
    SearchError, SubmitError,
};

use crate::problem::{Code, Place, Problem};

mod factor;
mod verification;
mod verify_service;

/// When to come back after something that passes by itself within moments.
const SOON: Duration = Duration::from_secs(1);

/// When to come back after a failed store, which is opened again every few seconds.
const WHEN_REOPENED: Duration = Duration::from_secs(5);

/// When to come back when somebody has to make room first.
const WHEN_CLEARED: Duration = Duration::from_secs(30);

/// When signatures are taken again after a start.
const AFTER_START: Duration = Duration::from_secs(3);

/// When to come back when records must run out first.
const WHEN_FORGOTTEN: Duration = Duration::from_mins(1);

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            // One answer for all of them: what a key lacks is told to nobody who may have found it.
            AuthError::Unknown
            | AuthError::Certificate
            | AuthError::Unsigned
            | AuthError::WrongSignature => Self::new(
                Code::Unauthorized,
                "the request carries no valid API key: send the header Authorization: Bearer ssk_…, sign the \
                 request, or call with the client's certificate, as the client was set up to",
            ),
            AuthError::Signature(error) => Self::new(
                Code::SignatureUnsound,
                format!("{error}: see /docs/errors#signature-unsound for what a signature must be like"),
            ),
            AuthError::Stale => Self::new(
                Code::SignatureStale,
                "the signature was made more than 5 minutes ago or ahead, or its time is over: sign each request \
                 when you send it, and set the clock",
            ),
            AuthError::BeforeStart => Self::new(
                Code::SignatureStale,
                "the signature was made before this gateway started, and may have been used then: sign the request \
                 anew after the time given",
            )
            .retry_after(AFTER_START),
            AuthError::Replayed => Self::new(
                Code::SignatureReplayed,
                "a request with this nonce came before, and this one was not done: give each request a nonce of \
                 its own, and an idempotency key to whatever you repeat",
            ),
            AuthError::NoncesFull => Self::new(
                Code::Busy,
                "more signed requests came within ten minutes than can be told apart: nothing was done, send it \
                 again after the time given",
            )
            .retry_after(WHEN_FORGOTTEN),
            AuthError::Unavailable => Self::new(
                Code::Unavailable,
                "nothing can be recorded now, so that nothing was done: send it again after the time given",
            )
            .retry_after(WHEN_REOPENED),
            AuthError::Expired => Self::new(
                Code::KeyExpired,
                "the time of this API key is over: use the client's newer key, or ask an operator \
                 to rotate it (shortstop client rotate)",
            ),
            AuthError::Revoked => Self::new(
                Code::KeyRevoked,
                "this API key or its client was revoked: ask an operator for a new one",
            ),
            AuthError::Throttled(throttled) => throttled.into(),
            AuthError::Network => Self::new(
                Code::NetworkNotAllowed,
                "this client may not call from the network that the request came from: call from \
                 an allowed one, or ask an operator to allow it",
            ),
        }
    }
}

impl From<Forbidden> for Problem {
    fn from(Forbidden(scope): Forbidden) -> Self {
        let detail = format!(
            "this API key lacks the scope {scope}: use a key that has it, or ask an operator to \
             grant it"
        );
        Self::new(Code::ScopeMissing, detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ShortCodeNotGranted => Self::new(
                Code::ShortCodeNotGranted,
                "this API key may not send from that short code: use one that was granted to it",
            ),
            Refusal::ClassNotGranted => Self::new(
                Code::ClassNotGranted,
                "this API key may not send messages of that class: use one that was granted to it",
            ),
            Refusal::NoRoute => Self::new(
                Code::NoRoute,
                "no carrier is configured for that short code, so that the message could never \
                 leave: tell an operator",
            ),
            Refusal::CountryOff(country) => Self::new(
                Code::CountryOff,
                format!(
                    "messages to {country} are off: send to a country that is enabled, or ask an \
                     operator to enable this one"
                ),
            ),
            Refusal::RangeOff(range) => Self::new(
                Code::RangeOff,
                format!(
                    "messages to {range} numbers are off, since they cost or earn unusually: send to an \
                     ordinary number, or ask an operator to name that range"
                ),
            ),
            Refusal::OptedOut => Self::new(
                Code::OptedOut,
                "the recipient opted out of messages from that short code: do not send again \
                 unless the recipient opts in (START)",
            ),
            Refusal::QueueFull(wait) => Self::new(
                Code::QueueFull,
                "the queue of that class is full, since messages come faster than carriers take \
                 them: nothing was accepted, send it again after the time given",
            )
            .retry_after(wait),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Refused(refusal) => refusal.into(),
            SubmitError::Throttled(throttled) => throttled.into(),
            SubmitError::Pumping(reason) => engine::RiskRefusal::Pumping(reason).into(),
            SubmitError::KeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "this idempotency key brought another payload before: use a new key for each new \
                 message, and the same one only for the same message",
            ),
            SubmitError::KeyInFlight => Self::new(
                Code::IdempotencyInFlight,
                "the first request with this idempotency key is still being answered: send it \
                 again after the time given to learn its result",
            )
            .retry_after(SOON),
            SubmitError::KeysFull => Self::new(
                Code::IdempotencyFull,
                "no more idempotency keys can be kept, and none is forgotten early: nothing was \
                 accepted, send it again later or without a key",
            )
            .retry_after(WHEN_FORGOTTEN),
            SubmitError::TooManySegments { segments, max } => Self::new(
                Code::TooManySegments,
                format!(
                    "the text takes {segments} segments and at most {max} are allowed: shorten it \
                     (one character outside GSM-7 makes every segment hold 67 characters, not 153)"
                ),
            ),
            SubmitError::Callback(error) => Self::with_fault(
                Place::Pointer("/status_callback".to_owned()),
                callback(&error),
            ),
            SubmitError::ValidityTooLong { max } => {
                let seconds = max.as_secs();
                Self::with_fault(
                    Place::Pointer("/valid_for_seconds".to_owned()),
                    format!("must be from 1 to {seconds}"),
                )
                .recoded(
                    Code::ValidityTooLong,
                    format!("a message may live {seconds} seconds at most: ask for less"),
                )
            }
            SubmitError::Unavailable => unavailable(),
            SubmitError::StorageLow => storage_low(),
            SubmitError::Busy => busy(),
        }
    }
}

/// What is wrong with the URL of a status callback; of its address only what that is.
fn callback(error: &TargetError) -> String {
    match error {
        TargetError::Forbidden(forbidden) => {
            let what = forbidden.what;
            format!("leads to an address that is {what}: name one of the public internet")
        }
        _ => error.to_string(),
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => not_found(),
            CancelError::TooLate(state) => Self::new(
                Code::NotCancellable,
                format!(
                    "the message is {state} already: only one of which no segment has left can be \
                     cancelled"
                ),
            ),
            CancelError::Unavailable => unavailable(),
        }
    }
}

impl From<RedactError> for Problem {
    fn from(error: RedactError) -> Self {
        match error {
            RedactError::NotFound => not_found(),
            RedactError::Moving(state) => Self::new(
                Code::NotSettled,
                format!(
                    "the message is only {state} yet, and what is kept of it is needed to send it: try again once \
                     it is settled"
                ),
            ),
            RedactError::TooYoung(wait) => Self::new(
                Code::NotSettled,
                "the message was accepted a moment ago, and the limits still need its number: try again after the \
                 time given",
            )
            .retry_after(wait),
            RedactError::Unavailable => unavailable(),
        }
    }
}

impl From<LookupError> for Problem {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::NotFound => not_found(),
            LookupError::Unavailable => unavailable(),
        }
    }
}

/// An entry that was there once.
pub(crate) fn pruned() -> Problem {
    Problem::new(
        Code::Pruned,
        "the entry is older than what the ledger keeps: /ledger/minimum-index says from which on entries \
         are there; hashes of older ones still are, and a receipt from before still verifies",
    )
}

impl From<ReceiptError> for Problem {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::NotFound => not_found(),
            ReceiptError::Pruned => pruned(),
            ReceiptError::Pending => Self::new(
                Code::ReceiptPending,
                "no checkpoint of the ledger covers it yet; one is made every second: ask \
                 again after the time given",
            )
            .retry_after(SOON),
            ReceiptError::Unavailable => unavailable(),
        }
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Cursor => {
                Self::with_fault(Place::Pointer("/cursor".to_owned()), error.to_string())
            }
            SearchError::Unavailable => unavailable(),
        }
    }
}

impl From<OptOutError> for Problem {
    fn from(error: OptOutError) -> Self {
        match error {
            OptOutError::ShortCodeNotGranted => Refusal::ShortCodeNotGranted.into(),
            OptOutError::NotOptedOut => Self::new(
                Code::NotOptedOut,
                "that number has no opt-out from that short code, so that there is nothing to \
                 remove",
            ),
            OptOutError::Unavailable => unavailable(),
        }
    }
}

impl Problem {
    fn recoded(self, code: Code, detail: String) -> Self {
        Self {
            code,
            detail: detail.into(),
            ..self
        }
    }
}

/// The answer to an unknown id, and word for word to another client's.
pub(crate) fn not_found() -> Problem {
    Problem::new(
        Code::NotFound,
        "there is nothing of that id for this client: check the id and which client's key you use",
    )
}

fn unavailable() -> Problem {
    Problem::new(
        Code::Unavailable,
        "nothing can be recorded at the moment, and what is not recorded is not done: nothing was \
         accepted, send it again after the time given",
    )
    .retry_after(WHEN_REOPENED)
}

fn storage_low() -> Problem {
    Problem::new(
        Code::StorageLow,
        "the gateway's disk is nearly full, and the room that is left is kept for what is on its way: \
         nothing was accepted, send it again after the time given",
    )
    .retry_after(WHEN_CLEARED)
}

/// Too much at once; it passes within moments.
pub(crate) fn busy() -> Problem {
    Problem::new(
        Code::Busy,
        "too many requests are being answered or wait to be recorded: nothing was accepted, send it again after the time \
         given",
    )
    .retry_after(SOON)
}

#[cfg(test)]
mod tests {
    use domain::limit::country::{Country, Range};

    use super::*;

    #[test]
    fn codes_of_the_engine_and_of_the_api_are_the_same_words() {
        let wait = Duration::from_secs(3);
        for refusal in [
            Refusal::ShortCodeNotGranted,
            Refusal::ClassNotGranted,
            Refusal::NoRoute,
            Refusal::CountryOff(Country::Code(881)),
            Refusal::RangeOff(Range::Satellite),
            Refusal::OptedOut,
            Refusal::QueueFull(wait),
        ] {
            assert_eq!(Problem::from(refusal).code.as_str(), refusal.code());
        }
        for error in [
            AuthError::Unknown,
            AuthError::Expired,
            AuthError::Revoked,
            AuthError::Network,
        ] {
            let code = error.code();
            assert_eq!(Problem::from(error).code.as_str(), code);
        }
    }

    #[test]
    fn whatever_passes_by_itself_says_when_to_come_back() {
        let wait = Duration::from_secs(3);
        for error in [
            SubmitError::Refused(Refusal::QueueFull(wait)),
            SubmitError::KeyInFlight,
            SubmitError::KeysFull,
            SubmitError::Unavailable,
            SubmitError::StorageLow,
            SubmitError::Busy,
        ] {
            let problem = Problem::from(error);
            assert!(problem.retry_after.is_some(), "{}", problem.code.as_str());
        }
        assert_eq!(Problem::from(Refusal::QueueFull(wait)).retry_after, Some(3));
        assert_eq!(Problem::from(SubmitError::KeyReused).retry_after, None);
        let pending = Problem::from(ReceiptError::Pending);
        assert_eq!(pending.retry_after, Some(1));
    }
}
