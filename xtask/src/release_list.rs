//! `cargo xtask release-list`: signs a list of releases, or makes a key for it. The format is the
//! ledger's, and so is the program (`crates/ledger/examples/release_list.rs`): a chore imports no room.

use std::process::Stdio;

use anyhow::bail;

use crate::step;

/// Runs the program with these words, the list on standard input, and the signed one on standard output.
pub fn run(words: &[String]) -> anyhow::Result<()> {
    let start = ["run", "--quiet", "--locked", "--package", "ledger"];
    let mut command = step::cargo(&start);
    command
        .args(["--example", "release_list", "--"])
        .args(words);
    // Files are named from where the user stands.
    command.current_dir(std::env::current_dir()?);
    let status = command.stdin(Stdio::inherit()).status()?;
    if !status.success() {
        bail!("nothing was signed; the line above says why");
    }
    Ok(())
}
