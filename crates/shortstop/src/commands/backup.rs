//! `shortstop backup`: a consistent copy of the store, online or from its data folder.

use serde_json::json;

use crate::cli::BackupArgs;
use crate::control::Request;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;

use super::gateway_call::call;

/// Runs the command.
pub fn run(args: &BackupArgs, output: Output) -> Outcome {
    let to = std::path::absolute(&args.to)?;
    if to.exists() {
        return Err(Failure::usage(format!(
            "{} is there already; name a new file",
            to.display()
        )));
    }
    call(&args.place, Request::Backup { to: to.clone() })?;
    output.event("backup", &json!({"file": to}));
    output.line(format!("The store is copied to {}.", to.display()));
    output.line(
        "No key is in it: keep a copy of the keys folder (master.key, wrap.salt) apart from it.\n\
         After the next re-wrap of the keys (`shortstop keys status` says when) this backup opens with \
         that copy alone.",
    );
    Ok(Exit::Done)
}
