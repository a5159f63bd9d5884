//! `shortstop ledger export`: the published log as a folder, or entries one a line for a SIEM. The
//! gateway records either before anything is handed out.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{ExportArgs, ExportFormat};
use crate::commands::gateway_call::call;
use crate::control::{LineFormat, Request};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;

use super::lines::{self, Wanted};
use super::word;

/// Runs the command.
pub fn run(args: &ExportArgs, output: Output) -> Outcome {
    let format = match args.format {
        ExportFormat::C2sp => return folder(args, output),
        ExportFormat::Ocsf => LineFormat::Ocsf,
        ExportFormat::Cef => LineFormat::Cef,
        ExportFormat::Jsonl => LineFormat::Jsonl,
    };
    let wanted = Wanted {
        format,
        since: args.since.clone(),
        until: args.until.clone(),
    };
    let Some(to) = &args.to else {
        lines::to_stdout(&args.place, wanted)?;
        return Ok(Exit::Done);
    };
    let written = if args.resume {
        lines::resume(&args.place, wanted, to)?
    } else {
        lines::to_file(&args.place, wanted, to)?
    };
    let count = written.count;
    output.event(
        "ledger-exported",
        &json!({"file": to, "format": format, "first": written.first, "count": count}),
    );
    output.line(format!("{count} entries are written to {}.", to.display()));
    Ok(Exit::Done)
}

fn folder(args: &ExportArgs, output: Output) -> Outcome {
    if args.since.is_some() || args.until.is_some() || args.resume {
        let says =
            "--since, --until and --resume are for entries: choose --format ocsf, cef or jsonl";
        return Err(Failure::usage(says));
    }
    let to = std::path::absolute(args.to.as_deref().unwrap_or(Path::new("")))?;
    let result = call(&args.place, Request::LedgerExport { to: to.clone() })?;
    output.event("ledger-exported", &result);
    let size = result.get("size").and_then(Value::as_u64).unwrap_or(0);
    output.line(format!("{size} entries are exported to {}.", to.display()));
    output.line(format!("The log's key is {}", word(&result, "vkey")));
    output.line("Give the key to whoever verifies, by another way than the folder.");
    Ok(Exit::Done)
}
