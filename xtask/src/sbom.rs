//! `cargo xtask sbom`: writes down which crates are built into `shortstop`, with what only cargo knows:
//! licences, features resolved, who asks for whom. `build.rs` of the product adds hashes from
//! Cargo.lock; `shortstop version --sbom` prints the whole. `cargo xtask tidy` refuses a list that is
//! stale.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::step;

mod bundled;

/// The list.
pub const FILE: &str = "crates/shortstop/sbom.txt";

/// Those that releases are made for. Builds for others have no list, and say so.
const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"];

const HEAD: &str = "\
# What is built into shortstop, by target: how | name | version | licence | asks for. `lock` names the Cargo.lock it is of.
# Written by `cargo xtask sbom`; `cargo xtask tidy` refuses it when it is stale.
";

/// Writes the list.
pub fn run() -> anyhow::Result<()> {
    fs::write(step::root().join(FILE), text()?).with_context(|| format!("{FILE} cannot be written"))
}

/// The list as it should be now.
pub fn text() -> anyhow::Result<String> {
    let lock = fs::read(step::root().join("Cargo.lock")).context("Cargo.lock cannot be read")?;
    let mut text = format!("{HEAD}lock {:016x}\n", fingerprint(&lock));
    for target in TARGETS {
        let graph = tree(target, "normal,build")?;
        let linked = tree(target, "normal,no-proc-macro")?;
        let mut graph = Graph::parse(&graph, &step::root())?;
        graph.mark(&Graph::parse(&linked, &step::root())?);
        let _infallible = write!(text, "\ntarget {target}\n{}", graph.lines());
        text.push_str(&bundled::lines()?);
    }
    Ok(text)
}

/// Tells one Cargo.lock from another, as `build.rs` of the product does it too: FNV-1a. Nobody who could choose the file has
/// anything to gain from two with the same.
fn fingerprint(lock: &[u8]) -> u64 {
    lock.iter().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// One line a crate: its depth, then its name and version, then its licence.
fn tree(target: &str, edges: &str) -> anyhow::Result<String> {
    let words = ["tree", "--package", "shortstop", "--locked", "--target"];
    let form = ["--edges", edges, "--prefix", "depth", "--format", "{p}|{l}"];
    let command = step::cargo(&[words.as_slice(), &[target], &form].concat());
    Ok(String::from_utf8_lossy(&step::output_of(command)?).into_owned())
}

/// Which crate asks for which.
#[derive(Debug, Default)]
struct Graph {
    crates: BTreeMap<Crate, Place>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
}

#[derive(Debug)]
struct Place {
    how: How,
    licence: String,
    asks: BTreeSet<Crate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// A crate of this workspace.
    Own,
    /// Its code is in the binary.
    Linked,
    /// It runs while the binary is built: build scripts, macros, and what they ask for.
    Build,
}

impl How {
    const fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Linked => "linked",
            Self::Build => "build",
        }
    }
}

impl Graph {
    /// Reads what cargo tells. A crate that it shows again, marked `(*)`, has its children elsewhere.
    fn parse(listing: &str, root: &Path) -> anyhow::Result<Self> {
        let mut graph = Self::default();
        let mut above: Vec<Crate> = Vec::new();
        for line in listing.lines() {
            let (depth, found, how, licence) =
                line_of(line, root).with_context(|| format!("cargo tree tells {line:?}"))?;
            above.truncate(depth);
            if let Some(asking) = above.last().and_then(|asking| graph.crates.get_mut(asking)) {
                asking.asks.insert(found.clone());
            }
            graph.crates.entry(found.clone()).or_insert_with(|| Place {
                how,
                licence,
                asks: BTreeSet::new(),
            });
            above.push(found);
        }
        Ok(graph)
    }

    /// Marks the crates that are linked; the others of them only build.
    fn mark(&mut self, linked: &Self) {
        for (found, place) in &mut self.crates {
            if place.how != How::Own && linked.crates.contains_key(found) {
                place.how = How::Linked;
            }
        }
    }

    fn lines(&self) -> String {
        let mut text = String::new();
        for (found, place) in &self.crates {
            let asks: Vec<String> = place.asks.iter().map(Crate::reference).collect();
            let Crate { name, version } = found;
            let (how, licence, asks) = (place.how.word(), &place.licence, asks.join(" "));
            let _infallible = writeln!(text, "{how} | {name} | {version} | {licence} | {asks}");
        }
        text
    }
}

impl Crate {
    fn reference(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

fn line_of(line: &str, root: &Path) -> Option<(usize, Crate, How, String)> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let (depth, rest) = line.split_at_checked(digits)?;
    let (package, licence) = rest.split_once('|')?;
    let licence = licence.trim_end_matches(" (*)").trim();
    let mut words = package.split(' ');
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    let ours = format!("({}", root.display());
    let how = if words.any(|word| word.starts_with(&ours)) {
        How::Own
    } else {
        How::Build
    };
    // The old spelling of a choice.
    let licence = licence.replace('/', " OR ");
    Some((depth.parse().ok()?, Crate { name, version }, how, licence))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "0us v1.0.0 (/here/us)|MIT\n1a v2.0.0|MIT/Apache-2.0\n2c v0.1.0|ISC\n\
        1m v1.0.0 (proc-macro)|MIT\n2c v0.1.0|ISC (*)\n1a v2.0.0|MIT/Apache-2.0 (*)\n";
    const LINKED: &str = "0us v1.0.0 (/here/us)|MIT\n1a v2.0.0|MIT/Apache-2.0\n";

    #[test]
    fn what_cargo_tells_becomes_lines_with_what_is_linked_and_what_only_builds() {
        let mut graph = Graph::parse(ALL, Path::new("/here")).unwrap();
        graph.mark(&Graph::parse(LINKED, Path::new("/here")).unwrap());
        let expected = "linked | a | 2.0.0 | MIT OR Apache-2.0 | c@0.1.0\n\
            build | c | 0.1.0 | ISC | \nbuild | m | 1.0.0 | MIT | c@0.1.0\n\
            own | us | 1.0.0 | MIT | a@2.0.0 m@1.0.0\n";
        assert_eq!(graph.lines(), expected);
    }

    #[test]
    fn a_fingerprint_is_that_of_fnv_1a() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        assert!(Graph::parse("[build-dependencies]\n", Path::new("/here")).is_err());
    }
}
