//! Which certificates of clients are taken, and what is believed of them.

use crate::{CertificateNeed, ClientCertificates, TlsProfile, TlsSlot};
use domain::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, SanType,
    SerialNumber, date_time_ymd,
};

use super::authority::{Authority, Own};
use super::both_ends::{client, shown};

/// The names that a listener believes of a client; `None` when it is turned away.
fn names(server: &Own, slot: &TlsSlot, own: &Own) -> Option<Vec<String>> {
    let shown = shown(&slot.in_force(), &client(server, Some(own)))?.unwrap();
    let names = shown.unwrap().names;
    Some(names.iter().map(ToString::to_string).collect())
}

fn slot(server: &Own, clients: ClientCertificates) -> TlsSlot {
    TlsSlot::asking(TlsProfile::Modern, server.certificates(), clients).unwrap()
}

#[test]
fn names_are_believed_of_those_for_whom_an_authority_vouches_and_of_nobody_else() {
    let (server, authority) = (Own::of_itself(), Authority::new());
    let own = authority.gives(|_| {});
    let vouched = slot(&server, authority.asking(CertificateNeed::Required));
    let found = names(&server, &vouched, &own).unwrap();
    assert!(found.contains(&"dns:bank.example".to_owned()), "{found:?}");
    let anybody = ClientCertificates::of_anybody(CertificateNeed::Required);
    let found = names(&server, &slot(&server, anybody), &own).unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_certificate_that_is_over_not_yet_valid_of_another_authority_or_for_servers_is_turned_away() {
    let (server, authority, other) = (Own::of_itself(), Authority::new(), Authority::new());
    let over = |params: &mut CertificateParams| params.not_after = date_time_ymd(2025, 1, 1);
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2100, 1, 1);
    let for_servers = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    for need in [CertificateNeed::Required, CertificateNeed::Optional] {
        let slot = slot(&server, authority.asking(need));
        assert!(names(&server, &slot, &authority.gives(|_| {})).is_some());
        for (why, own) in [
            ("over", authority.gives(over)),
            ("early", authority.gives(early)),
            ("for servers", authority.gives(for_servers)),
            ("another's", other.gives(|_| {})),
            ("its own", Own::of_itself()),
        ] {
            assert!(names(&server, &slot, &own).is_none(), "{why}");
        }
    }
    // Known by its hash alone, it must be of this time all the same.
    let anybody = ClientCertificates::of_anybody(CertificateNeed::Optional);
    let slot = slot(&server, anybody);
    assert!(names(&server, &slot, &other.gives(|_| {})).is_some());
    assert!(names(&server, &slot, &other.gives(over)).is_none());
    assert!(names(&server, &slot, &other.gives(early)).is_none());
}

#[test]
fn what_an_authority_has_taken_back_is_turned_away_and_so_is_whoever_it_has_no_list_for() {
    let (server, authority, other) = (Own::of_itself(), Authority::new(), Authority::new());
    let numbered = |serial: u64| {
        authority.gives(|params| params.serial_number = Some(SerialNumber::from(serial)))
    };
    let (kept, revoked) = (numbered(7), numbered(8));
    let both = format!("{}{}", authority.pem, other.pem);
    let asking =
        || ClientCertificates::of_authorities(CertificateNeed::Required, both.as_bytes()).unwrap();
    let before = slot(&server, asking());
    assert!(names(&server, &before, &revoked).is_some());
    let list = authority.takes_back(&[8]);
    let after = slot(&server, asking().less_revoked(list.as_bytes()).unwrap());
    assert!(names(&server, &after, &kept).is_some());
    assert!(names(&server, &after, &revoked).is_none());
    assert!(names(&server, &after, &other.gives(|_| {})).is_none());
    let ending = after.endings();
    let list = ending.iter().find(|ending| ending.of == "client-crl");
    assert_eq!(list.unwrap().until, Timestamp::from_seconds(4_102_444_800));
    for wrong in [
        "",
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    ] {
        let read = asking().less_revoked(wrong.as_bytes());
        let slot = read.and_then(|clients| {
            TlsSlot::asking(TlsProfile::Modern, server.certificates(), clients)
        });
        assert!(slot.is_err(), "{wrong}");
    }
}

#[test]
fn a_revocation_list_past_its_next_update_lets_nobody_in() {
    let (server, authority) = (Own::of_itself(), Authority::new());
    let own = authority.gives(|params| params.serial_number = Some(SerialNumber::from(7_u64)));
    for need in [CertificateNeed::Required, CertificateNeed::Optional] {
        for (year, taken) in [(2100, true), (2025, false)] {
            let list = authority.takes_back_until(&[8], year);
            let clients = authority.asking(need).less_revoked(list.as_bytes());
            let slot = slot(&server, clients.unwrap());
            assert_eq!(names(&server, &slot, &own).is_some(), taken, "{year}");
        }
    }
}

#[test]
fn an_authority_between_is_no_client_though_its_chain_is_sound() {
    let (server, authority) = (Own::of_itself(), Authority::new());
    let between = |params: &mut CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    };
    for need in [CertificateNeed::Required, CertificateNeed::Optional] {
        let slot = slot(&server, authority.asking(need));
        assert!(names(&server, &slot, &authority.gives(|_| {})).is_some());
        assert!(names(&server, &slot, &authority.gives(between)).is_none());
    }
}

#[test]
fn a_name_of_one_sort_is_never_taken_for_one_of_another() {
    let (server, authority) = (Own::of_itself(), Authority::new());
    let slot = slot(&server, authority.asking(CertificateNeed::Required));
    let said = authority.gives(|params| {
        params.subject_alt_names.clear();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let name = "bank.example";
        params.distinguished_name.push(DnType::CommonName, name);
    });
    let found = names(&server, &slot, &said).unwrap();
    assert_eq!(found, ["subject:CN=bank.example"]);
    let listed = authority.gives(|params| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        let uri = "dns:bank.example".try_into().unwrap();
        params.subject_alt_names = vec![SanType::URI(uri)];
    });
    let found = names(&server, &slot, &listed).unwrap();
    assert!(!found.contains(&"dns:bank.example".to_owned()), "{found:?}");
}
