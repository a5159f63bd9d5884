//! Signed requests, and whoever would like to send one of somebody else's. The signatures are written here by hand, as
//! a client would.

use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::rows::AuthMode;
use engine::{KeyWish, NewClient};
use testkit::gateway::everything;

use crate::site::{MESSAGE, Site};
use crate::wire::{Heard, Wire};

/// A client that signs.
pub struct Signer {
    key_id: String,
    key: Key,
}

enum Key {
    Pair(Ed25519KeyPair),
    Secret(Box<hmac::Key>),
}

/// A request before it is signed.
#[derive(Clone)]
struct Draft {
    method: &'static str,
    target: String,
    body: String,
    covered: Vec<&'static str>,
    created: u64,
    nonce: String,
    more: String,
    headers: Vec<(&'static str, String)>,
}

impl Draft {
    /// A message, signed in full.
    fn message(site: &Site, nonce: &str) -> Self {
        Self {
            method: "POST",
            target: "/v1/messages".to_owned(),
            body: MESSAGE.to_owned(),
            covered: vec!["@method", "@target-uri", "content-digest"],
            created: site.test.clock.peek().seconds(),
            nonce: nonce.to_owned(),
            more: String::new(),
            headers: Vec::new(),
        }
    }

    /// A list, signed in full.
    fn list(site: &Site, nonce: &str) -> Self {
        Self {
            method: "GET",
            target: "/v1/messages?limit=1".to_owned(),
            body: String::new(),
            covered: vec!["@method", "@authority", "@path", "@query"],
            ..Self::message(site, nonce)
        }
    }

    fn digest(&self) -> String {
        let hash = domain::signature::sha256(self.body.as_bytes());
        format!("sha-256=:{}:", STANDARD.encode(hash))
    }

    fn value(&self, name: &str) -> String {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (self.target.as_str(), "?".to_owned()),
        };
        match name {
            "@method" => self.method.to_owned(),
            "@target-uri" => format!("https://localhost{}", self.target),
            "@authority" => "localhost".to_owned(),
            "@path" => path.to_owned(),
            "@query" => query,
            "content-digest" => self.digest(),
            other => {
                let found = self.headers.iter().find(|(name, _)| *name == other);
                found.unwrap().1.clone()
            }
        }
    }

    /// The request as it goes out, signed.
    fn signed(&self, signer: &Signer) -> String {
        let quoted: Vec<String> = self
            .covered
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        let params = format!(
            "({});created={};nonce=\"{}\";keyid=\"{}\"{}",
            quoted.join(" "),
            self.created,
            self.nonce,
            signer.key_id,
            self.more
        );
        let lines = self.covered.iter();
        let lines = lines.map(|name| format!("\"{name}\": {}\n", self.value(name)));
        let base = format!(
            "{}\"@signature-params\": {params}",
            lines.collect::<String>()
        );
        let signature = STANDARD.encode(signer.sign(&base));
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\n",
            self.method, self.target
        );
        let mut line = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
        line("Signature-Input", &format!("sig={params}"));
        line("Signature", &format!("sig=:{signature}:"));
        for (name, value) in &self.headers {
            line(name, value);
        }
        if !self.body.is_empty() {
            line("Content-Digest", &self.digest());
            line("Content-Type", "application/json");
            line("Content-Length", &self.body.len().to_string());
        }
        format!("{head}\r\n{}", self.body)
    }
}

impl Signer {
    pub async fn pair(site: &Site, auth: AuthMode) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let wish = KeyWish::Ed25519(pair.public_key().as_ref().try_into().unwrap());
        let (key_id, _) = added(site, auth, wish).await;
        let key = Key::Pair(pair);
        Self { key_id, key }
    }

    async fn secret(site: &Site) -> Self {
        let (key_id, secret) = added(site, AuthMode::Signed, KeyWish::HmacSha256).await;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.unwrap().as_bytes());
        let key = Key::Secret(Box::new(key));
        Self { key_id, key }
    }

    fn sign(&self, base: &str) -> Vec<u8> {
        match &self.key {
            Key::Pair(pair) => pair.sign(base.as_bytes()).as_ref().to_vec(),
            Key::Secret(key) => hmac::sign(key, base.as_bytes()).as_ref().to_vec(),
        }
    }
}

async fn added(site: &Site, auth: AuthMode, wish: KeyWish) -> (String, Option<String>) {
    let new = NewClient {
        auth,
        ..everything("signer")
    };
    let adding = site.test.gateway.add_client_with("root", new, wish);
    let (row, key) = adding.await.unwrap();
    let id = row.keys[0].id.to_string();
    (id, key.map(|key| key.reveal().to_owned()))
}

async fn ask(site: &Site, request: &str) -> Heard {
    site.wire().await.ask(request).await
}

fn code(heard: &Heard) -> (u16, String) {
    heard.problem()
}

fn unauthorized() -> (u16, String) {
    (401, "unauthorized".to_owned())
}

const NONCE: &str = "0123456789abcdef";

#[tokio::test]
async fn signed_requests_are_answered_and_each_once() {
    let site = Site::start().await;
    for signer in [
        Signer::pair(&site, AuthMode::Signed).await,
        Signer::secret(&site).await,
    ] {
        let message = Draft::message(&site, NONCE).signed(&signer);
        assert_eq!(ask(&site, &message).await.status, 202);
        let list = Draft::list(&site, "another-of-its-own").signed(&signer);
        let listed = ask(&site, &list).await;
        assert_eq!(listed.json()["messages"].as_array().unwrap().len(), 1);
        for again in [&message, &list] {
            let replayed = (401, "signature-replayed".to_owned());
            assert_eq!(code(&ask(&site, again).await), replayed);
        }
    }
}

#[tokio::test]
async fn a_request_that_is_not_the_one_that_was_signed_is_refused() {
    let site = Site::start().await;
    let signer = Signer::pair(&site, AuthMode::Signed).await;
    let message = Draft::message(&site, NONCE).signed(&signer);
    let list = Draft::list(&site, NONCE).signed(&signer);
    let cancel = Draft {
        target: "/v1/messages/msg_adgt2kc5thpzuzq3iu5bwr2v6m/cancel".to_owned(),
        body: String::new(),
        covered: vec!["@method", "@target-uri"],
        ..Draft::message(&site, NONCE)
    };
    let cancel = cancel.signed(&signer);
    for (request, from, to) in [
        (&message, "POST /v1/messages ", "POST /v1/messages/batch "),
        (&message, "Host: localhost", "Host: sms.example.com"),
        (&message, "Digest: sha-256=:", "Digest: sha-256=:AAAA"),
        (&message, "created=", "expires=99999999999;created="),
        (&message, NONCE, "fedcba9876543210"),
        (&message, "sig=(\"@method\" ", "sig=("),
        (&list, "limit=1", "limit=2"),
        (&list, "?limit=1", ""),
        (&cancel, "POST ", "GET "),
    ] {
        let heard = ask(&site, &request.replace(from, to)).await;
        assert!(
            heard.status == 401 || heard.status == 405,
            "{to}: {heard:?}"
        );
    }
    // Octet for octet: the right digest of another body.
    let other = MESSAGE.replace("482913", "000000");
    let heard = ask(&site, &message.replace(MESSAGE, &other)).await;
    assert_eq!(code(&heard), (400, "digest-mismatch".to_owned()));
}

#[tokio::test]
async fn what_a_signature_does_not_cover_is_named() {
    let site = Site::start().await;
    let signer = Signer::pair(&site, AuthMode::Signed).await;
    let refused = async |draft: Draft, what: &str| {
        let heard = ask(&site, &draft.signed(&signer)).await;
        assert_eq!(code(&heard), (401, "signature-unsound".to_owned()));
        let detail = heard.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(what), "{what}: {detail}");
    };
    let covering = |covered: &[&'static str]| Draft {
        covered: covered.to_vec(),
        ..Draft::message(&site, NONCE)
    };
    refused(covering(&["@target-uri", "content-digest"]), "@method").await;
    refused(covering(&["@method", "content-digest"]), "@target-uri").await;
    refused(covering(&["@method", "@target-uri"]), "content-digest").await;
    let list = Draft {
        covered: vec!["@method", "@authority", "@path"],
        ..Draft::list(&site, NONCE)
    };
    refused(list, "@query").await;
    let keyed = Draft {
        headers: vec![("Idempotency-Key", "k-1".to_owned())],
        ..Draft::message(&site, NONCE)
    };
    refused(keyed, "idempotency-key").await;
    let beside = Draft {
        headers: vec![("Authorization", "Bearer ssk_x".to_owned())],
        ..Draft::message(&site, NONCE)
    };
    refused(beside, "Authorization").await;
    let short = Draft::message(&site, "short");
    refused(short, "nonce").await;
    let odd = Draft {
        more: ";by=1".to_owned(),
        ..Draft::message(&site, NONCE)
    };
    refused(odd, "parameter by").await;
    let covered = Draft {
        headers: vec![("idempotency-key", "k-1".to_owned())],
        covered: vec![
            "@method",
            "@target-uri",
            "content-digest",
            "idempotency-key",
        ],
        ..Draft::message(&site, NONCE)
    };
    let heard = ask(&site, &covered.signed(&signer)).await;
    assert_eq!(heard.status, 202, "{heard:?}");
}

#[tokio::test]
async fn a_signature_of_another_time_key_or_algorithm_is_refused() {
    let site = Site::start().await;
    let one = Signer::pair(&site, AuthMode::Signed).await;
    let two = Signer::secret(&site).await;
    let now = site.test.clock.peek().seconds();
    for created in [now - 301, now + 301] {
        let draft = Draft {
            created,
            ..Draft::message(&site, NONCE)
        };
        let heard = ask(&site, &draft.signed(&one)).await;
        assert_eq!(code(&heard), (401, "signature-stale".to_owned()));
    }
    let named = |algorithm: &str| Draft {
        more: format!(";alg=\"{algorithm}\""),
        ..Draft::message(&site, NONCE)
    };
    assert_eq!(
        code(&ask(&site, &named("hmac-sha256").signed(&one)).await),
        unauthorized()
    );
    assert_eq!(
        code(&ask(&site, &named("ed25519").signed(&two)).await),
        unauthorized()
    );
    // As if it were another client's.
    let forged = Draft::message(&site, NONCE)
        .signed(&one)
        .replace(&one.key_id, &two.key_id);
    assert_eq!(code(&ask(&site, &forged).await), unauthorized());
    let heard = ask(&site, &named("ed25519").signed(&one)).await;
    assert_eq!(heard.status, 202, "{heard:?}");
}

#[tokio::test]
async fn a_client_that_signs_is_refused_with_a_key_like_anybody_with_a_wrong_one() {
    let site = Site::start().await;
    let wrong = "ssk_".to_owned() + &"0".repeat(72);
    let mut stranger = site.role(Some(&wrong)).await;
    let expected = stranger.get("/v1/messages").await;
    let (row, key) = site.test.add_client(everything("goes over"));
    let until = (Duration::from_hours(1), None);
    let gateway = &site.test.gateway;
    let rotating = gateway.rotate_key_with("root", row.id, KeyWish::HmacSha256, until);
    rotating.await.unwrap();
    let mut role = site.role(Some(key.reveal())).await;
    assert_eq!(role.get("/v1/messages").await.status, 200, "the overlap");
    let change = engine::ClientChange {
        auth: Some(AuthMode::Signed),
        ..engine::ClientChange::default()
    };
    gateway.change_client("root", row.id, change).await.unwrap();
    let heard = role.get("/v1/messages").await;
    let without_id = |heard: &Heard| {
        let mut json = heard.json();
        json["request_id"].take();
        json
    };
    assert_eq!(without_id(&heard), without_id(&expected));
}

#[tokio::test]
async fn a_key_that_is_revoked_fails_on_a_connection_that_is_open_in_either_version() {
    let site = Site::start().await;
    let (row, key) = site.test.add_client(everything("leaked"));
    let mut one = site.role(Some(key.reveal())).await;
    assert_eq!(one.get("/v1/messages").await.status, 200);
    let mut two = http2(&site).await;
    assert_eq!(status(&mut two, key.reveal()).await, 200);
    let revoking = site.test.gateway.revoke_client("root", row.id, None);
    revoking.await.unwrap();
    assert_eq!(one.get("/v1/messages").await.status, 401);
    assert_eq!(status(&mut two, key.reveal()).await, 401);
}

type Sender = hyper::client::conn::http2::SendRequest<http_body_util::Empty<bytes::Bytes>>;

async fn http2(site: &Site) -> Sender {
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let wire = Wire::over(site.address, &site.root, "h2").await;
    let io = TokioIo::new(wire.stream);
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
    let (sender, connection) = shaken.await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn status(sender: &mut Sender, key: &str) -> u16 {
    let request = http::Request::get("https://localhost/v1/messages")
        .header("authorization", format!("Bearer {key}"))
        .body(http_body_util::Empty::new())
        .unwrap();
    sender
        .send_request(request)
        .await
        .unwrap()
        .status()
        .as_u16()
}
