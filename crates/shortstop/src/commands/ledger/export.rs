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
    output.line(count(&result, &to));
    output.line(format!("The log's key is {}", word(&result, "vkey")));
    output.line("Give the key to whoever verifies, by another way than the folder.");
    Ok(Exit::Done)
}

/// How many entries went, and of how many only the hashes.
fn count(result: &Value, to: &Path) -> String {
    let number = |name: &str| result.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (size, pruned, to) = (number("size"), number("minimum_index"), to.display());
    if pruned == 0 {
        return format!("{size} entries are exported to {to}.");
    }
    let entries = size.saturating_sub(pruned);
    format!(
        "{entries} of {size} entries are exported to {to}; the {pruned} before them are pruned: of those only the \
         hashes."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pruned_entries_are_not_counted_as_exported() {
        let says = |size, minimum| {
            count(
                &json!({"size": size, "minimum_index": minimum}),
                Path::new("/e"),
            )
        };
        assert_eq!(says(732, 0), "732 entries are exported to /e.");
        assert!(says(732, 512).starts_with("220 of 732 entries are exported to /e; the 512 "));
    }
}
