//! `cargo xtask tidy`: the rules of the house that no compiler knows. Every check is a pure function
//! from data to findings; this file gathers the data, runs them all and tells what is left after
//! the exceptions of `xtask/tidy.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::step;

mod docs;
mod finding;
mod imports;
mod leaks;
mod names;
mod purity;
mod racy;
mod rooms;
mod rules;
mod sbom;
mod shape;
mod source;
mod tree;
mod workspace;

use finding::Finding;
use rules::Rules;
use source::Source;
use tree::TextFile;
use workspace::Workspace;

const RULES: &str = "xtask/tidy.toml";

/// Runs every check over the working tree; an error when a finding is left.
pub fn run() -> anyhow::Result<()> {
    let root = step::root();
    let rules = read(&root, RULES).and_then(|text| Rules::parse(&text))?;
    let left = rules.judge(findings(&root, &rules)?);
    for finding in &left {
        println!("{finding}");
    }
    if !left.is_empty() {
        bail!(
            "tidy has {} findings; mend each, or list it in {RULES} with a reason",
            left.len()
        );
    }
    println!("tidy: nothing to mend");
    Ok(())
}

fn findings(root: &Path, rules: &Rules) -> anyhow::Result<Vec<Finding>> {
    let files = tree::read(root)?;
    let sources: Vec<Source> = files.iter().filter_map(Source::of).collect();
    let workspace = Workspace::read()?;
    Ok([
        rooms::foreign_edges(&workspace.edges()),
        rooms::long_chains(&workspace.edges()),
        purity::impure_dependencies(&workspace.outside_dependencies()),
        sources.iter().flat_map(purity::impure_words).collect(),
        sources.iter().flat_map(shape::of_source).collect(),
        files
            .iter()
            .flat_map(|file| names::of_path(&file.path))
            .collect(),
        sources.iter().flat_map(names::of_types).collect(),
        sbom::stale(root)?,
        docs::dependency_rows(&dependencies(root, &workspace)?),
        docs::problem_sections(&problems(&files, rules)?),
        docs::shown_tests(&read(root, docs::THREATS_PAGE)?, &sources),
        files.iter().flat_map(leaks::of_file).collect(),
        files.iter().flat_map(racy::of_file).collect(),
    ]
    .concat())
}

fn dependencies(root: &Path, workspace: &Workspace) -> anyhow::Result<docs::Dependencies> {
    Ok(docs::Dependencies {
        listed: workspace::listed_dependencies(&read(root, "Cargo.toml")?)?,
        used: workspace
            .outside_dependencies()
            .into_iter()
            .map(|edge| edge.to)
            .collect(),
        page: read(root, docs::DEPENDENCIES_PAGE)?,
    })
}

/// The problem codes of the product, and the page that explains each, once both exist.
fn problems(files: &[TextFile], rules: &Rules) -> anyhow::Result<docs::Problems> {
    let text_of = |path: &str| {
        let file = files.iter().find(|file| file.path == path);
        file.map(|file| file.text.as_str())
    };
    let Some(path) = &rules.problem_codes else {
        return Ok(docs::Problems::default());
    };
    let code = text_of(path).with_context(|| format!("{RULES} names {path}, which is missing"))?;
    Ok(docs::Problems {
        codes: docs::codes_in(code),
        page: text_of(docs::ERRORS_PAGE).unwrap_or_default().to_owned(),
    })
}

fn read(root: &Path, path: &str) -> anyhow::Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("{path} cannot be read"))
}
