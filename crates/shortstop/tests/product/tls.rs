//! Both doors over TLS with certificates of clients: a reload changes what new connections meet, ends none, and is
//! taken whole or not at all.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use engine::ports::Clock as _;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustix::process::Signal;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, NamedGroup, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use shortstop::child::GatewayProcess;
use shortstop::clock::SystemClock;
use shortstop::folder::replace_private;
use smpp::pdu::{Bind, BindKind, Body, Pdu};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::acts::stage::entries;
use super::ground::{CODE, Ground, free_address, run_json, until};

const ESME_PASSWORD: &str = "3sm3-pwd";
const NAME: &str = "dns:bank.example";

/// Who gives certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
struct Own {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    fn gives(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Own {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let made = params.signed_by(&key, &self.issuer).unwrap();
        Own {
            certificate: made.pem(),
            key: key.serialize_pem(),
        }
    }

    fn server(&self) -> Own {
        self.gives("localhost", ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn client(&self) -> Own {
        self.gives("bank.example", ExtendedKeyUsagePurpose::ClientAuth)
    }
}

/// A gateway with both doors.
struct Doors {
    ground: Ground,
    gateway: GatewayProcess,
    smpp: SocketAddr,
    carrier: SocketAddr,
    key: String,
}

impl Doors {
    fn write(ground: &Ground, name: &str, text: &str) -> PathBuf {
        let path = ground.path(name);
        replace_private(&path, text.as_bytes()).unwrap();
        path
    }

    async fn open(server: &Own, clients: &Authority) -> Self {
        let mut ground = Ground::new();
        let (smpp, carrier) = (free_address(), free_address());
        for door in ["https", "smpp"] {
            Self::write(&ground, &format!("{door}.pem"), &server.certificate);
            Self::write(&ground, &format!("{door}.key"), &server.key);
            Self::write(&ground, &format!("{door}-ca.pem"), &clients.pem);
        }
        Self::write(&ground, "esme1.password", ESME_PASSWORD);
        let asking = |door: &str| {
            format!(
                "certificate_file = '{door}.pem'\nkey_file = '{door}.key'\n\
                 client_certificates = 'required'\nclient_ca_file = '{door}-ca.pem'\n"
            )
        };
        ground.https_more = asking("https");
        ground.more = format!("[smpp]\nlisten = '{smpp}'\n{}", asking("smpp"));
        ground.configure(carrier);
        let gateway = ground.start().await;
        let data = ground.data().display().to_string();
        let client = add_named(&data).await;
        assert_eq!(client["certificate_names"][0], NAME);
        ground.more = format!(
            "{}[[esme]]\nsystem_id = 'esme1'\nclient = '{}'\n\
             password_file = 'esme1.password'\ncertificate_names = ['{NAME}']\n",
            ground.more,
            client["id"].as_str().unwrap()
        );
        ground.configure(carrier);
        let doors = Self {
            ground,
            gateway,
            smpp,
            carrier,
            key: client["api_key"].as_str().unwrap().to_owned(),
        };
        doors.reload("the configuration was read again").await;
        doors
    }

    /// Has everything read again, until the log says this.
    async fn reload(&self, says: &str) {
        let before = self.ground.log().matches(says).count();
        self.ground.configure(self.carrier);
        self.gateway.signal(Signal::HUP).unwrap();
        until(says, async || {
            (self.ground.log().matches(says).count() > before).then_some(())
        })
        .await;
    }

    /// A connection to the API that is answered.
    async fn https(&self, root: &Authority, own: &Own) -> Option<Line> {
        let stream = secured(self.ground.https, root, own).await?;
        let mut line = Line(stream);
        line.reads(&self.key).await.then_some(line)
    }

    /// A bind.
    async fn esme(&self, root: &Authority, own: &Own) -> Option<Line> {
        let stream = secured(self.smpp, root, own).await?;
        let mut line = Line(stream);
        let bind = Bind::new(b"esme1", ESME_PASSWORD.as_bytes(), b"");
        let bound = line.asks(Body::Bind(BindKind::Transceiver, bind)).await;
        (bound == Some(0)).then_some(line)
    }
}

/// Makes a client that is let in by a key and the name of its certificate.
async fn add_named(data: &str) -> serde_json::Value {
    let words = [
        "client",
        "add",
        "bank",
        "--short-code",
        CODE,
        "--class",
        "otp",
        "--auth",
        "key+mtls",
        "--certificate-name",
        NAME,
        "--data",
        data,
    ];
    run_json(&words).await["client"].clone()
}

async fn secured(at: SocketAddr, root: &Authority, own: &Own) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(root.pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(own.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    let socket = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, socket).await.ok()
}

/// A connection that is kept.
struct Line(TlsStream<TcpStream>);

impl Line {
    /// Whether a read with this key is answered.
    async fn reads(&mut self, key: &str) -> bool {
        let asked = format!(
            "GET /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"
        );
        if self.0.write_all(asked.as_bytes()).await.is_err() {
            return false;
        }
        let mut heard = Vec::new();
        while !heard.ends_with(b"}") {
            let mut piece = [0; 4_096];
            let read = self.0.read(&mut piece).await.unwrap_or_default();
            if read == 0 {
                return false;
            }
            heard.extend_from_slice(&piece[..read]);
        }
        heard.starts_with(b"HTTP/1.1 200")
    }

    /// The status of the answer to a PDU.
    async fn asks(&mut self, body: Body<'_>) -> Option<u32> {
        let mut out = BytesMut::new();
        Pdu::request(1, body).encode(&mut out).unwrap();
        self.0.write_all(&out).await.ok()?;
        let mut head = [0; 16];
        self.0.read_exact(&mut head).await.ok()?;
        let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
        let mut rest = vec![0; usize::try_from(word(0)).unwrap() - 16];
        self.0.read_exact(&mut rest).await.ok()?;
        Some(word(8))
    }

    async fn is_alive(&mut self) -> bool {
        self.asks(Body::EnquireLink).await == Some(0)
    }
}

#[tokio::test]
async fn a_reload_changes_what_new_connections_meet_on_both_doors_and_ends_none() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let doors = Doors::open(&servers.server(), &clients).await;
    let old = clients.client();
    let mut api = doors.https(&servers, &old).await.unwrap();
    let mut esme = doors.esme(&servers, &old).await.unwrap();
    for line in [&api, &esme] {
        let exchange = line.0.get_ref().1.negotiated_key_exchange_group();
        assert_eq!(exchange.unwrap().name(), NamedGroup::X25519MLKEM768);
    }
    let stranger = Authority::new().client();
    assert!(doors.https(&servers, &stranger).await.is_none());
    assert!(doors.esme(&servers, &stranger).await.is_none());
    let other = clients.gives("other.example", ExtendedKeyUsagePurpose::ClientAuth);
    assert!(doors.https(&servers, &other).await.is_none());
    assert!(doors.esme(&servers, &other).await.is_none());

    let (next_servers, next_clients) = (Authority::new(), Authority::new());
    let server = next_servers.server();
    for door in ["https", "smpp"] {
        Doors::write(&doors.ground, &format!("{door}.pem"), &server.certificate);
        Doors::write(&doors.ground, &format!("{door}.key"), &server.key);
        Doors::write(&doors.ground, &format!("{door}-ca.pem"), &next_clients.pem);
    }
    doors.reload("the configuration was read again").await;
    let new = next_clients.client();
    let both = async |own: &Own| {
        let api = doors.https(&next_servers, own).await;
        let esme = doors.esme(&next_servers, own).await;
        (api.is_some(), esme.is_some())
    };
    assert_eq!(both(&new).await, (true, true));
    assert_eq!(both(&old).await, (false, false));
    assert!(api.reads(&doors.key).await, "it goes on");
    assert!(esme.is_alive().await, "it stays bound");

    // What is sound of a reload is not taken while another part of it is broken.
    let third = Authority::new().server();
    Doors::write(&doors.ground, "https.pem", &third.certificate);
    Doors::write(&doors.ground, "https.key", &third.key);
    Doors::write(&doors.ground, "smpp-ca.pem", "nothing");
    doors.reload("the configuration stays as it was").await;
    let log = doors.ground.log();
    assert!(log.contains("smpp.client_ca_file"), "{log}");
    assert_eq!(both(&new).await, (true, true));
    assert!(api.reads(&doors.key).await && esme.is_alive().await);

    let page = doors.ground.admin().get("/metrics").await.unwrap().text;
    for of in ["server", "client-ca", "smpp-server", "smpp-client-ca"] {
        let row = format!("shortstop_certificate_expires_seconds{{certificate=\"{of}\"}} ");
        assert!(page.contains(&row), "{of}");
    }
    let of_esme = "{certificate=\"esme\",name=\"esme1\"} ";
    assert!(page.contains(of_esme), "{page}");
    drop((api, esme));
    assert!(doors.gateway.stop().await.unwrap().success());
    let refused = entries(&doors.ground.data()).into_values();
    let mut refused = refused.filter(|entry| entry["outcome"] == "refused");
    assert!(refused.any(|entry| entry["reason"] == "unusable-file"));
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_before_the_start_and_after_it() {
    let mut ground = Ground::new();
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2024, 1, 2);
    let made = params.signed_by(&key, &authority.issuer).unwrap();
    Doors::write(&ground, "https.pem", &made.pem());
    Doors::write(&ground, "https.key", &key.serialize_pem());
    "certificate_file = 'https.pem'\nkey_file = 'https.key'\n".clone_into(&mut ground.https_more);
    let config = ground.configure(free_address());
    let output = super::ground::run(&["check-config", config.to_str().unwrap()]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("a certificate is over (server,"), "{said}");
    let gateway = ground.start().await;
    assert!(ground.log().contains("a certificate is over (server,"));
    assert!(gateway.stop().await.unwrap().success());
}

/// A certificate as the gateway makes it, with a third of its life left in a few seconds.
fn made(folder: &std::path::Path) -> String {
    shortstop::folder::make_private(folder).unwrap();
    // It is due twenty seconds from now.
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(SystemClock.now().seconds());
    let valid = |mut params: CertificateParams| {
        params.not_before = now - Duration::from_mins(10);
        params.not_after = now + Duration::from_secs(330);
        params
    };
    let mut params = valid(CertificateParams::default());
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let own = valid(CertificateParams::new(["localhost".to_owned()]).unwrap());
    let own = own.signed_by(&key, &issuer).unwrap().pem();
    for (name, text) in [
        ("ca.pem", ca.clone()),
        ("server.pem", own + &ca),
        ("server.key", key.serialize_pem()),
    ] {
        replace_private(&folder.join(name), text.as_bytes()).unwrap();
    }
    ca
}

#[tokio::test]
async fn the_certificate_that_the_gateway_makes_is_made_anew_on_both_doors_while_it_serves() {
    let mut ground = Ground::new();
    let smpp = free_address();
    ground.more = format!("[smpp]\nlisten = '{smpp}'\n");
    ground.configure(free_address());
    shortstop::folder::make_private(&ground.data()).unwrap();
    let tls = ground.data().join("tls");
    let before = made(&tls);
    let gateway = ground.start().await;
    let key = ground.key().await;
    let mut early = Line(trusting(ground.https, &before).await.unwrap());
    assert!(early.reads(&key).await);
    assert!(trusting(smpp, &before).await.is_some());
    let after = until("the next one", async || {
        let next = std::fs::read_to_string(tls.join("ca.pem")).unwrap();
        (next != before).then_some(next)
    })
    .await;
    for door in [ground.https, smpp] {
        until("its use", async || trusting(door, &after).await).await;
        assert!(trusting(door, &before).await.is_none());
    }
    assert!(early.reads(&key).await, "the one from before goes on");
    let log = ground.log();
    assert!(log.contains("was made anew"), "{log}");
    assert!(!log.contains("the configuration was read again"), "{log}");
    assert!(gateway.stop().await.unwrap().success());
    let entries = entries(&ground.data()).into_values();
    let told: Vec<_> = entries
        .filter(|entry| entry["kind"] == "certificate.obtained")
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["data"]["authority"], "itself");
    assert_eq!(told[0]["actor"]["id"], "gateway");
}

/// A connection for which whoever is there has to show a certificate of this authority.
async fn trusting(at: SocketAddr, root: &str) -> Option<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(root.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(at).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, socket).await.ok()
}

#[tokio::test]
async fn names_for_which_nobody_vouches_are_said_at_a_reload_a_start_and_by_check_config() {
    let says = "nobody vouches for names";
    let mut ground = Ground::new();
    let config = ground.configure(free_address());
    let checked = async || {
        let output = super::ground::run(&["check-config", config.to_str().unwrap()]).await;
        String::from_utf8_lossy(&output.stderr).contains(says)
    };
    let gateway = ground.start().await;
    let data = ground.data().display().to_string();
    add_named(&data).await;
    assert!(!ground.log().contains(says));
    gateway.signal(Signal::HUP).unwrap();
    until("the reload", async || {
        ground.log().contains(says).then_some(())
    })
    .await;
    assert!(gateway.stop().await.unwrap().success());
    assert!(checked().await);
    let gateway = ground.start().await;
    assert_eq!(ground.log().matches(says).count(), 2);
    assert!(gateway.stop().await.unwrap().success());
    Doors::write(&ground, "clients.pem", &Authority::new().pem);
    "client_ca_file = 'clients.pem'\n".clone_into(&mut ground.https_more);
    ground.configure(free_address());
    assert!(!checked().await);
}
