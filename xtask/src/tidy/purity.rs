//! Pure crates do no IO, read no clock, draw no randomness and log nothing. Both ways out are
//! watched: the crates they ask for and the words of their sources.

use std::collections::BTreeSet;

use super::finding::{Check, Finding};
use super::imports;
use super::source::{Source, has_word};
use super::workspace::{Edge, Kind};

const PURE: [&str; 2] = ["domain", "ledger"];

/// Crates that a pure crate must not ask for: async, sockets, files, clocks, randomness, logs.
const DENIED_CRATES: [&str; 32] = [
    "async-std",
    "async-trait",
    "axum",
    "chrono",
    "env_logger",
    "fastrand",
    "fs-err",
    "futures",
    "futures-util",
    "getrandom",
    "hyper",
    "hyper-util",
    "log",
    "mio",
    "nix",
    "quanta",
    "rand",
    "rand_core",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "tracing",
    "tracing-subscriber",
    "uuid",
];

/// Words that a pure source must not hold, in code or in a spelled-out import.
const DENIED_WORDS: [&str; 25] = [
    ".await",
    "Instant::now",
    "SystemRandom",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "async fn",
    "async move",
    "async {",
    "aws_lc_rs::rand",
    "dbg!",
    "eprint!",
    "eprintln!",
    "print!",
    "println!",
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
];

/// Crates of others that a pure crate must not ask for, tests excepted.
pub fn impure_dependencies(edges: &BTreeSet<Edge>) -> Vec<Finding> {
    let impure = edges.iter().filter(|edge| {
        PURE.contains(&edge.from.as_str())
            && DENIED_CRATES.contains(&edge.to.as_str())
            && edge.kind != Some(Kind::Dev)
    });
    let says = |edge: &Edge| format!("is pure and must not depend on {}", edge.to);
    impure
        .map(|edge| Finding::new(Check::Pure, &edge.from, says(edge)))
        .collect()
}

/// Words of a pure crate's source that reach for the outside world.
pub fn impure_words(source: &Source) -> Vec<Finding> {
    let mut folders = PURE.iter().map(|room| format!("crates/{room}/src/"));
    if !folders.any(|folder| source.path.starts_with(&folder)) {
        return Vec::new();
    }
    let imported = imports::imports(&source.code);
    let lines = |word: &str| {
        let named = imported
            .iter()
            .filter(|import| has_word(&import.path, word));
        let lines = source
            .lines_with(word)
            .into_iter()
            .chain(named.map(|import| import.line));
        lines.collect::<BTreeSet<usize>>()
    };
    let hits = DENIED_WORDS
        .iter()
        .flat_map(|word| lines(word).into_iter().map(move |n| (word, n)));
    hits.map(|(word, line)| {
        let says = format!("line {line}: a pure crate must not use `{word}`");
        Finding::new(Check::Pure, source.path, says)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::TextFile;
    use super::*;

    fn words(path: &str, text: &str) -> usize {
        let file = TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        impure_words(&Source::of(&file).unwrap()).len()
    }

    #[test]
    fn a_pure_crate_depends_on_no_clock_socket_or_log() {
        let edge = |from: &str, to: &str, kind| Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            kind,
        };
        let edges = BTreeSet::from([
            edge("domain", "tokio", None),
            edge("domain", "rand", Some(Kind::Dev)),
            edge("domain", "jiff", None),
            edge("engine", "tokio", None),
        ]);
        let findings = impure_dependencies(&edges);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].subject, "domain");
    }

    #[test]
    fn a_pure_source_holds_no_impure_word_however_it_is_imported() {
        let path = "crates/ledger/src/leaf.rs";
        assert_eq!(words(path, "async fn f() {}"), 1);
        assert_eq!(words(path, "use std::{fs, fmt};"), 1);
        assert_eq!(words(path, "fn f() { println!(); }"), 1);
        assert_eq!(words(path, "let now = jiff::Timestamp::now();"), 1);
        assert_eq!(words(path, "use std::time::{Duration, SystemTime};"), 1);
    }

    #[test]
    fn comments_and_other_rooms_may_hold_them() {
        assert_eq!(words("crates/ledger/src/leaf.rs", "// no async fn here"), 0);
        assert_eq!(words("crates/engine/src/submit.rs", "async fn f() {}"), 0);
    }
}
