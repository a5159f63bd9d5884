//! Debian's Pebble, an authority that others wrote: it refuses nonces by chance, builds chains of its own, knows its
//! customers, and looks at names over the listener as public authorities do.

use std::net::SocketAddr;
use std::process::Stdio;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use shortstop::certificates::{self, Subject};
use shortstop::clock::SystemClock;
use shortstop::folder::write_private;
use shortstop::http_client::Target;
use tokio::process::{Child, Command};

use engine::ports::Clock as _;

use super::super::acts::stage::entries;
use super::super::ground::{Ground, free_address, until};
use super::{Line, NAME};

/// The secret of its one customer.
const SECRET: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

/// Seconds that a certificate is valid.
const LIFE: u64 = 36;

/// Pebble, and a resolver for which every name is here.
struct Pebble {
    directory: SocketAddr,
    management: SocketAddr,
    _processes: [Child; 2],
}

impl Pebble {
    fn start(ground: &Ground) -> Self {
        let tls = ground.path("pebble-tls");
        let made = certificates::keep(&tls, &[Subject::Carrier], SystemClock.now()).unwrap();
        std::fs::copy(&made.ca, ground.path("acme-root.pem")).unwrap();
        let own = Subject::Carrier.files(&tls);
        let [directory, management, resolver, unused] = [(); 4].map(|()| free_address());
        let config = json!({"pebble": {
            "listenAddress": directory.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": own.certificate,
            "privateKey": own.key,
            "httpPort": unused.port(),
            "tlsPort": ground.https.port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": true,
            "externalAccountMACKeys": {"shortstop": SECRET},
            "certificateValidityPeriod": LIFE,
        }});
        let path = ground.path("pebble.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let mut names = Command::new("pebble-challtestsrv");
        names
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""])
            .args(["-http01", "", "-https01", "", "-tlsalpn01", ""])
            .args(["-dns01", &resolver.to_string()])
            .args(["-management", &unused.to_string()]);
        let mut pebble = Command::new("pebble");
        pebble
            .arg("-strict")
            .arg("-config")
            .arg(&path)
            .args(["-dnsserver", &resolver.to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env("PEBBLE_WFE_NONCEREJECT", "20")
            .env("PEBBLE_CHAIN_LENGTH", "2");
        let processes = [(names, "names.log"), (pebble, "pebble.log")].map(|(mut command, log)| {
            let log = std::fs::File::create(ground.path(log)).unwrap();
            let told = log.try_clone().unwrap();
            command
                .stdin(Stdio::null())
                .stdout(log)
                .stderr(told)
                .kill_on_drop(true)
                .spawn()
                .unwrap()
        });
        Self {
            directory,
            management,
            _processes: processes,
        }
    }

    /// The root of its chains, in PEM.
    async fn root(&self, ground: &Ground) -> String {
        let trusted = std::fs::read(ground.path("acme-root.pem")).unwrap();
        until("Pebble", async || {
            let target = Target::https(self.management, &trusted).unwrap();
            let reply = target.client().get("/roots/0").await.ok()?;
            (reply.status.as_u16() == 200).then_some(reply.text)
        })
        .await
    }
}

#[tokio::test]
async fn an_authority_that_others_wrote_gives_a_certificate_and_the_next_one() {
    let mut ground = Ground::new();
    let pebble = Pebble::start(&ground);
    write_private(&ground.path("customer.key"), SECRET.as_bytes()).unwrap();
    ground.more = format!(
        "[https.acme]\ndirectory = 'https://{}/dir'\nnames = ['{NAME}', 'www.{NAME}']\n\
         contact = ['mailto:ops@firm.example']\nterms_agreed = true\nca_file = 'acme-root.pem'\n\
         external_id = 'shortstop'\nexternal_key_file = 'customer.key'\nretry_seconds = 1\n",
        pebble.directory
    );
    ground.configure(free_address());
    let root = pebble.root(&ground).await;
    let gateway = ground.start().await;
    let told = || {
        let log = std::fs::read_to_string(ground.path("pebble.log")).unwrap_or_default();
        format!("{}\n{log}", ground.log())
    };
    let mut first = until("a certificate of Pebble", async || {
        Line::open(&ground, &root, NAME).await
    })
    .await;
    assert!(first.is_served().await, "{}", told());
    let chain = first.stream.get_ref().1.peer_certificates().unwrap();
    let root = CertificateDer::from_pem_slice(root.as_bytes()).unwrap();
    assert!(chain.len() >= 2 && !chain.contains(&root), "{}", told());
    let shown = first.certificate();
    let root = pebble.root(&ground).await;
    let mut second = until("the next one", async || {
        let line = Line::open(&ground, &root, &format!("www.{NAME}")).await?;
        (line.certificate() != shown).then_some(line)
    })
    .await;
    assert!(first.is_served().await && second.is_served().await);
    assert!(gateway.stop().await.unwrap().success());
    let entries = entries(&ground.data()).into_values();
    let obtained: Vec<_> = entries
        .filter(|entry| entry["kind"] == "certificate.obtained")
        .collect();
    assert!(obtained.len() >= 2, "{obtained:?}\n{}", told());
}
