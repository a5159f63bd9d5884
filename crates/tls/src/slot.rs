//! The TLS settings of a listener that are in force. Handshakes take the present ones; open connections keep theirs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use engine::PeerCertificate;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::server::ClientHello;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ServerConfig, ServerConnection};

use crate::certificates::{Certificates, TlsError};
use crate::challenge::Challenges;
use crate::clients::ClientCertificates;
use crate::ending::Ending;
use crate::hosts::Hosts;
use crate::shown::{Vouched, certificate_of};

/// HTTP versions that are offered, the preferred one first (RFC 7301, RFC 9113 section 3.2).
const HTTP: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Which versions of TLS a client may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsProfile {
    /// TLS 1.3 alone.
    #[default]
    Modern,
    /// TLS 1.2 too, with forward secrecy and authenticated encryption only.
    Intermediate,
}

static MODERN: [&rustls::SupportedProtocolVersion; 1] = [&TLS13];
static INTERMEDIATE: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// What is spoken over a listener's connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// The API's.
    Http,
    /// That of the door for ESMEs.
    Smpp,
}

/// The TLS settings in force.
pub struct TlsSlot {
    profile: TlsProfile,
    speaks: Speaks,
    current: RwLock<Current>,
    challenges: Challenges,
}

/// What is in force at a time.
struct Current {
    in_force: InForce,
    clients: ClientCertificates,
    ending: Vec<Ending>,
    hosts: Hosts,
}

/// Settings that are sound and not yet in force.
pub struct Prepared(Current);

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

/// The settings of one handshake.
#[derive(Clone)]
pub struct InForce {
    pub(crate) config: Arc<ServerConfig>,
    verifier: Arc<dyn ClientCertVerifier>,
    vouched: Vouched,
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InForce").finish_non_exhaustive()
    }
}

/// The session of before was taken up again, and its certificate would not be taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate of a session that was taken up again is not good any more")]
pub struct NotAnyMore;

impl InForce {
    /// What a handshake is made with.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// The certificate that the other side has shown, once the handshake is over. With a session that is taken up
    /// again it has shown none: the one of before is verified anew, so that no session outlives its certificate.
    pub fn shown(
        &self,
        connection: &ServerConnection,
    ) -> Result<Option<PeerCertificate>, NotAnyMore> {
        let Some(chain) = connection.peer_certificates() else {
            return Ok(None);
        };
        let (own, between) = chain.split_first().ok_or(NotAnyMore)?;
        if connection.handshake_kind() == Some(HandshakeKind::Resumed) {
            let now = self.config.time_provider.current_time();
            let now = now.ok_or(NotAnyMore)?;
            let verified = self.verifier.verify_client_cert(own, between, now);
            verified.map_err(|_| NotAnyMore)?;
        }
        let read = certificate_of(chain, self.vouched);
        read.map(Some).ok_or(NotAnyMore)
    }
}

impl TlsSlot {
    /// For HTTP, with the first certificates. Clients are asked for none.
    pub fn new(profile: TlsProfile, certificates: Certificates) -> Result<Self, TlsError> {
        Self::asking(profile, certificates, ClientCertificates::default())
    }

    /// The same, with what is asked of clients.
    pub fn asking(
        profile: TlsProfile,
        certificates: Certificates,
        clients: ClientCertificates,
    ) -> Result<Self, TlsError> {
        Self::speaking(Speaks::Http, profile, certificates, clients)
    }

    /// For SMPP, with the first certificates and what is asked of ESMEs.
    pub fn for_esmes(
        profile: TlsProfile,
        certificates: Certificates,
        clients: ClientCertificates,
    ) -> Result<Self, TlsError> {
        Self::speaking(Speaks::Smpp, profile, certificates, clients)
    }

    fn speaking(
        speaks: Speaks,
        profile: TlsProfile,
        certificates: Certificates,
        clients: ClientCertificates,
    ) -> Result<Self, TlsError> {
        let current = RwLock::new(current((profile, speaks), certificates, clients)?);
        Ok(Self {
            profile,
            speaks,
            current,
            challenges: Challenges::default(),
        })
    }

    /// Replaces the certificates for handshakes to come. On an error the old ones stay.
    pub fn reload(&self, certificates: Certificates) -> Result<(), TlsError> {
        self.take(self.prepare_own(certificates)?);
        Ok(())
    }

    /// The same, with what is asked of clients. Sessions from before are not taken up again, so that what no longer
    /// holds is not taken over into new connections.
    pub fn reload_asking(
        &self,
        certificates: Certificates,
        clients: ClientCertificates,
    ) -> Result<(), TlsError> {
        self.take(self.prepare(certificates, clients)?);
        Ok(())
    }

    /// What [`TlsSlot::take`] puts in force. Everything that can fail fails here, and nothing changes yet.
    pub fn prepare(
        &self,
        certificates: Certificates,
        clients: ClientCertificates,
    ) -> Result<Prepared, TlsError> {
        current((self.profile, self.speaks), certificates, clients).map(Prepared)
    }

    /// The same with other certificates, and what is asked of clients as it is.
    pub fn prepare_own(&self, certificates: Certificates) -> Result<Prepared, TlsError> {
        let clients = self.now().clients.clone();
        self.prepare(certificates, clients)
    }

    /// Shows this certificate, and nothing else, to an authority that looks whether the name is ours (RFC 8737).
    pub fn present(&self, name: &str, proof: Certificates) -> Result<(), TlsError> {
        self.challenges.present(name, proof)
    }

    /// No authority is shown anything any more.
    pub fn withdraw(&self) {
        self.challenges.withdraw();
    }

    /// Whether an authority may look.
    pub fn is_challenged(&self) -> bool {
        !self.challenges.is_empty()
    }

    /// What an authority is shown, if this client is one that looks at a name of ours.
    pub fn proof_for(&self, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>> {
        self.challenges.of(hello)
    }

    /// Puts in force what was prepared, for handshakes to come.
    pub fn take(&self, prepared: Prepared) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = prepared.0;
    }

    /// When each certificate in force ends, the soonest of a sort first.
    pub fn endings(&self) -> Vec<Ending> {
        self.now().ending.clone()
    }

    /// Whether the certificate in force is for this host: a name, or an address without brackets.
    pub fn is_for(&self, host: &str) -> bool {
        self.now().hosts.has(host)
    }

    fn now(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings for one handshake.
    pub fn in_force(&self) -> InForce {
        self.now().in_force.clone()
    }
}

impl fmt::Debug for TlsSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSlot")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

fn current(
    (profile, speaks): (TlsProfile, Speaks),
    certificates: Certificates,
    clients: ClientCertificates,
) -> Result<Current, TlsError> {
    let ending = Ending::of_listener(speaks, certificates.validity(), &clients);
    let hosts = certificates.chain.first().map(Hosts::of);
    // The provider is named here and never taken from the process, where a library may have set
    // another one.
    let provider = Arc::new(default_provider());
    let verifier = clients.verifier(&provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(profile.versions())
        .map_err(TlsError::Setup)?
        .with_client_cert_verifier(Arc::clone(&verifier))
        .with_single_cert(certificates.chain, certificates.key)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = speaks.protocols();
    // Tickets spare a returning client the key exchange. Early data stays off: it can be replayed.
    config.ticketer = Ticketer::new().map_err(TlsError::Setup)?;
    Ok(Current {
        in_force: InForce {
            config: Arc::new(config),
            verifier,
            vouched: clients.vouched(),
        },
        clients,
        ending,
        hosts: hosts.unwrap_or_default(),
    })
}

impl TlsProfile {
    fn versions(self) -> &'static [&'static rustls::SupportedProtocolVersion] {
        match self {
            Self::Modern => &MODERN,
            Self::Intermediate => &INTERMEDIATE,
        }
    }
}

impl Speaks {
    fn protocols(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http => HTTP.iter().map(|name| name.to_vec()).collect(),
            Self::Smpp => Vec::new(),
        }
    }

    /// What the ends of its certificate, its authorities and their lists are called in metrics.
    pub(crate) const fn endings(self) -> [&'static str; 3] {
        match self {
            Self::Http => ["server", "client-ca", "client-crl"],
            Self::Smpp => ["smpp-server", "smpp-client-ca", "smpp-client-crl"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_and_the_old_pair_stays() {
        let (ours, theirs) = (pair(), pair());
        let good = Certificates::from_pem(
            ours.cert.pem().as_bytes(),
            ours.signing_key.serialize_pem().as_bytes(),
        );
        let slot = TlsSlot::new(TlsProfile::Modern, good.unwrap()).unwrap();
        let before = slot.in_force().config();
        let mixed = Certificates::from_pem(
            ours.cert.pem().as_bytes(),
            theirs.signing_key.serialize_pem().as_bytes(),
        );
        assert!(matches!(
            slot.reload(mixed.unwrap()),
            Err(TlsError::Pair(_))
        ));
        assert!(Arc::ptr_eq(&before, &slot.in_force().config()));
    }
}
