//! The client of an authority that works by itself, against one that checks everything it is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::version::TLS13;
use testkit::acme::{AcmeAuthority, AcmeSettings, Trick};
use tls::{Certificates, TlsProfile, TlsSlot};
use web::ServerSettings;
use web::acme::{
    AccountKey, AcmeClient, AcmeError, AcmePlace, Cause, ExternalAccount, Responder, Wish,
};
use web::witness::Roots;

use crate::server::{Server, certificates};
use crate::wire::{Wire, client_config, connect, get};

/// Shows proofs over a listener, or wrong ones.
struct Shows<'a> {
    slot: &'a TlsSlot,
    spoils: u8,
}

impl Responder for Shows<'_> {
    fn present(&self, name: &str, mut proof: [u8; 32]) -> Result<(), AcmeError> {
        proof[0] ^= self.spoils;
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        let extension = CustomExtension::new_acme_identifier(&proof);
        params.custom_extensions.push(extension);
        let made = params.self_signed(&key).unwrap();
        let pair = Certificates::from_pem(made.pem().as_bytes(), key.serialize_pem().as_bytes());
        self.slot.present(name, pair.unwrap()).unwrap();
        Ok(())
    }

    fn withdraw(&self) {
        self.slot.withdraw();
    }
}

fn settings(names_at: SocketAddr) -> AcmeSettings {
    AcmeSettings {
        names_at,
        life: Duration::from_hours(24),
        customer: None,
    }
}

/// An authority, and the file of whom to trust there.
struct There {
    authority: AcmeAuthority,
    folder: tempfile::TempDir,
}

impl There {
    async fn start(settings: AcmeSettings) -> Self {
        let authority = AcmeAuthority::start(settings).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("root.pem"), authority.root()).unwrap();
        Self { authority, folder }
    }

    fn place(&self) -> AcmePlace {
        AcmePlace {
            directory: self.authority.directory(),
            roots: Roots::File(self.folder.path().join("root.pem")),
        }
    }

    async fn open(&self) -> AcmeClient {
        let key = AccountKey::generate().unwrap();
        let contact = ["mailto:ops@firm.example".to_owned()];
        let opened = AcmeClient::open(&self.place(), key, &contact, None).await;
        opened.unwrap()
    }
}

fn names() -> [String; 2] {
    ["a.example", "b.example"].map(str::to_owned)
}

fn request(names: &[String]) -> Vec<u8> {
    let params = CertificateParams::new(names.to_vec()).unwrap();
    let request = params.serialize_request(&KeyPair::generate().unwrap());
    request.unwrap().der().to_vec()
}

async fn obtain(client: &AcmeClient, responder: &Shows<'_>) -> Result<String, AcmeError> {
    let (names, replaces) = (names(), Some("AQ.Ag"));
    let request = request(&names);
    let wish = Wish {
        names: &names,
        request: &request,
        replaces,
    };
    let obtained = client.obtain(&wish, responder).await;
    obtained.map(|obtained| obtained.chain)
}

#[tokio::test]
async fn names_are_proved_over_the_listener_while_it_serves_and_nothing_is_shown_before_or_after() {
    let server = Server::start(ServerSettings::default()).await;
    let there = There::start(settings(server.address)).await;
    let mut before = Wire::open(&server).await;
    assert_eq!(before.ask(&get("/")).await.status, 200);
    let looks = client_config(&server.root, "acme-tls/1", &[&TLS13]);
    assert!(connect(server.address, looks.clone()).await.is_err());
    let shows = Shows {
        slot: &server.slot,
        spoils: 0,
    };
    let client = there.open().await;
    let chain = obtain(&client, &shows).await.unwrap();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2);
    assert_eq!(there.authority.replaced(), ["AQ.Ag"]);
    assert_eq!(before.ask(&get("/")).await.status, 200);
    assert!(!server.slot.is_challenged());
    assert!(connect(server.address, looks).await.is_err());
    // Again, in the same conversation.
    obtain(&client, &shows).await.unwrap();
    assert_eq!(there.authority.given(), 2);
}

#[tokio::test]
async fn while_a_name_is_looked_at_everybody_else_is_served_and_the_proof_is_shown_to_who_asks_for_it_alone()
 {
    let server = Server::start(ServerSettings::default()).await;
    let shows = Shows {
        slot: &server.slot,
        spoils: 0,
    };
    // The name of every client of these tests.
    shows.present("other.example", [7; 32]).unwrap();
    let mut wire = Wire::open(&server).await;
    assert_eq!(wire.ask(&get("/")).await.status, 200);
    let looks = client_config(&server.root, "acme-tls/1", &[&TLS13]);
    assert!(connect(server.address, looks.clone()).await.is_err());
    let mut both = looks.clone();
    both.alpn_protocols = vec![b"acme-tls/1".to_vec(), b"http/1.1".to_vec()];
    let stream = connect(server.address, both).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    server.slot.withdraw();
    let (proof, root) = certificates();
    server.slot.present("LOCALHOST", proof).unwrap();
    // Nor to somebody who asks for the very name to be served.
    for protocol in ["h2", "http/1.1"] {
        let usual = client_config(&server.root, protocol, &[&TLS13]);
        assert!(connect(server.address, usual).await.is_ok(), "{protocol}");
        let proof = client_config(&root, protocol, &[&TLS13]);
        assert!(connect(server.address, proof).await.is_err(), "{protocol}");
    }
    let mut both = client_config(&server.root, "acme-tls/1", &[&TLS13]);
    both.alpn_protocols.push(b"http/1.1".to_vec());
    assert!(connect(server.address, both).await.is_ok());
    let looks = client_config(&root, "acme-tls/1", &[&TLS13]);
    let stream = connect(server.address, looks).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    let mut wire = Wire::of(stream);
    wire.send(get("/")).await;
    assert!(wire.rest().await.is_empty(), "nothing is said over it");
}

#[tokio::test]
async fn a_name_without_its_proof_or_that_leads_elsewhere_gets_no_certificate() {
    let server = Server::start(ServerSettings::default()).await;
    let there = There::start(settings(server.address)).await;
    let wrong = Shows {
        slot: &server.slot,
        spoils: 1,
    };
    let error = obtain(&there.open().await, &wrong).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Unproved);
    assert!(error.to_string().contains("the wrong proof"), "{error}");
    assert!(!server.slot.is_challenged());
    let (own, _) = certificates();
    let elsewhere = TlsSlot::new(TlsProfile::Modern, own).unwrap();
    let shows = Shows {
        slot: &elsewhere,
        spoils: 0,
    };
    let error = obtain(&there.open().await, &shows).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Unproved);
    assert_eq!(there.authority.given(), 0);
}

#[tokio::test]
async fn an_account_is_found_again_by_its_key_and_a_customer_by_the_secret() {
    let server = Server::start(ServerSettings::default()).await;
    let there = There::start(settings(server.address)).await;
    let key = AccountKey::generate().unwrap();
    let kept = AccountKey::from_pkcs8(key.reveal()).unwrap();
    let first = AcmeClient::open(&there.place(), key, &[], None).await;
    let again = AcmeClient::open(&there.place(), kept, &[], None).await;
    assert_eq!(first.unwrap().account(), again.unwrap().account());
    assert_eq!(there.authority.accounts(), 1);
    let there = There::start(AcmeSettings {
        customer: Some(("kid-1".to_owned(), vec![7; 32])),
        ..settings(server.address)
    })
    .await;
    let opens = async |external: Option<ExternalAccount>| {
        let key = AccountKey::generate().unwrap();
        AcmeClient::open(&there.place(), key, &[], external.as_ref()).await
    };
    let secret = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    assert!(opens(None).await.is_err());
    let wrong = ExternalAccount::new("kid-1", "AAAA").unwrap();
    assert!(opens(Some(wrong)).await.is_err());
    let right = ExternalAccount::new("kid-1", secret).unwrap();
    assert!(!format!("{right:?}").contains(secret));
    assert!(opens(Some(right)).await.is_ok());
    for none in ["", "not base64!"] {
        assert!(ExternalAccount::new("kid-1", none).is_err(), "{none}");
    }
}

#[tokio::test]
async fn an_authority_that_refuses_is_told_from_one_that_is_not_there_or_not_trusted() {
    let server = Server::start(ServerSettings::default()).await;
    let there = There::start(settings(server.address)).await;
    let client = there.open().await;
    let shows = Shows {
        slot: &server.slot,
        spoils: 0,
    };
    there.authority.refuse(1);
    let refused = obtain(&client, &shows).await.unwrap_err();
    assert_eq!(refused.cause(), Cause::Refused);
    assert!(refused.to_string().contains("rateLimited"), "{refused}");
    obtain(&client, &shows).await.unwrap();
    let root = there.folder.path().join("root.pem");
    std::fs::write(&root, there.authority.issuer()).unwrap();
    let key = AccountKey::generate().unwrap();
    let untrusted = AcmeClient::open(&there.place(), key, &[], None).await;
    assert_eq!(untrusted.unwrap_err().cause(), Cause::Unreachable);
    for directory in ["http://localhost:1/directory", "directory"] {
        let place = AcmePlace {
            directory: directory.to_owned(),
            roots: Roots::File(root.clone()),
        };
        assert!(place.check().is_err(), "{directory}");
    }
}

#[tokio::test]
async fn an_authority_says_when_a_certificate_is_best_renewed() {
    let server = Server::start(ServerSettings::default()).await;
    let there = There::start(settings(server.address)).await;
    let client = Arc::new(there.open().await);
    let far = client.window("AQ.Ag").await.unwrap().unwrap();
    there.authority.wants_renewal();
    let near = client.window("AQ.Ag").await.unwrap().unwrap();
    assert!(near.until < far.from);
    assert!(client.window("no id").await.is_err());
}

#[tokio::test]
async fn an_authority_that_breaks_the_rules_gives_nothing_and_is_told_what_it_did() {
    let server = Server::start(ServerSettings::default()).await;
    let there = There::start(settings(server.address)).await;
    let shows = Shows {
        slot: &server.slot,
        spoils: 0,
    };
    let mut wrong = Vec::new();
    for (trick, cause, says) in [
        (
            Trick::OtherChallenges,
            Cause::Refused,
            "offers no challenge tls-alpn-01 for a.example",
        ),
        (
            Trick::ClearOrders,
            Cause::Unsound,
            "a URL that cannot be used",
        ),
        (Trick::StaleNonces(9), Cause::Refused, "badNonce"),
        (Trick::InvalidOrders, Cause::Refused, "no reason given"),
        (Trick::Flood, Cause::Unreachable, "longer than 65536 octets"),
        (Trick::Elsewhere, Cause::Refused, "status 302"),
    ] {
        // The directory is read when a conversation begins.
        there.authority.plays(match trick {
            Trick::ClearOrders => Some(trick),
            _ => None,
        });
        let client = there.open().await;
        there.authority.plays(Some(trick));
        match obtain(&client, &shows).await {
            Err(error) if error.cause() == cause && error.to_string().contains(says) => {}
            other => wrong.push((trick, other)),
        }
        assert!(!server.slot.is_challenged(), "{trick:?}");
    }
    assert!(wrong.is_empty(), "{wrong:?}");
    // The same client goes on once the rules are kept.
    there.authority.plays(None);
    obtain(&there.open().await, &shows).await.unwrap();
}

#[tokio::test]
async fn a_nonce_that_is_refused_is_replaced_and_urls_are_asked_as_they_are_written() {
    let server = Server::start(ServerSettings::default()).await;
    let there = There::start(settings(server.address)).await;
    let shows = Shows {
        slot: &server.slot,
        spoils: 0,
    };
    let client = there.open().await;
    there.authority.plays(Some(Trick::StaleNonces(3)));
    obtain(&client, &shows).await.unwrap();
    there.authority.plays(Some(Trick::OddUrls));
    obtain(&there.open().await, &shows).await.unwrap();
    for directory in [
        "https://localhost:1/directory#part",
        "https://localhost:1/directory?a#part",
        "https://user@localhost:1/directory?a",
    ] {
        let place = AcmePlace {
            directory: directory.to_owned(),
            roots: Roots::File(there.folder.path().join("root.pem")),
        };
        assert!(place.check().is_err(), "{directory}");
    }
}
