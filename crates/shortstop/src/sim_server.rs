//! The sockets of the carrier simulator: TLS from PEM files, and its window for people. The simulator
//! itself is in `smpp::sim`.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use smpp::sim::{SimHandle, http};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::checked::PairFiles;

/// TLS with this certificate.
pub fn acceptor(files: &PairFiles) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("{} is no certificate in PEM", files.certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("{} is no private key in PEM", files.key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and its key cannot be used together")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves the simulator's statistics and inbox; gives the address.
pub async fn serve_http(sim: SimHandle, address: SocketAddr) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be used for HTTP"))?;
    let bound = listener.local_addr()?;
    tokio::spawn(http::serve(sim, listener));
    Ok(bound)
}
