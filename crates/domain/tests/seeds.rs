//! What the fuzzers begin with and found, below `fuzz/seeds`, replayed against the rules that they
//! check. The fuzzers themselves run elsewhere; CONTRIBUTING.md says how.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::path::Path;

#[path = "../../../fuzz/checks/code.rs"]
mod code;
#[path = "../../../fuzz/checks/limit.rs"]
mod limit;
#[path = "../../../fuzz/checks/number.rs"]
mod number;
#[path = "../../../fuzz/checks/signature.rs"]
mod signature;
#[path = "../../../fuzz/checks/template.rs"]
mod template;
#[path = "../../../fuzz/checks/webhook_url.rs"]
mod webhook_url;

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
            for change in [0x01, 0x02, 0x0A, 0x80, 0xFF] {
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
fn numbers_keep_the_rules() {
    replay("number", 4, number::check);
}

#[test]
fn codes_and_names_keep_the_rules() {
    replay("code", 6, code::check);
}

#[test]
fn texts_of_codes_keep_the_rules() {
    replay("template", 4, template::check);
}

#[test]
fn signatures_keep_the_rules() {
    replay("signature", 4, signature::check);
}

#[test]
fn urls_of_webhooks_keep_the_rules() {
    replay("webhook_url", 6, webhook_url::check);
}

#[test]
fn limits_and_their_counts_keep_the_rules() {
    replay("limit", 3, limit::check);
}

/// What the seed of counts was written with; it must stay one of this version and secret.
#[test]
fn the_seed_of_counts_is_taken_back() {
    use domain::limit::book::Book;

    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/limit/counts");
    let snapshot = serde_json::from_slice(&std::fs::read(seed).unwrap()).unwrap();
    assert!(Book::restore(limit::policies(), limit::secret(), &snapshot).is_ok());
}
