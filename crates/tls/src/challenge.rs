//! What an authority is shown that looks whether a name is ours: a certificate with its proof, over a protocol of its
//! own (TLS-ALPN-01, RFC 8737). Nothing else is said over such a connection.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::ClientHello;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};

use crate::certificates::{Certificates, TlsError};

/// The protocol of challenges (RFC 8737 section 6.2).
const ACME: &[u8] = b"acme-tls/1";

/// Proofs by name, while an authority may look.
#[derive(Default)]
pub(crate) struct Challenges(RwLock<BTreeMap<String, Arc<ServerConfig>>>);

impl Challenges {
    /// Shows this certificate to whoever asks for the name over the protocol of challenges.
    pub(crate) fn present(&self, name: &str, proof: Certificates) -> Result<(), TlsError> {
        let config = Arc::new(config(proof)?);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        kept.insert(name.to_ascii_lowercase(), config);
        Ok(())
    }

    /// Shows nothing any more.
    pub(crate) fn withdraw(&self) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// What is shown to this client, when it speaks the protocol of challenges alone and names one of ours.
    pub(crate) fn of(&self, hello: &ClientHello<'_>) -> Option<Arc<ServerConfig>> {
        let mut offered = hello.alpn()?;
        if offered.next() != Some(ACME) || offered.next().is_some() {
            return None;
        }
        let name = hello.server_name()?.to_ascii_lowercase();
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(&name).cloned()
    }
}

fn config(proof: Certificates) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(default_provider());
    let key = provider.key_provider.load_private_key(proof.key);
    // Not looked at any further: the extension with the proof is critical, and unknown to the library.
    let pair = CertifiedKey::new(proof.chain, key.map_err(TlsError::Pair)?);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![ACME.to_vec()];
    Ok(config)
}
