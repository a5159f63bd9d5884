//! The document of the binary that runs these tests.

use std::collections::BTreeSet;

use super::*;
use crate::version::BUILD;

fn bom() -> Bom {
    document(&BUILD, &Hash::from_bytes([7; 32])).unwrap()
}

#[test]
fn the_same_binary_prints_the_same_octets_and_another_another_serial_number() {
    assert_eq!(bom().compact(), bom().compact());
    let other = document(&BUILD, &Hash::from_bytes([8; 32])).unwrap();
    assert_ne!(bom().serial_number, other.serial_number);
    let serial = bom().serial_number;
    let uuid = serial.strip_prefix("urn:uuid:").unwrap();
    assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
}

#[test]
fn what_ships_is_listed_and_what_only_tests_need_is_not() {
    let bom = bom();
    let scope_of = |name: &str| {
        let found = bom.components.iter().find(|part| part.name == name);
        found.map(|part| part.scope.unwrap())
    };
    for linked in [
        "tokio",
        "rustls",
        "aws-lc-sys",
        "ledger",
        "sqlite",
        "aws-lc",
        "mimalloc",
        "rust-std",
    ] {
        assert_eq!(scope_of(linked), Some("required"), "{linked}");
    }
    for building in ["cc", "serde_derive", "syn"] {
        assert_eq!(scope_of(building), Some("excluded"), "{building}");
    }
    for tests in [
        "proptest",
        "insta",
        "testkit",
        "ct-merkle",
        "rusmpp-core",
        "xtask",
    ] {
        assert_eq!(scope_of(tests), None, "{tests}");
    }
}

#[test]
fn every_crate_of_the_registry_has_its_hash_a_licence_and_a_place() {
    for part in bom().components {
        let from_registry = part
            .purl
            .as_deref()
            .is_some_and(|purl| purl.starts_with("pkg:cargo/"));
        assert_eq!(from_registry, !part.hashes.is_empty(), "{}", part.name);
        assert_eq!(part.licenses.len(), 1, "{}", part.name);
    }
}

#[test]
fn who_asks_and_who_is_asked_for_are_parts() {
    let bom = bom();
    let mut parts: BTreeSet<&str> = bom
        .components
        .iter()
        .map(|part| part.reference.as_str())
        .collect();
    assert_eq!(
        parts.len(),
        bom.components.len(),
        "a reference is one part's"
    );
    parts.insert(&bom.metadata.component.reference);
    let asking: BTreeSet<&str> = bom
        .dependencies
        .iter()
        .map(|one| one.reference.as_str())
        .collect();
    assert_eq!(asking, parts);
    for one in &bom.dependencies {
        for asked in &one.on {
            assert!(
                parts.contains(asked.as_str()),
                "{} asks for {asked}",
                one.reference
            );
        }
    }
    let sqlite = bom
        .dependencies
        .iter()
        .find(|one| one.reference.starts_with("libsqlite3-sys@"));
    assert!(
        sqlite
            .unwrap()
            .on
            .iter()
            .any(|on| on.starts_with("sqlite@"))
    );
}

#[test]
fn a_list_that_is_behind_the_lock_file_does_not_claim_to_be_complete() {
    let stale = Parts::parse(
        "own | shortstop | 1.0.0 | MIT | a@1.0.0 |\nlinked | a | 1.0.0 | MIT |  | stale",
    );
    assert!(stale.is_stale() && stale.all[1].hash().is_none());
    let fresh = Parts::parse(
        "own | shortstop | 1.0.0 | MIT | a@1.0.0 |\nlinked | a | 1.0.0 | MIT |  | abcd",
    );
    assert!(Parts::parse("stale\n").is_stale());
    assert!(!fresh.is_stale());
    assert_eq!(fresh.all[1].hash(), Some("abcd"));
}
