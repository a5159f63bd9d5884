//! Whom we believe to be the service that was named: certificate and name are always verified,
//! and there is no switch to turn that off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::place::{Place, Wire};

/// Where Linux distributions keep the certificates that they trust.
const SYSTEM_BUNDLES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Whom to trust.
#[derive(Clone, Debug)]
pub enum Roots {
    /// The authorities that the operating system trusts.
    System,
    /// The authorities in this PEM file, and nobody else.
    File(PathBuf),
}

/// Why the authorities cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// No file of the operating system with trusted authorities.
    #[error("the system has no file of trusted authorities: name one with ca_file")]
    NoSystemRoots,
    /// The file cannot be read as PEM.
    #[error("cannot read {} as PEM", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The file has no usable certificate.
    #[error("{} holds no usable certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The library refused its own settings.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// What is decided about the way to a service, once: what is written as HTTPS cannot become plain.
pub(crate) enum Trust {
    /// TLS, with the name that the certificate must have. Sessions are resumed, so that a connection a
    /// second costs little.
    Tls(TlsConnector, ServerName<'static>),
    /// Plain HTTP to this machine.
    Loopback,
}

impl Trust {
    /// Loads what the way needs.
    pub(crate) fn of(place: &Place, roots: &Roots) -> Result<Self, RootsError> {
        match &place.wire {
            Wire::Loopback => Ok(Self::Loopback),
            Wire::Tls(name) => Ok(Self::Tls(connector(roots)?, name.clone())),
        }
    }
}

/// What protects connections to services whose names come later.
pub(crate) fn connector(roots: &Roots) -> Result<TlsConnector, RootsError> {
    Ok(TlsConnector::from(Arc::new(config(roots)?)))
}

fn config(roots: &Roots) -> Result<ClientConfig, RootsError> {
    // The provider is named here and never taken from the process, where a library may have set
    // another one. The default versions are TLS 1.2 and 1.3.
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(root_store(roots)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The authorities of a file, or those of the system.
pub(crate) fn root_store(roots: &Roots) -> Result<RootCertStore, RootsError> {
    let path = match roots {
        Roots::File(path) => path.as_path(),
        Roots::System => SYSTEM_BUNDLES
            .iter()
            .map(Path::new)
            .find(|path| path.is_file())
            .ok_or(RootsError::NoSystemRoots)?,
    };
    let mut store = RootCertStore::empty();
    // A bundle may hold old certificates that cannot be read; the others still count.
    let (added, _ignored) = store.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        return Err(RootsError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let unreadable = |source| RootsError::Pem {
        path: path.to_owned(),
        source,
    };
    let listed = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    listed
        .collect::<Result<_, _>>()
        .map_err(|source| RootsError::Pem {
            path: path.to_owned(),
            source,
        })
}
