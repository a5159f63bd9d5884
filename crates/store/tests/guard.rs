//! The guard of the log key in its file.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use engine::ports::Guard;
use engine::ports::guard::{GuardError, Signed};
use ledger::Hash;
use store::{FileGuard, is_on_same_volume};
use tempfile::TempDir;

fn tree(size: u64, root: u8) -> Signed {
    Signed {
        size,
        root: Hash::from_bytes([root; 32]),
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.guard");
    (folder, path)
}

#[test]
fn what_was_signed_last_outlives_the_process() {
    let (_folder, path) = place();
    let guard = FileGuard::open(&path).unwrap();
    assert_eq!(guard.last(), Ok(None));
    for next in [tree(1, 1), tree(300, 2), tree(300, 2), tree(301, 3)] {
        guard.advance(next).unwrap();
        assert_eq!(guard.last(), Ok(Some(next)));
    }
    drop(guard);
    assert_eq!(
        FileGuard::open(&path).unwrap().last(),
        Ok(Some(tree(301, 3)))
    );
}

#[test]
fn a_rollback_and_a_fork_change_nothing() {
    let (_folder, path) = place();
    FileGuard::open(&path)
        .unwrap()
        .advance(tree(10, 1))
        .unwrap();
    let guard = FileGuard::open(&path).unwrap();
    let back = GuardError::RolledBack {
        signed: 10,
        size: 9,
    };
    assert_eq!(guard.advance(tree(9, 1)), Err(back));
    assert_eq!(
        guard.advance(tree(10, 2)),
        Err(GuardError::Forked { size: 10 })
    );
    assert_eq!(guard.last(), Ok(Some(tree(10, 1))));
}

#[test]
fn the_file_is_text_for_the_owner_alone_and_nothing_is_left_beside_it() {
    let (folder, path) = place();
    // A process that died here left a draft.
    fs::write(folder.path().join("log.guard.new"), b"{\"size\":").unwrap();
    let guard = FileGuard::open(&path).unwrap();
    guard.advance(tree(7, 0xab)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        format!("{{\"size\":7,\"root\":\"{}\"}}\n", "ab".repeat(32))
    );
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["log.guard", "log.guard.lock"]);
}

#[test]
fn a_guard_has_one_owner_at_a_time() {
    let (_folder, path) = place();
    let guard = FileGuard::open(&path).unwrap();
    let refused = FileGuard::open(&path).unwrap_err();
    assert!(
        refused.to_string().ends_with("another process uses it"),
        "{refused}"
    );
    drop(guard);
    FileGuard::open(&path).unwrap();
}

#[test]
fn what_cannot_be_read_is_never_taken_for_a_first_start() {
    let whole = format!("{{\"size\":7,\"root\":\"{}\"}}\n", "ab".repeat(32));
    let spoiled = [
        String::new(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("ab", "AB"),
        whole.replace('7', "-7"),
        whole.replace("size", "sizes"),
        format!("{whole}{whole}"),
    ];
    for text in spoiled {
        let (_folder, path) = place();
        fs::write(&path, &text).unwrap();
        let refused = FileGuard::open(&path).unwrap_err();
        assert!(
            matches!(refused, GuardError::Failed(_)),
            "{text}: {refused}"
        );
    }
}

#[test]
fn a_file_that_is_put_back_or_deleted_meanwhile_changes_nothing() {
    let (_folder, path) = place();
    let guard = FileGuard::open(&path).unwrap();
    guard.advance(tree(5, 1)).unwrap();
    let old = fs::read(&path).unwrap();
    guard.advance(tree(10, 1)).unwrap();
    let back = GuardError::RolledBack {
        signed: 10,
        size: 6,
    };
    let spoils: [&dyn Fn(); 2] = [&|| fs::write(&path, &old).unwrap(), &|| {
        fs::remove_file(&path).unwrap();
    }];
    for spoil in spoils {
        spoil();
        assert_eq!(guard.last(), Ok(Some(tree(10, 1))));
        assert_eq!(guard.advance(tree(6, 1)), Err(back.clone()));
        guard.advance(tree(10, 1)).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("\"size\":10"));
    }
}

#[test]
fn a_link_leads_to_the_file_that_is_replaced() {
    let (folder, path) = place();
    FileGuard::open(&path).unwrap().advance(tree(1, 1)).unwrap();
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    FileGuard::open(&link).unwrap().advance(tree(2, 2)).unwrap();
    assert!(link.is_symlink());
    assert_eq!(FileGuard::open(&path).unwrap().last(), Ok(Some(tree(2, 2))));
    fs::remove_file(&path).unwrap();
    FileGuard::open(&link).unwrap_err();
}

#[test]
fn a_folder_that_is_missing_is_not_made() {
    let (folder, _) = place();
    let refused = FileGuard::open(folder.path().join("not-mounted/log.guard")).unwrap_err();
    assert!(refused.to_string().contains("not-mounted"), "{refused}");
    assert!(!folder.path().join("not-mounted").exists());
}

#[test]
fn a_folder_that_cannot_be_written_signs_nothing() {
    let (folder, path) = place();
    let guard = FileGuard::open(&path).unwrap();
    guard.advance(tree(1, 1)).unwrap();
    // A folder in the draft's place cannot be removed as a file, whoever asks.
    fs::create_dir(folder.path().join("log.guard.new")).unwrap();
    assert!(matches!(
        guard.advance(tree(2, 2)),
        Err(GuardError::Failed(_))
    ));
    assert_eq!(guard.last(), Ok(Some(tree(1, 1))));
    fs::remove_dir(folder.path().join("log.guard.new")).unwrap();
    guard.advance(tree(2, 2)).unwrap();
}

#[test]
fn volumes_are_told_apart_also_for_paths_that_do_not_exist_yet() {
    let (folder, path) = place();
    assert!(is_on_same_volume(folder.path(), &path).unwrap());
    assert!(is_on_same_volume(&folder.path().join("a/b/c"), &path).unwrap());
    // The process table is always a volume of its own.
    assert!(!is_on_same_volume(Path::new("/proc/self/none"), &path).unwrap());
}
