//! TLS towards ESMEs: versions by profile, certificates that can be replaced while connections go on, and
//! the certificate that an ESME may show. Whether it is the right one is asked when it binds: it is taken by
//! its hash, and what is proven here is that the peer holds its key.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::{TLS12, TLS13};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

/// Which versions of TLS an ESME may speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsProfile {
    /// TLS 1.3 alone.
    Modern,
    /// TLS 1.2 too, with forward secrecy and authenticated encryption only.
    #[default]
    Intermediate,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The chain is no PEM, or empty.
    #[error("no certificate can be read: give a PEM file with the chain, the server's own first")]
    Chain,
    /// The key is no PEM.
    #[error("no private key can be read: give a PEM file with one PKCS#8, PKCS#1 or SEC1 key")]
    Key,
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used together")]
    Pair(#[source] rustls::Error),
    /// The library refused its own settings, or could not draw random octets.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// The TLS settings in force. Handshakes take the present ones; open connections keep theirs.
pub struct TlsSlot {
    profile: TlsProfile,
    current: RwLock<Arc<ServerConfig>>,
}

impl TlsSlot {
    /// With a first chain and its key, as the contents of two PEM files.
    pub fn new(profile: TlsProfile, chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(config(profile, chain, key)?));
        Ok(Self { profile, current })
    }

    /// Replaces them for handshakes to come. On an error the old ones stay.
    pub fn reload(&self, chain: &[u8], key: &[u8]) -> Result<(), TlsError> {
        let fresh = Arc::new(config(self.profile, chain, key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The settings for one handshake.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for TlsSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSlot")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

fn config(profile: TlsProfile, chain: &[u8], key: &[u8]) -> Result<ServerConfig, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsError::Chain)?;
    if chain.is_empty() {
        return Err(TlsError::Chain);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Key)?;
    let versions = match profile {
        TlsProfile::Modern => &[&TLS13][..],
        TlsProfile::Intermediate => &[&TLS13, &TLS12][..],
    };
    // The provider is named here and never taken from the process, where a library may have set another.
    let provider = Arc::new(default_provider());
    let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(TlsError::Setup)?
        .with_client_cert_verifier(Arc::new(Holder(provider)))
        .with_single_cert(chain, key)
        .map_err(TlsError::Pair)?;
    // Tickets spare a returning ESME the key exchange. Early data stays off: it can be replayed.
    config.ticketer = Ticketer::new().map_err(TlsError::Setup)?;
    Ok(config)
}

/// Takes any certificate, or none, from whoever holds its key.
#[derive(Debug)]
struct Holder(Arc<CryptoProvider>);

impl ClientCertVerifier for Holder {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
