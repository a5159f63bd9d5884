//! What the fuzzers begin with and found, below `fuzz/seeds`, replayed against the rules that they
//! check. The fuzzers themselves run elsewhere; CONTRIBUTING.md says how.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::path::Path;

#[path = "../../../fuzz/checks/form.rs"]
mod form;
#[path = "../../../fuzz/checks/token.rs"]
mod token;

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
            for change in [0x01, 0x02, 0x0A, 0x20, 0x80, 0xFF] {
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
fn forms_and_sids_keep_the_rules() {
    replay("form", 4, form::check);
}

#[test]
fn tokens_of_client_validation_keep_the_rules() {
    replay("token", 4, token::check);
}
