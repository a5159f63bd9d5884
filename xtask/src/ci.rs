//! `cargo xtask ci`: what a change must pass besides the tests. It stops at the first failure.

use crate::step::{self, Step};
use crate::test::tools;
use crate::{advisories, deny, tidy};

/// Checks format, lints, and documentation, tidies, and last looks at dependencies.
pub fn run() -> anyhow::Result<()> {
    for step in steps() {
        step.run()?;
    }
    step::timed("tidy", tidy::run)?;
    step::timed("tools", tools::provide)?;
    deny::run()?;
    // Last, where the reader looks: whether holes were looked for at all.
    advisories::run_if_any()
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
