//! `shortstop keys …`: what keys a gateway has, and new ones in place of old.

use std::path::Path;

use engine::{MasterKey, RotateError, Rotation};
use serde_json::{Value, json};
use tokio::runtime::Builder;

use crate::cli::{KeysCommand, Place};
use crate::config::Checked;
use crate::control::Request;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::DataFolder;
use crate::key_places::{FIRST_SEAL_KEY, FIRST_SEAL_KEY_WARNING, KeyShown};
use crate::output::{Output, Tone};
use crate::wiring::{self, Opened};
use crate::{master_key, process};

use super::gateway_call::{call, stopped};

/// What to do after every replacement.
const AFTERWARDS: &str = "Back up the keys folder again now, apart from the data, and destroy its older copies. Backups of \
                          the store from before open with those older copies alone.";

/// Runs the command.
pub fn run(command: &KeysCommand, output: Output) -> Outcome {
    match command {
        KeysCommand::Status { place } => status(place, output),
        KeysCommand::Rotate {
            master: Some(file),
            place,
        } => rotate_master(file, place, output),
        KeysCommand::Rotate {
            master: None,
            place,
        } => {
            let result = call(place, Request::KeysRotate)?;
            output.event("keys-rotated", &result);
            let keys = result.get("keys").and_then(Value::as_u64).unwrap_or(0);
            output.line(format!(
                "{keys} keys are wrapped anew; the old salt is destroyed."
            ));
            output.line(AFTERWARDS);
            Ok(Exit::Done)
        }
    }
}

fn status(place: &Place, output: Output) -> Outcome {
    let result = call(place, Request::KeysStatus)?;
    output.event("keys", &result);
    let keys = result.get("keys").cloned().unwrap_or_default();
    let keys: Vec<KeyShown> = serde_json::from_value(keys).map_err(Failure::unavailable)?;
    for key in &keys {
        output.line(text(key, output));
    }
    output.line("");
    let by_purpose = result.get("key_encryption_keys").and_then(Value::as_object);
    for (purpose, weeks) in by_purpose.into_iter().flatten() {
        output.line(weeks_text(purpose, weeks));
    }
    if let Some(line) = seals_text(result.get("seals"), output) {
        output.line(line);
    }
    if keys.iter().any(|key| key.key == FIRST_SEAL_KEY) {
        output.line(output.tone(Tone::Bad, FIRST_SEAL_KEY_WARNING));
    }
    if result.get("salted") == Some(&Value::Bool(false)) {
        let says =
            "The wrapping key has no salt yet: backups open for ever. Run `shortstop keys rotate`.";
        output.line(output.tone(Tone::Bad, says));
    }
    Ok(Exit::Done)
}

fn text(key: &KeyShown, output: Output) -> String {
    let since = key.since.as_deref().unwrap_or("not there");
    let mut line = format!("{:<26} {}\n{:<26} since {since}", key.key, key.place, "");
    if let Some(due) = &key.due {
        line = format!("{line}, due {due}");
    }
    if key.open_to_others == Some(true) {
        let says = "  OTHER USERS CAN READ IT";
        line = format!("{line}{}", output.tone(Tone::Bad, says));
    }
    line
}

/// How sealing stands; nothing where no seals are made.
fn seals_text(seals: Option<&Value>, output: Output) -> Option<String> {
    let seals = seals.filter(|seals| seals.is_object())?;
    let until = seals.get("until").and_then(Value::as_str);
    let until = until.unwrap_or("nothing is sealed yet");
    let line = format!("{:<26} {until}", "sealed until");
    let is_up = seals.get("up") == Some(&Value::Bool(true));
    let says = "  NO SEALS ARE MADE; see the log";
    Some(if is_up {
        line
    } else {
        format!("{line}{}", output.tone(Tone::Bad, says))
    })
}

fn weeks_text(purpose: &str, weeks: &Value) -> String {
    let weeks: Vec<&Value> = weeks.as_array().into_iter().flatten().collect();
    let begins = |week: Option<&&Value>| {
        let day = week.and_then(|week| week.get("begins"));
        day.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    format!(
        "keys for {purpose:<10} {} week(s), {} to {}",
        weeks.len(),
        begins(weeks.first()),
        begins(weeks.last())
    )
}

/// Puts everything under a new master key, under the folder's lock.
fn rotate_master(file: &Path, place: &Place, output: Output) -> Outcome {
    let (checked, folder) = stopped(place)?;
    let new = master_key::read_new(file).map_err(Failure::usage)?;
    let old = master_key::place(&folder, checked.master_key_file.as_deref());
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let rotated = runtime.block_on(async {
        let opened = open(&checked, &folder, &new)?;
        let actor = process::user_name(process::own_uid());
        let rotated = opened
            .gateway
            .rotate_wrapping(&Rotation::Master(&actor, new));
        opened.gateway.clear_old_keys().await;
        opened.gateway.stop().await;
        let signed = opened.sign().await;
        opened.close();
        signed.map(|()| rotated)
    })?;
    let next = format!("put {} in the place of {}", file.display(), old.display());
    let keys = match rotated {
        Ok(rotated) => rotated.keys,
        Err(error @ RotateError::SameMaster) => return Err(Failure::usage(error)),
        Err(error @ RotateError::Unfinished(_)) => {
            return Err(Failure::unavailable(format!("{error}; {next}, then start")));
        }
        Err(error) => return Err(Failure::unavailable(error)),
    };
    output.event(
        "keys-rotated",
        &json!({"keys": keys, "new": file, "place": old}),
    );
    output.line(format!(
        "{keys} keys lie under the new master key; the old one opens nothing."
    ));
    output.line(format!("Now {next}, then start the gateway."));
    output.line(AFTERWARDS);
    Ok(Exit::Done)
}

/// Opens the folder under its old key. When the new one fits already, an earlier rotation got that far.
fn open(checked: &Checked, folder: &DataFolder, new: &MasterKey) -> Result<Opened, Failure> {
    let first = match wiring::open(checked, folder, wiring::no_carriers()) {
        Ok(opened) => return Ok(opened),
        Err(failure) => failure,
    };
    match wiring::open_under(checked, folder, wiring::no_carriers(), new.clone()) {
        Ok(opened) => {
            opened.close();
            Err(Failure::usage(
                "the data folder is under the new master key already: put it in the place of the old one \
                 and start",
            ))
        }
        Err(_) => Err(first),
    }
}
