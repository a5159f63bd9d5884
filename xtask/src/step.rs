//! One command of a chore: announced, run without standard input, timed, and its cure named when
//! it fails. Not a build system: steps run one after another and the first failure ends the chore.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

/// What `cargo run` adds to the environment of the program it starts. A cargo started from there
/// must not inherit it: a build script that watches one of them would run again.
const ADDED_BY_CARGO_RUN: [&str; 16] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// A command with the words that announce it and the advice that follows its failure.
pub struct Step {
    /// One or two words, printed before and after.
    pub name: &'static str,
    /// What the reader should do when it fails.
    pub cure: &'static str,
    /// The command, complete.
    pub command: Command,
}

impl Step {
    /// Runs the command with its output on the terminal; an exit code other than 0 is an error.
    pub fn run(mut self) -> anyhow::Result<()> {
        timed(self.name, || {
            let status = self
                .command
                .status()
                .with_context(|| does_not_start(&self.command))?;
            if !status.success() {
                bail!("{} failed ({status}); {}", self.name, self.cure);
            }
            Ok(())
        })
    }
}

/// Runs `work` between a line that announces it and a line that tells how long it took.
pub fn timed<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    println!("==> {name}");
    let start = clock();
    let outcome = work();
    let ending = if outcome.is_ok() { "ok" } else { "failed" };
    println!(
        "    {name}: {ending} in {:.1} s",
        start.elapsed().as_secs_f64()
    );
    outcome
}

/// A cargo command at the workspace's root, in the environment that the user's own cargo has.
pub fn cargo(words: &[&str]) -> Command {
    let mut command = quiet("cargo", words);
    for name in ADDED_BY_CARGO_RUN {
        command.env_remove(name);
    }
    command
}

/// A command at the workspace's root without standard input.
pub fn quiet(program: impl AsRef<std::ffi::OsStr>, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).current_dir(root()).stdin(Stdio::null());
    command
}

/// The standard output of a command that must succeed.
pub fn output_of(mut command: Command) -> anyhow::Result<Vec<u8>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| does_not_start(&command))?;
    if !output.status.success() {
        bail!(
            "{} failed ({})",
            command.get_program().display(),
            output.status
        );
    }
    Ok(output.stdout)
}

/// The words for a command whose program is missing.
pub fn does_not_start(command: &Command) -> String {
    format!(
        "{} does not start; is it installed?",
        command.get_program().display()
    )
}

/// The workspace's root folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a chore times itself; no rule of the product reads this clock"
)]
fn clock() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_names_its_cure() {
        let step = Step {
            name: "nothing",
            cure: "do something",
            command: quiet("false", &[]),
        };
        let error = step.run().unwrap_err().to_string();
        assert!(error.ends_with("do something"), "{error}");
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = output_of(quiet("no-such-program", &[])).unwrap_err();
        assert!(error.to_string().contains("no-such-program"), "{error}");
    }

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(root().join("Cargo.lock").is_file());
    }
}
