//! `cargo xtask advisories`: is there a known hole in what Cargo.lock names? The database of RustSec is
//! not ours to keep, so whoever asks brings it: `--database DIR`, the folder that
//! `SHORTSTOP_ADVISORY_DB` names, or `target/advisory-db`. Nothing is fetched. Without a database
//! nothing was checked, and that is said.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::deny;
use crate::step::{self, Step};

/// Where cargo-deny looks for the database of `deny.toml`: its `db-path`, and the name that it gives
/// to the address in `db-urls`.
const PLACE: &str = "target/advisories/advisory-db-3157b0e258782691";
/// Where the database may lie without being named.
const BESIDE: &str = "target/advisory-db";
const NAMED_BY: &str = "SHORTSTOP_ADVISORY_DB";

/// Checks with the database in `folder`, or else where one is known to be; an error when there is none.
pub fn run(folder: Option<&Path>) -> anyhow::Result<()> {
    let known = || {
        known().with_context(|| format!("no database: give --database DIR, {NAMED_BY} or {BESIDE}"))
    };
    let folder = folder.map_or_else(known, |folder| Ok(folder.to_owned()))?;
    check(&folder)
}

/// For `cargo xtask ci`: checks where a database is to be had, and is loud where none is.
pub fn run_if_any() -> anyhow::Result<()> {
    let Some(folder) = known() else {
        println!("==> advisories");
        println!(
            "    advisories: NOT CHECKED. No database of RustSec is here, so nothing is known of holes in"
        );
        println!(
            "    dependencies. Set {NAMED_BY} to a checkout of github.com/rustsec/advisory-db."
        );
        return Ok(());
    };
    check(&folder)
}

/// A folder that was named counts even when it is not there: whoever named it meant it.
fn known() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a chore has no configuration; the machine that runs it says where its database is"
    )]
    let named = std::env::var_os(NAMED_BY).filter(|name| !name.is_empty());
    let beside = || Some(step::root().join(BESIDE)).filter(|folder| folder.is_dir());
    named.map(PathBuf::from).or_else(beside)
}

fn check(folder: &Path) -> anyhow::Result<()> {
    let database = Database::read(folder)?;
    println!(
        "    advisories: {} of them, the newest of {}",
        database.count, database.newest
    );
    lay_out(&database.folder, &step::root().join(PLACE))?;
    let command = deny::checks(&["advisories"])?;
    let cure = "update the crate, or give `deny.toml` an `ignore` with a reason";
    Step {
        name: "advisories",
        cure,
        command,
    }
    .run()
}

/// A checkout of the database, git or none.
#[derive(Debug)]
struct Database {
    folder: PathBuf,
    count: usize,
    /// The latest date of an advisory, which tells how old the whole is.
    newest: String,
}

impl Database {
    /// A folder without advisories is no database: cargo-deny would find nothing in it, and be content.
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let folder = fs::canonicalize(folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        let crates = folder.join("crates");
        let mut dates = Vec::new();
        for of_crate in fs::read_dir(&crates)
            .with_context(|| format!("{} cannot be read; is this a database?", crates.display()))?
        {
            for advisory in fs::read_dir(of_crate?.path())? {
                dates.extend(date_of(&fs::read_to_string(advisory?.path())?));
            }
        }
        let count = dates.len();
        let Some(newest) = dates.into_iter().max() else {
            bail!("{} holds no advisory", crates.display());
        };
        Ok(Self {
            folder,
            count,
            newest,
        })
    }
}

fn date_of(advisory: &str) -> Option<String> {
    let line = advisory.lines().find(|line| line.starts_with("date ="))?;
    Some(line.split('"').nth(1)?.to_owned())
}

/// A repository of git at `place` whose files are the database's. cargo-deny asks for the date of a
/// commit, and a database that was copied here as plain files has none.
fn lay_out(database: &Path, place: &Path) -> anyhow::Result<()> {
    if place.exists() {
        fs::remove_dir_all(place)?;
    }
    fs::create_dir_all(place)?;
    let author = ["-c", "user.name=xtask", "-c", "user.email=xtask@localhost"];
    let empty = ["commit", "--quiet", "--allow-empty", "--message", "here"];
    for words in [
        ["init", "--quiet"].as_slice(),
        &[author.as_slice(), &empty].concat(),
    ] {
        let mut git = step::quiet("git", &[]);
        git.arg("-C").arg(place).args(words);
        step::output_of(git)?;
    }
    for part in ["crates", "rust"] {
        let from = database.join(part);
        if from.is_dir() {
            std::os::unix::fs::symlink(from, place.join(part))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLE: &str = "```toml\n[advisory]\nid = \"RUSTSEC-2026-9999\"\npackage = \"PACKAGE\"\n\
        date = \"2026-11-01\"\ncategories = [\"memory-corruption\"]\n\n[versions]\n\
        patched = [\">= 9999.0.0\"]\n```\n\n# Made up\n\nFor a test.\n";

    fn database(name: &str, package: &str) -> PathBuf {
        let folder = step::root().join("target/deny-tests").join(name);
        let of_crate = folder.join("crates").join(package);
        fs::create_dir_all(&of_crate).unwrap();
        let text = HOLE.replace("PACKAGE", package);
        fs::write(of_crate.join("RUSTSEC-2026-9999.md"), text).unwrap();
        folder
    }

    #[test]
    fn a_hole_in_a_crate_of_ours_fails_and_one_elsewhere_does_not() {
        let elsewhere = database("advisories-elsewhere", "no-such-crate-of-ours");
        check(&elsewhere).unwrap();
        let ours = database("advisories-ours", "anyhow");
        assert!(check(&ours).is_err());
    }

    #[test]
    fn an_empty_folder_is_no_database() {
        let folder = step::root().join("target/deny-tests/advisories-none");
        fs::create_dir_all(folder.join("crates")).unwrap();
        let error = Database::read(&folder).unwrap_err().to_string();
        assert!(error.ends_with("holds no advisory"), "{error}");
        let none = Database::read(&folder.join("crates/not-there"));
        assert!(none.is_err());
    }

    #[test]
    fn the_newest_advisory_dates_the_database() {
        let database = Database::read(&database("advisories-dated", "a")).unwrap();
        assert_eq!(
            (database.count, database.newest.as_str()),
            (1, "2026-11-01")
        );
    }
}
