//! Every error code of the API: its status and its title. The codes are stable; each has a section in
//! `docs/errors.md`, and a test holds the two together.

use http::StatusCode;

/// What went wrong, in one word that programs can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not JSON.
    InvalidJson,
    /// The request is well-formed, but fields of it are wrong.
    InvalidRequest,
    /// The request is no sound HTTP.
    MalformedRequest,
    /// The idempotency key is written wrongly.
    IdempotencyKeyInvalid,
    /// No key, or an unknown one.
    Unauthorized,
    /// The key's time is over.
    KeyExpired,
    /// The key was revoked.
    KeyRevoked,
    /// The signature cannot be looked at, or covers too little.
    SignatureUnsound,
    /// The signature is not of this time.
    SignatureStale,
    /// The signature was used before.
    SignatureReplayed,
    /// The body is not the one that was signed.
    DigestMismatch,
    /// The client may not call from here.
    NetworkNotAllowed,
    /// The key lacks the scope.
    ScopeMissing,
    /// The key may not use the short code.
    ShortCodeNotGranted,
    /// The key may not send the class.
    ClassNotGranted,
    /// Sending the code is too great a risk.
    Risk,
    /// No such thing, or another client's.
    NotFound,
    /// It was pruned from the ledger.
    Pruned,
    /// The path has other methods.
    MethodNotAllowed,
    /// The body came too slowly.
    RequestTimeout,
    /// More is expected than can be done.
    ExpectationFailed,
    /// It is for another host.
    MisdirectedRequest,
    /// A request with this idempotency key is on its way.
    IdempotencyInFlight,
    /// The message cannot be taken back any more.
    NotCancellable,
    /// The message still moves, or is too young to be destroyed.
    NotSettled,
    /// There is no opt-out to remove.
    NotOptedOut,
    /// No checkpoint covers it yet.
    ReceiptPending,
    /// The code was sent as often as one may be.
    SentTooOften,
    /// The channel of the verification sends nothing.
    NothingToSend,
    /// The factor must be confirmed first.
    FactorPending,
    /// The factor is confirmed already.
    FactorConfirmed,
    /// The body is too large.
    BodyTooLarge,
    /// The body is not `application/json`, or compressed.
    UnsupportedMediaType,
    /// The number opted out.
    OptedOut,
    /// No carrier is configured for the short code.
    NoRoute,
    /// The text takes too many segments.
    TooManySegments,
    /// The validity is too long.
    ValidityTooLong,
    /// The idempotency key was used for another payload.
    IdempotencyKeyReused,
    /// The settings have no terms of verifications.
    VerificationsOff,
    /// The text of a code does not fit one segment.
    TextDoesNotFit,
    /// The number of a verification is a fixed line.
    FixedLine,
    /// The wait since the last code is not over.
    SendCooldown,
    /// Too many codes were sent to the number.
    SendBudget,
    /// Too many checks of the number failed within a day.
    GuessBudget,
    /// Every check of the verification was used.
    ChecksUsedUp,
    /// Too many checks of the number failed in a row.
    /// Too many codes were wrong in a row.
    CodesDisabled,
    /// The request has too many header lines.
    TooManyHeaders,
    /// Messages to the number's country are off.
    CountryOff,
    /// Messages to numbers of its range are off.
    RangeOff,
    /// A limit is used up.
    Throttled,
    /// A mistake of ours.
    Internal,
    /// The queue of the class is full.
    QueueFull,
    /// No more idempotency keys can be kept.
    IdempotencyFull,
    /// No more verifications can be kept.
    VerificationsFull,
    /// Too many requests wait to be recorded.
    Busy,
    /// The store takes nothing.
    Unavailable,
    /// The disk is nearly full.
    StorageLow,
    /// The answer took too long.
    Timeout,
}

impl Code {
    /// Every code, by status.
    pub const ALL: [Self; 58] = [
        Self::InvalidJson,
        Self::InvalidRequest,
        Self::MalformedRequest,
        Self::IdempotencyKeyInvalid,
        Self::DigestMismatch,
        Self::Unauthorized,
        Self::KeyExpired,
        Self::KeyRevoked,
        Self::SignatureUnsound,
        Self::SignatureStale,
        Self::SignatureReplayed,
        Self::NetworkNotAllowed,
        Self::ScopeMissing,
        Self::ShortCodeNotGranted,
        Self::ClassNotGranted,
        Self::Risk,
        Self::NotFound,
        Self::Pruned,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::ExpectationFailed,
        Self::MisdirectedRequest,
        Self::IdempotencyInFlight,
        Self::NotCancellable,
        Self::NotSettled,
        Self::NotOptedOut,
        Self::ReceiptPending,
        Self::SentTooOften,
        Self::NothingToSend,
        Self::FactorPending,
        Self::FactorConfirmed,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::OptedOut,
        Self::NoRoute,
        Self::CountryOff,
        Self::RangeOff,
        Self::TooManySegments,
        Self::ValidityTooLong,
        Self::IdempotencyKeyReused,
        Self::VerificationsOff,
        Self::TextDoesNotFit,
        Self::FixedLine,
        Self::Throttled,
        Self::SendCooldown,
        Self::SendBudget,
        Self::GuessBudget,
        Self::ChecksUsedUp,
        Self::CodesDisabled,
        Self::TooManyHeaders,
        Self::Internal,
        Self::QueueFull,
        Self::IdempotencyFull,
        Self::VerificationsFull,
        Self::Busy,
        Self::Unavailable,
        Self::StorageLow,
        Self::Timeout,
    ];

    /// The code, its status and its title.
    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidJson => ("invalid-json", S::BAD_REQUEST, "Body is not JSON"),
            Self::InvalidRequest => ("invalid-request", S::BAD_REQUEST, "Fields are wrong"),
            Self::MalformedRequest => (
                "malformed-request",
                S::BAD_REQUEST,
                "Request is not sound HTTP",
            ),
            Self::IdempotencyKeyInvalid => (
                "idempotency-key-invalid",
                S::BAD_REQUEST,
                "Idempotency key is malformed",
            ),
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "No valid API key"),
            Self::KeyExpired => ("key-expired", S::UNAUTHORIZED, "API key has expired"),
            Self::KeyRevoked => ("key-revoked", S::UNAUTHORIZED, "API key was revoked"),
            Self::NetworkNotAllowed => (
                "network-not-allowed",
                S::FORBIDDEN,
                "Source network is not allowed",
            ),
            Self::ScopeMissing => ("scope-missing", S::FORBIDDEN, "API key lacks the scope"),
            Self::ShortCodeNotGranted => (
                "short-code-not-granted",
                S::FORBIDDEN,
                "Short code is not granted",
            ),
            Self::ClassNotGranted => ("class-not-granted", S::FORBIDDEN, "Class is not granted"),
            Self::Risk => ("risk", S::FORBIDDEN, "Code is too great a risk"),
            Self::NotFound => ("not-found", S::NOT_FOUND, "Not found"),
            Self::Pruned => ("pruned", S::NOT_FOUND, "Pruned from the ledger"),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                S::METHOD_NOT_ALLOWED,
                "Method not allowed",
            ),
            Self::RequestTimeout => (
                "request-timeout",
                S::REQUEST_TIMEOUT,
                "Body came too slowly",
            ),
            Self::IdempotencyInFlight => (
                "idempotency-in-flight",
                S::CONFLICT,
                "First request is still being answered",
            ),
            Self::NotCancellable => ("not-cancellable", S::CONFLICT, "Too late to cancel"),
            Self::NotSettled => ("not-settled", S::CONFLICT, "Message is not settled yet"),
            Self::NotOptedOut => ("not-opted-out", S::CONFLICT, "No opt-out is on record"),
            Self::ReceiptPending => ("receipt-pending", S::CONFLICT, "Receipt is not ready yet"),
            Self::FactorPending => ("factor-pending", S::CONFLICT, "Factor is not confirmed yet"),
            Self::FactorConfirmed => (
                "factor-confirmed",
                S::CONFLICT,
                "Factor is confirmed already",
            ),
            Self::BodyTooLarge => ("body-too-large", S::PAYLOAD_TOO_LARGE, "Body is too large"),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "Body is not plain JSON",
            ),
            _ => self.head_row(),
        }
    }

    /// What a head alone meets.
    const fn head_row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::ExpectationFailed => (
                "expectation-failed",
                S::EXPECTATION_FAILED,
                "Expectation cannot be met",
            ),
            Self::MisdirectedRequest => (
                "misdirected-request",
                S::MISDIRECTED_REQUEST,
                "Request is for another host",
            ),
            _ => self.sending_row(),
        }
    }

    /// What only codes that are sent again meet.
    const fn sending_row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::SentTooOften => (
                "sent-too-often",
                S::CONFLICT,
                "Code was sent as often as it may be",
            ),
            Self::NothingToSend => ("nothing-to-send", S::CONFLICT, "Channel sends nothing"),
            _ => self.signature_row(),
        }
    }

    /// What only signed requests meet.
    const fn signature_row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::DigestMismatch => (
                "digest-mismatch",
                S::BAD_REQUEST,
                "Body is not the one that was signed",
            ),
            Self::SignatureUnsound => (
                "signature-unsound",
                S::UNAUTHORIZED,
                "Signature is incomplete",
            ),
            Self::SignatureStale => (
                "signature-stale",
                S::UNAUTHORIZED,
                "Signature is not of this time",
            ),
            Self::SignatureReplayed => (
                "signature-replayed",
                S::UNAUTHORIZED,
                "Signature was used before",
            ),
            _ => self.verification_row(),
        }
    }

    /// What only verifications meet.
    const fn verification_row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::VerificationsOff => (
                "verifications-off",
                S::UNPROCESSABLE_ENTITY,
                "Verifications are not set up",
            ),
            Self::TextDoesNotFit => (
                "text-does-not-fit",
                S::UNPROCESSABLE_ENTITY,
                "Text does not fit one segment",
            ),
            Self::FixedLine => (
                "fixed-line",
                S::UNPROCESSABLE_ENTITY,
                "Fixed lines get no codes",
            ),
            Self::SendCooldown => (
                "send-cooldown",
                S::TOO_MANY_REQUESTS,
                "Too early for another code",
            ),
            Self::SendBudget => (
                "send-budget",
                S::TOO_MANY_REQUESTS,
                "Too many codes for this number",
            ),
            Self::GuessBudget => (
                "guess-budget",
                S::TOO_MANY_REQUESTS,
                "Too many failed checks",
            ),
            Self::ChecksUsedUp => (
                "checks-used-up",
                S::TOO_MANY_REQUESTS,
                "Every check was used",
            ),
            Self::CodesDisabled => ("codes-disabled", S::TOO_MANY_REQUESTS, "Codes are disabled"),
            Self::VerificationsFull => (
                "verifications-full",
                S::SERVICE_UNAVAILABLE,
                "No room for verifications",
            ),
            _ => self.later_row(),
        }
    }

    /// The rest of the table.
    const fn later_row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::OptedOut => ("opted-out", S::UNPROCESSABLE_ENTITY, "Recipient opted out"),
            Self::NoRoute => (
                "no-route",
                S::UNPROCESSABLE_ENTITY,
                "Short code has no carrier",
            ),
            Self::CountryOff => (
                "country-off",
                S::UNPROCESSABLE_ENTITY,
                "Country is not enabled",
            ),
            Self::RangeOff => (
                "range-off",
                S::UNPROCESSABLE_ENTITY,
                "Range of numbers is not enabled",
            ),
            Self::Throttled => ("throttled", S::TOO_MANY_REQUESTS, "Limit is used up"),
            Self::TooManySegments => (
                "too-many-segments",
                S::UNPROCESSABLE_ENTITY,
                "Text takes too many segments",
            ),
            Self::ValidityTooLong => (
                "validity-too-long",
                S::UNPROCESSABLE_ENTITY,
                "Validity is too long",
            ),
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                S::UNPROCESSABLE_ENTITY,
                "Idempotency key was used for another payload",
            ),
            Self::TooManyHeaders => (
                "too-many-headers",
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Too many header lines",
            ),
            Self::QueueFull => ("queue-full", S::SERVICE_UNAVAILABLE, "Queue is full"),
            Self::IdempotencyFull => (
                "idempotency-full",
                S::SERVICE_UNAVAILABLE,
                "No room for idempotency keys",
            ),
            Self::Busy => (
                "busy",
                S::SERVICE_UNAVAILABLE,
                "Too many requests are waiting",
            ),
            Self::Unavailable => (
                "unavailable",
                S::SERVICE_UNAVAILABLE,
                "Nothing can be recorded",
            ),
            Self::StorageLow => ("storage-low", S::SERVICE_UNAVAILABLE, "Disk is nearly full"),
            Self::Timeout => ("timeout", S::SERVICE_UNAVAILABLE, "Answer took too long"),
            _ => (
                "internal",
                S::INTERNAL_SERVER_ERROR,
                "Mistake of the gateway",
            ),
        }
    }

    /// The word itself.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status it comes with.
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// What it is, for people; always the same for a code (RFC 9457 section 3.1.3).
    pub const fn title(self) -> &'static str {
        self.row().2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sections of the page, as `code status`: a heading is a code, and the line after it begins
    /// with the status.
    fn documented() -> Vec<String> {
        let page = include_str!("../../../../docs/errors.md");
        let sections = page.split("\n## ").skip(1);
        sections
            .map(|section| {
                let (code, text) = section.split_once("\n\n").unwrap();
                let status = text
                    .strip_prefix("**")
                    .and_then(|rest| rest.get(..3))
                    .unwrap();
                format!("{code} {status}")
            })
            .collect()
    }

    #[test]
    fn every_code_has_its_section_and_every_section_its_code() {
        let mut table: Vec<_> = Code::ALL
            .iter()
            .map(|code| format!("{} {}", code.as_str(), code.status().as_u16()))
            .collect();
        let mut page = documented();
        table.sort();
        page.sort();
        assert_eq!(page, table);
    }

    #[test]
    fn codes_are_stable() {
        let list: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(
            list.join(" "),
            "invalid-json invalid-request malformed-request idempotency-key-invalid digest-mismatch unauthorized \
             key-expired key-revoked signature-unsound signature-stale signature-replayed network-not-allowed scope-missing short-code-not-granted \
             class-not-granted risk not-found pruned method-not-allowed request-timeout expectation-failed misdirected-request idempotency-in-flight \
             not-cancellable not-settled not-opted-out receipt-pending sent-too-often nothing-to-send factor-pending factor-confirmed body-too-large unsupported-media-type \
             opted-out no-route country-off range-off \
             too-many-segments validity-too-long idempotency-key-reused verifications-off text-does-not-fit fixed-line \
             throttled send-cooldown send-budget guess-budget checks-used-up codes-disabled too-many-headers internal \
             queue-full idempotency-full verifications-full busy unavailable storage-low timeout"
        );
    }
}
