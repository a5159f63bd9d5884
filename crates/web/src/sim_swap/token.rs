//! Access tokens: one that was given, or those that the token endpoint gives (RFC 6749 section 4.4), each
//! used until shortly before its end and then dropped.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::SimSwapError;
use super::credentials::{Credentials, Secret};
use crate::outgoing::{Place, Post, Roots, Trust, post};

/// A token is not used in its last seconds, in which it may end on its way.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token lasts whose end is not told.
const LIFE_DEFAULT: Duration = Duration::from_mins(5);

/// The longest that a token is believed to last.
const LIFE_MAX: Duration = Duration::from_hours(24);

/// A token to show.
#[derive(Clone)]
pub(super) struct Bearer(Secret);

impl Bearer {
    /// As a header shows it.
    pub(super) fn header(&self) -> HeaderValue {
        sensitive(&Zeroizing::new(format!("Bearer {}", self.0.reveal())))
    }
}

/// Where tokens come from.
pub(super) enum Tokens {
    Given(Bearer),
    Fetched(Box<Endpoint>),
}

/// A token endpoint and the token that it gave last.
pub(super) struct Endpoint {
    place: Place,
    trust: Trust,
    shown: HeaderValue,
    body: String,
    /// Held while a token is fetched, so that a hundred questions fetch one.
    kept: Mutex<Option<(Bearer, Instant)>>,
}

impl Tokens {
    pub(super) fn new(credentials: Credentials, roots: &Roots) -> Result<Self, SimSwapError> {
        let (token_url, id, secret, scope) = match credentials {
            Credentials::Bearer(token) => return Ok(Self::Given(Bearer(token))),
            Credentials::Client {
                token_url,
                id,
                secret,
                scope,
            } => (token_url, id, secret, scope),
        };
        let place = Place::parse(&token_url)?;
        let trust = Trust::of(&place, roots)?;
        let scope = form(&scope);
        Ok(Self::Fetched(Box::new(Endpoint {
            place,
            trust,
            shown: basic(&id, &secret),
            body: format!("grant_type=client_credentials&scope={scope}"),
            kept: Mutex::new(None),
        })))
    }

    /// A token that works, as far as we know. An error says why there is none, in words for the log.
    pub(super) async fn bearer(&self) -> Result<Bearer, String> {
        let endpoint = match self {
            Self::Given(bearer) => return Ok(bearer.clone()),
            Self::Fetched(endpoint) => endpoint,
        };
        let mut kept = endpoint.kept.lock().await;
        if let Some((bearer, until)) = kept.as_ref()
            && Instant::now() < *until
        {
            return Ok(bearer.clone());
        }
        *kept = None;
        let (bearer, life) = endpoint.fetch().await?;
        *kept = Some((bearer.clone(), Instant::now() + life.saturating_sub(MARGIN)));
        Ok(bearer)
    }

    /// Forgets a token that was refused. Whether another one can be had.
    pub(super) async fn drop_if_kept(&self, refused: &Bearer) -> bool {
        let Self::Fetched(endpoint) = self else {
            return false;
        };
        let mut kept = endpoint.kept.lock().await;
        let is_it = |(bearer, _): &(Bearer, Instant)| bearer.0.reveal() == refused.0.reveal();
        if kept.as_ref().is_some_and(is_it) {
            *kept = None;
        }
        true
    }
}

impl Endpoint {
    async fn fetch(&self) -> Result<(Bearer, Duration), String> {
        let asked = Post {
            path: self.place.path(""),
            content_type: "application/x-www-form-urlencoded",
            fields: vec![
                (AUTHORIZATION, self.shown.clone()),
                (ACCEPT, HeaderValue::from_static("application/json")),
            ],
            body: Bytes::from(self.body.clone()),
        };
        let answered = post(&self.place, &self.trust, asked).await;
        let answered = answered.map_err(|error| format!("no token: {}", error.0))?;
        if answered.status != StatusCode::OK {
            return Err(format!(
                "no token: the answer is {}",
                answered.status.as_u16()
            ));
        }
        given(&answered.body).ok_or_else(|| "no token: the answer makes no sense".to_owned())
    }
}

/// The token of an answer (RFC 6749 section 5.1), and how long it lasts.
fn given(body: &[u8]) -> Option<(Bearer, Duration)> {
    #[derive(Deserialize)]
    struct Given {
        access_token: String,
        token_type: String,
        expires_in: Option<u64>,
    }
    let given: Given = serde_json::from_slice(body).ok()?;
    if !given.token_type.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let life = given.expires_in.map_or(LIFE_DEFAULT, Duration::from_secs);
    let token = Secret::new(given.access_token).ok()?;
    Some((Bearer(token), life.min(LIFE_MAX)))
}

/// HTTP Basic of a client, name and secret form-encoded first (RFC 6749 section 2.3.1).
fn basic(id: &str, secret: &Secret) -> HeaderValue {
    let pair = Zeroizing::new(format!("{}:{}", form(id), form(secret.reveal())));
    let shown = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    sensitive(&Zeroizing::new(format!("Basic {}", shown.as_str())))
}

/// A header that no log of the library shows. Its text is printable ASCII by construction.
fn sensitive(text: &str) -> HeaderValue {
    let mut header = HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// `application/x-www-form-urlencoded` of one value.
fn form(text: &str) -> String {
    let mut out = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._*".contains(&octet) {
            out.push(char::from(octet));
        } else if octet == b' ' {
            out.push('+');
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{octet:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_secret_are_encoded_before_they_are_joined() {
        let header = basic("a:b", &Secret::new("c%d".to_owned()).unwrap());
        assert!(header.is_sensitive());
        let expected = format!("Basic {}", STANDARD.encode("a%3Ab:c%25d"));
        assert_eq!(header.to_str().unwrap(), expected);
        assert_eq!(form("sim-swap:check more"), "sim-swap%3Acheck+more");
    }

    #[test]
    fn only_a_bearer_token_that_a_header_can_carry_is_taken() {
        let life = |body: &str| given(body.as_bytes()).map(|(_, life)| life.as_secs());
        let token = |more: &str| format!(r#"{{"access_token":"abc","token_type":"Bearer"{more}}}"#);
        assert_eq!(life(&token("")), Some(300));
        assert_eq!(life(&token(r#","expires_in":3600"#)), Some(3_600));
        assert_eq!(life(&token(r#","expires_in":999999999"#)), Some(86_400));
        assert_eq!(life(r#"{"access_token":"abc","token_type":"mac"}"#), None);
        assert_eq!(
            life(r#"{"access_token":"a b","token_type":"bearer"}"#),
            None
        );
        assert_eq!(life("{}"), None);
    }
}
