//! SMPP in, carrier out: ESMEs over TLS with full windows, every submit durable before its answer, and the way
//! back of their receipts.

use std::fmt::Write as _;

use anyhow::ensure;

use super::{PROMPT, WIDE, delivered, float, millis, per_message};
use crate::bench::esmes::{Crew, Outcome, Role};
use crate::bench::gateway::{PASSWORD, PASSWORD_FILE, Process, Yard, wide_open};
use crate::bench::load::Target;
use crate::bench::machine;
use crate::bench::report::{Aim, Report};

const ACCOUNT: &str = "bench";
/// Unanswered submits of one ESME.
const WINDOW: usize = 64;
const WARM_UP: u64 = 10_000;
const MESSAGES: u64 = 100_000;
const RECEIPTS: u64 = 60_000;
/// Submits a second where they come steadily.
const RATE: u32 = 12_000;
const STEADY: u64 = 60_000;

/// Takes the figures of ESMEs.
pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    for esmes in [1, 8] {
        submits(report, esmes).await?;
    }
    receipts(report).await
}

/// Submits and their answers, while all of it goes on to the carrier: with windows always full, and at a steady
/// rate.
async fn submits(report: &mut Report, esmes: usize) -> anyhow::Result<()> {
    let yard = Yard::new("smpp")?;
    let _carrier = yard.carrier(&PROMPT)?;
    let (gateway, target) = serve(&yard)?;
    let full = crew(&yard, &target, 0);
    let who = (esmes, Role::Transceiver);
    full.run(who, (0, WARM_UP), 0).await?;
    delivered(&yard, WARM_UP).await?;
    let before = machine::cpu(gateway.pid())?;
    let outcome = full.run(who, (WARM_UP, MESSAGES), 0).await?;
    delivered(&yard, WARM_UP + MESSAGES).await?;
    let cpu = machine::cpu(gateway.pid())?.saturating_sub(before);
    let name = format!("smpp, {esmes} of window 64");
    let rate = float(MESSAGES) / outcome.answered.as_secs_f64();
    let (rate_aim, p99_aim) = match esmes {
        1 => (Aim::None, Aim::None),
        _ => (Aim::AtLeast(f64::from(RATE)), Aim::AtMost(20.0)),
    };
    report.figure(&name, "durable submits a second", rate, rate_aim)?;
    times(report, (&name, "full windows"), &outcome, Aim::None)?;
    let cost = per_message(cpu, MESSAGES);
    let figure = "gateway CPU, µs submit to delivered";
    report.figure(&name, figure, cost, Aim::None)?;
    let steady = Crew {
        rate: Some(RATE),
        ..full
    };
    let first = WARM_UP + MESSAGES;
    let outcome = steady.run(who, (first, STEADY), 0).await?;
    times(report, (&name, "at 12,000/s"), &outcome, p99_aim)?;
    delivered(&yard, first + STEADY).await?;
    let unique = yard.stat("unique")?;
    ensure!(
        unique == first + STEADY,
        "the carrier saw {unique} messages instead of {}",
        first + STEADY
    );
    drop(gateway);
    yard.clear()
}

/// How long answers took.
fn times(
    report: &mut Report,
    (name, rhythm): (&str, &str),
    outcome: &Outcome,
    aim: Aim,
) -> anyhow::Result<()> {
    for (quantile, word, aim) in [
        (0.5, "p50", Aim::None),
        (0.99, "p99", aim),
        (0.999, "p99.9", Aim::None),
    ] {
        let took = millis(outcome.latency.value_at_quantile(quantile));
        report.figure(name, &format!("{rhythm}, {word}, ms"), took, aim)?;
    }
    Ok(())
}

/// Receipts: while messages are submitted over the same binds, and those that waited for a bind.
async fn receipts(report: &mut Report) -> anyhow::Result<()> {
    const NAME: &str = "smpp, receipts back";
    let yard = Yard::new("smpp")?;
    let _carrier = yard.carrier(&PROMPT)?;
    let (gateway, target) = serve(&yard)?;
    let crew = crew(&yard, &target, 1);
    crew.run((8, Role::Transceiver), (0, WARM_UP), WARM_UP)
        .await?;
    let before = machine::cpu(gateway.pid())?;
    let outcome = crew
        .run((8, Role::Transceiver), (WARM_UP, RECEIPTS), RECEIPTS)
        .await?;
    let cpu = machine::cpu(gateway.pid())?.saturating_sub(before);
    let rate = float(RECEIPTS) / outcome.elapsed.as_secs_f64();
    report.figure(
        NAME,
        "submits with their receipts a second",
        rate,
        Aim::None,
    )?;
    let cost = per_message(cpu, RECEIPTS);
    let figure = "gateway CPU, µs submit to receipt taken";
    report.figure(NAME, figure, cost, Aim::None)?;
    let first = WARM_UP + RECEIPTS;
    crew.run((8, Role::Transmitter), (first, RECEIPTS), 0)
        .await?;
    delivered(&yard, first + RECEIPTS).await?;
    let before = machine::cpu(gateway.pid())?;
    let outcome = crew.run((8, Role::Receiver), (0, 0), RECEIPTS).await?;
    let cpu = machine::cpu(gateway.pid())?.saturating_sub(before);
    let rate = float(RECEIPTS) / outcome.elapsed.as_secs_f64();
    report.figure(NAME, "that waited, deliver_sm a second", rate, Aim::None)?;
    let cost = per_message(cpu, RECEIPTS);
    report.figure(NAME, "gateway CPU, µs a deliver_sm", cost, Aim::None)?;
    drop(gateway);
    yard.clear()
}

/// A gateway with an account for ESMEs, whose client is made on a first start.
fn serve(yard: &Yard) -> anyhow::Result<(Process, Target)> {
    let mut more = wide_open()?;
    writeln!(more, "[smpp]\nlisten = \"{}\"", yard.door())?;
    writeln!(more, "certificate_file = {:?}", yard.path("server.pem"))?;
    writeln!(more, "key_file = {:?}", yard.path("server.key"))?;
    let gateway = yard.gateway_with(WIDE, &more)?;
    let target = yard.client()?;
    drop(gateway);
    writeln!(more, "[[esme]]\nsystem_id = \"{ACCOUNT}\"")?;
    writeln!(more, "client = \"{}\"\nclass = \"otp\"", target.client)?;
    writeln!(more, "binds_max = 16\nnetworks = [\"127.0.0.0/8\"]")?;
    writeln!(more, "password_file = {:?}", yard.path(PASSWORD_FILE))?;
    Ok((yard.gateway_with(WIDE, &more)?, target))
}

fn crew<'a>(yard: &Yard, target: &'a Target, registered: u8) -> Crew<'a> {
    Crew {
        address: yard.door(),
        target,
        account: (ACCOUNT, PASSWORD),
        window: WINDOW,
        registered,
        rate: None,
    }
}
