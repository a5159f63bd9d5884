//! A certificate from an authority that works by itself, in the real binary.

mod pebble;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use testkit::acme::{AcmeAuthority, AcmeSettings, Trick};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::acts::stage::entries;
use super::ground::{Ground, free_address, until};

/// The name of the certificate.
const NAME: &str = "sms.firm.example";

/// A gateway to be, and its authority.
struct Scene {
    ground: Ground,
    authority: AcmeAuthority,
}

impl Scene {
    async fn new(life: Duration) -> Self {
        let mut ground = Ground::new();
        let authority = AcmeAuthority::start(AcmeSettings {
            names_at: ground.https,
            life,
            customer: None,
        })
        .await;
        std::fs::write(ground.path("acme-root.pem"), authority.root()).unwrap();
        ground.more = format!(
            "[https.acme]\ndirectory = '{}'\nnames = ['{NAME}']\n\
             contact = ['mailto:ops@firm.example']\nterms_agreed = true\n\
             ca_file = 'acme-root.pem'\nretry_seconds = 1\n",
            authority.directory()
        );
        ground.configure(free_address());
        Self { ground, authority }
    }

    /// A connection that is verified by the authority, once there is one.
    async fn trusted(&self) -> Line {
        until("a certificate of the authority", async || {
            Line::open(&self.ground, self.authority.issuer(), NAME).await
        })
        .await
    }

    async fn metric(&self, row: &str) {
        until(row, async || {
            let page = self.ground.admin().get("/metrics").await.ok()?;
            page.text.contains(row).then_some(())
        })
        .await;
    }

    fn told(&self, kind: &str) -> Vec<Value> {
        entries(&self.ground.data())
            .into_values()
            .filter(|entry| entry["kind"] == kind)
            .collect()
    }
}

/// A connection that is kept.
struct Line {
    stream: TlsStream<TcpStream>,
}

impl Line {
    async fn open(ground: &Ground, root: &str, name: &str) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(root.as_bytes()).unwrap();
        roots.add(root).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(ground.https).await.ok()?;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, socket).await.ok()?;
        Some(Self { stream })
    }

    /// Whether it is answered: without a key, with 401.
    async fn is_served(&mut self) -> bool {
        let asked = b"GET /v1/messages HTTP/1.1\r\nhost: sms.firm.example\r\n\r\n";
        self.stream.write_all(asked).await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"}") {
            let mut piece = [0; 4_096];
            let read = self.stream.read(&mut piece).await.unwrap_or_default();
            if read == 0 {
                return false;
            }
            heard.extend_from_slice(&piece[..read]);
        }
        heard.starts_with(b"HTTP/1.1 401")
    }

    fn certificate(&self) -> Vec<u8> {
        let shown = self.stream.get_ref().1.peer_certificates().unwrap();
        shown[0].to_vec()
    }
}

#[tokio::test]
async fn a_certificate_is_obtained_renewed_and_kept_while_connections_go_on() {
    let scene = Scene::new(Duration::from_secs(24)).await;
    let gateway = scene.ground.start().await;
    let made = std::fs::read_to_string(scene.ground.data().join("tls/ca.pem")).unwrap();
    let mut early = Line::open(&scene.ground, &made, "localhost").await;
    let mut first = scene.trusted().await;
    assert!(first.is_served().await);
    if let Some(early) = &mut early {
        assert!(early.is_served().await, "the one from before goes on");
    }
    // With a third of its life left there is another, by itself.
    let (mut second, renewed) = until("the next certificate", async || {
        let line = scene.trusted().await;
        let shown = line.certificate();
        (shown != first.certificate()).then_some((line, shown))
    })
    .await;
    assert!(first.is_served().await && second.is_served().await);
    assert_eq!(scene.authority.accounts(), 1);
    assert_eq!(scene.authority.replaced().len(), 1);
    let file = scene.ground.data().join("tls/acme.pem");
    let bits = file.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(bits, 0o600);
    gateway.signal(Signal::HUP).unwrap();
    until("the reload", async || {
        let log = scene.ground.log();
        log.contains("the configuration was read again")
            .then_some(())
    })
    .await;
    assert_eq!(scene.trusted().await.certificate(), renewed);
    assert!(gateway.stop().await.unwrap().success());
    let given = scene.authority.given();
    let gateway = scene.ground.start().await;
    let line = Line::open(&scene.ground, scene.authority.issuer(), NAME).await;
    assert!(line.is_some(), "it is there from the start");
    assert!(gateway.stop().await.unwrap().success());
    let told = scene.told("certificate.obtained");
    assert!(told.len() >= given, "{told:?}");
    assert_eq!(told[0]["data"]["names"][0], NAME);
    assert_eq!(told[0]["actor"]["id"], "acme");
}

#[tokio::test]
async fn an_authority_that_wants_a_certificate_renewed_is_asked_early() {
    let scene = Scene::new(Duration::from_hours(72)).await;
    let gateway = scene.ground.start().await;
    scene.trusted().await;
    scene
        .metric("shortstop_acme_orders_total{outcome=\"obtained\"} 1")
        .await;
    assert!(gateway.stop().await.unwrap().success());
    scene.authority.wants_renewal();
    let gateway = scene.ground.start().await;
    until("the renewal", async || {
        (scene.authority.given() == 2).then_some(())
    })
    .await;
    assert_eq!(scene.authority.replaced().len(), 1);
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn whatever_fails_the_gateway_serves_on_and_tries_again() {
    let scene = Scene::new(Duration::from_hours(72)).await;
    scene.authority.refuse(2);
    let gateway = scene.ground.start().await;
    scene
        .metric("shortstop_acme_orders_total{outcome=\"failed\"} 2")
        .await;
    let mut line = scene.trusted().await;
    assert!(line.is_served().await);
    scene.metric("shortstop_acme_failures_in_a_row 0").await;
    assert!(gateway.stop().await.unwrap().success());
    let failed = scene.told("certificate.failed");
    assert_eq!(failed.len(), 2);
    assert_eq!(failed[0]["reason"], "refused");
    assert!(scene.ground.log().contains("rateLimited"));

    // The authority is gone, and the certificate is kept: the gateway does not need it.
    let Scene { ground, authority } = scene;
    let issuer = authority.issuer().to_owned();
    drop(authority);
    let gateway = ground.start().await;
    let mut line = Line::open(&ground, &issuer, NAME).await.unwrap();
    assert!(line.is_served().await);
    assert!(gateway.stop().await.unwrap().success());

    // The kept one is broken too: it is said, and the one for loopback stands in.
    std::fs::write(ground.data().join("tls/acme.pem"), "nothing").unwrap();
    let gateway = ground.start().await;
    let made = std::fs::read_to_string(ground.data().join("tls/ca.pem")).unwrap();
    let mut line = Line::open(&ground, &made, "localhost").await.unwrap();
    assert!(line.is_served().await);
    let log = ground.log();
    assert!(log.contains("the certificate that was obtained cannot be used"));
    assert!(gateway.stop().await.unwrap().success());
}

#[tokio::test]
async fn a_certificate_for_a_key_or_a_name_that_is_not_ours_replaces_nothing_and_the_next_is_asked_for()
 {
    let scene = Scene::new(Duration::from_hours(72)).await;
    scene.authority.plays(Some(Trick::AnotherKey));
    let gateway = scene.ground.start().await;
    scene
        .metric("shortstop_acme_orders_total{outcome=\"failed\"} 1")
        .await;
    scene.authority.plays(Some(Trick::OtherNames));
    until("a certificate of other names", async || {
        let log = scene.ground.log();
        log.contains("a certificate of other names").then_some(())
    })
    .await;
    let made = std::fs::read_to_string(scene.ground.data().join("tls/ca.pem")).unwrap();
    let mut line = Line::open(&scene.ground, &made, "localhost").await.unwrap();
    assert!(line.is_served().await);
    assert!(!scene.ground.data().join("tls/acme.pem").exists());
    scene.authority.plays(None);
    scene.trusted().await;
    assert!(gateway.stop().await.unwrap().success());
    let failed = scene.told("certificate.failed");
    assert_eq!(failed[0]["reason"], "here", "{failed:?}");
}
