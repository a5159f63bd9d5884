//! The way to a receiver of syslog: over TLS to a real one, and to peers that are not who they should be.

use std::path::PathBuf;
use std::sync::Arc;

use engine::ports::Collector as _;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use testkit::SyslogReceiver;
use testkit::contract::stream;
use testkit::syslog::Ends;
use tokio_rustls::TlsAcceptor;
use web::siem::{ClientIdentity, SyslogCollector, SyslogPlace, SyslogTls, SyslogWay};
use web::witness::Roots;

use crate::server::PATIENCE;

/// Files of certificates, and the acceptors that show them.
struct Trust {
    folder: tempfile::TempDir,
}

impl Trust {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate of this name, in `NAME.pem` and `NAME.key`.
    fn make(&self, name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(self.path(&format!("{name}.pem")), made.cert.pem()).unwrap();
        let key = made.signing_key.serialize_pem();
        std::fs::write(self.path(&format!("{name}.key")), key).unwrap();
        made
    }

    /// An acceptor that shows a certificate, and asks for that of `client`.
    fn acceptor(&self, name: &str, client: Option<&str>) -> TlsAcceptor {
        let made = self.make(name);
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(self.make(client).cert.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let chain = vec![made.cert.der().clone()];
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
    }

    fn tls(&self, authority: &str) -> SyslogTls {
        SyslogTls {
            roots: Roots::File(self.path(&format!("{authority}.pem"))),
            server_name: Some("localhost".to_owned()),
            client: None,
        }
    }
}

fn collector(receiver: &SyslogReceiver, way: &SyslogWay) -> SyslogCollector {
    let place = SyslogPlace {
        host: "127.0.0.1".to_owned(),
        port: receiver.address().port(),
    };
    SyslogCollector::new(place, way).unwrap()
}

async fn keeps_the_contract(receiver: SyslogReceiver, way: SyslogWay) {
    let ends = Ends {
        receiver: &receiver,
        collector: Arc::new(collector(&receiver, &way)),
    };
    let run = stream::run(&ends);
    tokio::time::timeout(PATIENCE, run).await.unwrap();
}

#[tokio::test]
async fn a_line_over_tls_keeps_the_contract() {
    let trust = Trust::new();
    let receiver = SyslogReceiver::start(Some(trust.acceptor("localhost", None))).await;
    keeps_the_contract(receiver, SyslogWay::Tls(trust.tls("localhost"))).await;
}

#[tokio::test]
async fn a_plain_line_on_this_machine_keeps_the_contract() {
    keeps_the_contract(SyslogReceiver::start(None).await, SyslogWay::Loopback).await;
}

#[tokio::test]
async fn only_a_certificate_of_that_name_and_authority_is_believed() {
    let trust = Trust::new();
    trust.make("stranger");
    let other = SyslogReceiver::start(Some(trust.acceptor("other.example", None))).await;
    let receiver = SyslogReceiver::start(Some(trust.acceptor("localhost", None))).await;
    let good = collector(&receiver, &SyslogWay::Tls(trust.tls("localhost")));
    assert!(good.connect().await.is_ok());
    let stranger = collector(&receiver, &SyslogWay::Tls(trust.tls("stranger")));
    let refused = stranger.connect().await.err().unwrap();
    assert!(refused.0.starts_with("TLS failed"), "{refused}");
    let misnamed = collector(&other, &SyslogWay::Tls(trust.tls("other.example")));
    assert!(misnamed.connect().await.is_err());
    let unnamed = SyslogTls {
        server_name: None,
        ..trust.tls("localhost")
    };
    let by_address = collector(&receiver, &SyslogWay::Tls(unnamed));
    assert!(by_address.connect().await.is_err());
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_certificate_is_shown_ours() {
    let trust = Trust::new();
    let acceptor = trust.acceptor("localhost", Some("gateway"));
    let receiver = SyslogReceiver::start(Some(acceptor)).await;
    let shown = SyslogTls {
        client: Some(ClientIdentity {
            chain: trust.path("gateway.pem"),
            key: trust.path("gateway.key"),
        }),
        ..trust.tls("localhost")
    };
    keeps_the_contract(receiver, SyslogWay::Tls(shown)).await;
}

#[tokio::test]
async fn without_a_certificate_such_a_receiver_takes_nothing() {
    let trust = Trust::new();
    let acceptor = trust.acceptor("localhost", Some("gateway"));
    let receiver = SyslogReceiver::start(Some(acceptor)).await;
    let silent = collector(&receiver, &SyslogWay::Tls(trust.tls("localhost")));
    // With TLS 1.3 our side is done before the receiver has judged.
    if let Ok(mut line) = silent.connect().await {
        let broken = tokio::time::timeout(PATIENCE, line.ended()).await;
        assert!(broken.is_ok(), "it was never told");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_plain_peer_is_never_taken_for_a_protected_one() {
    let trust = Trust::new();
    trust.make("localhost");
    let receiver = SyslogReceiver::start(None).await;
    let way = SyslogWay::Tls(trust.tls("localhost"));
    let collector = collector(&receiver, &way);
    let asked = collector.connect();
    // The peer never answers our hello, so it is left after a while or hangs up.
    let hang_up = async {
        receiver.over(1, 1).await;
        receiver.hang_up();
    };
    let (opened, ()) = tokio::join!(asked, hang_up);
    assert!(opened.is_err());
}

#[test]
fn files_and_names_that_cannot_be_used_are_told_at_once() {
    let trust = Trust::new();
    trust.make("localhost");
    let made = |tls: SyslogTls| {
        let place = SyslogPlace {
            host: "127.0.0.1".to_owned(),
            port: 1,
        };
        SyslogCollector::new(place, &SyslogWay::Tls(tls))
    };
    assert!(made(trust.tls("localhost")).is_ok());
    assert!(made(trust.tls("missing")).is_err());
    let wrong_name = SyslogTls {
        server_name: Some("-no name-".to_owned()),
        ..trust.tls("localhost")
    };
    assert!(made(wrong_name).is_err());
    let wrong_key = SyslogTls {
        client: Some(ClientIdentity {
            chain: trust.path("localhost.pem"),
            key: trust.path("localhost.pem"),
        }),
        ..trust.tls("localhost")
    };
    assert!(made(wrong_key).is_err());
}
