//! `shortstop ledger rebuild`: the state that the ledger tells against the state that the store holds.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::Place;
use crate::commands::gateway_call::call;
use crate::control::Request;
use crate::control::act::rebuild::Rebuilt;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};

/// Runs the command.
pub fn run(to: Option<&Path>, place: &Place, output: Output) -> Outcome {
    let to = to.map(std::path::absolute).transpose()?;
    let result = call(place, Request::LedgerRebuild { to })?;
    let rebuilt: Rebuilt = serde_json::from_value(result).map_err(Failure::unavailable)?;
    for difference in &rebuilt.told {
        output.event("difference", difference);
        output.line(output.tone(Tone::Bad, line(difference)));
    }
    tell(&rebuilt, output);
    Ok(if rebuilt.differences == 0 {
        Exit::Done
    } else {
        Exit::CheckFailed
    })
}

fn line(difference: &Value) -> String {
    let word = |name: &str| difference.get(name).and_then(Value::as_str).unwrap_or("-");
    format!(
        "{} {}: {}: the ledger says {}, the store {}",
        word("what"),
        word("id"),
        word("field"),
        word("ledger"),
        word("store")
    )
}

fn tell(rebuilt: &Rebuilt, output: Output) {
    output.event(
        "ledger-rebuilt",
        &json!({
            "entries": rebuilt.entries,
            "rows": rebuilt.rows,
            "differences": rebuilt.differences,
            "folder": rebuilt.folder,
        }),
    );
    let shown = u64::try_from(rebuilt.told.len()).unwrap_or(u64::MAX);
    if rebuilt.differences > shown {
        let more = rebuilt.differences - shown;
        output.line(format!("… and {more} more differences."));
    }
    let Rebuilt {
        entries,
        rows,
        differences,
        ..
    } = rebuilt;
    output.line(if *differences == 0 {
        let says = format!("{entries} entries give the {rows} rows of the store again.");
        output.tone(Tone::Good, says)
    } else {
        let says = format!("{differences} difference(s); the store is not what the ledger tells.");
        output.tone(Tone::Bad, says)
    });
    if let Some(folder) = &rebuilt.folder {
        let folder = folder.display();
        output.line(format!("{folder} holds what the ledger tells."));
        output.line(
            "Put the master key and `wrap.salt`, and the log's key and guard, to their places before you start on it.",
        );
    }
}
