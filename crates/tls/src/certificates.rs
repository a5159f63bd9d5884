//! A certificate chain and its private key, and why they cannot be used.

use std::fmt;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::ending::Life;
use crate::shown::validity;

/// A certificate chain and its private key.
pub struct Certificates {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
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
    /// The file of revocation lists holds none that can be used.
    #[error(
        "no revocation list can be read: give a PEM file with those of the authorities (`X509 CRL`)"
    )]
    Revocations,
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

    /// From when until when the server's own is valid.
    pub fn validity(&self) -> Option<Life> {
        validity(self.chain.first()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_from_pem_and_what_is_missing_is_named() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        assert!(Certificates::from_pem(chain.as_bytes(), key.as_bytes()).is_ok());
        let swapped = Certificates::from_pem(key.as_bytes(), chain.as_bytes());
        assert!(matches!(swapped, Err(TlsError::Chain)));
        let keyless = Certificates::from_pem(chain.as_bytes(), b"");
        assert!(matches!(keyless, Err(TlsError::Key)));
    }
}
