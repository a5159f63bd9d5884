//! `shortstop ledger prune`: drops the bytes of old entries and keeps their hashes.

use serde_json::Value;

use crate::cli::PruneArgs;
use crate::commands::gateway_call::call;
use crate::control::Request;
use crate::control::message::{Insistence, Manner};
use crate::exit::{Exit, Outcome};
use crate::output::Output;

/// Runs the command.
pub fn run(args: &PruneArgs, output: Output) -> Outcome {
    let below_a_year = if args.i_know_auditors_expect_a_year {
        Insistence::Insists
    } else {
        Insistence::None
    };
    let manner = if args.dry_run {
        Manner::DryRun
    } else {
        Manner::Real
    };
    let request = Request::LedgerPrune {
        keep_days: args.keep_days,
        below_a_year,
        manner,
    };
    let result = call(&args.place, request)?;
    output.event("ledger-pruned", &result);
    let number = |name: &str| result.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (entries, minimum) = (number("entries"), number("minimum_index"));
    output.line(match (entries, manner) {
        (0, _) => format!("No entries are old enough; the minimum index is {minimum}."),
        (_, Manner::DryRun) => {
            format!("{entries} entries would go; the minimum index would be {minimum}.")
        }
        (_, Manner::Real) => format!(
            "{entries} entries went; the minimum index is {minimum}. Their hashes are still there."
        ),
    });
    Ok(Exit::Done)
}
