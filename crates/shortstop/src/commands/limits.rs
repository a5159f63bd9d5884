//! `shortstop limits`: how every limit is used, and what a message would meet.

use serde_json::Value;

use crate::cli::{ExplainArgs, LimitsArgs, LimitsCommand};
use crate::control::Request;
use crate::control::message::LimitAsked;
use crate::exit::{Exit, Outcome};
use crate::output::{Output, Tone};

use super::gateway_call::call;
use super::subject;

/// Runs the command.
pub fn run(args: &LimitsArgs, output: Output) -> Outcome {
    if let Some(LimitsCommand::Explain(args)) = &args.command {
        return explain(args, output);
    }
    let result = call(&args.place, Request::LimitsShow)?;
    output.event("limits", &result);
    for limit in list(&result, "limits") {
        show(limit, output);
    }
    Ok(Exit::Done)
}

fn show(limit: &Value, output: Output) {
    let count = |name: &str| limit.get(name).and_then(Value::as_u64).unwrap_or(0);
    output.line(output.tone(Tone::Strong, text(limit, "name")));
    output.line(format!("  {}", text(limit, "says")));
    output.line(format!(
        "  {} of {} keys in use; {} counted, {} refused, {} would have been",
        count("keys"),
        count("keys_max"),
        count("taken"),
        count("refused"),
        count("shadowed"),
    ));
    if count("shared_keys") > 0 {
        let says = format!(
            "  the table was full: newcomers share {} coarser keys; raise keys_max",
            count("shared_keys")
        );
        output.line(output.tone(Tone::Bad, says));
    }
    for top in list(limit, "top") {
        let number = |name: &str| top.get(name).and_then(Value::as_u64).unwrap_or(0);
        output.line(format!(
            "    {:<28} {} of {}",
            text(top, "key"),
            number("used"),
            number("of")
        ));
    }
}

fn explain(args: &ExplainArgs, output: Output) -> Outcome {
    let asked = LimitAsked {
        client: args.client,
        to: subject::number(&args.to)?,
        from: args.from,
        class: args.class,
        campaign: args.campaign.clone(),
        source: args.source.clone(),
        segments: args.segments,
    };
    let result = call(&args.place, Request::LimitsExplain(asked))?;
    output.event("limits-explained", &result);
    let refused = text(&result, "verdict") == "refused";
    let says = if refused {
        "would be refused"
    } else {
        "would be counted and go on"
    };
    output.line(format!("A message to {} {says}.", text(&result, "to")));
    if let Some(refusal) = result.get("country_refusal").and_then(Value::as_str) {
        output.line(output.tone(Tone::Bad, refusal));
    }
    for limit in list(&result, "limits") {
        let mode = match text(limit, "mode") {
            "record" => " (only recorded)",
            _ => "",
        };
        let line = format!(
            "  {:<26} {}{mode}",
            text(limit, "name"),
            text(limit, "says")
        );
        let fits = limit.get("wait_seconds").and_then(Value::as_f64) == Some(0.0);
        output.line(output.tone(if fits { Tone::Good } else { Tone::Bad }, line));
    }
    Ok(if refused {
        Exit::CheckFailed
    } else {
        Exit::Done
    })
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
