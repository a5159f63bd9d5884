//! TLS: a carrier is believed only with the right certificate and the right name.

use std::path::PathBuf;
use std::sync::Arc;

use engine::ports::carrier::Answer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use smpp::link::{ClientCertificate, LinkConfig, Roots, Security, TlsOptions};
use smpp::sim::{SimConfig, SimHandle, Simulator};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

use crate::gateway::{FixedClock, Gateway, behaviour, config, listener};

/// Whether the carrier asks for a certificate of ours.
#[derive(Clone, Copy, PartialEq)]
enum Asks {
    Nothing,
    Certificate,
}

/// A certificate authority with a folder for its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A simulator whose certificate has this name.
    async fn carrier(&self, name: &str, asks: Asks) -> SimHandle {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match asks {
            Asks::Nothing => builder.with_no_client_auth(),
            Asks::Certificate => {
                let mut roots = RootCertStore::empty();
                roots.add(self.issuer.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (certificate, key) = self.sign(name);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let server = builder
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let sim = SimConfig {
            tls: Some(TlsAcceptor::from(Arc::new(server))),
            behaviour: behaviour(),
            ..SimConfig::new(Arc::new(FixedClock))
        };
        Simulator::start(sim, listener().await)
    }

    /// A certificate of ours, in files.
    fn client(&self) -> ClientCertificate {
        let (certificate, key) = self.sign("gateway.example");
        let (chain, file) = (
            self.folder.path().join("gw.pem"),
            self.folder.path().join("gw.key"),
        );
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&file, key.serialize_pem()).unwrap();
        ClientCertificate { chain, key: file }
    }
}

fn options(authority: &Authority) -> TlsOptions {
    TlsOptions {
        roots: Roots::File(authority.file()),
        server_name: None,
        client: None,
    }
}

fn link(sim: &SimHandle, options: TlsOptions) -> LinkConfig {
    config(sim, Security::Tls(options))
}

async fn check_works(sim: &SimHandle, options: TlsOptions) {
    let mut gateway = Gateway::start(vec![link(sim, options)]);
    gateway.bound().await;
    gateway.submit(100);
    let answers = gateway.answers(100).await;
    assert!(
        answers
            .iter()
            .all(|(_, answer)| matches!(answer, Answer::Accepted(_)))
    );
}

async fn check_refused(sim: &SimHandle, options: TlsOptions, why: &str) {
    let gateway = Gateway::start(vec![link(sim, options)]);
    let reason = gateway.down().await;
    assert!(reason.contains(why), "{reason}");
    assert_eq!(sim.stats().binds, 0);
}

#[tokio::test]
async fn messages_go_over_tls() {
    let authority = Authority::new();
    let sim = authority.carrier("localhost", Asks::Nothing).await;
    check_works(&sim, options(&authority)).await;
}

#[tokio::test]
async fn a_certificate_of_someone_else_is_refused() {
    let sim = Authority::new().carrier("localhost", Asks::Nothing).await;
    check_refused(&sim, options(&Authority::new()), "invalid peer certificate").await;
}

#[tokio::test]
async fn a_certificate_with_another_name_is_refused_unless_it_is_the_one_asked_for() {
    let authority = Authority::new();
    let sim = authority.carrier("smsc.example", Asks::Nothing).await;
    check_refused(&sim, options(&authority), "not valid for name").await;
    let named = TlsOptions {
        server_name: Some("smsc.example".to_owned()),
        ..options(&authority)
    };
    check_works(&sim, named).await;
}

#[tokio::test]
async fn a_carrier_that_asks_for_a_certificate_gets_ours() {
    let authority = Authority::new();
    let sim = authority.carrier("localhost", Asks::Certificate).await;
    check_refused(&sim, options(&authority), "").await;
    let client = Some(authority.client());
    check_works(
        &sim,
        TlsOptions {
            client,
            ..options(&authority)
        },
    )
    .await;
}

#[tokio::test]
async fn tls_to_a_carrier_that_has_none_fails() {
    let authority = Authority::new();
    let sim = crate::gateway::simulator(behaviour()).await;
    check_refused(&sim, options(&authority), "TLS failed").await;
}

#[tokio::test]
async fn files_that_are_no_certificates_are_told_before_anything_starts() {
    let authority = Authority::new();
    let empty = authority.folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let sim = crate::gateway::simulator(behaviour()).await;
    let entropy: Arc<dyn engine::ports::Entropy> = Arc::new(crate::gateway::NoChance);
    for path in [empty, PathBuf::from("/nonexistent/ca.pem")] {
        let wrong = TlsOptions {
            roots: Roots::File(path),
            ..options(&authority)
        };
        assert!(smpp::link::Links::new(vec![link(&sim, wrong)], &entropy).is_err());
    }
    let wrong = TlsOptions {
        server_name: Some("no name".to_owned()),
        ..options(&authority)
    };
    assert!(smpp::link::Links::new(vec![link(&sim, wrong)], &entropy).is_err());
}
