//! The program that signs lists of releases: what it signs is believed, and it signs nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test may panic, and only parts of the program are called"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ledger::SignedList;
use ledger::release::read_keys;

#[path = "../examples/release_list.rs"]
mod release_list;

const LIST: &str = "shortstop-releases/v1\nnumber 1\nissued 2026-01-01T00:00:00Z\nexpires 2026-02-01T00:00:00Z\n\
    release 0.1.0\ndate 2026-01-01\nupgrade-from 0.0.0\n\
    binary a 0000000000000000000000000000000000000000000000000000000000000000\n";

/// A folder of this test's own.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_list_by_two_new_keys_is_believed_by_whoever_knows_one_of_them() {
    let folder = folder("two-keys");
    let [old, new] = ["old", "new"].map(|name| folder.join(name));
    let keys = [&old, &new].map(|file| release_list::make_key(file, "releases.example").unwrap());
    assert_ne!(keys[0], keys[1]);
    let signed = release_list::signed(LIST.to_owned(), &[&old, &new]).unwrap();
    for key in keys {
        let known = read_keys(&key).unwrap();
        let opened = SignedList::open(signed.as_bytes(), &known).unwrap();
        assert_eq!(opened.list.number, 1);
    }
}

#[test]
fn a_key_file_is_its_owners_alone_and_never_written_over() {
    let file = folder("key-file").join("key");
    release_list::make_key(&file, "releases.example").unwrap();
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(release_list::make_key(&file, "releases.example").is_err());
    assert!(release_list::signed(LIST.to_owned(), &[&file]).is_ok());
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    assert!(release_list::signed(LIST.to_owned(), &[&file]).is_err());
}

#[test]
fn nothing_but_a_list_is_signed() {
    let file = folder("other-texts").join("key");
    release_list::make_key(&file, "releases.example").unwrap();
    for other in [
        "",
        "shortstop/ledger\n1\nAAAA\n",
        &LIST.replace("0.1.0", "0.1"),
    ] {
        assert!(
            release_list::signed(other.to_owned(), &[&file]).is_err(),
            "{other}"
        );
    }
}
