//! `shortstop subject …`: what a person may ask for.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{Place, SubjectCommand, SubjectEraseArgs, SubjectNumber};
use crate::control::Request;
use crate::control::message::{ConsentAsked, NumberAsked};
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::write_private;
use crate::output::{Output, Tone};

use super::gateway_call::call;

/// Runs the command.
pub fn run(command: &SubjectCommand, output: Output) -> Outcome {
    match command {
        SubjectCommand::Erase(args) => erase(args, output),
        SubjectCommand::Export { number, to, place } => {
            export(number, to.as_deref(), place, output)
        }
    }
}

fn erase(args: &SubjectEraseArgs, output: Output) -> Outcome {
    let request = Request::SubjectErase {
        number: number(&args.number)?,
        basis: args.basis.clone(),
        consent: if args.with_consent {
            ConsentAsked::Erase
        } else {
            ConsentAsked::Keep
        },
    };
    let result = call(&args.place, request)?;
    output.event("subject-erased", &result);
    let count = |name: &str| result.get(name).and_then(Value::as_u64).unwrap_or(0);
    let word = |name: &str| result.get(name).and_then(Value::as_str);
    output.line(format!(
        "{} values are destroyed: of {} messages, {} messages from the handset, {} verifications, {} opt-outs, {} factors.",
        count("values"),
        count("messages"),
        count("inbound"),
        count("verifications"),
        count("opt_outs"),
        count("factors")
    ));
    if count("opt_outs_kept") > 0 {
        output.line(format!(
            "The number and evidence of {} opt-outs are kept; --with-consent destroys them too.",
            count("opt_outs_kept")
        ));
    }
    let mut exit = Exit::Done;
    if count("moving") > 0 {
        exit = Exit::CheckFailed;
        let says = format!(
            "{} messages or verifications still move, and nothing of them is destroyed: ask again after {}.",
            count("moving"),
            word("again_after").unwrap_or("they have ended")
        );
        output.line(output.tone(Tone::Bad, says));
    }
    if let Some(remains) = word("remains") {
        exit = Exit::CheckFailed;
        let says = format!("Octets of destroyed values may still lie on the disk: {remains}.");
        output.line(output.tone(Tone::Bad, says));
    }
    Ok(exit)
}

fn export(asked: &SubjectNumber, to: Option<&Path>, place: &Place, output: Output) -> Outcome {
    if let Some(to) = to.filter(|to| to.exists()) {
        let says = format!("{} is there already; name a new file", to.display());
        return Err(Failure::usage(says));
    }
    let number = number(asked)?;
    let result = call(place, Request::SubjectExport { number })?;
    let count = result
        .get("items")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let Some(to) = to else {
        output.event("subject-exported", &result);
        output.line(format!("{result:#}"));
        return Ok(Exit::Done);
    };
    write_private(to, format!("{result:#}\n").as_bytes())?;
    output.event("subject-exported", &json!({"file": to, "items": count}));
    output.line(format!(
        "{count} messages and opt-outs are written to {}.",
        to.display()
    ));
    output.line("The file holds them in clear: hand it to the person safely, then delete it.");
    Ok(Exit::Done)
}

/// The number that a command was given, or what standard input has.
pub(super) fn number(asked: &SubjectNumber) -> Result<NumberAsked, Failure> {
    match asked {
        SubjectNumber::Written(number) => Ok(number.clone()),
        SubjectNumber::StandardInput => {
            let mut line = String::new();
            if std::io::stdin().is_terminal() {
                let _closed = write!(std::io::stderr(), "Number: ");
            }
            std::io::stdin().lock().read_line(&mut line)?;
            Ok(NumberAsked::new(line.trim()))
        }
    }
}
