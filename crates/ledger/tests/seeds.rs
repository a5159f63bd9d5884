//! What the fuzzers begin with and found, below `fuzz/seeds`, replayed against the rules that they
//! check. The fuzzers themselves run elsewhere; CONTRIBUTING.md says how.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::path::Path;

#[path = "../../../fuzz/checks/bundle.rs"]
mod bundle;
#[path = "../../../fuzz/checks/entry.rs"]
mod entry;
#[path = "../../../fuzz/checks/note.rs"]
mod note;
#[path = "../../../fuzz/checks/proof.rs"]
mod proof;

/// Checks every seed, every beginning of it, and it with each of its octets changed.
fn replay(target: &str, seeds: usize, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let mut octets = std::fs::read(file.unwrap().path()).unwrap();
        for end in 0..=octets.len() {
            check(&octets[..end]);
        }
        for place in 0..octets.len() {
            for change in [0x01, 0x80, 0xFF] {
                octets[place] ^= change;
                check(&octets);
                octets[place] ^= change;
            }
        }
        count += 1;
    }
    assert!(count >= seeds, "{count} seeds of {target} are left");
}

#[test]
fn notes_policies_and_requests_keep_the_rules() {
    replay("note", 6, note::check);
}

#[test]
fn receipts_keep_the_rules() {
    replay("proof", 2, proof::check);
}

#[test]
fn entries_keep_the_rules() {
    replay("entry", 3, entry::check);
}

#[test]
fn bundles_and_paths_keep_the_rules() {
    replay("bundle", 4, bundle::check);
}
