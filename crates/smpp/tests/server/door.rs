//! Binding: who is let in, and what a session may do in which state.

use domain::signature::sha256;
use engine::rows::Thumbprint;
use smpp::pdu::{Bind, BindKind, Body, ShortMessage, id};
use smpp::server::{Security, ServerSettings};
use smpp::status::Status;
use testkit::settings::ESME_PASSWORD;
use tls::{CertificateNeed, Certificates, ClientCertificates, TlsProfile, TlsSlot};

use crate::esme::{Esme, message};
use crate::stage::{PATIENCE, Stage, reload};

#[tokio::test]
async fn a_bind_is_answered_with_our_name_and_version() {
    let stage = Stage::start().await;
    for kind in [
        BindKind::Transmitter,
        BindKind::Receiver,
        BindKind::Transceiver,
    ] {
        let mut esme = Esme::connect(stage.address).await;
        let reply = esme.bind(kind, "esme1", ESME_PASSWORD).await;
        assert_eq!(
            (reply.id, reply.status),
            (kind.id() | id::RESPONSE, Status::OK)
        );
        assert_eq!(reply.body, b"shortstop\0\x02\x10\x00\x01\x34");
    }
}

#[tokio::test]
async fn every_bind_that_is_not_enough_is_answered_alike_and_ends_the_connection() {
    let stage = Stage::start().await;
    let mut replies = Vec::new();
    for (name, password) in [("esme1", "wrong"), ("nobody", ESME_PASSWORD)] {
        let mut esme = Esme::connect(stage.address).await;
        replies.push(esme.bind(BindKind::Transceiver, name, password).await);
        esme.ended().await;
    }
    assert_eq!(replies[0], replies[1]);
    assert_eq!(replies[0].status, Status::BIND_FAILED);
    assert!(replies[0].body.is_empty());
}

#[tokio::test]
async fn who_guesses_is_shut_out_even_with_the_right_password() {
    let stage = Stage::with(ServerSettings::default(), |_| {}).await;
    for _ in 0..5 {
        let mut esme = Esme::connect(stage.address).await;
        esme.bind(BindKind::Transceiver, "esme1", "wrong").await;
    }
    let mut esme = Esme::connect(stage.address).await;
    let reply = esme
        .bind(BindKind::Transceiver, "esme1", ESME_PASSWORD)
        .await;
    assert_eq!(reply.status, Status::BIND_FAILED);
}

#[tokio::test]
async fn nothing_is_submitted_before_a_bind_or_over_one_that_only_receives() {
    let stage = Stage::start().await;
    let mut esme = Esme::connect(stage.address).await;
    assert_eq!(
        esme.submit(message(b"hello")).await.status,
        Status::INVALID_BIND_STATUS
    );
    let mut receiver = Esme::bound_as(stage.address, BindKind::Receiver).await;
    let reply = receiver.submit(message(b"hello")).await;
    assert_eq!(
        (reply.id, reply.status),
        (id::SUBMIT_SM_RESP, Status::INVALID_BIND_STATUS)
    );
    assert_eq!(stage.count("requests_misplaced"), 2);
}

#[tokio::test]
async fn a_session_binds_once() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let reply = esme
        .bind(BindKind::Transmitter, "esme1", ESME_PASSWORD)
        .await;
    assert_eq!(reply.status, Status::ALREADY_BOUND);
    esme.submit(message(b"hello")).await.message_id();
}

#[tokio::test]
async fn versions_up_to_3_4_and_5_0_may_bind() {
    let stage = Stage::start().await;
    for (version, expected) in [
        (0x33, Status::OK),
        (0x50, Status::OK),
        (0x51, Status::BIND_FAILED),
    ] {
        let mut esme = Esme::connect(stage.address).await;
        let bind = Bind {
            interface_version: version,
            ..Bind::new(b"esme1", ESME_PASSWORD.as_bytes(), b"")
        };
        esme.send(Body::Bind(BindKind::Transceiver, bind)).await;
        assert_eq!(esme.reply().await.status, expected, "{version:#x}");
    }
}

#[tokio::test]
async fn unbind_is_answered_last() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let first = esme.send(Body::SubmitSm(message(b"one"))).await;
    let second = esme.send(Body::SubmitSm(message(b"two"))).await;
    let unbind = esme.send(Body::Unbind).await;
    let mut told = Vec::new();
    while let Some(reply) = esme.next().await {
        told.push(reply.sequence);
    }
    assert_eq!(told.len(), 3);
    assert_eq!(told[2], unbind);
    assert!(told.contains(&first) && told.contains(&second));
}

#[tokio::test]
async fn who_unbinds_is_told_that_parts_without_their_fellows_were_not_taken() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let octets = [5, 0, 3, 7, 2, 1, b'x'];
    let submit = ShortMessage {
        esm_class: 0x40,
        ..message(&octets)
    };
    let part = esme.send(Body::SubmitSm(submit)).await;
    let unbind = esme.send(Body::Unbind).await;
    let reply = esme.reply().await;
    assert_eq!(
        (reply.sequence, reply.status),
        (part, Status::TEMPORARY_APPLICATION_ERROR)
    );
    assert_eq!(esme.reply().await.sequence, unbind);
}

#[tokio::test]
async fn a_bind_ends_with_its_account_and_others_stay() {
    let stage = Stage::start().await;
    let client = stage.test.caller().client;
    let other = testkit::settings::account(client);
    let mut esme = Esme::bound(stage.address).await;
    reload(&stage.test, &[("other", other.clone())]);
    let reply = esme.reply().await;
    assert_eq!(reply.id, id::UNBIND);
    esme.ended().await;
    let mut fresh = Esme::connect(stage.address).await;
    let reply = fresh
        .bind(BindKind::Transceiver, "other", ESME_PASSWORD)
        .await;
    assert_eq!(reply.status, Status::OK);
    // Read again without a change: it stays.
    reload(&stage.test, &[("other", other)]);
    fresh.submit(message(b"hello")).await.message_id();
}

#[tokio::test]
async fn who_is_bound_is_unbound_when_the_gateway_stops() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    esme.submit(message(b"hello")).await.message_id();
    let stopping = tokio::spawn(stage.stop());
    let reply = esme.reply().await;
    assert_eq!(reply.id, id::UNBIND);
    esme.ended().await;
    stopping.await.unwrap();
}

/// A certificate of an ESME, its own issuer.
fn identity() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

/// Binds over TLS, showing a certificate or none.
async fn bind_over_tls(
    stage: &Stage,
    server: &rcgen::CertifiedKey<rcgen::KeyPair>,
    shown: Option<&rcgen::CertifiedKey<rcgen::KeyPair>>,
) -> Status {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(server.cert.der().clone()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let key = rustls_pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der());
            builder
                .with_client_auth_cert(vec![own.cert.der().clone()], key.unwrap())
                .unwrap()
        }
    };
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let socket = tokio::net::TcpStream::connect(stage.address).await.unwrap();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let stream = connector.connect(name, socket).await.unwrap();
    let mut esme = Esme::over(stream);
    esme.bind(BindKind::Transceiver, "esme1", ESME_PASSWORD)
        .await
        .status
}

fn certificates(server: &rcgen::CertifiedKey<rcgen::KeyPair>) -> Certificates {
    let chain = server.cert.pem();
    let key = server.signing_key.serialize_pem();
    Certificates::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
}

/// TLS with this certificate.
fn tls(server: &rcgen::CertifiedKey<rcgen::KeyPair>) -> Security {
    let clients = ClientCertificates::of_anybody(CertificateNeed::Optional);
    let slot = TlsSlot::for_esmes(TlsProfile::Intermediate, certificates(server), clients);
    Security::Tls(std::sync::Arc::new(slot.unwrap()))
}

#[tokio::test]
async fn a_handshake_that_takes_too_long_is_given_up() {
    let settings = ServerSettings {
        handshake_timeout: std::time::Duration::from_millis(200),
        ..ServerSettings::default()
    };
    let stage = Stage::over(settings, tls(&identity()), |_| {}).await;
    let mut silent = Esme::connect(stage.address).await;
    silent.ended().await;
    assert_eq!(stage.count("handshakes_failed"), 1);
}

#[tokio::test]
async fn one_address_has_so_many_handshakes_under_way_and_no_more() {
    let settings = ServerSettings {
        handshakes_per_address_max: 2,
        handshake_timeout: PATIENCE,
        ..ServerSettings::default()
    };
    let server = identity();
    let stage = Stage::over(settings, tls(&server), |_| {}).await;
    let silent = [
        Esme::connect(stage.address).await,
        Esme::connect(stage.address).await,
    ];
    let mut third = Esme::connect(stage.address).await;
    third.ended().await;
    assert_eq!(stage.count("handshakes_refused_address"), 1);
    drop(silent);
    // The places are free once it is seen that those two have gone.
    while stage.count("handshakes_failed") < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bind_over_tls(&stage, &server, None).await, Status::OK);
}

#[tokio::test]
async fn a_pinned_account_is_opened_by_its_certificate_and_the_password_together() {
    let (server, own, other) = (identity(), identity(), identity());
    let pinned = Thumbprint::from_bytes(sha256(own.cert.der()));
    let stage = Stage::over(ServerSettings::default(), tls(&server), |account| {
        account.certificates = vec![pinned];
    })
    .await;
    assert_eq!(
        bind_over_tls(&stage, &server, None).await,
        Status::BIND_FAILED
    );
    assert_eq!(
        bind_over_tls(&stage, &server, Some(&other)).await,
        Status::BIND_FAILED
    );
    assert_eq!(bind_over_tls(&stage, &server, Some(&own)).await, Status::OK);
    // Plain SMPP at a port of TLS.
    let mut esme = Esme::connect(stage.address).await;
    esme.send(Body::EnquireLink).await;
    let mut octets = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut esme.stream, &mut octets).await;
    assert_eq!(stage.count("handshakes_failed"), 1);
}
