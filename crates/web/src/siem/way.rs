//! How a receiver of syslog is reached: what protects the connection, who is believed, and what we show.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::TlsConnector;

use crate::outgoing::{Roots, RootsError, root_store};

/// What protects the way.
#[derive(Clone, Debug)]
pub enum SyslogWay {
    /// TLS.
    Tls(SyslogTls),
    /// Nothing; it never leaves this machine.
    Loopback,
    /// Nothing, to anywhere: everybody on the way reads the ledger.
    ClearTextOnTheWire,
}

/// Whom to believe, and what to show.
#[derive(Clone, Debug)]
pub struct SyslogTls {
    /// Who may sign its certificate.
    pub roots: Roots,
    /// The name in its certificate, when it is not the host.
    pub server_name: Option<String>,
    /// What we show, if it asks.
    pub client: Option<ClientIdentity>,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct ClientIdentity {
    /// The file of the chain.
    pub chain: PathBuf,
    /// The file of the key.
    pub key: PathBuf,
}

/// Why a receiver cannot be reached like this.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// The authorities to trust cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// No certificate can have this name.
    #[error("`{0}` is no name that a certificate can have")]
    Name(String),
    /// The certificate to show, or its key, cannot be used.
    #[error("{} is not usable as what we show to the receiver: {says}", path.display())]
    Client {
        /// Which file.
        path: PathBuf,
        /// Why.
        says: String,
    },
    /// The library refused its own settings.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// What is decided about the way, once: what is meant to be TLS cannot become plain.
pub(super) enum Protection {
    Tls(TlsConnector, ServerName<'static>),
    Loopback,
    Clear,
}

impl Protection {
    pub(super) fn of(host: &str, way: &SyslogWay) -> Result<Self, WayError> {
        match way {
            SyslogWay::Loopback => Ok(Self::Loopback),
            SyslogWay::ClearTextOnTheWire => Ok(Self::Clear),
            SyslogWay::Tls(tls) => {
                let name = tls.server_name.as_deref().unwrap_or(host);
                let wrong = |_| WayError::Name(name.to_owned());
                let server = ServerName::try_from(name.to_owned()).map_err(wrong)?;
                let connector = TlsConnector::from(Arc::new(config(tls)?));
                Ok(Self::Tls(connector, server))
            }
        }
    }
}

fn config(tls: &SyslogTls) -> Result<ClientConfig, WayError> {
    // The provider is named here and never taken from the process, where a library may have set
    // another one. The default versions are TLS 1.2 and 1.3.
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(root_store(&tls.roots)?);
    let Some(client) = &tls.client else {
        return Ok(builder.with_no_client_auth());
    };
    let (chain, key) = identity(client)?;
    let shown = builder.with_client_auth_cert(chain, key);
    shown.map_err(|error| unusable(&client.key, &error))
}

fn identity(
    client: &ClientIdentity,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), WayError> {
    let chain = CertificateDer::pem_file_iter(&client.chain);
    let chain = chain.and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| unusable(&client.chain, &error))?;
    let key = PrivateKeyDer::from_pem_file(&client.key);
    Ok((chain, key.map_err(|error| unusable(&client.key, &error))?))
}

fn unusable(path: &std::path::Path, error: &dyn std::error::Error) -> WayError {
    WayError::Client {
        path: path.to_owned(),
        says: error.to_string(),
    }
}
