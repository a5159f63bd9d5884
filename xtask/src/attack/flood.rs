//! What no wall clock can show within a minute, played against the rules themselves with a clock of their
//! own: a measuring program of the crate `domain` prints what came of it.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde_json::Value;

use super::Scale;
use super::report::{Outcome, Report, Unprotected};
use crate::step::root;

/// Runs the program and takes its outcomes over.
pub fn run(report: &mut Report, scale: Scale) -> anyhow::Result<()> {
    let (profile, keys) = match scale {
        Scale::Full => ("release", "1000000"),
        Scale::Quick => ("dev", "100000"),
    };
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["run", "--locked", "--quiet", "--profile", profile])
        .args(["--package", "domain", "--example", "attacks", "--", keys])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the example attacks failed");
    for line in String::from_utf8(output.stdout)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        if let Some(says) = line.get("says").and_then(Value::as_str) {
            println!("{says}");
        } else {
            report.outcome(&outcome(&line)?);
        }
    }
    Ok(())
}

fn outcome(line: &Value) -> anyhow::Result<Outcome> {
    let number = |key: &str| {
        line.get(key)
            .and_then(Value::as_u64)
            .context("a short line")
    };
    let word = |key: &str| {
        line.get(key)
            .and_then(Value::as_str)
            .context("a short line")
    };
    Ok(Outcome {
        attack: word("attack")?.to_owned(),
        counted: word("counted")?.to_owned(),
        tried: number("tried")?,
        through: number("through")?,
        allowed: number("allowed")?,
        unprotected: Unprotected::Computed(number("unprotected")?),
    })
}
