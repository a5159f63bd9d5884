//! Runs the measuring examples of the crates and reads what they print: a JSON object a line.

use std::process::{Command, Stdio};

use anyhow::ensure;
use serde_json::Value;

use crate::step::root;

/// Runs a measuring example of a crate; gives what it says, line by line.
pub fn example(package: &str, name: &str) -> anyhow::Result<Vec<Value>> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["run", "--release", "--locked", "--quiet"])
        .args(["--package", package, "--example", name])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the example {name} failed");
    let lines = String::from_utf8(output.stdout)?;
    lines
        .lines()
        .map(|line| Ok(serde_json::from_str(line)?))
        .collect()
}

/// A text of a line.
pub fn word<'l>(line: &'l Value, key: &str) -> Option<&'l str> {
    line.get(key).and_then(Value::as_str)
}

/// A number of a line.
pub fn number(line: &Value, key: &str) -> Option<f64> {
    line.get(key).and_then(Value::as_f64)
}
