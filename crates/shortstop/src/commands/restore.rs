//! `shortstop restore`: a data folder from a backup. It never touches a folder that holds anything.

use serde_json::json;

use crate::cli::RestoreArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{DataFolder, make_private, write_private};
use crate::output::Output;

/// Octets of a master key.
const KEY_BYTES: usize = 32;

/// Runs the command.
pub fn run(args: &RestoreArgs, output: Output) -> Outcome {
    let key = args.master_key.as_ref().map(std::fs::read).transpose();
    let key = key.map_err(|error| Failure::unavailable(format!("the master key: {error}")))?;
    if key.as_ref().is_some_and(|key| key.len() != KEY_BYTES) {
        return Err(Failure::usage(
            "the master key file does not hold 32 octets",
        ));
    }
    // A folder that others may enter must not get the data first.
    let folder = DataFolder::prepare(&args.to).map_err(Failure::unavailable)?;
    store::restore(&args.from, &args.to).map_err(|error| Failure::new(Exit::Unavailable, error))?;
    if let Some(key) = key {
        let path = folder.master_key();
        make_private(path.parent().unwrap_or(&args.to))?;
        write_private(&path, &key)?;
    }
    output.event("restored", &json!({"data": folder.path()}));
    output.line(format!(
        "{} holds the state of the backup.",
        folder.path().display()
    ));
    if !folder.master_key().exists() {
        let says = "Put the master key to its place before you start the gateway:";
        output.line(format!("{says} {}", folder.master_key().display()));
    }
    output.line(
        "Messages that were accepted after the backup are not in it. Those that were on their way then \
         are sent again, or held, by their class.",
    );
    Ok(Exit::Done)
}
