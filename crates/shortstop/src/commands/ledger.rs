//! `shortstop ledger …`: the ledger for auditors.

mod export;
mod folder;
mod lines;
mod progress;
mod prune;
mod rebuild;
mod seals;
mod search;
mod socket;
mod vault;
mod verify;

use serde_json::{Value, json};

use crate::cli::{LedgerCommand, Place};
use crate::config;
use crate::config::environment::Overlay;
use crate::control::Request;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::DataFolder;
use crate::log_key;
use crate::output::Output;
use crate::public_log::key_failure;

use super::gateway_call::call;

/// Runs the command.
pub fn run(command: &LedgerCommand, output: Output) -> Outcome {
    match command {
        LedgerCommand::Verify(args) => verify::run(args, output),
        LedgerCommand::Export(args) => export::run(args, output),
        LedgerCommand::Prove { message, place } => {
            let request = Request::LedgerProve { message: *message };
            let result = call(place, request)?;
            output.event("ledger-proof", &result);
            output.line(word(&result, "entry"));
            output.line("");
            output.line(word(&result, "proof").trim_end());
            Ok(Exit::Done)
        }
        LedgerCommand::Prune(args) => prune::run(args, output),
        LedgerCommand::Rebuild { to, place } => rebuild::run(to.as_deref(), place, output),
        LedgerCommand::Search(args) => search::run(args, output),
        LedgerCommand::Key { place } => key(place, output),
    }
}

fn key(place: &Place, output: Output) -> Outcome {
    let folder = match (&place.config, &place.data) {
        (Some(file), _) => config::load(file, Overlay::from_process())?.1.data_folder,
        (None, Some(folder)) => folder.clone(),
        (None, None) => return Err(Failure::usage("give --config FILE or --data DIR")),
    };
    let folder = DataFolder::existing(&folder).map_err(Failure::unavailable)?;
    let recorded = log_key::read_record(&folder.log_vkey()).map_err(key_failure)?;
    let Some(vkey) = recorded else {
        let says = "this ledger was never signed; start the gateway once";
        return Err(Failure::unavailable(says));
    };
    let second = log_key::read_record(&folder.log_second_vkey()).map_err(key_failure)?;
    let second = second.map(|second| second.to_string());
    let vkey = vkey.to_string();
    output.event("ledger-key", &json!({"vkey": vkey, "second_vkey": second}));
    output.line(vkey);
    if let Some(second) = second {
        output.line(second);
    }
    Ok(Exit::Done)
}

fn word<'r>(result: &'r Value, name: &str) -> &'r str {
    result.get(name).and_then(Value::as_str).unwrap_or_default()
}
