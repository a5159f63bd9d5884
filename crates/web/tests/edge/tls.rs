//! TLS: versions, key exchange, certificates that change.

use rustls::NamedGroup;
use rustls::version::{TLS12, TLS13};
use tls::TlsProfile;
use web::ServerSettings;

use crate::server::{Server, certificates};
use crate::wire::{Wire, client_config, connect, get};

#[tokio::test]
async fn modern_speaks_tls13_alone_with_a_post_quantum_key_exchange() {
    let server = Server::start(ServerSettings::default()).await;
    let old = client_config(&server.root, "http/1.1", &[&TLS12]);
    assert!(connect(server.address, old).await.is_err());
    server
        .counts("shortstop_tls_handshakes_failed_total", 1)
        .await;
    let wire = Wire::open(&server).await;
    let (_, connection) = wire.stream.get_ref();
    assert_eq!(
        connection.protocol_version(),
        Some(rustls::ProtocolVersion::TLSv1_3)
    );
    let group = connection.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn intermediate_takes_both_versions() {
    let server = Server::with_profile(ServerSettings::default(), TlsProfile::Intermediate).await;
    for version in [&TLS12, &TLS13] {
        let config = client_config(&server.root, "http/1.1", &[version]);
        assert!(connect(server.address, config).await.is_ok());
    }
}

#[tokio::test]
async fn a_returning_client_is_spared_the_full_handshake_and_early_data_stays_off() {
    let server = Server::start(ServerSettings::default()).await;
    let config = client_config(&server.root, "http/1.1", &[&TLS13]);
    for expected in [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed] {
        let stream = connect(server.address, config.clone()).await.unwrap();
        let mut wire = Wire::of(stream);
        assert_eq!(wire.ask(&get("/")).await.status, 200);
        let (_, connection) = wire.stream.get_ref();
        assert_eq!(connection.handshake_kind(), Some(expected));
        assert!(!connection.is_early_data_accepted());
    }
}

#[tokio::test]
async fn new_certificates_serve_new_connections_and_drop_no_old_one() {
    let server = Server::start(ServerSettings::default()).await;
    let mut before = Wire::open(&server).await;
    assert_eq!(before.ask(&get("/")).await.status, 200);
    let (fresh, root) = certificates();
    server.slot.reload(fresh).unwrap();
    assert_eq!(before.ask(&get("/")).await.status, 200);
    let old = client_config(&server.root, "http/1.1", &[&TLS13]);
    assert!(connect(server.address, old).await.is_err());
    let mut after = Wire::over(server.address, &root, "http/1.1").await;
    assert_eq!(after.ask(&get("/")).await.status, 200);
}

#[tokio::test]
async fn plain_http_on_the_tls_port_gets_no_http_back() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::start(ServerSettings::default()).await;
    let mut socket = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    socket.write_all(get("/").as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let _ = socket.read_to_end(&mut heard).await;
    assert!(!heard.starts_with(b"HTTP"), "{heard:?}");
    server
        .counts("shortstop_tls_handshakes_failed_total", 1)
        .await;
}
