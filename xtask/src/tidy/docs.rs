//! Pages that must keep up with the code: every direct dependency has its row, every problem code has
//! its section, and every test that the page of threats names is there. Whether the words there are good is for a reader to say.

use std::collections::BTreeSet;

use super::finding::{Check, Finding};
use super::source::{self, Source};

/// The page with one row a dependency.
pub const DEPENDENCIES_PAGE: &str = "docs/dependencies.md";

/// The page with one section a problem code.
pub const ERRORS_PAGE: &str = "docs/errors.md";

/// The page that names tests for what it claims.
pub const THREATS_PAGE: &str = "docs/threats.md";

/// The three places that must name the same crates.
pub struct Dependencies {
    /// In the workspace's list.
    pub listed: BTreeSet<String>,
    /// In a manifest of one of our crates.
    pub used: BTreeSet<String>,
    /// The text of the page.
    pub page: String,
}

/// Where list, manifests and page disagree.
pub fn dependency_rows(all: &Dependencies) -> Vec<Finding> {
    let names: BTreeSet<&String> = all.listed.union(&all.used).collect();
    let rows = rows(&all.page);
    let known = names.iter().flat_map(|name| {
        let row = rows.iter().find(|row| row.name == name.as_str());
        faults(all, name, row)
            .into_iter()
            .map(|says| Finding::new(Check::Dependency, name, says))
    });
    let stale = rows
        .iter()
        .filter(|row| !names.iter().any(|name| row.name == name.as_str()));
    let says = format!("has a row in {DEPENDENCIES_PAGE} but is no dependency");
    let stale = stale.map(|row| Finding::new(Check::Dependency, row.name, says.as_str()));
    known.chain(stale).collect()
}

fn faults(all: &Dependencies, name: &str, row: Option<&Row>) -> Vec<String> {
    let faults = [
        row.is_none()
            .then(|| format!("has no row in {DEPENDENCIES_PAGE}")),
        row.filter(|row| !row.complete)
            .map(|_| format!("has no reason or no licence in its row of {DEPENDENCIES_PAGE}")),
        (!all.used.contains(name)).then(|| "is used by no crate; remove it".to_owned()),
        (!all.listed.contains(name))
            .then(|| "is missing in [workspace.dependencies] of the root manifest".to_owned()),
    ];
    faults.into_iter().flatten().collect()
}

struct Row<'p> {
    name: &'p str,
    complete: bool,
}

/// Table rows whose first cell is one word in backticks.
fn rows(page: &str) -> Vec<Row<'_>> {
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let (name, cells) = line.strip_prefix("| `")?.split_once("` |")?;
    let filled = cells.split('|').filter(|cell| !cell.trim().is_empty());
    Some(Row {
        name,
        complete: filled.count() >= 2,
    })
}

/// The product's problem codes and the page that explains them.
#[derive(Default)]
pub struct Problems {
    /// Codes such as `bad_sender`.
    pub codes: BTreeSet<String>,
    /// The text of the page; empty when it is missing.
    pub page: String,
}

/// The codes that a source spells: its strings of lower case words joined by `_`.
pub fn codes_in(text: &str) -> BTreeSet<String> {
    let is_code = |s: &String| {
        s.starts_with(|c: char| c.is_ascii_lowercase())
            && s.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    source::lex(text)
        .strings
        .into_iter()
        .filter(is_code)
        .collect()
}

/// Codes without a heading that names them.
pub fn problem_sections(problems: &Problems) -> Vec<Finding> {
    let headings = problems.page.lines().filter(|line| line.starts_with('#'));
    let headings: Vec<&str> = headings.collect();
    let explained = |code: &str| {
        headings
            .iter()
            .any(|heading| source::has_word(heading, code))
    };
    let missing = problems.codes.iter().filter(|code| !explained(code));
    let says = format!("has no section in {ERRORS_PAGE}");
    missing
        .map(|code| Finding::new(Check::Problem, code, says.as_str()))
        .collect()
}

/// The tests that the page names and no source has. Its rows end with them, each in backticks.
pub fn shown_tests(page: &str, sources: &[Source<'_>]) -> Vec<Finding> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let shown = rows.filter_map(|row| row.trim_end_matches([' ', '|']).rsplit('|').next());
    let words = shown.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let is_there = |name: &str| {
        let signature = format!("fn {name}(");
        sources
            .iter()
            .any(|source| source.code.contains(&signature))
    };
    let says = format!("is named in {THREATS_PAGE} and is no test; name the one that shows it now");
    words
        .filter(|name| !is_there(name))
        .map(|name| Finding::new(Check::Shown, name, says.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::TextFile;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn says(listed: &[&str], used: &[&str], page: &str) -> Vec<String> {
        let page = page.to_owned();
        let all = Dependencies {
            listed: set(listed),
            used: set(used),
            page,
        };
        dependency_rows(&all)
            .into_iter()
            .map(|finding| finding.says)
            .collect()
    }

    #[test]
    fn a_dependency_has_a_complete_row() {
        assert!(says(&["toml"], &["toml"], "| `toml` | reads settings | MIT |").is_empty());
        assert_eq!(
            says(&["toml"], &["toml"], "")[0],
            "has no row in docs/dependencies.md"
        );
        assert_eq!(says(&["toml"], &["toml"], "| `toml` | | MIT |").len(), 1);
    }

    #[test]
    fn a_row_has_its_dependency() {
        assert_eq!(says(&[], &[], "| `toml` | reads settings | MIT |").len(), 1);
    }

    #[test]
    fn the_list_and_the_manifests_name_the_same_crates() {
        let row = "| `toml` | reads settings | MIT |";
        assert_eq!(
            says(&["toml"], &[], row),
            ["is used by no crate; remove it"]
        );
        assert_eq!(says(&[], &["toml"], row).len(), 1);
    }

    #[test]
    fn a_problem_code_has_a_section() {
        let codes = codes_in("match x { A => \"bad_sender\", B => \"busy\", C => \"Not a code\" }");
        assert_eq!(codes, set(&["bad_sender", "busy"]));
        let page = "# Errors\n\n## `bad_sender`\n\nIn the text: busy.\n".to_owned();
        let findings = problem_sections(&Problems { codes, page });
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].subject, "busy");
    }

    #[test]
    fn a_test_that_a_page_names_must_be_there() {
        let file = TextFile {
            path: "a.rs".to_owned(),
            text: "fn one_is_held() {}\n// fn two_is_held()\n".to_owned(),
        };
        let sources = [Source::of(&file).unwrap()];
        let page = "# `three`\n| attack | `x` | `one_is_held`, `two_is_held` |\n";
        let findings = shown_tests(page, &sources);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].subject, "two_is_held");
    }
}
