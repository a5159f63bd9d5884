//! The third scene: the gateway is killed under load and started again, and every message it had
//! accepted must reach its end.

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::ground::{Ground, SHORT_CODE};
use super::load::{Accepted, Load};
use super::{scene, until};
use crate::child::GatewayProcess;
use crate::entropy;
use crate::http_client::Client;
use crate::output::{Output, Tone};

/// Everything must have its end by then.
const PATIENCE: Duration = Duration::from_mins(1);

/// What became of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Accepted, but without an end, or never seen by the carrier.
    pub lost: usize,
    /// Sent again after the crash although they had left before it.
    pub duplicates: u64,
    /// Ended without anybody knowing whether they arrived.
    pub unknown: usize,
}

/// Kills the gateway under load, starts it again, and counts.
pub async fn survived(ground: &mut Ground, count: u32, output: Output) -> anyhow::Result<Tally> {
    scene(output, 3, "The gateway is killed under load");
    let before = ground.sim.stats().duplicates;
    let mark = format!("Load {}", entropy::word(6));
    let load = Load {
        api: ground.api.clone(),
        from: SHORT_CODE.to_owned(),
        mark,
        count,
    };
    let running = load.start();
    until("half of the load", PATIENCE, async || {
        Ok((running.accepted() >= count / 2).then_some(()))
    })
    .await?;
    restart(ground, running.accepted(), output).await?;
    let accepted = running.finish().await?;
    output.line(format!(
        "  {} messages accepted in all; waiting for their end",
        accepted.len()
    ));
    output.event("accepted", &json!({"messages": accepted.len()}));
    let mut tally = settle(ground, &accepted).await?;
    tally.duplicates = ground.sim.stats().duplicates.saturating_sub(before);
    Ok(tally)
}

async fn restart(ground: &mut Ground, accepted: u32, output: Output) -> anyhow::Result<()> {
    let id = ground.gateway.id().unwrap_or_default();
    ground.gateway.kill().await?;
    let killed = tokio::time::Instant::now();
    ground.gateway = GatewayProcess::start(&ground.launch).await?;
    let milliseconds = killed.elapsed().as_millis();
    let says = format!("  kill -9 {id} after {accepted} messages; back after {milliseconds} ms");
    output.line(output.tone(Tone::Bad, says));
    output.event(
        "killed",
        &json!({"accepted": accepted, "away_milliseconds": u64::try_from(milliseconds)?}),
    );
    Ok(())
}

/// Waits until every message has its end, and counts those that have none or never left.
async fn settle(ground: &Ground, accepted: &[Accepted]) -> anyhow::Result<Tally> {
    let mut open: Vec<&Accepted> = accepted.iter().collect();
    let mut lost: HashSet<&str> = HashSet::new();
    let mut unknown = 0;
    let mut api = ground.api.client();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !open.is_empty() && tokio::time::Instant::now() < deadline {
        let mut still = Vec::new();
        for message in open {
            match state(&mut api, &message.id).await?.as_str() {
                "delivered" => {}
                "unknown" => unknown += 1,
                "failed" | "expired" | "cancelled" | "" => drop(lost.insert(&message.text)),
                _ => still.push(message),
            }
        }
        open = still;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    lost.extend(open.iter().map(|message| message.text.as_str()));
    let inbox = ground.sim.inbox();
    let arrived: HashSet<&str> = inbox.iter().map(|message| message.text.as_str()).collect();
    let texts = accepted.iter().map(|message| message.text.as_str());
    lost.extend(texts.filter(|text| !arrived.contains(text)));
    Ok(Tally {
        lost: lost.len(),
        duplicates: 0,
        unknown,
    })
}

/// Empty when the gateway does not know the message.
async fn state(api: &mut Client, id: &str) -> anyhow::Result<String> {
    Ok(api
        .get(&format!("/v1/messages/{id}"))
        .await?
        .member("state"))
}
