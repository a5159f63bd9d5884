//! Fairness: how long the messages of a quiet client take to the handset, alone and while another client
//! floods with twenty times what the line takes, by codes and by marketing.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::{PROMPT, USUAL, float, millis};
use crate::bench::gateway::Yard;
use crate::bench::load::{self, Counter, Rhythm, Target};
use crate::bench::report::{Aim, Report};

/// Messages a second of the quiet client, and for how long.
const QUIET_RATE: u32 = 20;
const QUIET_MESSAGES: u64 = 600;
/// Where its numbers begin, far from those of the flood.
const QUIET_FIRST: u64 = 500_000_000;
/// Twenty times the segments a second of [`USUAL`], from before the quiet client to after it.
const FLOOD_RATE: u32 = 2_000;
const FLOOD_MESSAGES: u64 = 70_000;
const FLOOD_CONNECTIONS: u32 = 64;
/// How long the flood goes on before anything is measured: its burst is spent then.
const FLOOD_FIRST: Duration = Duration::from_secs(3);

/// Takes the figures of fairness.
pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    for class in ["otp", "marketing"] {
        let scenario = format!("fair, flood of {class}");
        let yard = Yard::new("fair")?;
        let _carrier = yard.carrier(&PROMPT)?;
        let gateway = yard.gateway(USUAL)?;
        let quiet = yard.client_of("quiet", "otp")?;
        let flood = yard.client_of("flood", class)?;
        let counter = Counter::starting_at(QUIET_FIRST);
        load::run(&quiet, &counter, 4, 100, Rhythm::Steady(QUIET_RATE)).await?;
        let alone = measured(&yard, &quiet, &counter, QUIET_FIRST + 100).await?;
        let numbers = Counter::default();
        let flooding = load::run(
            &flood,
            &numbers,
            FLOOD_CONNECTIONS,
            FLOOD_MESSAGES,
            Rhythm::Steady(FLOOD_RATE),
        );
        let beside = async {
            tokio::time::sleep(FLOOD_FIRST).await;
            measured(&yard, &quiet, &counter, QUIET_FIRST + 100 + QUIET_MESSAGES).await
        };
        let (flooded, flooding) = tokio::join!(beside, flooding);
        let (flooded, flooding) = (flooded?, flooding?);
        let rate = float(flooding.accepted + flooding.refused) / flooding.elapsed.as_secs_f64();
        report.figure(&scenario, "requests of the flood a second", rate, Aim::None)?;
        report.figure(
            &scenario,
            "of them accepted",
            float(flooding.accepted),
            Aim::None,
        )?;
        for (name, times) in [("alone", &alone), ("beside the flood", &flooded)] {
            let figure = format!("request to handset, {name}, p50, ms");
            report.figure(&scenario, &figure, at(times, 500), Aim::None)?;
            let figure = format!("request to handset, {name}, p99, ms");
            report.figure(&scenario, &figure, at(times, 990), Aim::None)?;
        }
        let ratio = at(&flooded, 990) / at(&alone, 990);
        report.figure(
            &scenario,
            "p99 beside to p99 alone",
            ratio,
            Aim::AtMost(2.0),
        )?;
        drop(gateway);
        yard.clear()?;
    }
    Ok(())
}

/// Sends the quiet client's messages, numbered from `first`; how long each took to its handset, in
/// microseconds and sorted.
async fn measured(
    yard: &Yard,
    quiet: &Target,
    counter: &Counter,
    first: u64,
) -> anyhow::Result<Vec<u64>> {
    let rhythm = Rhythm::Steady(QUIET_RATE);
    let outcome = load::run(quiet, counter, 4, QUIET_MESSAGES, rhythm).await?;
    ensure!(
        outcome.refused == 0,
        "a message of the quiet client was refused"
    );
    // The last one may still be on its way.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let arrived = arrivals(yard)?;
    let step = 1_000_000 / u64::from(QUIET_RATE);
    let took = (0..QUIET_MESSAGES).map(|place| {
        let at = arrived.get(&(first + place));
        let at = at.context("a message of the quiet client did not arrive")?;
        Ok(at.saturating_sub(outcome.began + place * step))
    });
    let mut took = took.collect::<anyhow::Result<Vec<u64>>>()?;
    took.sort_unstable();
    Ok(took)
}

/// When each message reached its handset, by its number, in microseconds since 1970.
fn arrivals(yard: &Yard) -> anyhow::Result<HashMap<u64, u64>> {
    let mut arrived = HashMap::new();
    for message in yard.inbox()? {
        let text = message.get("text").and_then(Value::as_str);
        let number = text.context("no text")?.get(21..30);
        let at = message.get("at_unix_micros").and_then(Value::as_u64);
        arrived.insert(
            number.context("a short text")?.parse()?,
            at.context("no time")?,
        );
    }
    Ok(arrived)
}

fn at(times: &[u64], share: usize) -> f64 {
    let place = times.len() * share / 1_000;
    times.get(place).copied().map_or(0.0, millis)
}
