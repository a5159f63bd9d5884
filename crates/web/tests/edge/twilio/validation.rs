//! Requests that an application signs: each taken once, and only as it was signed.

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{ClientId, Id, KeyId};
use domain::signature::{RsaKey, sha256};
use engine::rows::AuthMode;
use engine::{KeyWish, NewClient};
use serde_json::{Value, json};
use testkit::gateway::everything;
use web::twilio::sid::{AccountSid, ApiKeySid, MessageSid, PublicKeySid};
use web::{Access, Dialect, ROUTES, RouteRow};

use super::account::{Account, refusal};
use crate::site::Site;
use crate::wire::Heard;

const FORM: &str = "To=%2B447700900123&From=12345&Body=Hello";

/// An application with a key that only it has.
struct Signer {
    pair: RsaKeyPair,
    client: ClientId,
    key: KeyId,
    account: Account,
}

/// A request to sign: what is signed, which may be another one than what is sent.
#[derive(Clone)]
struct Signed {
    method: &'static str,
    target: String,
    authorization: String,
    host: &'static str,
    body: &'static str,
    header: Value,
    payload: Value,
}

impl Signer {
    async fn new(site: &Site) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = RsaKey::of_pkcs1(pair.public_key().as_ref()).unwrap();
        let new = NewClient {
            auth: AuthMode::Signed,
            ..everything("signs")
        };
        let adding = site
            .test
            .gateway
            .add_client_with("root", new, KeyWish::Rsa(public));
        let (row, _) = adding.await.unwrap();
        let unused = testkit::gateway::unknown_key();
        Self {
            pair,
            client: row.id,
            key: row.keys[0].id,
            account: Account::of(site, row.id, &unused).await,
        }
    }

    fn list(&self) -> String {
        self.account.path("Messages.json")
    }

    /// A good request to send a message.
    fn send(&self, site: &Site) -> Signed {
        let now = site.test.clock.peek().seconds();
        let key = ApiKeySid::of(self.key).to_string();
        Signed {
            method: "POST",
            target: self.list(),
            authorization: self.account.authorization.clone(),
            host: "localhost",
            body: FORM,
            header: json!({
                "alg": "RS256", "cty": "twilio-pkrv;v=1", "kid": PublicKeySid::of(self.key).to_string(),
            }),
            payload: json!({
                "iss": key, "sub": AccountSid::of(self.client).to_string(), "nbf": now, "exp": now + 300,
                "hrh": "authorization;host",
            }),
        }
    }

    fn token(&self, signed: &Signed, way: &'static dyn RsaEncoding) -> String {
        let (path, query) = signed
            .target
            .split_once('?')
            .unwrap_or((&signed.target, ""));
        let body = match signed.body {
            "" => String::new(),
            body => hex(&sha256(body.as_bytes())),
        };
        let text = format!(
            "{}\n{path}\n{query}\nauthorization:{}\nhost:{}\n\nauthorization;host\n{body}",
            signed.method, signed.authorization, signed.host
        );
        let mut payload = signed.payload.clone();
        payload["rqh"] = json!(hex(&sha256(text.as_bytes())));
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let base = format!("{}.{}", part(&signed.header), part(&payload));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair
            .sign(way, &random, base.as_bytes(), &mut signature)
            .unwrap();
        format!("{base}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Sends a message with a token.
    async fn post(&mut self, token: &str) -> Heard {
        let headers = format!("Twilio-Client-Validation: {token}\r\n");
        let list = self.list();
        self.account.post_with(&list, &headers, FORM).await
    }

    async fn get(&mut self, target: &str, token: &str) -> Heard {
        let headers = format!("Twilio-Client-Validation: {token}\r\n");
        self.account.call("GET", target, &headers, "").await
    }

    fn rs256(&self, signed: &Signed) -> String {
        self.token(signed, &RSA_PKCS1_SHA256)
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut hex, octet| {
        let _ = write!(hex, "{octet:02x}");
        hex
    })
}

#[tokio::test]
async fn a_request_that_is_signed_needs_no_key_and_is_taken_once() {
    let site = Site::start().await;
    let mut signer = Signer::new(&site).await;
    let list = signer.list();
    assert_eq!(
        refusal(&signer.account.get(&list).await).0,
        401,
        "without a token"
    );
    let token = signer.rs256(&signer.send(&site));
    let sent = signer.post(&token).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let again = signer.post(&token).await;
    assert_eq!(
        refusal(&again),
        (401, 20_003, "signature-replayed".to_owned())
    );
    let mut pss = signer.send(&site);
    pss.header["alg"] = json!("PS256");
    let token = signer.token(&pss, &RSA_PSS_SHA256);
    assert_eq!(signer.post(&token).await.status, 201);
    let mut read = signer.send(&site);
    (read.method, read.body) = ("GET", "");
    read.target = format!("{list}?PageSize=1&To=%2B447700900123");
    let token = signer.rs256(&read);
    let listed = signer.get(&read.target, &token).await;
    assert_eq!(listed.json()["messages"][0]["body"], "Hello", "{listed:?}");
}

#[tokio::test]
async fn a_request_other_than_the_one_that_was_signed_is_refused() {
    let site = Site::start().await;
    let mut signer = Signer::new(&site).await;
    let good = signer.send(&site);
    let list = signer.list();
    for altered in [
        Signed {
            body: "To=%2B447700900124&From=12345&Body=Hello",
            ..good.clone()
        },
        Signed {
            body: "",
            ..good.clone()
        },
        Signed {
            method: "GET",
            ..good.clone()
        },
        Signed {
            target: list.replace("Messages", "Calls"),
            ..good.clone()
        },
        Signed {
            target: format!("{list}?a=1"),
            ..good.clone()
        },
        Signed {
            host: "gateway.example",
            ..good.clone()
        },
        Signed {
            authorization: "Basic eA==".to_owned(),
            ..good.clone()
        },
    ] {
        let token = signer.rs256(&altered);
        let heard = signer.post(&token).await;
        assert_eq!(refusal(&heard), (401, 20_003, "digest-mismatch".to_owned()));
    }
    let mut read = good.clone();
    (read.method, read.body) = ("GET", "");
    let token = signer.rs256(&read);
    let other = format!("{list}?PageSize=1000");
    assert_eq!(
        refusal(&signer.get(&other, &token).await).2,
        "digest-mismatch"
    );
    let token = signer.rs256(&Signed {
        method: "GET",
        ..good.clone()
    });
    let headers = format!("Twilio-Client-Validation: {token}\r\n");
    let heard = signer.account.call("GET", &list, &headers, FORM).await;
    assert_eq!(refusal(&heard).0, 401, "a body that nobody reads");
    let own = signer
        .account
        .call("GET", "/v1/messages", &headers, FORM)
        .await;
    assert_eq!(own.status, 401, "a token opens none of our own routes");
}

#[tokio::test]
async fn a_token_by_another_key_algorithm_or_time_is_refused() {
    let site = Site::start().await;
    let mut signer = Signer::new(&site).await;
    let other = Signer::new(&site).await;
    let good = signer.send(&site);
    let with = |part: &str, name: &str, value: Value| {
        let mut changed = good.clone();
        let part = if part == "header" {
            &mut changed.header
        } else {
            &mut changed.payload
        };
        part[name] = value;
        changed
    };
    let now = site.test.clock.peek().seconds();
    let theirs = PublicKeySid::of(other.key).to_string();
    let stranger = AccountSid::of(other.client).to_string();
    let unknown = PublicKeySid::of(KeyId::new(7, 7)).to_string();
    let odd = other.rs256(&good);
    let swapped = signer.rs256(&with("header", "alg", json!("PS256")));
    let mut cut = signer.rs256(&good);
    // Whole octets, so that it is still base64url.
    cut.truncate(cut.len() - 6);
    for (token, code) in [
        (odd, "unauthorized"),
        (swapped, "unauthorized"),
        (cut, "unauthorized"),
        (
            signer.rs256(&with("header", "kid", json!(theirs))),
            "unauthorized",
        ),
        (
            signer.rs256(&with("header", "kid", json!(unknown))),
            "unauthorized",
        ),
        (
            signer.rs256(&with("payload", "sub", json!(stranger))),
            "unauthorized",
        ),
        (
            signer.rs256(&with("header", "alg", json!("none"))),
            "signature-unsound",
        ),
        (
            signer.rs256(&with("header", "alg", json!("HS256"))),
            "signature-unsound",
        ),
        (
            signer.rs256(&with("payload", "hrh", json!("host"))),
            "signature-unsound",
        ),
        (
            signer.rs256(&with("payload", "nbf", json!(now - 400))),
            "signature-stale",
        ),
        (
            signer.rs256(&with("payload", "exp", json!(now))),
            "signature-stale",
        ),
        ("x".to_owned(), "signature-unsound"),
    ] {
        let heard = signer.post(&token).await;
        assert_eq!(refusal(&heard), (401, 20_003, code.to_owned()), "{token}");
    }
    site.test.clock.advance(Duration::from_secs(1));
    let token = signer.rs256(&signer.send(&site));
    assert_eq!(signer.post(&token).await.status, 201);
}

#[tokio::test]
async fn no_route_of_theirs_takes_the_token_of_another_request() {
    let site = Site::start().await;
    let mut signer = Signer::new(&site).await;
    let theirs =
        |row: &&RouteRow| row.dialect != Dialect::Own && matches!(row.access, Access::Scoped(_));
    let rows = ROUTES.iter().filter(theirs);
    for (tried, row) in rows.enumerate() {
        let path = row.path.replace("{account}", &signer.account.sid);
        let service = signer.account.sid.replace("AC", "VA");
        let path = path.replace("{service}", &service);
        let path = path.replace("{id}", &MessageSid::of(Id::new(7, 7)).to_string());
        let mut named = signer.send(&site);
        named.target = format!("{}?tried={tried}", signer.list());
        let token = signer.rs256(&named);
        let (media, body) = match row.verb.as_str() {
            "POST" => ("Content-Type: application/x-www-form-urlencoded\r\n", FORM),
            _ => ("", ""),
        };
        let headers = format!("Twilio-Client-Validation: {token}\r\n{media}");
        let call = signer
            .account
            .call(row.verb.as_str(), &path, &headers, body);
        let status = refusal(&call.await).0;
        // What is not there need not be looked at further.
        assert!(matches!(status, 401 | 404), "{}: {status}", row.path);
    }
}
