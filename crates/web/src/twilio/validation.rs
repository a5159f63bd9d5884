//! Requests that an application of Twilio's signs (`Twilio-Client-Validation`): a token (RFC 7519) by an RSA key of the
//! client, with a hash of the request in it. The key is named as `CR…` and known by that alone; what `Authorization`
//! shows is hashed with the rest and not looked at. The body is held against the hash once it was read.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::ClientId;
use domain::signature::{Algorithm, Claims, Padding, SignatureError, sha256};
use http::HeaderName;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use serde::Deserialize;

use crate::twilio::form::{decoded, encoded};
use crate::twilio::sid::{AccountSid, ApiKeySid, PublicKeySid, Sid};

/// The header that holds the token.
const TOKEN: HeaderName = HeaderName::from_static("twilio-client-validation");

/// The headers that are hashed.
const HASHED: &str = "authorization;host";

/// What the token says that it is.
const CONTENT: &str = "twilio-pkrv;v=1";

/// How long a token lasts, in seconds.
const LIFE: u64 = 300;

/// A token, and the request that it is of.
pub(crate) struct Validated {
    pub(crate) claims: Claims,
    /// What is signed.
    pub(crate) base: String,
    pub(crate) signature: Vec<u8>,
    pub(crate) padding: Padding,
    /// The account that it says it is of.
    pub(crate) account: ClientId,
    pub(crate) request: RequestHash,
}

/// The hash of a request, and all of the request but its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestHash {
    /// One for each way in which the SDKs write a query.
    heads: Vec<String>,
    hash: String,
}

impl RequestHash {
    /// Whether it is of this body.
    pub(crate) fn is_of(&self, body: &[u8]) -> bool {
        let end = if body.is_empty() {
            String::new()
        } else {
            hex(&sha256(body))
        };
        let is_it = |head: &String| hex(&sha256(format!("{head}{end}").as_bytes())) == self.hash;
        self.heads.iter().any(is_it)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    cty: String,
    kid: String,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Payload {
    iss: String,
    sub: String,
    hrh: String,
    rqh: String,
    exp: u64,
    #[serde(default)]
    nbf: Option<u64>,
    #[serde(default)]
    iat: Option<u64>,
}

/// Whether a request with this body is the one that its token names. Whether that is signed is not asked.
pub fn names(parts: &Parts, body: &[u8]) -> Result<bool, SignatureError> {
    read(parts).map(|token| token.request.is_of(body))
}

/// Whether a request brings a token.
pub(crate) fn is_there(parts: &Parts) -> bool {
    parts.headers.contains_key(&TOKEN)
}

/// Reads the token of a request. Whether its signature is good is for whoever knows the key.
pub(crate) fn read(parts: &Parts) -> Result<Validated, SignatureError> {
    let wrong = SignatureError::Token;
    let mut lines = parts.headers.get_all(&TOKEN).iter();
    let token = lines.next().and_then(|line| line.to_str().ok());
    let token = token.filter(|_| lines.next().is_none());
    let token = token.ok_or(wrong("must be there once, in ASCII"))?;
    let pieces: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = pieces[..] else {
        return Err(wrong("is not three parts with full stops between them"));
    };
    let says: Header = json(header)?;
    let claimed: Payload = json(payload)?;
    let padding = match says.alg.as_str() {
        "RS256" => Padding::Pkcs1,
        "PS256" => Padding::Pss,
        _ => return Err(wrong("is signed by another algorithm than RS256 or PS256")),
    };
    if says.cty != CONTENT || says.crit.is_some() || claimed.hrh != HASHED {
        return Err(wrong(
            "is of another kind than twilio-pkrv;v=1 over authorization and host",
        ));
    }
    let key: PublicKeySid = says.kid.parse().map_err(|_| wrong("names no key CR…"))?;
    let account: AccountSid = claimed
        .sub
        .parse()
        .map_err(|_| wrong("names no account AC…"))?;
    let _: ApiKeySid = claimed
        .iss
        .parse()
        .map_err(|_| wrong("names no API key SK…"))?;
    let base = format!("{header}.{payload}");
    Ok(Validated {
        claims: Claims {
            created: claimed
                .nbf
                .or(claimed.iat)
                .unwrap_or(claimed.exp.saturating_sub(LIFE)),
            expires: Some(claimed.exp),
            // Two tokens of the same words are of the same request.
            nonce: hex(&sha256(base.as_bytes())),
            key_id: Sid::id(key).to_string(),
            algorithm: Some(Algorithm::RsaSha256),
        },
        signature: octets(signature).ok_or(wrong("is not base64url"))?,
        base,
        padding,
        account: Sid::id(account),
        request: RequestHash {
            heads: heads(parts)?,
            hash: claimed.rqh,
        },
    })
}

fn json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, SignatureError> {
    let octets = octets(part).ok_or(SignatureError::Token("is not base64url"))?;
    let says = SignatureError::Token("lacks a member that it must have, or has it twice");
    serde_json::from_slice(&octets).map_err(|_| says)
}

fn octets(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// The request up to the hash of its body.
fn heads(parts: &Parts) -> Result<Vec<String>, SignatureError> {
    let one = |name: &HeaderName| {
        let mut lines = parts.headers.get_all(name).iter();
        let line = lines.next().and_then(|line| line.to_str().ok());
        line.filter(|_| lines.next().is_none()).map(str::trim)
    };
    let named = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = named.or_else(|| one(&HOST));
    let (Some(shown), Some(host)) = (one(&AUTHORIZATION), host) else {
        let says = "is of Authorization and Host, one of which is not there once";
        return Err(SignatureError::Token(says));
    };
    let (method, path) = (&parts.method, parts.uri.path());
    let head = |query: &String| {
        format!("{method}\n{path}\n{query}\nauthorization:{shown}\nhost:{host}\n\n{HASHED}\n")
    };
    Ok(queries(parts.uri.query()).iter().map(head).collect())
}

/// A query as the SDKs sort it: its pieces as they stand, or its pairs, encoded anew.
fn queries(query: Option<&str>) -> Vec<String> {
    let query = query.unwrap_or_default();
    let mut pieces: Vec<&str> = query.split('&').collect();
    pieces.sort_unstable();
    let mut ways = vec![pieces.join("&")];
    let pairs: Option<Vec<_>> = pieces.iter().copied().map(pair).collect();
    if let Some(mut pairs) = pairs.filter(|_| !query.is_empty()) {
        pairs.sort_by_cached_key(|(name, value)| format!("{name}={value}"));
        let written = pairs.iter();
        let written =
            written.map(|(name, value)| format!("{}={}", component(name), component(value)));
        ways.push(written.collect::<Vec<_>>().join("&"));
    }
    ways.dedup();
    ways
}

/// A piece of a query, decoded.
fn pair(piece: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
    Some((decoded(name)?, decoded(value)?))
}

/// As JavaScript encodes a part of a URL, with the star encoded too.
fn component(text: &str) -> String {
    let mut written = encoded(text);
    for (code, plain) in [("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")")] {
        written = written.replace(code, plain);
    }
    written
}

fn hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        // Writing into a text does not fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use domain::id::Id;
    use serde_json::{Value, json};

    use super::*;

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn header() -> Value {
        let kid = PublicKeySid::of(Id::new(3, 3)).to_string();
        json!({"alg": "RS256", "typ": "JWT", "cty": CONTENT, "kid": kid})
    }

    fn payload() -> Value {
        json!({
            "iss": ApiKeySid::of(Id::new(3, 3)).to_string(),
            "sub": AccountSid::of(Id::new(5, 5)).to_string(),
            "hrh": HASHED, "rqh": "00", "exp": 1_300, "nbf": 1_000,
        })
    }

    fn parts(uri: &str, tokens: &[&str]) -> Parts {
        let mut build = http::Request::builder()
            .method("POST")
            .uri(uri)
            .header(HOST, "gateway.example:8443")
            .header(AUTHORIZATION, "Basic eA==");
        for token in tokens {
            build = build.header(TOKEN, *token);
        }
        build.body(()).unwrap().into_parts().0
    }

    fn token(header: &Value, payload: &Value) -> String {
        format!(
            "{}.{}.{}",
            part(header),
            part(payload),
            URL_SAFE_NO_PAD.encode("x")
        )
    }

    fn said(token: &str) -> Result<Validated, SignatureError> {
        read(&parts("/v2/Services", &[token]))
    }

    #[test]
    fn a_token_names_its_key_its_time_and_its_account() {
        let read = said(&token(&header(), &payload())).unwrap();
        assert_eq!(
            (read.claims.created, read.claims.expires),
            (1_000, Some(1_300))
        );
        assert_eq!(read.claims.key_id, domain::id::KeyId::new(3, 3).to_string());
        assert_eq!(read.claims.nonce.len(), 64);
        assert_eq!(
            (read.account, read.padding),
            (ClientId::new(5, 5), Padding::Pkcs1)
        );
        let mut other = payload();
        other["nbf"] = Value::Null;
        assert_eq!(
            said(&token(&header(), &other)).unwrap().claims.created,
            1_000
        );
        other["iat"] = json!(1_001);
        assert_eq!(
            said(&token(&header(), &other)).unwrap().claims.created,
            1_001
        );
    }

    #[test]
    fn a_token_of_another_form_is_refused() {
        let good = token(&header(), &payload());
        let with = |mut base: Value, name: &str, value: Value| {
            base[name] = value;
            base
        };
        let head = |name, value| token(&with(header(), name, value), &payload());
        let claim = |name, value| token(&header(), &with(payload(), name, value));
        for wrong in [
            String::new(),
            "..".to_owned(),
            good[..good.len() / 2].to_owned(),
            format!("{good}.x"),
            format!("{good}="),
            head("alg", json!("none")),
            head("alg", json!("HS256")),
            head("alg", json!("RS512")),
            head("cty", json!("JWT")),
            head("crit", json!(["exp"])),
            head("kid", json!(ApiKeySid::of(Id::new(3, 3)).to_string())),
            claim("hrh", json!("host")),
            claim("exp", json!("1300")),
            claim("exp", json!(-1)),
            claim("sub", json!("AC")),
            claim("iss", json!("x")),
            claim("rqh", Value::Null),
        ] {
            assert!(said(&wrong).is_err(), "{wrong}");
        }
        assert!(read(&parts("/", &[&good, &good])).is_err());
        let twice = r#"{"alg":"RS256","alg":"none","cty":"twilio-pkrv;v=1","kid":"x"}"#;
        let twice = format!("{}.{}.eA", URL_SAFE_NO_PAD.encode(twice), part(&payload()));
        assert!(said(&twice).is_err());
    }

    #[test]
    fn the_hash_is_of_the_whole_request() {
        let uri = "/v2/Services?b=2&a=x%20y&a=1";
        let head = "POST\n/v2/Services\na=1&a=x%20y&b=2\nauthorization:Basic eA==\n\
                    host:gateway.example:8443\n\nauthorization;host\n";
        let of = |uri: &str, text: &str| {
            let mut claimed = payload();
            claimed["rqh"] = json!(hex(&sha256(text.as_bytes())));
            read(&parts(uri, &[&token(&header(), &claimed)]))
                .unwrap()
                .request
        };
        let body = hex(&sha256(b"To=1"));
        let request = of(uri, &format!("{head}{body}"));
        assert!(request.is_of(b"To=1"));
        assert!(!request.is_of(b"To=2") && !request.is_of(b""));
        assert!(
            of(uri, head).is_of(b""),
            "without a body the last line is empty"
        );
        for other in [
            "/v2/Services?b=2&a=x%20y",
            "/v2/Service?b=2&a=x%20y&a=1",
            "/v2/Services",
        ] {
            assert!(!of(other, head).is_of(b""), "{other}");
        }
        // Encoded otherwise on the wire than it was hashed.
        assert!(of("/v2/Services?b=2&a=x+y&a=1", head).is_of(b""));
        let odd = head.replace("a=1&a=x%20y&b=2", "DateSent%3C=1&DateSent=(!)'%2A~%3D");
        let uri = "/v2/Services?DateSent=%28%21%29%27*~%3D&DateSent%3C=1";
        assert!(of(uri, &odd).is_of(b""));
    }
}
