//! Verifications by SMS over HTTP/2: starts and checks, each durable before its answer. The codes are read
//! from the simulated handsets, in waves; reading them is the load's own work and is not timed.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{WIDE, float, millis, per_message};
use crate::bench::gateway::{Yard, wide_open};
use crate::bench::load::histogram;
use crate::bench::machine;
use crate::bench::report::{Aim, Report};
use crate::bench::streams::{Ask, Streams};

const SCENARIO: &str = "verifications";
const CONNECTIONS: usize = 4;
/// The first wave warms up and does not count.
const WAVES: u64 = 6;
const WAVE: u64 = 5_000;
/// British numbers without +44, one for each verification, no two side by side.
const FIRST: u64 = 7_400_000_000;
const STEP: u64 = 1_009;
/// Nothing takes longer to reach a handset.
const PATIENCE: Duration = Duration::from_mins(1);
const OPTIONS: [&str; 4] = [
    "--scope",
    "verifications:write",
    "--scope",
    "verifications:check",
];
/// What follows limits that are wide open. The guard against pumping is in the road and counts; it would refuse
/// a wave, in which many codes are sent before the first is used.
const CONFIGURATION: &str = "[verifications]\nbrand = \"Example\"\n[pumping]\nmode = \"record\"\n";

/// Starts or checks, over all waves.
struct Side {
    elapsed: Duration,
    latency: Histogram<u64>,
}

/// Takes the figures of verifications.
pub async fn run(report: &mut Report) -> anyhow::Result<()> {
    let yard = Yard::new(SCENARIO)?;
    let inbox = WAVE.to_string();
    let carrier = ["--receipt-milliseconds", "0", "--inbox-max", &inbox];
    let _carrier = yard.carrier(&carrier)?;
    let configuration = wide_open()? + CONFIGURATION;
    let gateway = yard.gateway_with(WIDE, &configuration)?;
    let target = yard.client_with("bench", "otp", &OPTIONS)?;
    let streams = Streams::open(&target, CONNECTIONS).await?;
    let mut sides = [side()?, side()?];
    let mut before = Duration::ZERO;
    for wave in 0..WAVES {
        if wave == 1 {
            (sides, before) = ([side()?, side()?], machine::cpu(gateway.pid())?);
        }
        let [starts, checks] = &mut sides;
        let ids = start(&streams, wave, &target.short_code, starts).await?;
        let codes = codes(&yard, (wave + 1) * WAVE).await?;
        check(&streams, wave, &ids, &codes, checks).await?;
    }
    let cpu = machine::cpu(gateway.pid())?.saturating_sub(before);
    tell(report, &sides, cpu)?;
    drop(gateway);
    yard.clear()
}

fn tell(report: &mut Report, sides: &[Side; 2], cpu: Duration) -> anyhow::Result<()> {
    let pairs = (WAVES - 1) * WAVE;
    let [starts, checks] = sides;
    for (name, side) in [("starts", starts), ("checks", checks)] {
        let rate = float(pairs) / side.elapsed.as_secs_f64();
        report.figure(
            SCENARIO,
            &format!("durable {name} a second"),
            rate,
            Aim::None,
        )?;
        let at = |quantile| millis(side.latency.value_at_quantile(quantile));
        report.figure(SCENARIO, &format!("{name}, p50, ms"), at(0.5), Aim::None)?;
        report.figure(SCENARIO, &format!("{name}, p99, ms"), at(0.99), Aim::None)?;
    }
    let both = (starts.elapsed + checks.elapsed).as_secs_f64();
    let aim = Aim::AtLeast(5_000.0);
    report.figure(SCENARIO, "durable pairs a second", float(pairs) / both, aim)?;
    let cpu = per_message(cpu, pairs);
    report.figure(SCENARIO, "gateway CPU, µs a pair", cpu, Aim::None)
}

fn side() -> anyhow::Result<Side> {
    Ok(Side {
        elapsed: Duration::ZERO,
        latency: histogram()?,
    })
}

fn number(wave: u64, place: u64) -> String {
    format!("+44{}", FIRST + (wave * WAVE + place) * STEP)
}

/// Starts a wave; gives the ids.
async fn start(
    streams: &Streams,
    wave: u64,
    short_code: &str,
    side: &mut Side,
) -> anyhow::Result<Vec<String>> {
    let ask = |place| Ask {
        path: "/v1/verifications".to_owned(),
        body: json!({
            "to": number(wave, place),
            "from": short_code,
            "channel": "sms",
            "purpose": "sign-in",
        }),
    };
    let answered = streams.post((0..WAVE).map(ask).collect()).await?;
    side.elapsed += answered.elapsed;
    side.latency.add(answered.latency)?;
    let ids = answered.answers.iter().map(|(status, body)| {
        ensure!(*status == 201, "a start was answered {status}: {body}");
        let id = body.get("id").and_then(Value::as_str);
        Ok(id.context("no id")?.to_owned())
    });
    ids.collect()
}

/// What the handsets received last, by number, once all of it is there.
async fn codes(yard: &Yard, sent: u64) -> anyhow::Result<HashMap<String, String>> {
    let began = Instant::now();
    while yard.stat("submits")? < sent {
        ensure!(began.elapsed() < PATIENCE, "not every code was delivered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let codes = yard.inbox()?.into_iter().map(|message| {
        let word = |key: &str| message.get(key).and_then(Value::as_str);
        let (to, text) = word("to").zip(word("text")).context("no message")?;
        let mut numbers = text.split(|c: char| !c.is_ascii_digit());
        let code = numbers.find(|number| number.len() == 6);
        let code = code.context("no code in a text")?;
        Ok((format!("+{}", to.trim_start_matches('+')), code.to_owned()))
    });
    codes.collect()
}

/// Checks a wave: every code must be right.
async fn check(
    streams: &Streams,
    wave: u64,
    ids: &[String],
    codes: &HashMap<String, String>,
    side: &mut Side,
) -> anyhow::Result<()> {
    let asks = (0..).zip(ids).map(|(place, id)| {
        let code = codes
            .get(&number(wave, place))
            .context("a code is missing")?;
        Ok(Ask {
            path: format!("/v1/verifications/{id}/check"),
            body: json!({ "code": code }),
        })
    });
    let answered = streams.post(asks.collect::<anyhow::Result<_>>()?).await?;
    side.elapsed += answered.elapsed;
    side.latency.add(answered.latency)?;
    for (status, body) in &answered.answers {
        let verified = body.get("verified") == Some(&Value::Bool(true));
        ensure!(
            *status == 200 && verified,
            "a check was answered {status}: {body}"
        );
    }
    Ok(())
}
