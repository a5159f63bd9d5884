//! TLS of the HTTPS listener: versions by profile, certificates and what is asked of clients, both of which can be
//! replaced while connections go on. Links to carriers have a room of their own.

mod clients;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use domain::time::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

pub(crate) use clients::certificate_of;
pub use clients::{CertificateNeed, ClientCertificates};

/// HTTP versions that are offered, the preferred one first (RFC 7301, RFC 9113 section 3.2).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Which versions of TLS a client may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsProfile {
    /// TLS 1.3 alone.
    #[default]
    Modern,
    /// TLS 1.2 too, with forward secrecy and authenticated encryption only.
    Intermediate,
}

/// A certificate chain and its private key.
pub struct Certificates {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({} in the chain)", self.chain.len())
    }
}

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file holds no certificate, or no PEM.
    #[error("no certificate can be read: give a PEM file with the chain, the server's own first")]
    Chain,
    /// The key file holds no private key, or no PEM.
    #[error("no private key can be read: give a PEM file with one PKCS#8, PKCS#1 or SEC1 key")]
    Key,
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used together")]
    Pair(#[source] rustls::Error),
    /// The file of certificate authorities holds none that can be used.
    #[error("no certificate authority can be read: give a PEM file with their certificates")]
    Authorities,
    /// The library refused its own settings, or could not draw random octets.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

impl Certificates {
    /// From parts in DER, the server's own certificate first.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        Self { chain, key }
    }

    /// From the contents of two PEM files.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::Chain)?;
        if chain.is_empty() {
            return Err(TlsError::Chain);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Key)?;
        Ok(Self { chain, key })
    }
}

/// The TLS settings in force. Handshakes take the present ones; open connections keep theirs.
pub struct TlsSlot {
    profile: TlsProfile,
    current: RwLock<Current>,
}

/// What is in force at a time.
struct Current {
    config: Arc<ServerConfig>,
    clients: ClientCertificates,
    ending: Vec<Ending>,
}

/// Settings that are sound and not yet in force.
pub struct Prepared(Current);

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").finish_non_exhaustive()
    }
}

/// A certificate of the listener, or of an authority that it trusts, and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Whose it is: `server` or `client-ca`.
    pub of: &'static str,
    /// When it ends.
    pub until: Timestamp,
}

impl TlsSlot {
    /// With the first certificates. Clients are asked for none.
    pub fn new(profile: TlsProfile, certificates: Certificates) -> Result<Self, TlsError> {
        Self::asking(profile, certificates, ClientCertificates::default())
    }

    /// The same, with what is asked of clients.
    pub fn asking(
        profile: TlsProfile,
        certificates: Certificates,
        clients: ClientCertificates,
    ) -> Result<Self, TlsError> {
        let current = RwLock::new(current(profile, certificates, clients)?);
        Ok(Self { profile, current })
    }

    /// Replaces the certificates for handshakes to come. On an error the old ones stay.
    pub fn reload(&self, certificates: Certificates) -> Result<(), TlsError> {
        let clients = self.now().clients.clone();
        self.reload_asking(certificates, clients)
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
        current(self.profile, certificates, clients).map(Prepared)
    }

    /// Puts in force what was prepared, for handshakes to come.
    pub fn take(&self, prepared: Prepared) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = prepared.0;
    }

    /// When each certificate in force ends, the soonest of a sort first.
    pub fn endings(&self) -> Vec<Ending> {
        self.now().ending.clone()
    }

    fn now(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings for one handshake.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.now().config)
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
    profile: TlsProfile,
    certificates: Certificates,
    clients: ClientCertificates,
) -> Result<Current, TlsError> {
    let own = certificates.chain.first();
    let own = own
        .and_then(|own| clients::validity(own))
        .map(|(_, until)| Ending {
            of: "server",
            until,
        });
    let authorities = clients.soonest_end().map(|until| Ending {
        of: "client-ca",
        until,
    });
    let config = config(profile, certificates, &clients)?;
    Ok(Current {
        config: Arc::new(config),
        clients,
        ending: own.into_iter().chain(authorities).collect(),
    })
}

fn config(
    profile: TlsProfile,
    certificates: Certificates,
    clients: &ClientCertificates,
) -> Result<ServerConfig, TlsError> {
    let versions = match profile {
        TlsProfile::Modern => &[&TLS13][..],
        TlsProfile::Intermediate => &[&TLS13, &TLS12][..],
    };
    // The provider is named here and never taken from the process, where a library may have set
    // another one.
    let provider = Arc::new(default_provider());
    let verifier = clients.verifier(&provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(TlsError::Setup)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates.chain, certificates.key)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    // Tickets spare a returning client the key exchange. Early data stays off: it can be replayed.
    config.ticketer = Ticketer::new().map_err(TlsError::Setup)?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> rcgen::CertifiedKey<rcgen::KeyPair> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap()
    }

    #[test]
    fn certificates_are_read_from_pem_and_what_is_missing_is_named() {
        let made = pair();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        assert!(Certificates::from_pem(chain.as_bytes(), key.as_bytes()).is_ok());
        let swapped = Certificates::from_pem(key.as_bytes(), chain.as_bytes());
        assert!(matches!(swapped, Err(TlsError::Chain)));
        let keyless = Certificates::from_pem(chain.as_bytes(), b"");
        assert!(matches!(keyless, Err(TlsError::Key)));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_and_the_old_pair_stays() {
        let (ours, theirs) = (pair(), pair());
        let good = Certificates::from_pem(
            ours.cert.pem().as_bytes(),
            ours.signing_key.serialize_pem().as_bytes(),
        );
        let slot = TlsSlot::new(TlsProfile::Modern, good.unwrap()).unwrap();
        let before = slot.current();
        let mixed = Certificates::from_pem(
            ours.cert.pem().as_bytes(),
            theirs.signing_key.serialize_pem().as_bytes(),
        );
        assert!(matches!(
            slot.reload(mixed.unwrap()),
            Err(TlsError::Pair(_))
        ));
        assert!(Arc::ptr_eq(&before, &slot.current()));
    }
}
