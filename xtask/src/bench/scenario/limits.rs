//! The limits: decisions a second and core, memory a key, a flood of new keys, and the crate `governor`
//! on the same keys in the same run.

use anyhow::Context;

use super::example::{example, number, word};
use crate::bench::report::{Aim, Report};

const SCENARIO: &str = "limits";
/// What a full table may grow by under ten million new keys: nothing, but the allocator breathes.
const BREATH_OCTETS: f64 = 1_048_576.0;

/// Takes the figures of the limits.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    for line in example("domain", "limits")? {
        let figure = word(&line, "figure").zip(number(&line, "value"));
        let (name, value) = figure.with_context(|| format!("no figure: {line}"))?;
        report.figure(SCENARIO, name, value, aim(name))?;
    }
    Ok(())
}

fn aim(figure: &str) -> Aim {
    match figure {
        "decisions a second and core, 1 rate" => Aim::AtLeast(3_000_000.0),
        "governor's decisions for one of ours" => Aim::AtMost(1.5),
        "octets of memory a rate key" => Aim::AtMost(64.0),
        "octets that ten times as many new keys add" => Aim::AtMost(BREATH_OCTETS),
        _ => Aim::None,
    }
}
