//! Crates that are linked in more than one version. Each costs build time and size, and two
//! versions of one type do not fit; those we cannot help are exceptions with a reason.
//!
//! What is linked is asked of `cargo tree`: the graph of `cargo metadata` also holds what no
//! enabled feature asks for, and would report versions that nobody compiles.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Check, Finding};
use crate::step;

/// Asks cargo for the normal dependencies of all our crates on this platform, one a line:
/// `name vVERSION`, then perhaps remarks.
pub fn linked() -> anyhow::Result<String> {
    let tree = ["tree", "--workspace", "--locked", "--edges", "normal"];
    let form = ["--prefix", "none", "--format", "{p}"];
    let listing = step::output_of(step::cargo(&[tree.as_slice(), &form].concat()))?;
    Ok(String::from_utf8_lossy(&listing).into_owned())
}

/// Crates that the listing holds in two or more versions.
pub fn linked_twice(listing: &str) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in listing.lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            versions.entry(name).or_default().insert(version);
        }
    }
    let twice = versions
        .into_iter()
        .filter(|(_, versions)| versions.len() > 1);
    twice
        .map(|(name, versions)| {
            let list: Vec<&str> = versions.into_iter().collect();
            let says = format!("is linked in the versions {}", list.join(" and "));
            Finding::new(Check::Duplicate, name, says)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_linked_versions_are_a_finding() {
        let findings =
            linked_twice("web v1.0.0 (here)\nsyn v3.0.1\n\naxum v1.0.0\nsyn v2.0.9 (*)\n");
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].to_string(),
            "duplicate: syn: is linked in the versions v2.0.9 and v3.0.1"
        );
    }

    #[test]
    fn one_version_named_often_is_none() {
        assert!(linked_twice("syn v3.0.1 (proc-macro)\nsyn v3.0.1 (proc-macro) (*)\n").is_empty());
    }

    #[test]
    fn cargo_lists_our_own_crates_among_the_linked() {
        assert!(
            linked()
                .unwrap()
                .lines()
                .any(|line| line.starts_with("xtask v"))
        );
    }
}
