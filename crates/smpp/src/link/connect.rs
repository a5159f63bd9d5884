//! Makes the connection to a carrier, protected as configured.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

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
    timeout(config.timers.connect, connect_patiently(config, dialer))
        .await
        .unwrap_or(Err(ConnectError::Timeout))
}

async fn connect_patiently(config: &LinkConfig, dialer: &Dialer) -> Result<Wire, ConnectError> {
    let socket = connect_tcp(&config.endpoint, dialer, config.timers.connect).await?;
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
async fn connect_tcp(
    endpoint: &Endpoint,
    dialer: &Dialer,
    patience: Duration,
) -> Result<TcpStream, ConnectError> {
    let target = (endpoint.host.as_str(), endpoint.port);
    let addresses = lookup_host(target).await.map_err(ConnectError::Lookup)?;
    connect_one_of(&addresses.collect::<Vec<_>>(), dialer, patience).await
}

/// Each address has its share of the time, so that one where nothing answers does not keep the next
/// from being tried.
async fn connect_one_of(
    addresses: &[SocketAddr],
    dialer: &Dialer,
    patience: Duration,
) -> Result<TcpStream, ConnectError> {
    let share = patience / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut last = ConnectError::Lookup(io::ErrorKind::NotFound.into());
    for address in addresses {
        if matches!(dialer, Dialer::Loopback) && !address.ip().is_loopback() {
            last = ConnectError::NotLoopback;
            continue;
        }
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => last = ConnectError::Tcp(error),
            Err(_) => last = ConnectError::Timeout,
        }
    }
    Err(last)
}

fn wire(stream: impl Stream + 'static) -> Wire {
    Wire::new(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    /// TEST-NET-1 (RFC 5737) belongs to nobody; it is not even tried.
    #[tokio::test]
    async fn plain_tcp_to_another_machine_is_refused_before_any_octet() {
        let elsewhere = Endpoint {
            host: "192.0.2.1".to_owned(),
            port: 2775,
        };
        let error = connect_tcp(&elsewhere, &Dialer::Loopback, PATIENCE)
            .await
            .unwrap_err();
        assert!(matches!(error, ConnectError::NotLoopback));
    }

    /// An address where a connection is begun and never answered, since too many wait already.
    async fn silent() -> (TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(connected) = timeout(PATIENCE / 4, TcpStream::connect(address)).await {
            waiting.push(connected.unwrap());
        }
        (listener, waiting)
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_leaves_time_for_the_next() {
        let (silent, _waiting) = silent().await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [silent.local_addr().unwrap(), good.local_addr().unwrap()];
        let connecting = connect_one_of(&addresses, &Dialer::Loopback, PATIENCE);
        let socket = timeout(PATIENCE, connecting).await.expect("no time left");
        assert_eq!(socket.unwrap().peer_addr().unwrap(), addresses[1]);
    }
}
