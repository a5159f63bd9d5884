//! Authorities, and the certificates that they give.

use crate::{CertificateNeed, Certificates, ClientCertificates};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate and its key.
pub(super) struct Own {
    pub(super) certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Own {
    pub(super) fn of_itself() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self {
            certificate: made.cert.der().clone(),
            key: made.signing_key.serialize_der(),
        }
    }

    pub(super) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.clone()).unwrap()
    }

    pub(super) fn certificates(&self) -> Certificates {
        Certificates::new(vec![self.certificate.clone()], self.key())
    }
}

/// Who gives certificates.
pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        Self { pem, issuer }
    }

    /// A certificate for a client, changed a little.
    pub(super) fn gives(&self, change: impl FnOnce(&mut CertificateParams)) -> Own {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["bank.example".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        Own {
            certificate: params.signed_by(&key, &self.issuer).unwrap().der().clone(),
            key: key.serialize_der(),
        }
    }

    pub(super) fn asking(&self, need: CertificateNeed) -> ClientCertificates {
        ClientCertificates::of_authorities(need, self.pem.as_bytes()).unwrap()
    }

    /// Its list of what it has taken back, in PEM.
    pub(super) fn takes_back(&self, serials: &[u64]) -> String {
        self.takes_back_until(serials, 2100)
    }

    /// The same, with the year in which the next list is due.
    pub(super) fn takes_back_until(&self, serials: &[u64], year: i32) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(year, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}
