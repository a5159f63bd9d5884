//! What codes are sent and used, what is blocked, the end of a block, and numbers that are enabled again.

use domain::id::ClientId;
use domain::verification::budget::LockReason;
use domain::verification::pumping::{Count, Mode, Prefix};
use engine::{EnableError, Gateway, PumpingStats, StandingBlock, UnblockError, UnblockReason};
use serde_json::{Value, json};

use super::subject::number_of;
use crate::control::message::{Answer, NumberAsked};

/// The counts and the blocks.
pub fn stats(gateway: &Gateway) -> Answer {
    let PumpingStats {
        mode,
        countries,
        prefixes,
        blocks,
        uncounted,
    } = gateway.pumping_stats();
    let countries = countries.iter().map(|row| {
        let (hour, day) = (counted(row.hour), counted(row.day));
        json!({"client": row.client, "country": row.country, "hour": hour, "day": day})
    });
    let prefixes = prefixes.iter().map(|row| {
        let (hour, day) = (counted(row.hour), counted(row.day));
        json!({"prefix": row.prefix.to_string(), "hour": hour, "day": day})
    });
    let blocks = blocks.iter().map(|(block, refused)| shown(block, *refused));
    Answer::done(&json!({
        "mode": word(mode),
        "countries": countries.collect::<Vec<Value>>(),
        "prefixes": prefixes.collect::<Vec<Value>>(),
        "blocks": blocks.collect::<Vec<Value>>(),
        "uncounted": uncounted,
    }))
}

fn counted(count: Count) -> Value {
    let sent = u64::from(count.sent);
    let share = (u64::from(count.verified) * 100).checked_div(sent);
    json!({"sent": sent, "verified": count.verified, "conversion_percent": share})
}

fn shown(block: &StandingBlock, refused: u32) -> Value {
    let evidence = &block.evidence;
    json!({
        "prefix": block.prefix.to_string(),
        "client": block.client,
        "reach": block.reach.as_str(),
        "country": evidence.country.to_string(),
        "since": block.since.to_string(),
        "until": block.until.to_string(),
        "nth": block.nth,
        "reason": block.reason.code(),
        "mode": word(block.mode),
        "refused": refused,
        "evidence": {
            "window_seconds": evidence.window_seconds,
            "sent": evidence.count.sent,
            "verified": evidence.count.verified,
            "allowed": evidence.allowed,
            "numbers": evidence.numbers,
        },
    })
}

const fn word(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Record => "record",
    }
}

/// Ends a block, in the name of this user.
pub async fn unblock(gateway: &Gateway, actor: &str, prefix: Prefix, reason: &str) -> Answer {
    let reason = match UnblockReason::parse(reason) {
        Ok(reason) => reason,
        Err(error) => return Answer::refused(error),
    };
    match gateway.unblock_prefix(actor, prefix, &reason).await {
        Ok(lifted) => Answer::done(&json!({
            "prefix": lifted.prefix.to_string(),
            "since": lifted.since.to_string(),
            "refused": lifted.refused,
        })),
        Err(error @ UnblockError::NotBlocked) => Answer::refused(error),
        Err(error) => Answer::unavailable(error),
    }
}

/// Enables a number for codes again, in the name of this user.
pub async fn enable(
    gateway: &Gateway,
    actor: &str,
    (client, number): (ClientId, &NumberAsked),
    reason: &str,
) -> Answer {
    let number = match number_of(number) {
        Ok(number) => number,
        Err(error) => return Answer::refused(format!("--number: {error}")),
    };
    let reason = match UnblockReason::parse(reason) {
        Ok(reason) => reason,
        Err(error) => return Answer::refused(error),
    };
    match gateway
        .enable_number(actor, (client, number), &reason)
        .await
    {
        Ok(enabled) => Answer::done(&json!({
            "client": client,
            "failures": enabled.failures,
            "locked_seconds": enabled.still.and_then(wait),
        })),
        Err(error @ EnableError::Unavailable) => Answer::unavailable(error),
        Err(error) => Answer::refused(error),
    }
}

fn wait(reason: LockReason) -> Option<u64> {
    match reason {
        LockReason::DayUsedUp(wait) => Some(wait.as_secs()),
        LockReason::Disabled => None,
    }
}
