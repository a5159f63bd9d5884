//! Clients that sign their requests, and those who have heard one.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use domain::signature::{Algorithm, Claims};
use domain::time::Timestamp;
use engine::rows::{AuthMode, CertificateName, CertificateRow, ClientRow, Thumbprint};
use engine::{
    AuthError, Caller, ClientChange, ClientError, Credential, KeyWish, NewClient, PeerCertificate,
    Presented, SignedRequest,
};
use ledger::{Entry, Kind};
use testkit::TestGateway;
use testkit::gateway::{HOME, everything, poll_once};
use testkit::settings::usual;

use super::rebuild::assert_rebuilt;

mod certificates;

/// A client that signs, and what it signs with.
pub struct Signer {
    pub row: ClientRow,
    key: Key,
}

enum Key {
    Pair(Ed25519KeyPair),
    Secret(Box<hmac::Key>),
}

const BASE: &str = "what is signed";

impl Signer {
    pub fn ed25519(test: &TestGateway, auth: AuthMode) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = pair.public_key().as_ref().try_into().unwrap();
        let (row, shown) = added(test, auth, KeyWish::Ed25519(public)).unwrap();
        assert!(shown.is_none(), "the gateway never sees the private half");
        Self {
            row,
            key: Key::Pair(pair),
        }
    }

    pub fn hmac(test: &TestGateway) -> Self {
        let (row, secret) = added(test, AuthMode::Signed, KeyWish::HmacSha256).unwrap();
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.unwrap().as_bytes());
        Self {
            row,
            key: Key::Secret(Box::new(secret)),
        }
    }

    fn sign(&self, base: &str) -> Vec<u8> {
        match &self.key {
            Key::Pair(pair) => pair.sign(base.as_bytes()).as_ref().to_vec(),
            Key::Secret(key) => hmac::sign(key, base.as_bytes()).as_ref().to_vec(),
        }
    }

    /// What a signature of this moment says of itself.
    pub fn claims(&self, test: &TestGateway, nonce: &str) -> Claims {
        Claims {
            created: test.clock.peek().seconds(),
            expires: None,
            nonce: nonce.to_owned(),
            key_id: self.row.keys.last().unwrap().id.to_string(),
            algorithm: None,
        }
    }

    /// Comes with these claims, rightly signed.
    pub fn comes(&self, test: &TestGateway, claims: &Claims) -> Result<Caller, AuthError> {
        let signature = self.sign(BASE);
        recognised(test, claims, BASE, &signature)
    }

    pub fn comes_now(&self, test: &TestGateway, nonce: &str) -> Result<Caller, AuthError> {
        self.comes(test, &self.claims(test, nonce))
    }
}

fn added(
    test: &TestGateway,
    auth: AuthMode,
    wish: KeyWish,
) -> Result<(ClientRow, Option<String>), ClientError> {
    let new = NewClient {
        auth,
        ..everything("signer")
    };
    let adding = test.gateway.add_client_with("root", new, wish);
    let (row, key) = test.settle(adding)?;
    Ok((row, key.map(|key| key.reveal().to_owned())))
}

fn recognised(
    test: &TestGateway,
    claims: &Claims,
    base: &str,
    signature: &[u8],
) -> Result<Caller, AuthError> {
    let presented = Presented {
        credential: Credential::Signed(SignedRequest {
            claims,
            base,
            signature,
            padding: None,
        }),
        certificate: None,
        source: HOME,
    };
    test.settle(test.gateway.recognise(&presented))
}

fn bearer(
    test: &TestGateway,
    key: &str,
    certificate: Option<PeerCertificate>,
) -> Result<Caller, AuthError> {
    let presented = Presented {
        credential: Credential::Bearer(key),
        certificate,
        source: HOME,
    };
    test.settle(test.gateway.recognise(&presented))
}

const NONCE: &str = "0123456789abcdef";

#[test]
fn a_signature_lets_its_client_in_once() {
    let test = TestGateway::queued();
    for signer in [
        Signer::hmac(&test),
        Signer::ed25519(&test, AuthMode::Signed),
    ] {
        let claims = signer.claims(&test, NONCE);
        let caller = signer.comes(&test, &claims).unwrap();
        assert_eq!(caller.client, signer.row.id);
        let replayed = Err(AuthError::Replayed);
        assert_eq!(signer.comes(&test, &claims).map(drop), replayed);
        test.clock.advance(Duration::from_mins(5));
        assert_eq!(signer.comes(&test, &claims).map(drop), replayed);
        test.clock.advance(Duration::from_secs(1));
        let stale = Err(AuthError::Stale);
        assert_eq!(signer.comes(&test, &claims).map(drop), stale);
    }
}

#[test]
fn what_was_signed_otherwise_or_by_another_key_is_refused() {
    let test = TestGateway::queued();
    let (one, two) = (
        Signer::hmac(&test),
        Signer::ed25519(&test, AuthMode::Signed),
    );
    let wrong = Err(AuthError::WrongSignature);
    let tried = |claims: &Claims, base: &str, signature: &[u8]| {
        recognised(&test, claims, base, signature).map(drop)
    };
    let claims = one.claims(&test, NONCE);
    assert_eq!(tried(&claims, "something else", &one.sign(BASE)), wrong);
    assert_eq!(tried(&claims, BASE, &two.sign(BASE)), wrong);
    assert_eq!(tried(&claims, BASE, &[]), wrong);
    let swapped = |signer: &Signer, algorithm| Claims {
        algorithm: Some(algorithm),
        ..signer.claims(&test, NONCE)
    };
    let claims = swapped(&one, Algorithm::Ed25519);
    assert_eq!(tried(&claims, BASE, &one.sign(BASE)), wrong);
    // The oldest of these attacks: the public key as the secret of an HMAC.
    let claims = swapped(&two, Algorithm::HmacSha256);
    let Key::Pair(pair) = &two.key else {
        panic!("a pair");
    };
    let forged = hmac::Key::new(hmac::HMAC_SHA256, pair.public_key().as_ref());
    let forged = hmac::sign(&forged, BASE.as_bytes());
    assert_eq!(tried(&claims, BASE, forged.as_ref()), wrong);
    let nobody = Claims {
        key_id: "key_unknown".to_owned(),
        ..one.claims(&test, NONCE)
    };
    assert_eq!(
        tried(&nobody, BASE, &one.sign(BASE)),
        Err(AuthError::Unknown)
    );
    assert!(
        one.comes_now(&test, NONCE).is_ok(),
        "none used up the nonce"
    );
}

#[test]
fn a_signature_is_taken_within_five_minutes_of_its_time_and_before_its_end() {
    let test = TestGateway::queued();
    let signer = Signer::hmac(&test);
    let now = test.clock.peek().seconds();
    let at = |created: u64, expires, nonce: &str| {
        let claims = Claims {
            created,
            expires,
            ..signer.claims(&test, nonce)
        };
        signer.comes(&test, &claims).map(drop)
    };
    let stale = Err(AuthError::Stale);
    assert_eq!(at(now - 301, None, "a"), stale);
    assert_eq!(at(now + 301, None, "b"), stale);
    assert_eq!(at(now, Some(now), "c"), stale);
    assert_eq!(at(now - 300, None, "d"), Ok(()));
    assert_eq!(at(now, Some(now + 1), "e"), Ok(()));
    assert_eq!(at(now + 300, None, "f"), Ok(()));
}

#[test]
fn no_signature_is_taken_twice_over_a_crash_and_new_ones_are_taken_at_once_after() {
    let test = TestGateway::queued();
    let signer = Signer::ed25519(&test, AuthMode::Signed);
    let before = signer.claims(&test, NONCE);
    let ahead = Claims {
        created: before.created + 200,
        ..signer.claims(&test, "ahead-of-its-time")
    };
    assert!(signer.comes(&test, &before).is_ok());
    assert!(signer.comes(&test, &ahead).is_ok());
    let test = test.crash_and_restart(usual(), 2);
    test.clock.advance(Duration::from_secs(1));
    let refused = Err(AuthError::BeforeStart);
    assert_eq!(signer.comes(&test, &before).map(drop), refused);
    assert_eq!(signer.comes(&test, &ahead).map(drop), refused);
    // Its clock runs ahead of ours: it waits until it has passed what was recorded.
    let anew = |ahead: u64| Claims {
        created: test.clock.peek().seconds() + ahead,
        ..signer.claims(&test, "another-of-its-own")
    };
    assert_eq!(signer.comes(&test, &anew(200)).map(drop), refused);
    test.clock.advance(Duration::from_secs(31));
    assert!(signer.comes(&test, &anew(200)).is_ok());
    assert_eq!(signer.comes(&test, &ahead).map(drop), refused);
}

#[test]
fn clients_whose_clock_is_right_wait_three_seconds_after_a_crash() {
    let test = TestGateway::queued();
    let (early, fast) = (
        Signer::hmac(&test),
        Signer::ed25519(&test, AuthMode::Signed),
    );
    let lead = Claims {
        created: test.clock.peek().seconds() + 250,
        ..fast.claims(&test, NONCE)
    };
    assert!(fast.comes(&test, &lead).is_ok());
    let test = test.crash_and_restart(usual(), 2);
    test.clock.advance(Duration::from_secs(2));
    // More often than keys may be wrong: these are none.
    for _ in 0..100 {
        assert_eq!(
            early.comes_now(&test, NONCE).map(drop),
            Err(AuthError::BeforeStart)
        );
    }
    test.clock.advance(Duration::from_secs(1));
    assert!(
        early.comes_now(&test, NONCE).is_ok(),
        "whatever others' clocks show"
    );
}

#[test]
fn a_clock_set_back_between_two_lives_does_not_make_a_signature_new() {
    let test = TestGateway::queued();
    let signer = Signer::hmac(&test);
    test.clock.advance(Duration::from_mins(1));
    // Whatever has an id tells the next life how late it was.
    test.add_client(everything("a witness of the time"));
    let claims = signer.claims(&test, NONCE);
    assert!(signer.comes(&test, &claims).is_ok());
    test.clock.set_back(Duration::from_mins(1));
    let test = test.crash_and_restart(usual(), 2);
    test.clock.advance(Duration::from_secs(5));
    assert_eq!(
        signer.comes(&test, &claims).map(drop),
        Err(AuthError::BeforeStart)
    );
}

#[test]
fn a_clock_that_was_far_ahead_once_shuts_no_signed_client_out() {
    let test = TestGateway::queued();
    let signer = Signer::hmac(&test);
    let year = Duration::from_hours(24 * 365);
    test.clock.advance(year);
    test.add_client(everything("a witness of the time"));
    test.clock.set_back(year);
    let before = signer.claims(&test, NONCE);
    assert!(signer.comes(&test, &before).is_ok());
    let test = test.crash_and_restart(usual(), 2);
    test.clock.advance(Duration::from_secs(3));
    let refused = Err(AuthError::BeforeStart);
    assert_eq!(signer.comes(&test, &before).map(drop), refused);
    assert!(signer.comes_now(&test, "another-of-its-own").is_ok());
}

#[test]
fn a_request_that_goes_away_keeps_the_turn_until_its_commit_is_done() {
    let test = TestGateway::queued();
    let signer = Signer::hmac(&test);
    assert!(signer.comes_now(&test, NONCE).is_ok());
    let claims = Claims {
        created: test.clock.peek().seconds() + 100,
        ..signer.claims(&test, "ahead-of-its-time")
    };
    let signature = signer.sign(BASE);
    let presented = Presented {
        credential: Credential::Signed(SignedRequest {
            claims: &claims,
            base: BASE,
            signature: &signature,
            padding: None,
        }),
        certificate: None,
        source: HOME,
    };
    let mut coming = Box::pin(test.gateway.recognise(&presented));
    assert!(poll_once(coming.as_mut()).is_none(), "it is not durable");
    drop(coming);
    test.settle(test.gateway.record_uses());
    assert_rebuilt(&test);
    let rows = test.gateway.clients();
    let kept = rows.iter().find(|row| row.id == signer.row.id).unwrap();
    assert!(kept.keys[0].used.is_some() && kept.keys[0].ahead.is_some());
}

#[test]
fn nothing_is_answered_before_a_clock_that_runs_ahead_is_recorded() {
    let test = TestGateway::queued();
    let signer = Signer::hmac(&test);
    let claims = Claims {
        created: test.clock.peek().seconds() + 100,
        ..signer.claims(&test, NONCE)
    };
    let signature = signer.sign(BASE);
    let presented = Presented {
        credential: Credential::Signed(SignedRequest {
            claims: &claims,
            base: BASE,
            signature: &signature,
            padding: None,
        }),
        certificate: None,
        source: HOME,
    };
    let mut coming = Box::pin(test.gateway.recognise(&presented));
    assert!(poll_once(coming.as_mut()).is_none(), "it is not durable");
    assert!(test.settle(coming).is_ok());
    // The next half minute needs no other.
    let next = Claims {
        created: claims.created + 30,
        ..signer.claims(&test, "the next of its own")
    };
    let signature = signer.sign(BASE);
    let presented = Presented {
        credential: Credential::Signed(SignedRequest {
            claims: &next,
            base: BASE,
            signature: &signature,
            padding: None,
        }),
        certificate: None,
        source: HOME,
    };
    let mut coming = Box::pin(test.gateway.recognise(&presented));
    assert!(poll_once(coming.as_mut()).unwrap().is_ok());
}

#[test]
fn nonces_beyond_their_room_are_refused_and_none_is_forgotten() {
    let mut settings = usual();
    settings.bounds.client_nonces_max = 2;
    let test = TestGateway::queued_with(settings);
    let signer = Signer::hmac(&test);
    assert!(signer.comes_now(&test, "first-of-its-kind").is_ok());
    assert!(signer.comes_now(&test, "second-of-its-kind").is_ok());
    let full = signer.comes_now(&test, "third-of-its-kind");
    assert_eq!(full.map(drop), Err(AuthError::NoncesFull));
    let metrics = test.gateway.metrics();
    let refused = metrics.rows.iter().find(|row| {
        row.name == "shortstop_auth_failures_total"
            && row.labels.iter().any(|(_, value)| *value == "busy")
    });
    assert_eq!(refused.map(|row| row.value), Some(1));
    let again = signer.comes_now(&test, "first-of-its-kind");
    assert_eq!(again.map(drop), Err(AuthError::Replayed));
}

#[test]
fn a_revoked_key_signs_nothing_any_more() {
    let test = TestGateway::queued();
    let signer = Signer::ed25519(&test, AuthMode::Signed);
    assert!(signer.comes_now(&test, NONCE).is_ok());
    let key = Some(signer.row.keys[0].id);
    test.settle(test.gateway.revoke_client("root", signer.row.id, key))
        .unwrap();
    let revoked = signer.comes_now(&test, "another-of-its-own");
    assert_eq!(revoked.map(drop), Err(AuthError::Revoked));
}

#[test]
fn a_client_goes_over_to_signing_with_an_overlap_and_then_no_key_is_enough() {
    let test = TestGateway::queued();
    let (row, key) = test.add_client(everything("shop"));
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let wish = KeyWish::Ed25519(pair.public_key().as_ref().try_into().unwrap());
    let change = || ClientChange {
        auth: Some(AuthMode::Signed),
        ..ClientChange::default()
    };
    let early = test.settle(test.gateway.change_client("root", row.id, change()));
    assert_eq!(early.map(drop), Err(ClientError::NoSigningKey));
    let until = (Duration::from_hours(1), None);
    let rotating = test.gateway.rotate_key_with("root", row.id, wish, until);
    let (row, _) = test.settle(rotating).unwrap();
    let signer = Signer {
        row,
        key: Key::Pair(pair),
    };
    assert!(signer.comes_now(&test, NONCE).is_ok());
    assert!(bearer(&test, key.reveal(), None).is_ok(), "the overlap");
    let changing = test.gateway.change_client("root", signer.row.id, change());
    test.settle(changing).unwrap();
    assert!(signer.comes_now(&test, "another-of-its-own").is_ok());
    let refused = bearer(&test, key.reveal(), None);
    assert_eq!(refused.map(drop), Err(AuthError::Unsigned));
    let back = test
        .gateway
        .rotate_key("root", signer.row.id, Duration::ZERO, None);
    assert_eq!(test.settle(back).map(drop), Err(ClientError::NoSigningKey));
}

#[test]
fn what_happened_to_credentials_is_told_by_the_ledger_alone() {
    let test = TestGateway::queued();
    let signer = Signer::ed25519(&test, AuthMode::Key);
    let secret = Signer::hmac(&test);
    let ahead = Claims {
        created: test.clock.peek().seconds() + 60,
        ..signer.claims(&test, NONCE)
    };
    assert!(signer.comes(&test, &ahead).is_ok());
    assert!(secret.comes_now(&test, NONCE).is_ok());
    let change = ClientChange {
        auth: Some(AuthMode::KeyAndCertificate),
        add: vec![CertificateRow {
            sha256: Thumbprint::from_bytes([3; 32]),
            expires: test.clock.peek(),
        }],
        ..ClientChange::default()
    };
    let changing = test.gateway.change_client("root", signer.row.id, change);
    test.settle(changing).unwrap();
    test.settle(test.gateway.record_uses());
    assert_rebuilt(&test);
    let test = test.crash_and_restart(usual(), 2);
    let rows = test.gateway.clients();
    let kept = rows.iter().find(|row| row.id == signer.row.id).unwrap();
    assert_eq!(kept.auth, AuthMode::KeyAndCertificate);
    assert!(kept.keys[0].used.is_some() && kept.keys[0].ahead.is_some());
}

#[test]
fn the_first_use_of_a_key_on_a_day_is_an_entry_and_no_other() {
    let test = TestGateway::queued();
    let count = || {
        test.store.with_image(|image| {
            let entries = image.entries().iter();
            let entries = entries.map(|logged| ledger::Entry::parse(&logged.bytes).unwrap());
            entries
                .filter(|entry| entry.kind == Kind::ClientUsed)
                .count()
        })
    };
    for expected in [1, 1, 2] {
        test.caller();
        test.settle(test.gateway.record_uses());
        test.settle(test.gateway.record_uses());
        assert_eq!(count(), expected);
        test.clock.advance(Duration::from_hours(12));
    }
}

#[test]
fn a_request_that_is_not_the_one_which_was_signed_is_told_with_its_client() {
    let test = TestGateway::queued();
    let signer = Signer::hmac(&test);
    let caller = signer.comes_now(&test, NONCE).unwrap();
    test.gateway.count_altered(&caller);
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    let told = test.store.with_image(|image| {
        let entries = image.entries().iter();
        let entries = entries.map(|logged| Entry::parse(&logged.bytes).unwrap());
        let failed = entries.filter(|entry| entry.kind == Kind::AuthFailed);
        failed
            .map(|entry| {
                (
                    entry.client.map(Cow::into_owned),
                    entry.reason.map(Cow::into_owned),
                )
            })
            .collect::<Vec<_>>()
    });
    let client = Some(signer.row.id.to_string());
    assert_eq!(told, [(client, Some("digest-mismatch".to_owned()))]);
}
