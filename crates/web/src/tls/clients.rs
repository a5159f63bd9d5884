//! What the listener asks of clients: no certificate, one that they may show, or one that they must; from authorities
//! that are named, or any, which is then known by its hash alone (RFC 8705 section 2.2). Which client a certificate
//! belongs to is the engine's business: here the other side only proves that it holds the key.

use std::fmt;
use std::sync::Arc;

use domain::signature::sha256;
use domain::time::Timestamp;
use engine::PeerCertificate;
use engine::rows::Thumbprint;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use x509_parser::parse_x509_certificate;

use super::TlsError;

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateNeed {
    /// They are not asked for one.
    #[default]
    Off,
    /// They are asked, and may have none.
    Optional,
    /// Without one there is no connection.
    Required,
}

/// What is asked of clients.
#[derive(Clone, Default)]
pub struct ClientCertificates {
    need: CertificateNeed,
    /// Whose certificates are taken; without any, those of everybody.
    authorities: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.authorities.len();
        write!(
            f,
            "ClientCertificates({:?}, {count} authorities)",
            self.need
        )
    }
}

impl ClientCertificates {
    /// Any certificate is taken, and known by its hash alone.
    pub const fn of_anybody(need: CertificateNeed) -> Self {
        Self {
            need,
            authorities: Vec::new(),
        }
    }

    /// Those of the authorities in a PEM file are taken.
    pub fn of_authorities(need: CertificateNeed, pem: &[u8]) -> Result<Self, TlsError> {
        let authorities: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::Authorities)?;
        let roots = roots(&authorities)?;
        if roots.is_empty() {
            return Err(TlsError::Authorities);
        }
        Ok(Self { need, authorities })
    }

    /// When the first authority ends.
    pub(super) fn soonest_end(&self) -> Option<Timestamp> {
        let ends = self.authorities.iter().filter_map(validity);
        ends.map(|(_, until)| until).min()
    }

    pub(super) fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        if self.need == CertificateNeed::Off {
            return Ok(Arc::new(NoClientAuth));
        }
        if self.authorities.is_empty() {
            return Ok(Arc::new(Anybody {
                need: self.need,
                provider: Arc::clone(provider),
            }));
        }
        let roots = Arc::new(roots(&self.authorities)?);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
        let builder = match self.need {
            CertificateNeed::Required => builder,
            CertificateNeed::Optional | CertificateNeed::Off => builder.allow_unauthenticated(),
        };
        let verifier = builder.build().map_err(|_| TlsError::Authorities)?;
        Ok(verifier)
    }
}

fn roots(authorities: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        let added = roots.add(authority.clone());
        added.map_err(|_| TlsError::Authorities)?;
    }
    Ok(roots)
}

/// Takes the certificate of anybody who proves to hold its key: the handshake is signed with it.
#[derive(Debug)]
struct Anybody {
    need: CertificateNeed,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        self.need == CertificateNeed::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // Known by its hash. Whether it is of this time is looked at with each request.
        match validity(certificate) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => Err(rustls::CertificateError::BadEncoding.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The certificate of the other side as the engine knows it. The chain has been verified, or is of no interest.
pub(crate) fn certificate_of(chain: &[CertificateDer<'_>]) -> Option<PeerCertificate> {
    let own = chain.first()?;
    let (from, until) = validity(own)?;
    Some(PeerCertificate {
        sha256: Thumbprint::from_bytes(sha256(own)),
        from,
        until,
    })
}

/// From when until when a certificate is valid.
pub(super) fn validity(certificate: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let (rest, read) = parse_x509_certificate(certificate).ok()?;
    let moment = |seconds: i64| Timestamp::from_seconds(u64::try_from(seconds).unwrap_or(0));
    let validity = read.validity();
    let until = moment(validity.not_after.timestamp());
    rest.is_empty()
        .then(|| (moment(validity.not_before.timestamp()), until))
}
