//! Certificates of an authority, for requests that are signed with the key that they ask for.

use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm,
    date_time_ymd,
};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;

/// Who gives certificates.
pub(crate) struct Issuing {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

struct Point(Vec<u8>);

impl PublicKeyData for Point {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl Issuing {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// The chain for a request of these names, in PEM.
    pub(super) fn give(
        &self,
        request: &[u8],
        names: &[String],
        life: Duration,
    ) -> Result<String, &'static str> {
        let (_, read) = X509CertificationRequest::from_der(request).map_err(|_| "badCSR")?;
        let asked = read.requested_extensions().into_iter().flatten();
        let mut asked: Vec<String> = asked
            .filter_map(|found| match found {
                ParsedExtension::SubjectAlternativeName(names) => Some(&names.general_names),
                _ => None,
            })
            .flatten()
            .map(|name| match name {
                GeneralName::DNSName(name) => (*name).to_owned(),
                _ => String::new(),
            })
            .collect();
        let mut wanted = names.to_vec();
        asked.sort();
        wanted.sort();
        let info = &read.certification_request_info;
        let point = info.subject_pki.subject_public_key.data.to_vec();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point);
        let signed = key.verify(info.raw, &read.signature_value.data);
        if asked != wanted || signed.is_err() {
            return Err("badCSR");
        }
        let mut params = CertificateParams::new(names.to_vec()).map_err(|_| "badCSR")?;
        params.distinguished_name = DistinguishedName::new();
        params.use_authority_key_identifier_extension = true;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let now = now();
        params.not_before = date_time_ymd(1970, 1, 1) + now;
        params.not_after = date_time_ymd(1970, 1, 1) + now + life;
        let made = params.signed_by(&Point(point), &self.issuer);
        let made = made.map_err(|_| "serverInternal")?;
        Ok(format!("{}{}", made.pem(), self.pem))
    }
}

/// A request for these names with a key that nobody keeps.
pub(super) fn request(names: &[String]) -> Vec<u8> {
    let mut params = CertificateParams::new(names.to_vec()).expect("names");
    params.distinguished_name = DistinguishedName::new();
    let key = KeyPair::generate().expect("a key");
    let request = params.serialize_request(&key).expect("a request");
    request.der().to_vec()
}

/// Since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "certificates of tests are of the time of the machine"
)]
pub(super) fn now() -> Duration {
    std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
