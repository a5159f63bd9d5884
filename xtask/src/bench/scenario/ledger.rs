//! The ledger: durable appends, what it costs of an accept, how fast a copy of the log verifies, and how fast ten
//! million entries are searched.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tokio::time::Instant;

use super::example::{example, number, word};
use super::{PROMPT, WIDE, delivered, float, per_message};
use crate::bench::gateway::{Yard, program};
use crate::bench::load::{self, Counter, Rhythm};
use crate::bench::machine;
use crate::bench::report::{Aim, Report};

const SCENARIO: &str = "ledger";
const MESSAGES: u64 = 200_000;
/// What the example of the store measures and by which name it says so.
const LEDGER_AND_VAULT: &str = "of it ledger and vault, µs";

/// Takes the figures of the ledger.
pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    let yard = Yard::new(SCENARIO)?;
    let cost = appends(report)?;
    let _carrier = yard.carrier(&PROMPT)?;
    let gateway = yard.gateway(WIDE)?;
    let target = yard.client()?;
    let counter = Counter::default();
    load::run(&target, &counter, 64, 20_000, Rhythm::Closed).await?;
    let before = machine::cpu(gateway.pid())?;
    load::run(&target, &counter, 64, MESSAGES, Rhythm::Closed).await?;
    delivered(&yard, 20_000 + MESSAGES).await?;
    let cpu = machine::cpu(gateway.pid())?.saturating_sub(before);
    let share = 100.0 * cost / per_message(cpu, MESSAGES);
    let name = "ledger and vault, % of accept CPU";
    report.figure(SCENARIO, name, share, Aim::AtMost(35.0))?;
    // Two checkpoints on, everything is covered.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let log = yard.export()?;
    drop(gateway);
    verify(report, &log)?;
    yard.clear()
}

/// Ten million entries, searched in every way.
pub fn search(report: &mut Report) -> anyhow::Result<()> {
    for line in example("store", "search")? {
        let (Some(sort), Some(p99)) = (word(&line, "sort"), number(&line, "p99_milliseconds"))
        else {
            continue;
        };
        let p50 = number(&line, "p50_milliseconds").unwrap_or_default();
        report.figure(
            "search of 10,000,000",
            &format!("{sort}, p50, ms"),
            p50,
            Aim::None,
        )?;
        let name = format!("{sort}, p99, ms");
        report.figure("search of 10,000,000", &name, p99, Aim::AtMost(50.0))?;
    }
    Ok(())
}

/// Durable appends through the store alone. Gives the cost of ledger and vault in µs an accept.
fn appends(report: &mut Report) -> anyhow::Result<f64> {
    let mut cost = None;
    for line in example("store", "ledger")? {
        let figure = word(&line, "figure").zip(number(&line, "value"));
        let (name, value) = figure.with_context(|| format!("no figure: {line}"))?;
        let aim = match name {
            "durable appends a second" => Aim::AtLeast(50_000.0),
            _ => Aim::None,
        };
        report.figure(SCENARIO, name, value, aim)?;
        if name == LEDGER_AND_VAULT {
            cost = Some(value);
        }
    }
    cost.context("the example did not say what ledger and vault cost")
}

/// Verifies an exported log from its folder, as an outsider would.
fn verify(report: &mut Report, log: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    let output = Command::new(program())
        .args(["ledger", "verify", "--json", "--dir", log])
        .stderr(Stdio::inherit())
        .output()?;
    let elapsed = began.elapsed();
    ensure!(output.status.success(), "the log does not verify");
    let lines = String::from_utf8(output.stdout)?;
    let told = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|line| line.get("entries").and_then(Value::as_u64));
    let entries = told.context("the verifier did not say how many entries there are")?;
    if entries < MESSAGES {
        bail!("only {entries} entries were verified");
    }
    let rate = float(entries) / elapsed.as_secs_f64();
    report.figure(SCENARIO, "entries of the log", float(entries), Aim::None)?;
    let aim = Aim::AtLeast(500_000.0);
    report.figure(SCENARIO, "entries verified a second", rate, aim)
}
