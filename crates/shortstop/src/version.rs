//! `shortstop version`: which program this is.

use serde_json::json;

use crate::exit::{Exit, Outcome};
use crate::output::Output;

/// Runs the command.
pub fn run(output: Output) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    output.event("version", &json!({"version": version}));
    output.line(format!("shortstop {version}"));
    Ok(Exit::Done)
}
