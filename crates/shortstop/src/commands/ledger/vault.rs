//! The second half of `ledger verify` where the gateway's keys are: every commitment against the vault.

use ledger::verify::Report;
use serde_json::{Value, json};

use crate::cli::Place;
use crate::commands::gateway_call::call;
use crate::control::Request;
use crate::control::act::openings::Openings;
use crate::output::{Output, Tone};

/// What is known of the vault.
pub enum Vault {
    /// Every commitment was held against it.
    Checked(Openings),
    /// It was not looked at, and why.
    Unchecked(String),
}

impl Vault {
    /// Checks it and tells every fault. Beside a sound log, one that cannot be read is a fault itself.
    pub fn check(place: &Place, report: &Report, output: Output) -> Self {
        let is_sound = report.is_sound();
        let asked = match call(place, Request::LedgerOpenings) {
            Ok(result) => serde_json::from_value::<Openings>(result).map_err(|e| e.to_string()),
            Err(failure) => Err(format!("{:#}", failure.cause)),
        };
        let openings = match asked {
            Ok(openings) => openings,
            // What keeps it from being looked at is wrong with the log itself, and told.
            Err(says) if !is_sound => return Self::Unchecked(says),
            Err(says) => Openings::unreadable(&says),
        };
        if let Some(says) = openings.unchecked {
            return Self::Unchecked(says);
        }
        tell(&openings, output);
        Self::Checked(openings)
    }

    /// Whether nobody looked at it.
    pub const fn is_unchecked(&self) -> bool {
        matches!(self, Self::Unchecked(_))
    }

    /// How many faults it has, as far as it was looked at.
    pub const fn faults(&self) -> u64 {
        match self {
            Self::Checked(openings) => openings.faults,
            Self::Unchecked(_) => 0,
        }
    }

    /// What the summary says of it.
    pub fn summary(&self) -> Value {
        match self {
            Self::Checked(openings) if openings.is_unreadable() => {
                json!({"checked": false, "faults": openings.faults})
            }
            Self::Checked(openings) => {
                json!({"checked": true, "commitments": openings.commitments, "faults": openings.faults})
            }
            Self::Unchecked(_) => json!("not-checked"),
        }
    }

    /// Why nobody looked at it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Checked(_) => None,
            Self::Unchecked(says) => Some(says),
        }
    }

    /// A line for people.
    pub fn line(&self, output: Output) -> String {
        match self {
            Self::Checked(openings) if openings.is_unreadable() => {
                output.tone(Tone::Bad, "vault      cannot be read")
            }
            Self::Checked(openings) => {
                format!("vault      {} commitments", openings.commitments)
            }
            Self::Unchecked(says) => {
                let says = format!("vault      not checked: {says}");
                output.tone(Tone::Faint, says)
            }
        }
    }
}

fn tell(openings: &Openings, output: Output) {
    for fault in &openings.told {
        output.event("fault", fault);
        let place = fault
            .index
            .map(|index| format!("entry {index}: "))
            .unwrap_or_default();
        let says = format!("{place}{}: {}", fault.kind, fault.detail);
        output.line(output.tone(Tone::Bad, says));
    }
    let told = u64::try_from(openings.told.len()).unwrap_or(u64::MAX);
    if openings.faults > told {
        output.line(format!("… and {} more faults.", openings.faults - told));
    }
}
