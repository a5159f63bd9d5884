//! How an authority sees that a name is somebody's: it connects and is shown a certificate with the proof (RFC 8737
//! section 3).

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

const ACME: &[u8] = b"acme-tls/1";
/// `id-pe-acmeIdentifier`.
const IDENTIFIER: &str = "1.3.6.1.5.5.7.1.31";

/// Looks; says what is wrong.
pub(super) async fn look(
    at: SocketAddr,
    name: &str,
    expected: &[u8; 32],
) -> Result<(), &'static str> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| "versions")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Whoever(default_provider())))
        .with_no_client_auth();
    config.alpn_protocols = vec![ACME.to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let server = ServerName::try_from(name.to_owned()).map_err(|_| "no name")?;
    let socket = TcpStream::connect(at).await.map_err(|_| "nobody there")?;
    let stream = connector.connect(server, socket).await;
    let stream = stream.map_err(|_| "no handshake")?;
    let (_, connection) = stream.get_ref();
    if connection.alpn_protocol() != Some(ACME) {
        return Err("another protocol");
    }
    let shown = connection.peer_certificates().unwrap_or_default();
    let [own] = shown else {
        return Err("not one certificate");
    };
    let (_, read) = parse_x509_certificate(own).map_err(|_| "no certificate")?;
    let names = read.subject_alternative_name().ok().flatten();
    let names = names.map(|found| found.value.general_names.clone());
    let is_ours = matches!(names.as_deref(), Some([GeneralName::DNSName(found)]) if found.eq_ignore_ascii_case(name));
    if !is_ours {
        return Err("another name");
    }
    let mut proofs = read.extensions().iter();
    let proof = proofs.find(|found| found.oid.to_id_string() == IDENTIFIER);
    let proof = proof.ok_or("no proof")?;
    // An octet string of 32.
    let is_right = proof.value.strip_prefix(&[4, 32]) == Some(&expected[..]);
    (proof.critical && is_right)
        .then_some(())
        .ok_or("the wrong proof")
}

/// The certificate is looked at afterwards; whoever shows it must hold its key.
#[derive(Debug)]
struct Whoever(CryptoProvider);

impl ServerCertVerifier for Whoever {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 alone is spoken".to_owned()))
    }

    /// By the key in the certificate: the library takes none whose extensions it does not know.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        let (_, read) = parse_x509_certificate(certificate)
            .map_err(|_| Error::General("no certificate".to_owned()))?;
        let key = SubjectPublicKeyInfoDer::from(read.public_key().raw);
        verify_tls13_signature_with_raw_key(message, &key, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
