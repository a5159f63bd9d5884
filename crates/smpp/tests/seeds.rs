//! What the fuzzers began with and found, below `fuzz/seeds`, replayed against the rules that they
//! check. The fuzzers themselves run elsewhere; CONTRIBUTING.md says how.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::path::Path;

#[path = "../../../fuzz/checks/esme.rs"]
mod esme;
#[path = "../../../fuzz/checks/pdu.rs"]
mod pdu;
#[path = "../../../fuzz/checks/receipt.rs"]
mod receipt;
#[path = "../../../fuzz/checks/udh.rs"]
mod udh;

/// Checks every seed, every beginning of it, and it with each of its octets changed.
fn replay(target: &str, check: fn(&[u8])) {
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
    assert!(count >= 10, "{count} seeds of {target} are left");
}

#[test]
fn pdus_that_fuzzing_found_keep_the_rules() {
    replay("pdu", pdu::check);
}

#[test]
fn what_esmes_may_say_keeps_the_rules_before_a_bind_and_after() {
    replay("esme", esme::check);
}

#[test]
fn receipt_texts_that_fuzzing_found_keep_the_rules() {
    replay("receipt", receipt::check);
}

#[test]
fn user_data_headers_that_fuzzing_found_keep_the_rules() {
    replay("udh", udh::check);
}
