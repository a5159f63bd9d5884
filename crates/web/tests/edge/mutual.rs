//! Certificates of clients: who may connect, and which keys come with which certificate.

use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use engine::NewClient;
use engine::rows::{AuthMode, CertificateRow, Thumbprint};
use rcgen::{CertificateParams, CertifiedKey, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use testkit::TestGateway;
use testkit::gateway::everything;
use tls::{CertificateNeed, ClientCertificates, TlsProfile};
use web::ServerSettings;

use crate::server::{Server, certificates};
use crate::site::{Role, Site};
use crate::wire::{Heard, Wire, connect, get};

/// A certificate of a client and its key.
struct Own {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Own {
    /// Signed by itself.
    fn of_itself() -> Self {
        Self::made(&rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap())
    }

    fn made(made: &CertifiedKey<KeyPair>) -> Self {
        Self {
            certificate: made.cert.der().clone(),
            key: made.signing_key.serialize_der(),
        }
    }

    fn hash(&self) -> Thumbprint {
        Thumbprint::from_bytes(domain::signature::sha256(&self.certificate))
    }
}

/// An authority of clients.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    fn client(&self) -> Own {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["client".to_owned()]).unwrap();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Own {
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        }
    }

    fn asking(&self, need: CertificateNeed) -> ClientCertificates {
        ClientCertificates::of_authorities(need, self.pem.as_bytes()).unwrap()
    }
}

fn config(
    root: &CertificateDer<'static>,
    own: Option<&Own>,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let key = PrivateKeyDer::try_from(own.key.clone()).unwrap();
            let chain = vec![own.certificate.clone()];
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    }
}

/// Whether somebody gets an answer from a server. A client of TLS 1.3 learns that it is refused when it reads.
async fn answers(
    server: &Server,
    own: Option<&Own>,
    version: &'static SupportedProtocolVersion,
) -> bool {
    let Ok(stream) = connect(server.address, config(&server.root, own, &[version])).await else {
        return false;
    };
    let mut wire = Wire::of(stream);
    wire.send(get("/")).await;
    wire.answer().await.is_some_and(|heard| heard.status == 200)
}

#[tokio::test]
async fn where_a_certificate_is_required_nobody_connects_without_one_of_the_authority() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let asking = ours.asking(CertificateNeed::Required);
    let intermediate = TlsProfile::Intermediate;
    let server = Server::asking(ServerSettings::default(), intermediate, asking).await;
    for version in [&TLS13, &TLS12] {
        assert!(answers(&server, Some(&ours.client()), version).await);
        assert!(!answers(&server, Some(&theirs.client()), version).await);
        assert!(!answers(&server, Some(&Own::of_itself()), version).await);
        assert!(!answers(&server, None, version).await);
    }
}

#[tokio::test]
async fn where_it_is_optional_nobody_is_kept_out_but_with_a_wrong_one() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let asking = ours.asking(CertificateNeed::Optional);
    let server = Server::asking(ServerSettings::default(), TlsProfile::Modern, asking).await;
    assert!(answers(&server, Some(&ours.client()), &TLS13).await);
    assert!(answers(&server, None, &TLS13).await);
    assert!(!answers(&server, Some(&theirs.client()), &TLS13).await);
}

#[tokio::test]
async fn without_an_authority_any_certificate_is_taken_but_only_from_who_holds_its_key() {
    let asking = ClientCertificates::of_anybody(CertificateNeed::Required);
    let intermediate = TlsProfile::Intermediate;
    let server = Server::asking(ServerSettings::default(), intermediate, asking).await;
    let (ours, theirs) = (Own::of_itself(), Own::of_itself());
    let stolen = Own {
        certificate: ours.certificate.clone(),
        key: theirs.key.clone(),
    };
    for version in [&TLS13, &TLS12] {
        assert!(answers(&server, Some(&ours), version).await);
        assert!(!answers(&server, None, version).await);
        assert!(!answers_with_stolen(&server, &stolen, version).await);
    }
}

/// A client library refuses such a pair; this one does as it is told.
async fn answers_with_stolen(
    server: &Server,
    stolen: &Own,
    version: &'static SupportedProtocolVersion,
) -> bool {
    let key = PrivateKeyDer::try_from(stolen.key.clone()).unwrap();
    let signing = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    let pair = rustls::sign::CertifiedKey::new(vec![stolen.certificate.clone()], signing);
    let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(pair));
    let mut roots = RootCertStore::empty();
    roots.add(server.root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_cert_resolver(resolver);
    let Ok(stream) = connect(server.address, config).await else {
        return false;
    };
    let mut wire = Wire::of(stream);
    wire.send(get("/")).await;
    wire.answer().await.is_some()
}

#[tokio::test]
async fn other_authorities_hold_for_new_connections_and_end_no_old_one_nor_take_up_its_session() {
    let (old, new) = (Authority::new(), Authority::new());
    let asking = old.asking(CertificateNeed::Required);
    let mut server = Server::asking(ServerSettings::default(), TlsProfile::Modern, asking).await;
    let own = old.client();
    let kept = config(&server.root, Some(&own), &[&TLS13]);
    let stream = connect(server.address, kept.clone()).await.unwrap();
    let mut before = Wire::of(stream);
    assert_eq!(before.ask(&get("/")).await.status, 200);
    let (fresh, root) = certificates();
    let asking = new.asking(CertificateNeed::Required);
    server.slot.reload_asking(fresh, asking).unwrap();
    assert_eq!(before.ask(&get("/")).await.status, 200);
    // The same client again, with the session of before: the server's own certificate is trusted no more either, so
    // that only a session could bring it in.
    assert!(connect(server.address, kept).await.is_err());
    server.root = root;
    assert!(!answers(&server, Some(&own), &TLS13).await);
    assert!(answers(&server, Some(&new.client()), &TLS13).await);
}

#[test]
fn a_file_without_authorities_is_refused() {
    let need = CertificateNeed::Required;
    for wrong in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        assert!(
            ClientCertificates::of_authorities(need, wrong.as_bytes()).is_err(),
            "{wrong}"
        );
    }
}

/// A site whose clients may show any certificate, at a time at which the certificates of tests are valid.
async fn site() -> Site {
    let test = TestGateway::immediate();
    let asking = ClientCertificates::of_anybody(CertificateNeed::Optional);
    Site::asking(test, ServerSettings::default(), asking).await
}

async fn role(site: &Site, own: Option<&Own>, key: &str) -> Role {
    let config = config(&site.root, own, &[&TLS13]);
    let stream = connect(site.address, config).await.unwrap();
    Role {
        wire: Wire::of(stream),
        key: Some(key.to_owned()),
    }
}

async fn lists(site: &Site, own: Option<&Own>, key: &str) -> Heard {
    role(site, own, key).await.get("/v1/messages").await
}

#[tokio::test]
async fn a_key_comes_with_its_clients_certificate_and_is_otherwise_like_a_wrong_one() {
    let site = site().await;
    let (ours, theirs) = (Own::of_itself(), Own::of_itself());
    let given = |own: &Own| NewClient {
        auth: AuthMode::KeyAndCertificate,
        certificates: vec![CertificateRow {
            sha256: own.hash(),
            expires: Timestamp::MAX,
        }],
        ..everything("bank")
    };
    let (_, key) = site.test.add_client(given(&ours));
    let (_, other) = site.test.add_client(given(&theirs));
    let wrong = "ssk_".to_owned() + &"0".repeat(72);
    let expected = lists(&site, Some(&ours), &wrong).await;
    assert_eq!(expected.problem(), (401, "unauthorized".to_owned()));
    assert_eq!(lists(&site, Some(&ours), key.reveal()).await.status, 200);
    assert_eq!(
        lists(&site, Some(&theirs), other.reveal()).await.status,
        200
    );
    let without_id = |heard: &Heard| {
        let mut json = heard.json();
        json["request_id"].take();
        json
    };
    for (own, key) in [(Some(&theirs), &key), (None, &key), (Some(&ours), &other)] {
        let heard = lists(&site, own, key.reveal()).await;
        assert_eq!(without_id(&heard), without_id(&expected));
    }
    // A certificate alone is nobody's key, and one that nobody asked for does no harm.
    let known = site.test.key.reveal();
    assert_eq!(lists(&site, Some(&theirs), known).await.status, 200);
}

#[tokio::test]
async fn a_certificate_that_ends_ends_for_a_connection_that_is_open() {
    let site = site().await;
    let own = Own::of_itself();
    let (_, key) = site.test.add_client(NewClient {
        auth: AuthMode::KeyAndCertificate,
        certificates: vec![CertificateRow {
            sha256: own.hash(),
            expires: Timestamp::MAX,
        }],
        ..everything("bank")
    });
    let mut role = role(&site, Some(&own), key.reveal()).await;
    assert_eq!(role.get("/v1/messages").await.status, 200);
    // What rcgen makes ends in the year 4096.
    site.test.clock.set(Timestamp::from_seconds(67_100_000_000));
    site.test.clock.advance(Duration::from_secs(1));
    assert_eq!(role.get("/v1/messages").await.status, 401);
}
