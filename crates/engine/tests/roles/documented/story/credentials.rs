//! What becomes of clients that sign, and of those with certificates.

use std::time::Duration;

use domain::time::Timestamp;
use engine::rows::{AuthMode, CertificateRow, Thumbprint};
use engine::{CertificateTold, ClientChange, KeyWish};
use testkit::TestGateway;
use testkit::gateway::everything;

use super::super::super::signed::Signer;

/// A client that signs, by a clock that runs ahead; and one that is to show a certificate.
pub fn signing(test: &TestGateway, ends: Timestamp) {
    let signer = Signer::ed25519(test, AuthMode::Signed);
    let mut claims = signer.claims(test, "a-nonce-of-its-own");
    claims.created += 60;
    assert!(signer.comes(test, &claims).is_ok());
    let given = || CertificateRow {
        sha256: Thumbprint::from_bytes([7; 32]),
        expires: ends,
    };
    let mut bank = everything("bank");
    bank.auth = AuthMode::KeyAndCertificate;
    bank.certificates = vec![given()];
    bank.certificate_names = vec!["dns:bank.example".parse().unwrap()];
    let (row, _) = test.add_client(bank);
    let until = (Duration::ZERO, Some(ends));
    let wish = KeyWish::HmacSha256;
    let rotating = test.gateway.rotate_key_with("root", row.id, wish, until);
    test.settle(rotating).unwrap();
    let rotating =
        test.gateway
            .rotate_key_with("root", signer.row.id, KeyWish::Ed25519([9; 32]), until);
    test.settle(rotating).unwrap();
    let change = ClientChange {
        add: vec![given()],
        ..ClientChange::default()
    };
    let changing = test.gateway.change_client("root", row.id, change);
    test.settle(changing).unwrap();
    test.settle(test.gateway.record_uses());
}

/// A certificate of the gateway, and none.
pub fn certified(test: &TestGateway) {
    let names = vec!["sms.firm.example".to_owned()];
    let authority = "https://acme.example/directory".to_owned();
    test.gateway
        .certificate_failed("unreachable", &authority, &names);
    test.gateway.certificate_obtained(&CertificateTold {
        account: Some("https://acme.example/account/1".to_owned()),
        authority,
        names,
        sha256: "ab".repeat(32),
        from: test.clock.peek(),
        until: reader_end(test),
    });
    test.gateway.certificate_obtained(&CertificateTold {
        account: None,
        authority: CertificateTold::ITSELF.to_owned(),
        names: vec!["localhost".to_owned()],
        sha256: "cd".repeat(32),
        from: test.clock.peek(),
        until: reader_end(test),
    });
}

pub fn reader_end(test: &TestGateway) -> domain::time::Timestamp {
    test.clock.peek().saturating_add(Duration::from_hours(1))
}
