//! What `cargo metadata` knows about the workspace and its dependencies, cut down to what the
//! checks ask. Reading it needs cargo; everything after that is pure.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use serde::Deserialize;

use crate::step;

/// The workspace with all that it depends on.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// Every crate of the lock file, ours included.
    pub packages: Vec<Package>,
    /// Ids of our own crates.
    #[serde(rename = "workspace_members")]
    pub members: BTreeSet<String>,
}

/// One crate in one version.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// cargo's name for crate, version and source together.
    pub id: String,
    /// The crate's name.
    pub name: String,
    /// What its manifest asks for.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
}

/// One line of a manifest.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The crate that is asked for.
    pub name: String,
    /// What for.
    pub kind: Option<Kind>,
    /// Its folder, for a crate of this workspace.
    pub path: Option<String>,
}

/// What a dependency is for; a normal one has no kind.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Build scripts.
    Build,
    /// Tests, examples and benches.
    Dev,
}

/// One of our crates asks for another crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Our crate.
    pub from: String,
    /// The crate it asks for.
    pub to: String,
    /// What for; `None` is a normal dependency.
    pub kind: Option<Kind>,
}

impl Workspace {
    /// Asks cargo for the workspace as resolved for every platform at once.
    pub fn read() -> anyhow::Result<Self> {
        let words = ["metadata", "--format-version", "1", "--locked"];
        let json = step::output_of(step::cargo(&words))?;
        serde_json::from_slice(&json).context("`cargo metadata` answers in an unknown form")
    }

    /// Which of our crates asks for which of our crates.
    pub fn edges(&self) -> BTreeSet<Edge> {
        self.asked(|dependency| dependency.path.is_some())
    }

    /// Which of our crates asks for which crate of others.
    pub fn outside_dependencies(&self) -> BTreeSet<Edge> {
        self.asked(|dependency| dependency.path.is_none())
    }

    fn asked(&self, wanted: impl Fn(&Dependency) -> bool) -> BTreeSet<Edge> {
        let ours = self
            .packages
            .iter()
            .filter(|p| self.members.contains(&p.id));
        let edge = |package: &Package, dependency: &Dependency| Edge {
            from: package.name.clone(),
            to: dependency.name.clone(),
            kind: dependency.kind,
        };
        ours.flat_map(|p| p.dependencies.iter().map(move |d| (p, d)))
            .filter(|(_, dependency)| wanted(dependency))
            .map(|(package, dependency)| edge(package, dependency))
            .collect()
    }
}

/// The crates of others in `[workspace.dependencies]` of the root manifest.
pub fn listed_dependencies(manifest: &str) -> anyhow::Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Manifest {
        workspace: Table,
    }
    #[derive(Deserialize)]
    struct Table {
        dependencies: BTreeMap<String, toml::Value>,
    }
    let manifest: Manifest = toml::from_str(manifest).context("Cargo.toml is not understood")?;
    let listed = manifest.workspace.dependencies.into_iter();
    Ok(listed
        .filter(|(_, value)| value.get("path").is_none())
        .map(|(name, _)| name)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_crates_and_those_of_others_are_told_apart() {
        let workspace: Workspace = serde_json::from_value(serde_json::json!({
            "packages": [
                { "id": "web 0", "name": "web", "dependencies": [
                    { "name": "engine", "kind": null, "path": "crates/engine" },
                    { "name": "testkit", "kind": "dev", "path": "crates/testkit" },
                    { "name": "axum", "kind": null },
                ] },
                { "id": "axum 0", "name": "axum", "dependencies": [
                    { "name": "tokio", "kind": null },
                ] },
            ],
            "workspace_members": ["web 0"],
        }))
        .unwrap();
        let edge = |to: &str, kind| Edge {
            from: "web".to_owned(),
            to: to.to_owned(),
            kind,
        };
        let ours = [edge("engine", None), edge("testkit", Some(Kind::Dev))];
        assert_eq!(workspace.edges(), BTreeSet::from(ours));
        assert_eq!(
            workspace.outside_dependencies(),
            BTreeSet::from([edge("axum", None)])
        );
    }

    #[test]
    fn the_workspace_list_leaves_our_crates_out() {
        let manifest = "[workspace.dependencies]\nweb = { path = 'crates/web' }\naxum = '1'\n";
        let listed = listed_dependencies(manifest).unwrap();
        assert_eq!(listed, BTreeSet::from(["axum".to_owned()]));
    }
}
