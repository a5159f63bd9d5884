//! The seals in their files.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine::ports::Seals;
use engine::ports::sealing::SealsError;
use store::FileSeals;
use testkit::contract::seals::{begin, run, seal};

fn open(folder: &Path) -> FileSeals {
    FileSeals::new(folder, folder.join("keys"))
}

fn state(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("keys").join(FileSeals::STATE)).unwrap()
}

fn is_damaged(folder: &Path) -> bool {
    matches!(open(folder).read(), Err(SealsError::Damaged(_)))
}

#[test]
fn the_contract_of_the_port_holds() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    run(&mut || Box::new(open(folder)));
    for file in [FileSeals::STATE, FileSeals::FIRST] {
        let path = folder.join("keys").join(file);
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    let first = fs::read_to_string(folder.join("keys").join(FileSeals::FIRST)).unwrap();
    assert_eq!(first, "09".repeat(32) + "\n");
}

#[test]
fn no_octet_of_an_old_key_is_left_in_the_state() {
    let place = tempfile::tempdir().unwrap();
    let seals = open(place.path());
    let mut sealer = begin(&seals);
    for _ in 0..3 {
        let old = sealer.state();
        let key = &old.reveal()[16..48];
        let holds = |octets: Vec<u8>| octets.windows(32).any(|found| found == key);
        assert!(holds(state(place.path())), "it is the present one");
        seal(&seals, &mut sealer, 1);
        assert!(!holds(state(place.path())), "it is gone");
    }
}

#[test]
fn a_crash_before_the_state_was_kept_leaves_seals_ahead_of_it() {
    let place = tempfile::tempdir().unwrap();
    let seals = open(place.path());
    let mut sealer = begin(&seals);
    seal(&seals, &mut sealer, 2);
    let before = state(place.path());
    let made = seal(&seals, &mut sealer, 3);
    fs::write(place.path().join("keys").join(FileSeals::STATE), before).unwrap();
    let path = place.path().join(FileSeals::NAME);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"seal 5 8 1 47DEQpj8HBSa").unwrap();

    let again = open(place.path());
    assert_eq!(again.read().unwrap().unwrap().ahead, made);
    again.append(&[], &sealer.state()).unwrap();
    seal(&again, &mut sealer, 1);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1 + 2 + 3 + 1, "{text}");
    let kept = open(place.path()).read().unwrap().unwrap();
    assert!(kept.ahead.is_empty());
}

#[test]
fn a_crash_before_the_old_state_was_wiped_is_healed_by_the_next_reading() {
    let place = tempfile::tempdir().unwrap();
    let seals = open(place.path());
    let mut sealer = begin(&seals);
    let before = state(place.path());
    let old = sealer.state();
    seal(&seals, &mut sealer, 1);
    let mut both = state(place.path());
    both[..before.len()].copy_from_slice(&before);
    let path = place.path().join("keys").join(FileSeals::STATE);
    fs::write(&path, both).unwrap();
    let kept = open(place.path()).read().unwrap().unwrap();
    assert_eq!(kept.state.reveal(), sealer.state().reveal());
    let key = &old.reveal()[16..48];
    assert!(!state(place.path()).windows(32).any(|found| found == key));
}

#[test]
fn what_is_lost_or_changed_is_damage_and_never_a_new_chain() {
    for (name, harm) in [
        ("the state is gone", None),
        ("the state is wiped", Some((FileSeals::STATE, 0))),
        ("the seals are cut", Some((FileSeals::NAME, 200))),
    ] {
        let place = tempfile::tempdir().unwrap();
        let seals = open(place.path());
        let mut sealer = begin(&seals);
        seal(&seals, &mut sealer, 5);
        let state = place.path().join("keys").join(FileSeals::STATE);
        match harm {
            None => fs::remove_file(&state).unwrap(),
            Some((FileSeals::STATE, _)) => fs::write(&state, [0; 8192]).unwrap(),
            Some((file, length)) => {
                let path = place.path().join(file);
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(length).unwrap();
            }
        }
        assert!(is_damaged(place.path()), "{name}");
    }
    let place = tempfile::tempdir().unwrap();
    let seals = open(place.path());
    let mut sealer = begin(&seals);
    seal(&seals, &mut sealer, 1);
    fs::remove_file(place.path().join(FileSeals::NAME)).unwrap();
    assert!(is_damaged(place.path()), "the seals are gone");
}
