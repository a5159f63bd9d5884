//! ESMEs at the door and behind it: who is let in, what a bind may do, and when it may no longer.

use std::net::IpAddr;
use std::time::Duration;

use domain::system_id::SystemId;
use domain::time::Timestamp;
use engine::rows::Thumbprint;
use engine::settings::EsmeAccount;
use engine::{
    BindAttempt, BindRefused, BoundEsme, ConfigChange, EsmeBind, EsmeEnd, EsmeReceipts,
    PeerCertificate, Settings, SubmitError, Submitted,
};
use ledger::Kind;
use serde_json::Value;
use testkit::TestGateway;
use testkit::gateway::HOME;
use testkit::settings::{ESME_PASSWORD, account, usual, with_accounts};

use super::rebuild::assert_rebuilt;
use super::stage::request_to;

const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

/// Has the gateway read these settings.
pub fn reload(test: &TestGateway, settings: Settings) {
    let change = ConfigChange {
        hash_hex: "00".repeat(32),
        changed_keys: Vec::new(),
    };
    test.gateway.reconfigure(settings, &change);
    test.store.sync();
}

/// Has the gateway read the account `esme1` of its client.
pub fn reading(test: TestGateway) -> TestGateway {
    let client = test.caller().client;
    reload(&test, with_accounts(&[("esme1", account(client))]));
    test
}

fn with(change: impl FnOnce(&mut EsmeAccount)) -> TestGateway {
    let test = TestGateway::queued();
    let mut account = account(test.caller().client);
    change(&mut account);
    reload(&test, with_accounts(&[("esme1", account)]));
    test
}

fn attempt<'a>(name: &'a str, password: &'a str) -> BindAttempt<'a> {
    BindAttempt {
        bind: EsmeBind::Transceiver,
        system_id: name.as_bytes(),
        password: password.as_bytes(),
        source: HOME,
        certificate: None,
    }
}

/// An ESME tries to bind.
pub fn bind(test: &TestGateway, name: &str, password: &str) -> Result<BoundEsme, BindRefused> {
    test.settle(test.gateway.bind_esme(attempt(name, password)))
}

/// An ESME that has bound.
pub fn bound(test: &TestGateway, name: &str) -> BoundEsme {
    bind(test, name, ESME_PASSWORD).unwrap()
}

/// It submits, and wants to know how it ends.
pub fn submit_by(test: &TestGateway, esme: &BoundEsme) -> Result<Submitted, SubmitError> {
    let (caller, _) = esme.standing().unwrap();
    let request = request_to(1, "hello");
    let submitted = test
        .gateway
        .submit_asking(&caller, request, EsmeReceipts::All, None);
    test.settle(submitted)
}

fn entries(test: &TestGateway, kind: Kind) -> Vec<Value> {
    test.gateway.flush_counts(test.clock.peek());
    test.store.sync();
    let all = test.store.with_image(|image| {
        let parse = |logged: &testkit::memory::Logged| serde_json::from_slice(&logged.bytes);
        image
            .entries()
            .iter()
            .map(|logged| parse(logged).unwrap())
            .collect::<Vec<Value>>()
    });
    all.into_iter()
        .filter(|entry| entry["kind"] == kind.as_str())
        .collect()
}

fn reasons(test: &TestGateway) -> Vec<String> {
    let failed = entries(test, Kind::AuthFailed);
    failed
        .iter()
        .map(|entry| entry["reason"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_bind_is_in_the_ledger_before_it_is_answered() {
    let test = reading(TestGateway::queued());
    let mut answer = std::pin::pin!(test.gateway.bind_esme(attempt("esme1", ESME_PASSWORD)));
    assert!(testkit::gateway::poll_once(answer.as_mut()).is_none());
    test.store.sync();
    let bound = test.settle(answer).unwrap();
    let told = &entries(&test, Kind::EsmeBound)[0];
    assert_eq!(told["data"]["system_id"], "esme1");
    assert_eq!(told["actor"]["type"], "client");
    bound.end(EsmeEnd::Unbound);
    assert_eq!(entries(&test, Kind::EsmeUnbound)[0]["reason"], "unbound");
}

#[test]
fn what_is_not_enough_is_answered_alike_and_told_apart_in_the_ledger_alone() {
    let test = with(|account| account.networks = vec!["127.0.0.0/8".parse().unwrap()]);
    let pauses: Vec<_> = [
        attempt("nobody", ESME_PASSWORD),
        attempt("esme1", "wrong"),
        BindAttempt {
            source: ELSEWHERE,
            ..attempt("esme1", ESME_PASSWORD)
        },
    ]
    .into_iter()
    .map(|attempt| test.settle(test.gateway.bind_esme(attempt)).err().unwrap())
    .collect();
    assert!(pauses.windows(2).all(|two| two[0] == two[1]), "{pauses:?}");
    let mut told = reasons(&test);
    told.sort();
    assert_eq!(told, ["bind-network", "bind-password", "bind-unknown"]);
}

#[test]
fn an_account_with_a_pinned_certificate_is_opened_by_no_password_alone() {
    let certificate = |octet| shown_by(&[], octet);
    let pinned = vec![Thumbprint::from_bytes([1; 32])];
    let test = with(|account| account.certificates = pinned);
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_err());
    let another = BindAttempt {
        certificate: Some(certificate(2)),
        ..attempt("esme1", ESME_PASSWORD)
    };
    assert!(test.settle(test.gateway.bind_esme(another)).is_err());
    let right = BindAttempt {
        certificate: Some(certificate(1)),
        ..attempt("esme1", ESME_PASSWORD)
    };
    let bound = test.settle(test.gateway.bind_esme(right)).unwrap();
    assert_eq!(
        entries(&test, Kind::EsmeBound)[0]["data"]["proof"],
        "password+certificate"
    );
    drop(bound);
}

#[test]
fn a_certificate_that_nobody_asked_for_is_no_proof() {
    let test = reading(TestGateway::queued());
    let shown = BindAttempt {
        certificate: Some(shown_by(&[], 1)),
        ..attempt("esme1", ESME_PASSWORD)
    };
    let bound = test.settle(test.gateway.bind_esme(shown)).unwrap();
    let told = &entries(&test, Kind::EsmeBound)[0];
    assert_eq!(told["data"]["proof"], "password");
    drop(bound);
}

/// A certificate with these names, valid for an hour from the beginning of tests on.
fn shown_by(names: &[&str], octet: u8) -> PeerCertificate {
    PeerCertificate {
        sha256: Thumbprint::from_bytes([octet; 32]),
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        from: Timestamp::EPOCH,
        until: TestGateway::queued()
            .clock
            .peek()
            .saturating_add(Duration::from_hours(1)),
    }
}

#[test]
fn an_account_is_opened_by_a_name_in_a_certificate_and_by_no_other() {
    let test =
        with(|account| account.certificate_names = vec!["dns:esme.example".parse().unwrap()]);
    let shows = |names: &[&str]| {
        let attempt = BindAttempt {
            certificate: Some(shown_by(names, 1)),
            ..attempt("esme1", ESME_PASSWORD)
        };
        test.settle(test.gateway.bind_esme(attempt))
    };
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_err());
    assert!(shows(&[]).is_err(), "nobody vouched for its names");
    assert!(shows(&["dns:other.example", "uri:esme.example:x"]).is_err());
    let bound = shows(&["subject:CN=x", "dns:esme.example"]).unwrap();
    assert!(bound.standing().is_ok());
    let told = entries(&test, Kind::EsmeBound);
    assert_eq!(told[0]["data"]["proof"], "password+certificate");
    // The name is given to nobody any more.
    let other = account(test.caller().client);
    let other = EsmeAccount {
        certificate_names: vec!["dns:other.example".parse().unwrap()],
        ..other
    };
    reload(&test, with_accounts(&[("esme1", other)]));
    assert!(bound.standing().is_err());
}

#[test]
fn the_end_of_a_certificate_is_known_once_an_account_that_asks_for_it_was_bound_with_it() {
    let pinned = vec![Thumbprint::from_bytes([1; 32])];
    let test = with(|account| account.certificates = pinned.clone());
    let client = test.caller().client;
    let tries = |octet| BindAttempt {
        certificate: Some(shown_by(&[], octet)),
        ..attempt("esme1", ESME_PASSWORD)
    };
    assert!(test.settle(test.gateway.bind_esme(tries(2))).is_err());
    assert_eq!(test.gateway.esme_certificates(), []);
    let bound = test.settle(test.gateway.bind_esme(tries(1))).unwrap();
    let shown = shown_by(&[], 1);
    let expected = [(bound.system_id().clone(), (shown.from, shown.until))];
    assert_eq!(test.gateway.esme_certificates(), expected);
    // It is that of the account, bound or not, for as long as this asks for one.
    bound.end(EsmeEnd::Unbound);
    assert_eq!(test.gateway.esme_certificates(), expected);
    reload(&test, with_accounts(&[("esme1", account(client))]));
    assert_eq!(test.gateway.esme_certificates(), []);
}

#[test]
fn a_bind_ends_with_the_time_of_the_certificate_that_let_it_in() {
    let pinned = vec![Thumbprint::from_bytes([1; 32])];
    let test = with(|account| account.certificates = pinned);
    let shows = || {
        let attempt = BindAttempt {
            certificate: Some(shown_by(&[], 1)),
            ..attempt("esme1", ESME_PASSWORD)
        };
        test.settle(test.gateway.bind_esme(attempt))
    };
    let bound = shows().unwrap();
    assert!(bound.standing().is_ok());
    test.clock.advance(Duration::from_hours(2));
    assert!(bound.standing().is_err());
    drop(bound);
    assert!(shows().is_err(), "and no other begins");
}

#[test]
fn guessing_is_shut_out_and_then_even_the_right_password_is_refused_for_a_time() {
    let test = reading(TestGateway::queued());
    for _ in 0..5 {
        assert!(bind(&test, "esme1", "wrong").is_err());
    }
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_err());
    assert!(reasons(&test).contains(&"bind-banned".to_owned()));
    test.clock.advance(Duration::from_secs(61));
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_ok());
}

#[test]
fn a_stranger_cannot_have_an_account_shut_out() {
    let test = with(|account| account.networks = vec!["127.0.0.0/8".parse().unwrap()]);
    for _ in 0..50 {
        let stranger = BindAttempt {
            source: ELSEWHERE,
            ..attempt("esme1", "wrong")
        };
        assert!(test.settle(test.gateway.bind_esme(stranger)).is_err());
    }
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_ok());
}

#[test]
fn an_account_has_so_many_binds_and_no_more() {
    let test = with(|account| account.binds_max = 1);
    let first = bound(&test, "esme1");
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_err());
    assert_eq!(reasons(&test), ["bind-too-many"]);
    first.end(EsmeEnd::Closed);
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_ok());
}

#[test]
fn without_a_place_nobody_learns_whether_the_password_is_right() {
    let test = with(|account| account.binds_max = 1);
    let first = bound(&test, "esme1");
    let answers: Vec<_> = ["wrong", ESME_PASSWORD]
        .into_iter()
        .cycle()
        .take(20)
        .map(|password| bind(&test, "esme1", password).err().unwrap())
        .collect();
    assert!(
        answers.windows(2).all(|two| two[0] == two[1]),
        "{answers:?}"
    );
    assert_eq!(reasons(&test), ["bind-too-many"]);
    drop(first);
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_ok(), "nobody failed");
}

#[test]
fn an_account_binds_so_often_in_a_minute_and_no_more() {
    let test = with(|account| account.binds_per_minute_max = 3);
    for _ in 0..4 {
        assert!(bind(&test, "esme1", "wrong").is_err());
    }
    for _ in 0..3 {
        // Who only guesses has not bound.
        bound(&test, "esme1").end(EsmeEnd::Unbound);
    }
    let right = bind(&test, "esme1", ESME_PASSWORD).err().unwrap();
    assert_eq!(right, bind(&test, "esme1", "wrong").err().unwrap());
    assert!(reasons(&test).contains(&"bind-too-often".to_owned()));
    assert_eq!(entries(&test, Kind::EsmeBound).len(), 3);
    test.clock.advance(Duration::from_secs(20));
    bound(&test, "esme1").end(EsmeEnd::Unbound);
    assert!(bind(&test, "esme1", ESME_PASSWORD).is_err());
}

#[test]
fn a_bind_ends_with_its_account_and_with_its_client() {
    let test = reading(TestGateway::queued());
    let esme = bound(&test, "esme1");
    assert!(esme.standing().is_ok());
    let client = test.caller().client;
    test.settle(test.gateway.revoke_client("tester", client, None))
        .unwrap();
    assert!(esme.standing().is_err(), "its client was revoked");
    drop(esme);

    let test = reading(TestGateway::queued());
    let esme = bound(&test, "esme1");
    reload(&test, usual());
    assert!(esme.standing().is_err(), "its account was removed");
}

#[test]
fn what_an_esme_submits_names_its_account_and_survives_a_rebuild() {
    let test = reading(TestGateway::queued());
    let esme = bound(&test, "esme1");
    submit_by(&test, &esme).unwrap();
    let accepted = &entries(&test, Kind::MessageAccepted)[0];
    assert_eq!(accepted["data"]["system_id"], "esme1");
    assert_eq!(accepted["data"]["receipts"], "all");
    assert!(accepted["data"]["key"].is_null());
    assert_eq!(esme.system_id(), &SystemId::parse("esme1").unwrap());
    assert_rebuilt(&test);
}
