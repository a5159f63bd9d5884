//! What a listener asks of clients: no certificate, one that they may show, or one that they must; from authorities
//! that are named, or any, which is then known by its hash alone (RFC 8705 section 2.2). Which client a certificate
//! belongs to is the engine's business: here the other side only proves that it holds the key.

use std::fmt;
use std::sync::Arc;

use domain::time::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_parser::parse_x509_crl;

use crate::certificates::TlsError;
use crate::ending::Life;
use crate::shown::{Vouched, validity};

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
    /// What the authorities have taken back.
    revocations: Vec<CertificateRevocationListDer<'static>>,
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
            revocations: Vec::new(),
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
        Ok(Self {
            need,
            authorities,
            revocations: Vec::new(),
        })
    }

    /// The same, less what the revocation lists in a PEM file have taken back. Every authority between a certificate
    /// and its root must then have a list there that is of this time: of whom nothing is known is refused.
    pub fn less_revoked(self, pem: &[u8]) -> Result<Self, TlsError> {
        let revocations: Vec<_> = CertificateRevocationListDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::Revocations)?;
        if revocations.is_empty() {
            return Err(TlsError::Revocations);
        }
        Ok(Self {
            revocations,
            ..self
        })
    }

    /// Whether an authority vouches for what is in their certificates.
    pub(crate) fn vouched(&self) -> Vouched {
        if self.authorities.is_empty() {
            Vouched::ByNobody
        } else {
            Vouched::ByAuthority
        }
    }

    /// The life of the authority that ends first.
    pub(crate) fn soonest_end(&self) -> Option<Life> {
        let lives = self.authorities.iter().filter_map(validity);
        lives.min_by_key(|(_, until)| *until)
    }

    /// The life of the revocation list that is due to be replaced first.
    pub(crate) fn soonest_update(&self) -> Option<Life> {
        let lives = self.revocations.iter().filter_map(life_of_list);
        lives.min_by_key(|(_, until)| *until)
    }

    pub(crate) fn verifier(
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
        // Of what was taken back since a list was due to be replaced nothing is known: it lets nobody in.
        let builder = builder
            .with_crls(self.revocations.iter().cloned())
            .enforce_revocation_expiration();
        let builder = match self.need {
            CertificateNeed::Required => builder,
            CertificateNeed::Optional | CertificateNeed::Off => builder.allow_unauthenticated(),
        };
        // The authorities are sound: what is left to be wrong is a list.
        builder.build().map_err(|_| TlsError::Revocations)
    }
}

/// From when it is until its next one is due.
fn life_of_list(list: &CertificateRevocationListDer<'static>) -> Option<Life> {
    let (_, read) = parse_x509_crl(list).ok()?;
    let moment = |seconds: i64| Timestamp::from_seconds(u64::try_from(seconds).unwrap_or(0));
    let until = moment(read.next_update()?.timestamp());
    Some((moment(read.last_update().timestamp()), until))
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
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // Known by its hash, and by nothing else that it says but its time.
        let now = Timestamp::from_seconds(now.as_secs());
        match validity(certificate) {
            Some((from, _)) if now < from => Err(CertificateError::NotValidYet.into()),
            Some((_, until)) if until < now => Err(CertificateError::Expired.into()),
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => Err(CertificateError::BadEncoding.into()),
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
