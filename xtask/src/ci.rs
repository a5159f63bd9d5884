//! `cargo xtask ci`: what a change must pass besides the tests. It stops at the first failure.

use crate::step::{self, Step};
use crate::tidy;

/// Checks format, lints and documentation, then tidies.
pub fn run() -> anyhow::Result<()> {
    for step in steps() {
        step.run()?;
    }
    step::timed("tidy", tidy::run)
}

fn steps() -> [Step; 3] {
    [
        Step {
            name: "format",
            cure: "run `cargo fmt --all`",
            command: step::cargo(&["fmt", "--all", "--check"]),
        },
        Step {
            name: "lints",
            cure: "mend each warning above, or expect it with a reason",
            command: step::cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ]),
        },
        Step {
            name: "documentation",
            cure: "mend each broken link or missing comment named above",
            command: documentation(),
        },
    ]
}

/// rustdoc's own flags are no part of a compiled crate, so setting them rebuilds nothing.
fn documentation() -> std::process::Command {
    let mut command = step::cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}
