//! The project's chores: `cargo xtask tidy`, `cargo xtask test`, `cargo xtask ci`,
//! `cargo xtask bench`, `cargo xtask attack`, `cargo xtask fuzz`, `cargo xtask advisories`, `cargo xtask sbom`,
//! `cargo xtask release-list`.
//!
//! A chore may run tools and read the whole repository. It is no part of the product, and no crate
//! of the product may depend on it.

use std::path::PathBuf;
use std::process::ExitCode;

mod advisories;
mod attack;
mod bench;
mod ci;
mod deny;
mod fuzz;
mod release_list;
mod sbom;
mod step;
mod test;
mod tidy;

const USAGE: &str = "\
usage: cargo xtask CHORE

  tidy              the rules that no compiler knows: edges, sizes, names, licences, docs
  test [-- FILTER]  every test of the workspace, with the tools that the tests need
  ci                format, lints, documentation, dependencies and tidy
  bench [SCENARIO]  what the release build does on this machine: accept, deliver, smpp, steady,
                    fair, queue, ledger, search, limits, verifications, idle, or all of them; JSON
                    lines go to target/bench.jsonl
  attack [--quick]  what becomes of attacks on a running gateway; fails when a protection does not hold
  fuzz [--seconds N] [TARGET...]
                    each fuzz target for so long (60 s), or those that are named; fails on a finding
  advisories [--database DIR]
                    known holes in what Cargo.lock names, by a checkout of RustSec's database
  release-list key FILE NAME
  release-list sign FILE [FILE] < LIST
                    makes a key for lists of releases; signs one, by each key
  sbom              writes down which crates are built into the product, after Cargo.lock changed";

/// One thing that can be asked of `cargo xtask`.
enum Chore {
    Advisories { database: Option<PathBuf> },
    Attack { scale: attack::Scale },
    Bench { scenario: Option<String> },
    Ci,
    Fuzz(fuzz::Wish),
    ReleaseList { words: Vec<String> },
    Sbom,
    Test { filter: Vec<String> },
    Tidy,
}

impl Chore {
    /// Reads the words after `cargo xtask`; `None` where they name no chore.
    fn parse(words: &[String]) -> Option<Self> {
        let (name, rest) = words.split_first()?;
        match (name.as_str(), rest) {
            ("advisories", []) => Some(Self::Advisories { database: None }),
            ("advisories", [flag, folder]) if flag == "--database" => Some(Self::Advisories {
                database: Some(PathBuf::from(folder)),
            }),
            ("attack", []) => Some(Self::Attack {
                scale: attack::Scale::Full,
            }),
            ("attack", [quick]) if quick == "--quick" => Some(Self::Attack {
                scale: attack::Scale::Quick,
            }),
            ("bench", []) => Some(Self::Bench { scenario: None }),
            ("bench", [scenario]) => Some(Self::Bench {
                scenario: Some(scenario.clone()),
            }),
            ("ci", []) => Some(Self::Ci),
            ("release-list", words @ [what, _, ..]) if ["key", "sign"].contains(&what.as_str()) => {
                Some(Self::ReleaseList {
                    words: words.to_vec(),
                })
            }
            ("sbom", []) => Some(Self::Sbom),
            ("fuzz", rest) => fuzz::Wish::parse(rest).map(Self::Fuzz),
            ("test", []) => Some(Self::Test { filter: Vec::new() }),
            ("test", [dashes, filter @ ..]) if dashes == "--" => Some(Self::Test {
                filter: filter.to_vec(),
            }),
            ("tidy", []) => Some(Self::Tidy),
            _ => None,
        }
    }

    fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Advisories { database } => advisories::run(database.as_deref()),
            Self::Attack { scale } => attack::run(*scale),
            Self::Bench { scenario } => bench::run(scenario.as_deref()),
            Self::Ci => ci::run(),
            Self::ReleaseList { words } => release_list::run(words),
            Self::Sbom => sbom::run(),
            Self::Fuzz(wish) => fuzz::run(wish),
            Self::Test { filter } => test::run(filter),
            Self::Tidy => tidy::run(),
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(chore) = Chore::parse(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match chore.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<Chore> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Chore::parse(&words)
    }

    #[test]
    fn test_takes_its_filter_after_two_dashes() {
        let Some(Chore::Test { filter }) = parse("test -- receipt") else {
            panic!("not read as a test chore");
        };
        assert_eq!(filter, ["receipt"]);
    }

    #[test]
    fn unknown_or_surplus_words_are_a_usage_error() {
        for line in [
            "",
            "attack --fast",
            "tidyy",
            "tidy now",
            "ci --fast",
            "advisories --database",
            "advisories here",
            "fuzz --seconds",
            "test receipt",
        ] {
            assert!(parse(line).is_none(), "{line:?} was taken for a chore");
        }
    }
}
