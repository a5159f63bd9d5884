//! The scenarios: what is set up, what is sent, and which figures are taken.

mod example;
mod fair;
mod ledger;
mod limits;
mod smpp;
mod verifications;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::time::Instant;

use super::gateway::{Wishes, Yard};
use super::load::{self, Counter, Rhythm};
use super::machine;
use super::report::{Aim, Report};

/// A carrier that takes whatever comes.
const WIDE: Wishes = Wishes {
    mps: 1_000_000,
    binds: 2,
    window: 1_000,
};
/// A carrier as short codes know it: a hundred segments a second.
const USUAL: Wishes = Wishes {
    mps: 100,
    binds: 2,
    window: 10,
};
/// Receipts at once, so that what is measured is the gateway and not the carrier's patience.
const PROMPT: [&str; 2] = ["--receipt-milliseconds", "0"];

/// In the order in which they run.
const SCENARIOS: [&str; 11] = [
    "accept",
    "deliver",
    "smpp",
    "steady",
    "fair",
    "queue",
    "ledger",
    "search",
    "limits",
    "verifications",
    "idle",
];

/// Runs one scenario, or all.
pub fn run(wanted: Option<&str>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut report = Report::open(&machine::describe())?;
        let mut any = false;
        for name in SCENARIOS {
            if wanted.is_none_or(|wanted| wanted == name) {
                any = true;
                match name {
                    "accept" => accept(&mut report).await?,
                    "deliver" => deliver(&mut report).await?,
                    "smpp" => smpp::run(&mut report).await?,
                    "steady" => steady(&mut report).await?,
                    "fair" => fair::run(&mut report).await?,
                    "queue" => queue(&mut report).await?,
                    "ledger" => ledger::run(&mut report).await?,
                    "search" => ledger::search(&mut report)?,
                    "limits" => limits::run(&mut report)?,
                    "verifications" => verifications::run(&mut report).await?,
                    _ => idle(&mut report).await?,
                }
            }
        }
        if !any {
            bail!("no such scenario; there are {}", SCENARIOS.join(", "));
        }
        report.close()
    })
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures for people"
)]
fn float(value: u64) -> f64 {
    value as f64
}

fn millis(micros: u64) -> f64 {
    float(micros) / 1_000.0
}

/// Processor time a message, in microseconds.
fn per_message(cpu: Duration, messages: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / float(messages.max(1))
}

/// Durable accepts over HTTPS at 1, 16 and 64 connections, towards a carrier of usual speed.
async fn accept(report: &mut Report) -> anyhow::Result<()> {
    let yard = Yard::new("accept")?;
    let _carrier = yard.carrier(&PROMPT)?;
    let gateway = yard.gateway(USUAL)?;
    let target = yard.client()?;
    let counter = Counter::default();
    load::run(&target, &counter, 64, 20_000, Rhythm::Closed).await?;
    for (connections, messages) in [(1, 5_000), (16, 60_000), (64, 150_000)] {
        let name = format!("accept, {connections} connections");
        let before = machine::cpu(gateway.pid())?;
        let outcome = load::run(&target, &counter, connections, messages, Rhythm::Closed).await?;
        let cpu = machine::cpu(gateway.pid())?.saturating_sub(before);
        if outcome.refused > 0 {
            bail!("{} of {messages} messages were refused", outcome.refused);
        }
        let rate = float(outcome.accepted) / outcome.elapsed.as_secs_f64();
        let (aim, p99) = match connections {
            64 => (Aim::AtLeast(12_700.0), Aim::AtMost(25.0)),
            _ => (Aim::None, Aim::None),
        };
        report.figure(&name, "durable accepts a second", rate, aim)?;
        let at = |quantile| millis(outcome.latency.value_at_quantile(quantile));
        report.figure(&name, "p50, ms", at(0.5), Aim::None)?;
        report.figure(&name, "p99, ms", at(0.99), p99)?;
        report.figure(&name, "p99.9, ms", at(0.999), Aim::None)?;
        report.figure(
            &name,
            "gateway CPU, µs a message",
            per_message(cpu, messages),
            Aim::None,
        )?;
    }
    drop(gateway);
    yard.clear()
}

/// From accept to receipt: how many a second, and at which cost.
async fn deliver(report: &mut Report) -> anyhow::Result<()> {
    const MESSAGES: u64 = 150_000;
    let yard = Yard::new("deliver")?;
    let carrier = yard.carrier(&PROMPT)?;
    let gateway = yard.gateway(WIDE)?;
    let target = yard.client()?;
    let counter = Counter::default();
    load::run(&target, &counter, 64, 10_000, Rhythm::Closed).await?;
    delivered(&yard, 10_000).await?;
    let before = (machine::cpu(gateway.pid())?, machine::cpu(carrier.pid())?);
    let start = Instant::now();
    load::run(&target, &counter, 64, MESSAGES, Rhythm::Closed).await?;
    delivered(&yard, 10_000 + MESSAGES).await?;
    let elapsed = start.elapsed();
    let cpu = machine::cpu(gateway.pid())?.saturating_sub(before.0);
    let carrier_cpu = machine::cpu(carrier.pid())?.saturating_sub(before.1);
    let rate = float(MESSAGES) / elapsed.as_secs_f64();
    report.figure(
        "deliver",
        "delivered a second, with receipts",
        rate,
        Aim::AtLeast(8_000.0),
    )?;
    let cost = per_message(cpu, MESSAGES);
    report.figure(
        "deliver",
        "gateway CPU, µs accept to delivered",
        cost,
        Aim::AtMost(110.0),
    )?;
    let unique = yard.stat("unique")?;
    if unique != 10_000 + MESSAGES {
        bail!(
            "the carrier saw {unique} messages instead of {}",
            10_000 + MESSAGES
        );
    }
    let duplicates = float(yard.stat("duplicates")?);
    report.figure(
        "deliver",
        "duplicates at the carrier",
        duplicates,
        Aim::AtMost(0.0),
    )?;
    let cost = per_message(carrier_cpu, MESSAGES);
    report.figure("deliver", "simulator CPU, µs a message", cost, Aim::None)?;
    drop(gateway);
    yard.clear()
}

/// Waits until so many messages are delivered.
async fn delivered(yard: &Yard, count: u64) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_mins(2);
    while yard.metric("shortstop_messages_settled_total", "delivered")? < count {
        if Instant::now() > deadline {
            bail!("not everything was delivered in two minutes");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A quiet 200 messages a second: from the request being due to the handset.
async fn steady(report: &mut Report) -> anyhow::Result<()> {
    const RATE: u32 = 200;
    const MESSAGES: u64 = 4_000;
    let yard = Yard::new("steady")?;
    let _carrier = yard.carrier(&PROMPT)?;
    let gateway = yard.gateway(WIDE)?;
    let target = yard.client()?;
    let counter = Counter::default();
    load::run(&target, &counter, 8, 400, Rhythm::Steady(RATE)).await?;
    let outcome = load::run(&target, &counter, 8, MESSAGES, Rhythm::Steady(RATE)).await?;
    let at = |quantile| millis(outcome.latency.value_at_quantile(quantile));
    report.figure("steady 200/s", "accept p50, ms", at(0.5), Aim::None)?;
    report.figure("steady 200/s", "accept p99, ms", at(0.99), Aim::None)?;
    delivered(&yard, 400 + MESSAGES).await?;
    let mut times = handset_times(&yard, outcome.began, RATE, 400)?;
    times.sort_unstable();
    let at = |share: usize| {
        times
            .get(times.len() * share / 1_000)
            .copied()
            .map_or(0.0, millis)
    };
    report.figure(
        "steady 200/s",
        "request to handset p50, ms",
        at(500),
        Aim::None,
    )?;
    report.figure(
        "steady 200/s",
        "request to handset p99, ms",
        at(990),
        Aim::AtMost(5.0),
    )?;
    drop(gateway);
    yard.clear()
}

/// How long after it was due each message reached its handset, in microseconds. Messages are numbered
/// in the order in which they were due.
fn handset_times(yard: &Yard, began: u64, rate: u32, first: u64) -> anyhow::Result<Vec<u64>> {
    let mut arrived = HashMap::new();
    for message in yard.inbox()? {
        let text = message
            .get("text")
            .and_then(Value::as_str)
            .context("no text")?;
        let number: u64 = text.get(21..30).context("a short text")?.parse()?;
        let at = message
            .get("at_unix_micros")
            .and_then(Value::as_u64)
            .context("no time")?;
        arrived.insert(number, at);
    }
    let step = 1_000_000 / u64::from(rate);
    let times = arrived.into_iter().filter(|(number, _)| *number >= first);
    Ok(times
        .map(|(number, at)| at.saturating_sub(began + (number - first) * step))
        .collect())
}

/// 100,000 messages while the carrier is away: memory, restart, and how fast they go out then.
async fn queue(report: &mut Report) -> anyhow::Result<()> {
    const MESSAGES: u64 = 100_000;
    let yard = Yard::new("queue")?;
    let gateway = yard.gateway(WIDE)?;
    let target = yard.client()?;
    let counter = Counter::default();
    load::run(&target, &counter, 16, 1_000, Rhythm::Closed).await?;
    let before = machine::resident(gateway.pid())?;
    load::run(&target, &counter, 16, MESSAGES, Rhythm::Closed).await?;
    let after = machine::resident(gateway.pid())?;
    let bytes = float(after.saturating_sub(before)) / float(MESSAGES);
    report.figure(
        "queue of 100,000",
        "bytes of memory a message",
        bytes,
        Aim::AtMost(1_000.0),
    )?;
    gateway.kill();
    let start = Instant::now();
    let gateway = yard.gateway(WIDE)?;
    let restart = start.elapsed().as_secs_f64();
    report.figure(
        "queue of 100,000",
        "restart after a kill, s",
        restart,
        Aim::AtMost(1.0),
    )?;
    let held = machine::resident(gateway.pid())?;
    report.figure(
        "queue of 100,000",
        "memory after restart, MiB",
        float(held) / 1_048_576.0,
        Aim::None,
    )?;
    let _carrier = yard.carrier(&["--no-receipts"])?;
    let submitted = |yard: &Yard| yard.metric("shortstop_segments_total", "submitted");
    while submitted(&yard)? == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (start, first) = (Instant::now(), submitted(&yard)?);
    while submitted(&yard)? < MESSAGES + 1_000 {
        if start.elapsed() > Duration::from_mins(1) {
            bail!("the queue did not drain in a minute");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rate = float(MESSAGES + 1_000 - first) / start.elapsed().as_secs_f64();
    report.figure(
        "queue of 100,000",
        "drained a second",
        rate,
        Aim::AtLeast(20_000.0),
    )?;
    drop(gateway);
    yard.clear()
}

/// A gateway with nothing to do.
async fn idle(report: &mut Report) -> anyhow::Result<()> {
    let yard = Yard::new("idle")?;
    let _carrier = yard.carrier(&PROMPT)?;
    let gateway = yard.gateway(WIDE)?;
    let target = yard.client()?;
    load::run(&target, &Counter::default(), 1, 10, Rhythm::Closed).await?;
    let before = machine::cpu(gateway.pid())?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let cpu = machine::cpu(gateway.pid())?.saturating_sub(before);
    let memory = float(machine::resident(gateway.pid())?) / 1_048_576.0;
    report.figure("idle", "resident memory, MiB", memory, Aim::AtMost(64.0))?;
    report.figure(
        "idle",
        "CPU, ms a second",
        cpu.as_secs_f64() * 100.0,
        Aim::None,
    )?;
    drop(gateway);
    yard.clear()
}
