//! `shortstop verifications …`: whether codes are used, which prefixes are blocked, the end of a block, and
//! numbers that are enabled again.

use domain::verification::pumping::Prefix;
use serde_json::Value;

use crate::cli::Place;
use crate::cli::verifications::{EnableArgs, VerificationsCommand};
use crate::control::Request;
use crate::exit::{Exit, Outcome};
use crate::output::{Output, Tone};

use super::gateway_call::call;
use super::subject;

/// Runs the command.
pub fn run(command: &VerificationsCommand, output: Output) -> Outcome {
    match command {
        VerificationsCommand::Stats { place } => stats(place, output),
        VerificationsCommand::Unblock {
            prefix,
            reason,
            place,
        } => unblock(*prefix, reason, place, output),
        VerificationsCommand::Enable(args) => enable(args, output),
    }
}

fn enable(args: &EnableArgs, output: Output) -> Outcome {
    let request = Request::VerificationsEnable {
        client: args.client,
        number: subject::number(&args.number)?,
        reason: args.reason.clone(),
    };
    let result = call(&args.place, request)?;
    output.event("number-enabled", &result);
    let failures = number(result.get("failures"));
    output.line(format!(
        "The number gets codes of {} again, after {failures} wrong ones in a row.",
        args.client
    ));
    if let Some(seconds) = result.get("locked_seconds").and_then(Value::as_u64) {
        output.line(format!(
            "Its failed checks of the day are used up: codes are looked at in {} minutes.",
            seconds.div_ceil(60)
        ));
    }
    Ok(Exit::Done)
}

fn unblock(prefix: Prefix, reason: &str, place: &Place, output: Output) -> Outcome {
    let reason = reason.to_owned();
    let result = call(place, Request::VerificationsUnblock { prefix, reason })?;
    output.event("prefix-unblocked", &result);
    let refused = number(result.get("refused"));
    output.line(format!(
        "{prefix} is no longer blocked; {refused} codes were refused meanwhile. Put it on the safe list \
         (pumping.safe_list) if it must never be blocked again."
    ));
    Ok(Exit::Done)
}

fn stats(place: &Place, output: Output) -> Outcome {
    let result = call(place, Request::VerificationsStats)?;
    output.event("verifications", &result);
    if word(&result, "mode") == "record" {
        output.line("The guard only records: nothing is refused (pumping.mode).");
    }
    let blocks = rows(&result, "blocks");
    if blocks.is_empty() {
        output.line("No prefix is blocked.");
    }
    for block in blocks {
        output.line(output.tone(Tone::Bad, blocked(block)));
        output.line(evidence(block));
    }
    for (head, name, key) in [
        ("client and country", "countries", "country"),
        ("prefix (most unused codes first)", "prefixes", "prefix"),
    ] {
        output.line("");
        output.line(format!(
            "{head:<42} {:>24}  {:>24}",
            "last hour", "last 24 hours"
        ));
        for row in rows(&result, name) {
            let client = word(row, "client");
            let what = format!("{client} {}", word(row, key));
            let (hour, day) = (counts(row.get("hour")), counts(row.get("day")));
            output.line(format!("{:<42} {hour:>24}  {day:>24}", what.trim()));
        }
    }
    let uncounted = number(result.get("uncounted"));
    if uncounted > 0 {
        let says = format!("{uncounted} sends or uses were not counted: the tables are full.");
        output.line(output.tone(Tone::Bad, says));
    }
    Ok(Exit::Done)
}

fn blocked(block: &Value) -> String {
    let nth = match number(block.get("nth")) {
        0 | 1 => String::new(),
        nth => format!(", block {nth} in a row"),
    };
    let whose = match word(block, "reach") {
        "client" => format!("client {}", word(block, "client")),
        _ => "every client".to_owned(),
    };
    format!(
        "{} ({}) is blocked for {whose} ({}) since {}, until {}{nth}; {} codes refused",
        word(block, "prefix"),
        word(block, "country"),
        word(block, "reason"),
        word(block, "since"),
        word(block, "until"),
        number(block.get("refused"))
    )
}

fn evidence(block: &Value) -> String {
    let of = |name: &str| number(block.get("evidence").and_then(|found| found.get(name)));
    let side_by_side = match of("numbers") {
        0 => String::new(),
        numbers => format!(", {numbers} numbers side by side"),
    };
    format!(
        "    {} sent and {} used in {} minutes{side_by_side}; begun by a request of {}",
        of("sent"),
        of("verified"),
        of("window_seconds") / 60,
        word(block, "client")
    )
}

fn counts(count: Option<&Value>) -> String {
    let of = |name: &str| count.and_then(|count| count.get(name));
    let share = match of("conversion_percent").and_then(Value::as_u64) {
        Some(share) => format!(" {share:>3} %"),
        None => "    – ".to_owned(),
    };
    format!(
        "{} of {}{share}",
        number(of("verified")),
        number(of("sent"))
    )
}

fn rows<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let rows = value.get(name).and_then(Value::as_array);
    rows.map_or(&[], Vec::as_slice)
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or(0)
}
