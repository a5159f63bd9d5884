//! TLS towards carriers: certificate and host name are always verified; there is no switch to turn
//! that off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

/// Where Linux distributions keep the certificates that they trust.
const SYSTEM_BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// How a carrier's certificate is judged, and what is shown to it.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// Whom to trust.
    pub roots: Roots,
    /// The name that the certificate must have; the endpoint's host when `None`.
    pub server_name: Option<String>,
    /// A certificate of ours, where the carrier asks for one.
    pub client: Option<ClientCertificate>,
}

/// Whom to trust.
#[derive(Debug, Clone)]
pub enum Roots {
    /// The authorities that the operating system trusts.
    System,
    /// The authorities in this PEM file, and nobody else.
    File(PathBuf),
}

/// A certificate of ours.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// PEM file of the certificate and those between it and its authority.
    pub chain: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsConfigError {
    /// No file of the operating system with trusted authorities.
    #[error("the system has no file of trusted authorities: name one with ca_file")]
    NoSystemRoots,
    /// The file cannot be read as PEM.
    #[error("cannot read {}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// The file has no usable certificate.
    #[error("{} holds no usable certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The name is neither a host name nor an address, so no certificate can have it.
    #[error("{name} is no name that a certificate can have")]
    ServerName {
        /// The name.
        name: String,
    },
    /// The parts do not fit together.
    #[error("the certificate and the key do not fit TLS")]
    Rustls(#[from] rustls::Error),
}

pub(super) fn client_config(options: &TlsOptions) -> Result<Arc<ClientConfig>, TlsConfigError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // The default versions are TLS 1.2 and 1.3.
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(&options.roots)?);
    let config = match &options.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let key = PrivateKeyDer::from_pem_file(&client.key).map_err(|source| {
                TlsConfigError::Pem {
                    path: client.key.clone(),
                    source,
                }
            })?;
            builder.with_client_auth_cert(certificates(&client.chain)?, key)?
        }
    };
    Ok(Arc::new(config))
}

fn roots(roots: &Roots) -> Result<RootCertStore, TlsConfigError> {
    let path = match roots {
        Roots::File(path) => path.as_path(),
        Roots::System => SYSTEM_BUNDLES
            .iter()
            .map(Path::new)
            .find(|path| path.is_file())
            .ok_or(TlsConfigError::NoSystemRoots)?,
    };
    let mut store = RootCertStore::empty();
    // A bundle may hold old certificates that cannot be read; the others still count.
    let (added, _ignored) = store.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        return Err(TlsConfigError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let unreadable = |source| TlsConfigError::Pem {
        path: path.to_owned(),
        source,
    };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(|source| TlsConfigError::Pem {
            path: path.to_owned(),
            source,
        })?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}
