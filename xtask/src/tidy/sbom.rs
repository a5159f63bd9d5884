//! The list of what is built into the product is what cargo builds into it today.

use std::fs;
use std::path::Path;

use super::finding::{Check, Finding};
use crate::sbom;

/// A finding when the list is missing or stale.
pub fn stale(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let kept = fs::read_to_string(root.join(sbom::FILE)).unwrap_or_default();
    Ok(compare(&kept, &sbom::text()?))
}

fn compare(kept: &str, real: &str) -> Vec<Finding> {
    if kept == real {
        return Vec::new();
    }
    let unlisted = real
        .lines()
        .find(|line| !kept.lines().any(|other| other == *line));
    let gone = || {
        kept.lines()
            .find(|line| !real.lines().any(|other| other == *line))
    };
    let first = unlisted.or_else(gone).unwrap_or("the order of its lines");
    let says = format!("is stale, first in {first:?}; run `cargo xtask sbom`");
    vec![Finding::new(Check::Sbom, sbom::FILE, says)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_misses_a_crate_or_holds_one_too_many_is_stale() {
        assert!(compare("a\nb\n", "a\nb\n").is_empty());
        assert!(compare("a\n", "a\nb\n")[0].says.contains("\"b\""));
        assert!(compare("a\nb\n", "a\n")[0].says.contains("\"b\""));
        assert_eq!(compare("b\na\n", "a\nb\n").len(), 1);
    }
}
