//! Clients whose keys are good beside a certificate alone: one that was given, or one that a name stands for.

use super::*;

fn certificate(octet: u8, until: Timestamp) -> PeerCertificate {
    PeerCertificate {
        sha256: Thumbprint::from_bytes([octet; 32]),
        names: Arc::default(),
        from: Timestamp::EPOCH,
        until,
    }
}

#[test]
fn a_key_that_needs_a_certificate_comes_with_it_while_it_is_valid_and_given() {
    let test = TestGateway::queued();
    let later = test.clock.peek().saturating_add(Duration::from_hours(1));
    let ours = certificate(1, later);
    let given = CertificateRow {
        sha256: ours.sha256,
        expires: later,
    };
    let bare = NewClient {
        auth: AuthMode::KeyAndCertificate,
        ..everything("bank")
    };
    let without = test.settle(test.gateway.add_client("root", bare.clone()));
    assert_eq!(without.map(drop).unwrap_err(), ClientError::NoCertificate);
    let (row, key) = test.add_client(NewClient {
        certificates: vec![given],
        ..bare
    });
    let refused = Err(AuthError::Certificate);
    let comes = |shown| bearer(&test, key.reveal(), shown).map(drop);
    assert_eq!(comes(Some(ours.clone())), Ok(()));
    assert_eq!(comes(Some(certificate(2, later))), refused);
    assert_eq!(comes(None), refused);
    let next = certificate(2, later.saturating_add(Duration::from_hours(1)));
    let replace = ClientChange {
        add: vec![CertificateRow {
            sha256: next.sha256,
            expires: next.until,
        }],
        drop: vec![ours.sha256],
        ..ClientChange::default()
    };
    test.settle(test.gateway.change_client("root", row.id, replace))
        .unwrap();
    assert_eq!(comes(Some(ours)), refused, "dropped");
    assert_eq!(comes(Some(next.clone())), Ok(()));
    test.clock.advance(Duration::from_hours(3));
    assert_eq!(comes(Some(next)), refused, "its time is over");
}

#[test]
fn a_name_in_a_certificate_stands_for_one_client_and_ends_with_its_mapping() {
    let test = TestGateway::queued();
    let later = test.clock.peek().saturating_add(Duration::from_hours(1));
    let name = |text: &str| -> CertificateName { text.parse().unwrap() };
    let bank = |names: &[&str]| NewClient {
        auth: AuthMode::KeyAndCertificate,
        certificate_names: names.iter().map(|text| name(text)).collect(),
        ..everything("bank")
    };
    let (row, key) = test.add_client(bank(&["dns:bank.example", "uri:spiffe://firm/bank"]));
    let shown = |named: &str| PeerCertificate {
        names: [name(named)].into(),
        ..certificate(1, later)
    };
    let comes = |shown| bearer(&test, key.reveal(), Some(shown)).map(drop);
    assert_eq!(comes(shown("uri:spiffe://firm/bank")), Ok(()));
    assert_eq!(comes(certificate(1, later)), Err(AuthError::Certificate));
    let taken = Err(ClientError::CertificateNameTaken);
    let second = test.gateway.add_client("root", bank(&["dns:bank.example"]));
    assert_eq!(test.settle(second).map(drop), taken);
    let (other, _) = test.add_client(bank(&["dns:other.example"]));
    let change = |add: &str, drop: &str| ClientChange {
        add_names: vec![name(add)],
        drop_names: vec![name(drop)],
        ..ClientChange::default()
    };
    let onto = change("uri:spiffe://firm/bank", "dns:other.example");
    let onto = test.gateway.change_client("root", other.id, onto);
    assert_eq!(test.settle(onto).map(drop), taken);
    let away = change("dns:new.example", "uri:spiffe://firm/bank");
    let away = test.gateway.change_client("root", row.id, away);
    test.settle(away).unwrap();
    let refused = Err(AuthError::Certificate);
    assert_eq!(comes(shown("uri:spiffe://firm/bank")), refused, "removed");
    assert_eq!(comes(shown("dns:new.example")), Ok(()));
    let astray = test
        .gateway
        .add_client("root", bank(&["dns:447700900123.example"]));
    let astray = test.settle(astray).map(drop);
    assert_eq!(astray, Err(ClientError::CertificateNameAstray));
    assert_rebuilt(&test);
    // A name of a client that was revoked is free again.
    test.settle(test.gateway.revoke_client("root", row.id, None))
        .unwrap();
    test.add_client(bank(&["dns:new.example"]));
    test.clock.advance(Duration::from_hours(2));
    assert_eq!(comes(shown("dns:new.example")), refused, "its time is over");
}
