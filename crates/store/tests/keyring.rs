//! The keyring in its files.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use domain::time::Timestamp;
use engine::ports::Keyring;
use engine::ports::keyring::{KeyringError, Salt, Salts};
use store::FileKeyring;

fn salt(octet: u8) -> Salt {
    Salt::new([octet; 32], Timestamp::from_seconds(u64::from(octet)))
}

/// A keyring that has one salt and is on its way to the next.
fn between(folder: &Path) -> FileKeyring {
    let keyring = FileKeyring::new(folder.join("keys"));
    keyring.propose(&salt(1)).unwrap();
    keyring.adopt(&salt(1)).unwrap();
    keyring.propose(&salt(2)).unwrap();
    keyring
}

#[test]
fn the_contract_of_the_port_holds() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    testkit::contract::keyring::run(&mut || Box::new(FileKeyring::new(&keys)));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    assert_eq!(mode(&keys.join(FileKeyring::NAME)), 0o600);
}

#[test]
fn a_dropped_salt_is_overwritten_where_it_lay() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = between(folder.path());
    let keys = folder.path().join("keys");
    // Other names of the two files show what becomes of their octets.
    fs::hard_link(keys.join("wrap.salt"), keys.join("old")).unwrap();
    keyring.adopt(&salt(2)).unwrap();
    keyring.propose(&salt(3)).unwrap();
    fs::hard_link(keys.join("wrap.salt.next"), keys.join("proposed")).unwrap();
    keyring.discard().unwrap();
    for name in ["old", "proposed"] {
        assert_eq!(fs::read(keys.join(name)).unwrap(), [0; 40], "{name}");
    }
}

#[test]
fn a_crash_within_a_change_leaves_one_of_the_two_salts() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = between(folder.path());
    let keys = folder.path().join("keys");
    let next = |salts: Salts| salts.next;
    // The old one is overwritten, the new one not yet renamed.
    fs::write(keys.join("wrap.salt"), [0; 40]).unwrap();
    assert_eq!(next(keyring.read().unwrap()), Some(salt(2)));
    keyring.adopt(&salt(2)).unwrap();
    assert_eq!(keyring.read().unwrap().current, Some(salt(2)));
    // The next one is not written to its end.
    fs::write(keys.join("wrap.salt.next"), [3; 17]).unwrap();
    fs::set_permissions(
        keys.join("wrap.salt.next"),
        fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    let salts = keyring.read().unwrap();
    assert_eq!((salts.current, salts.next), (Some(salt(2)), None));
}

#[test]
fn a_salt_that_others_can_read_or_that_was_cut_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = between(folder.path());
    let path = folder.path().join("keys/wrap.salt");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(keyring.read(), Err(KeyringError::Open(_, 0o640))));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, [1; 39]).unwrap();
    assert!(matches!(keyring.read(), Err(KeyringError::Failed(_))));
}
