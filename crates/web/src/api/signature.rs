//! The signature of a request, as its headers and the rest of its head give it to whoever verifies it; and whether
//! its body is the one that was signed.

use domain::signature::{
    Claims, Head, MessageSignature, Needs, Presence, SignatureError, content_digest, sha256,
};
use engine::{AuthError, Caller, Credential, SignedRequest};
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};

use crate::api::credentials;
use crate::problem::{Code, Problem};
use crate::route::Dialect;
use crate::twilio::account::{self, Named};
use crate::twilio::validation::{self, RequestHash, Validated};

const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The port of `https`, which is no part of a normal host.
const DEFAULT_PORT: &str = ":443";

/// By what a request wants to be known.
pub(super) enum Shown<'r> {
    Bearer(&'r str),
    Named(Named),
    Signed(Box<Signed>),
    Validated(Box<Validated>),
    Unsound(SignatureError),
}

/// A signature, what it is of, and the body that it names.
pub(super) struct Signed {
    claims: Claims,
    base: String,
    octets: Vec<u8>,
    digest: Option<[u8; 32]>,
}

impl<'r> Shown<'r> {
    /// What a head shows on a route of this dialect. Whether a body comes is known from the head too.
    pub(super) fn on(dialect: Dialect, parts: &'r Parts, is_without_body: bool) -> Self {
        match dialect {
            Dialect::Own => Self::of(parts, is_without_body),
            Dialect::Messages | Dialect::Verify if validation::is_there(parts) => {
                match validation::read(parts) {
                    Ok(token) => Self::Validated(Box::new(token)),
                    Err(error) => Self::Unsound(error),
                }
            }
            Dialect::Messages | Dialect::Verify => {
                account::shown(&parts.headers).map_or(Self::Bearer(""), Self::Named)
            }
        }
    }

    fn of(parts: &'r Parts, is_without_body: bool) -> Self {
        let headers = &parts.headers;
        if !headers.contains_key(&SIGNATURE_INPUT) && !headers.contains_key(&SIGNATURE) {
            return Self::Bearer(credentials::bearer(headers).unwrap_or_default());
        }
        let body = if is_without_body {
            Presence::Absent
        } else {
            Presence::Present
        };
        match signed(parts, body) {
            Ok(signed) => Self::Signed(Box::new(signed)),
            Err(error) => Self::Unsound(error),
        }
    }

    /// The same for the engine.
    pub(super) fn credential(&self) -> Credential<'_> {
        match self {
            Self::Bearer(key) => Credential::Bearer(key),
            Self::Named(named) => named.credential(),
            Self::Unsound(error) => Credential::Unsound(error.clone()),
            Self::Signed(signed) => Credential::Signed(SignedRequest {
                claims: &signed.claims,
                base: &signed.base,
                signature: &signed.octets,
                padding: None,
            }),
            Self::Validated(token) => Credential::Signed(SignedRequest {
                claims: &token.claims,
                base: &token.base,
                signature: &token.signature,
                padding: Some(token.padding),
            }),
        }
    }

    /// What its body must be.
    pub(super) fn proof(&self) -> BodyProof {
        match self {
            Self::Signed(signed) => signed.digest.map_or(BodyProof::None, BodyProof::Digest),
            Self::Validated(token) => BodyProof::Request(token.request.clone()),
            Self::Bearer(_) | Self::Named(_) | Self::Unsound(_) => BodyProof::None,
        }
    }

    /// Refuses a token that says that it is of another account than its key.
    pub(super) fn require_account(&self, caller: &Caller) -> Result<(), Problem> {
        match self {
            Self::Validated(token) if token.account != caller.client => {
                Err(AuthError::WrongSignature.into())
            }
            _ => Ok(()),
        }
    }
}

/// What a body must be so that it is the one which was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BodyProof {
    /// Anything.
    None,
    /// Of this SHA-256.
    Digest([u8; 32]),
    /// That of the request whose hash was signed.
    Request(RequestHash),
}

impl BodyProof {
    /// Refuses a body other than the one that was signed.
    pub(super) fn require(&self, body: &[u8]) -> Result<(), Problem> {
        let detail = match self {
            Self::Digest(digest) if *digest != sha256(body) => {
                "the body is not the one whose SHA-256 is in Content-Digest, so that nothing was done: sign the \
                 octets that you send, as they are"
            }
            Self::Request(request) if !request.is_of(body) => {
                "the request is not the one whose hash the token in Twilio-Client-Validation holds, so that nothing \
                 was done: nothing on the way may change its path, its query, its Host or its body"
            }
            Self::None | Self::Digest(_) | Self::Request(_) => return Ok(()),
        };
        Err(Problem::new(Code::DigestMismatch, detail))
    }

    /// Refuses a request that nobody would hold against its signature, since its body is never read.
    pub(super) fn require_head(&self, method: &Method, body: Presence) -> Result<(), Problem> {
        match (self, body) {
            (Self::Request(_), Presence::Absent) => self.require(b""),
            (Self::Request(_), Presence::Present) if method != Method::POST => {
                let detail = "only POST may bring a body with a token in Twilio-Client-Validation";
                Err(Problem::new(Code::DigestMismatch, detail))
            }
            _ => Ok(()),
        }
    }
}

fn signed(parts: &Parts, body: Presence) -> Result<Signed, SignatureError> {
    let headers = &parts.headers;
    if headers.contains_key(AUTHORIZATION) {
        return Err(SignatureError::Beside);
    }
    let read = |name: &HeaderName, shown| {
        combined(headers, name.as_str()).ok_or(SignatureError::HeaderMissing(shown))
    };
    let input = read(&SIGNATURE_INPUT, "Signature-Input")?;
    let signature = MessageSignature::read(&input, &read(&SIGNATURE, "Signature")?)?;
    let covers = |name| signature.covers(name);
    let mut fields = Vec::new();
    if body == Presence::Present {
        fields.push("content-digest");
    }
    if headers.contains_key(&IDEMPOTENCY_KEY) {
        fields.push("idempotency-key");
    }
    signature.require(Needs {
        query: presence(parts.uri.query()),
        fields: &fields,
    })?;
    let digest = match combined(headers, CONTENT_DIGEST.as_str()) {
        Some(digest) if covers("content-digest") => Some(content_digest(&digest)?),
        _ => None,
    };
    let field = |name: &str| combined(headers, name);
    let head = Head {
        method: parts.method.as_str(),
        authority: authority(parts),
        path: parts.uri.path(),
        query: parts.uri.query(),
        field: &field,
    };
    Ok(Signed {
        claims: signature.claims()?,
        base: signature.base(&head)?,
        octets: signature.octets().to_vec(),
        digest,
    })
}

const fn presence(query: Option<&str>) -> Presence {
    match query {
        Some(_) => Presence::Present,
        None => Presence::Absent,
    }
}

/// The host as it is signed: in lower case, without the port that every client leaves away (RFC 9421 section 2.2.3).
fn authority(parts: &Parts) -> String {
    let named = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = named.or(host).unwrap_or_default().to_ascii_lowercase();
    match host.strip_suffix(DEFAULT_PORT) {
        Some(plain) => plain.to_owned(),
        None => host,
    }
}

/// The lines of a header as one value (RFC 9421 section 2.1).
fn combined(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(name).iter();
    let lines: Option<Vec<&str>> = lines
        .map(|line| line.to_str().ok().map(str::trim))
        .collect();
    let lines = lines.filter(|lines| !lines.is_empty())?;
    Some(lines.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(build: http::request::Builder) -> Parts {
        build.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_host_is_signed_in_lower_case_and_without_the_usual_port() {
        let of = |uri: &str, host: &str| {
            authority(&parts(http::Request::builder().uri(uri).header(HOST, host)))
        };
        assert_eq!(of("/", "Gateway.Example"), "gateway.example");
        assert_eq!(of("/", "gateway.example:443"), "gateway.example");
        assert_eq!(of("/", "gateway.example:8443"), "gateway.example:8443");
        assert_eq!(of("https://a.example/", "b.example"), "a.example");
    }

    #[test]
    fn lines_of_a_header_are_signed_as_one() {
        let build = http::Request::builder();
        let parts = parts(build.header("x-a", " one ").header("x-a", "two"));
        assert_eq!(combined(&parts.headers, "x-a").unwrap(), "one, two");
        assert_eq!(combined(&parts.headers, "x-b"), None);
    }

    const COVERED: &str =
        "sig=(\"@method\" \"@target-uri\");created=1;nonce=\"0123456789abcdef\";keyid=\"k\"";

    fn refused(build: http::request::Builder, without_body: bool) -> SignatureError {
        match Shown::of(&parts(build), without_body) {
            Shown::Unsound(error) => error,
            _ => panic!("it is sound"),
        }
    }

    #[test]
    fn a_body_and_an_idempotency_key_must_be_covered() {
        let build = || {
            let build = http::Request::builder()
                .uri("/v1/messages")
                .header(HOST, "a");
            build
                .header("signature-input", COVERED)
                .header("signature", "sig=:AAAA:")
        };
        let bare = parts(build());
        assert!(matches!(Shown::of(&bare, true), Shown::Signed(_)));
        let uncovered = SignatureError::Uncovered;
        assert_eq!(refused(build(), false), uncovered("content-digest"));
        let keyed = build().header("idempotency-key", "k-1");
        assert_eq!(refused(keyed, true), uncovered("idempotency-key"));
        let both = build().header(AUTHORIZATION, "Bearer ssk_x");
        assert_eq!(refused(both, true), SignatureError::Beside);
        let alone = http::Request::builder().header("signature", "sig=:AAAA:");
        assert_eq!(
            refused(alone, true),
            SignatureError::HeaderMissing("Signature-Input")
        );
    }
}
