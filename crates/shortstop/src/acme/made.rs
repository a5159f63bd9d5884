//! What we make for an authority: the request for a certificate with a key of ours, and the certificate that proves
//! a name (RFC 8737 section 3).

use anyhow::Context as _;
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, IsCa, KeyPair};
use tls::Certificates;
use zeroize::Zeroizing;

/// A request, and the key that it is for.
pub struct Request {
    /// PKCS#10 in DER.
    pub der: Vec<u8>,
    /// The key in PEM.
    pub key: Zeroizing<String>,
}

/// A request for these names, with a new key.
pub fn request(names: &[String]) -> anyhow::Result<Request> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = DistinguishedName::new();
    let made = params.serialize_request(&key)?;
    Ok(Request {
        der: made.der().to_vec(),
        key: Zeroizing::new(key.serialize_pem()),
    })
}

/// The certificate that proves a name: with that name alone, and the proof in a critical extension.
pub fn proof(name: &str, digest: [u8; 32]) -> anyhow::Result<Certificates> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.is_ca = IsCa::ExplicitNoCa;
    params
        .custom_extensions
        .push(CustomExtension::new_acme_identifier(&digest));
    let made = params.self_signed(&key)?;
    Certificates::from_pem(made.pem().as_bytes(), key.serialize_pem().as_bytes())
        .context("a proof cannot be used")
}
