//! Both ends of a handshake in one process.

use std::sync::Arc;

use crate::{InForce, NotAnyMore};
use engine::PeerCertificate;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};

use super::authority::Own;

/// Settings of a client that trusts this server and shows this certificate.
pub(super) fn client(server: &Own, own: Option<&Own>) -> ClientConfig {
    speaking(server, own, default_provider(), &[&TLS13])
}

pub(super) fn speaking(
    server: &Own,
    own: Option<&Own>,
    provider: CryptoProvider,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(server.certificate.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder
            .with_client_auth_cert(vec![own.certificate.clone()], own.key())
            .unwrap(),
    }
}

/// A handshake, and a ticket for the next one. `None` when either end breaks it off.
pub(super) fn shake(
    config: Arc<ServerConfig>,
    client: &ClientConfig,
) -> Option<(ServerConnection, ClientConnection)> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(client.clone()), name).unwrap();
    let mut server = ServerConnection::new(config).unwrap();
    for _ in 0..8 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().ok()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().ok()?;
        }
    }
    (!server.is_handshaking() && !client.is_handshaking()).then_some((server, client))
}

/// What a listener knows of a client after the handshake. `None` when there was none.
pub(super) fn shown(
    in_force: &InForce,
    client: &ClientConfig,
) -> Option<Result<Option<PeerCertificate>, NotAnyMore>> {
    let (server, _) = shake(in_force.config(), client)?;
    Some(in_force.shown(&server))
}
