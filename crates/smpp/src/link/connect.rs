//! Makes the connection to a carrier, protected as configured.

use std::io;

use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::config::{Endpoint, LinkConfig, Security};
use super::tls::{TlsConfigError, client_config};
use crate::wire::{Stream, Wire};

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("the host name has no address ({})", .0.kind())]
    Lookup(io::Error),
    /// Plain TCP is for loopback only.
    #[error("plain TCP is allowed to this machine only: use TLS")]
    NotLoopback,
    /// Nobody answered at any of the addresses.
    #[error("connect failed ({})", .0.kind())]
    Tcp(io::Error),
    /// The handshake failed; the text says why, for example that the certificate is not trusted.
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    /// It took too long.
    #[error("connecting took too long")]
    Timeout,
}

/// How a connection is made: decided once, so that what is configured as TLS cannot become plain.
#[derive(Clone)]
pub(super) enum Dialer {
    /// TLS, with the name that the certificate must have.
    Tls(TlsConnector, ServerName<'static>),
    /// Plain TCP to this machine.
    Loopback,
    /// Plain TCP to anywhere.
    ClearText,
}

impl Dialer {
    /// Loads what the protection needs.
    pub(super) fn new(config: &LinkConfig) -> Result<Self, TlsConfigError> {
        match &config.security {
            Security::PlainLoopback => Ok(Self::Loopback),
            Security::ClearTextOnTheWire => Ok(Self::ClearText),
            Security::Tls(options) => {
                let name = options
                    .server_name
                    .as_ref()
                    .unwrap_or(&config.endpoint.host);
                let name = ServerName::try_from(name.clone())
                    .map_err(|_| TlsConfigError::ServerName { name: name.clone() })?;
                Ok(Self::Tls(TlsConnector::from(client_config(options)?), name))
            }
        }
    }
}

/// Connects within the time that the configuration allows.
pub(super) async fn connect(config: &LinkConfig, dialer: &Dialer) -> Result<Wire, ConnectError> {
    timeout(
        config.timers.connect,
        connect_patiently(&config.endpoint, dialer),
    )
    .await
    .unwrap_or(Err(ConnectError::Timeout))
}

async fn connect_patiently(endpoint: &Endpoint, dialer: &Dialer) -> Result<Wire, ConnectError> {
    let socket = connect_tcp(endpoint, dialer).await?;
    // Without it small writes would wait for the peer's acknowledgement.
    socket.set_nodelay(true).map_err(ConnectError::Tcp)?;
    match dialer {
        Dialer::Loopback | Dialer::ClearText => Ok(wire(socket)),
        Dialer::Tls(connector, name) => {
            let stream = connector.connect(name.clone(), socket).await;
            Ok(wire(stream.map_err(ConnectError::Tls)?))
        }
    }
}

/// Tries every address of the host in turn.
async fn connect_tcp(endpoint: &Endpoint, dialer: &Dialer) -> Result<TcpStream, ConnectError> {
    let target = (endpoint.host.as_str(), endpoint.port);
    let addresses = lookup_host(target).await.map_err(ConnectError::Lookup)?;
    let mut last = ConnectError::Lookup(io::ErrorKind::NotFound.into());
    for address in addresses {
        if matches!(dialer, Dialer::Loopback) && !address.ip().is_loopback() {
            last = ConnectError::NotLoopback;
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = ConnectError::Tcp(error),
        }
    }
    Err(last)
}

fn wire(stream: impl Stream + 'static) -> Wire {
    Wire::new(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TEST-NET-1 (RFC 5737) belongs to nobody; it is not even tried.
    #[tokio::test]
    async fn plain_tcp_to_another_machine_is_refused_before_any_octet() {
        let elsewhere = Endpoint {
            host: "192.0.2.1".to_owned(),
            port: 2775,
        };
        let error = connect_tcp(&elsewhere, &Dialer::Loopback)
            .await
            .unwrap_err();
        assert!(matches!(error, ConnectError::NotLoopback));
    }
}
