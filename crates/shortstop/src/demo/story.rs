//! The first two scenes: a message is sent and delivered, and a STOP is honoured.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};

use super::ground::{Ground, SHORT_CODE};
use super::{scene, until};
use crate::http_client::Client;
use crate::output::{Output, Tone};

/// The handset of the first scene, from the range that is kept free for examples.
const READER: &str = "+447700900123";

/// Nothing in these scenes takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message goes out, and its receipt comes back.
pub async fn delivered(ground: &Ground, output: Output) -> anyhow::Result<()> {
    scene(output, 1, "A message is sent and delivered");
    let mut api = ground.api.client();
    let id = send(&mut api, (READER, "otp"), "Your code is 482913").await?;
    let mut seen = Vec::new();
    until("delivery", PATIENCE, async || {
        let reply = api.get(&format!("/v1/messages/{id}")).await?;
        let state = reply.member("state");
        if seen.last() != Some(&state) {
            output.event("state", &json!({"message": id, "state": state}));
            output.line(format!("  {id}  {state}"));
            seen.push(state.clone());
        }
        Ok((state == "delivered").then_some(()))
    })
    .await?;
    let inbox = ground.sim.inbox();
    let arrived = inbox
        .iter()
        .filter(|message| READER.ends_with(&message.to))
        .count();
    ensure!(
        arrived == 1,
        "the handset has {arrived} messages instead of 1"
    );
    output.line(format!(
        "  {}",
        output.tone(Tone::Good, "The handset shows it, and the receipt is back.")
    ));
    Ok(())
}

/// A handset says STOP: it gets one confirmation, and nothing after it.
pub async fn stop_honoured(ground: &Ground, output: Output) -> anyhow::Result<()> {
    scene(output, 2, "A STOP is honoured");
    let leaver = &ground.leaver;
    let mut api = ground.api.client();
    send(
        &mut api,
        (leaver, "marketing"),
        "Two for one, this week only",
    )
    .await?;
    until("arrival of the advertisement", PATIENCE, async || {
        Ok(arrived(ground, 1))
    })
    .await?;
    say(ground, output, "STOP")?;
    until("confirmation of the STOP", PATIENCE, async || {
        Ok(arrived(ground, 2))
    })
    .await?;
    say(ground, output, "Stop.")?;
    let refused = api
        .post(
            "/v1/messages",
            &message((leaver, "marketing"), "One more thing"),
        )
        .await?;
    let code = refused.member("code");
    output.event(
        "refused",
        &json!({"status": refused.status.as_u16(), "code": code}),
    );
    output.line(format!(
        "  the next advertisement is refused: {} {code}",
        refused.status.as_u16()
    ));
    ensure!(
        code == "opted-out",
        "the message was not refused: {}",
        refused.text
    );
    // The carrier gets its answer once the keyword is on disk.
    until("the second STOP to be read", PATIENCE, async || {
        Ok((ground.sim.stats().mo_acked >= 2).then_some(()))
    })
    .await?;
    let count = received(ground);
    ensure!(
        count == 2,
        "the handset got {} confirmations instead of 1",
        count - 1
    );
    let says = "One confirmation, and nothing after it.";
    output.line(format!("  {}", output.tone(Tone::Good, says)));
    Ok(())
}

fn say(ground: &Ground, output: Output, text: &str) -> anyhow::Result<()> {
    ground
        .sim
        .inject_mo(ground.leaver.trim_start_matches('+'), SHORT_CODE, text)?;
    output.event("handset", &json!({"to": SHORT_CODE, "text": text}));
    output.line(format!("  the handset writes {text} to {SHORT_CODE}"));
    Ok(())
}

fn received(ground: &Ground) -> usize {
    let inbox = ground.sim.inbox();
    inbox
        .iter()
        .filter(|message| ground.leaver.ends_with(&message.to))
        .count()
}

fn arrived(ground: &Ground, count: usize) -> Option<()> {
    (received(ground) >= count).then_some(())
}

async fn send(api: &mut Client, to: (&str, &str), text: &str) -> anyhow::Result<String> {
    let reply = api.post("/v1/messages", &message(to, text)).await?;
    ensure!(
        reply.status.as_u16() == 202,
        "the message was not accepted: {}",
        reply.text
    );
    Ok(reply.member("id"))
}

/// The body of a request.
fn message((to, class): (&str, &str), text: &str) -> Value {
    json!({"to": to, "from": SHORT_CODE, "text": text, "class": class})
}
