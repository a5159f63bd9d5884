//! What is told of limits. A number comes in here and leaves masked.

use std::net::IpAddr;

use domain::class::TrafficClass;
use domain::limit::book::{Meter, TopKey};
use domain::limit::dimension::{Label, Level};
use domain::limit::policy::Unit;
use engine::{ExplainError, Gateway, LimitAnswer, LimitQuestion, LimitView, NotRecorded};
use serde_json::{Value, json};

use super::subject::number_of;
use crate::control::message::{Answer, LimitAsked};
use crate::limit_words::{money, says, span, word};

/// Keys that are told of each limit.
const TOP: usize = 5;

/// Every limit.
pub async fn show(gateway: &Gateway, actor: &str) -> Answer {
    match gateway.show_limits(actor, TOP).await {
        Ok(views) => {
            let limits: Vec<Value> = views.iter().map(shown).collect();
            Answer::done(&json!({"limits": limits}))
        }
        Err(error) => not_recorded(error),
    }
}

/// What a message would meet.
pub async fn explain(gateway: &Gateway, actor: &str, asked: LimitAsked) -> Answer {
    let to = match number_of(&asked.to) {
        Ok(to) => to,
        Err(error) => return Answer::refused(format!("--to: {error}")),
    };
    let source = asked.source.as_deref().map(str::parse::<IpAddr>);
    let Ok(source) = source.transpose() else {
        return Answer::refused("--source: is no address");
    };
    let question = LimitQuestion {
        client: asked.client,
        to,
        from: asked.from,
        class: asked.class.unwrap_or(TrafficClass::Otp),
        campaign: asked.campaign.as_deref(),
        source,
        segments: asked.segments.max(1),
    };
    match gateway.explain_limits(actor, question).await {
        Ok(answer) => Answer::done(&explained(&answer, &to.to_string())),
        Err(ExplainError::NotRecorded(error)) => not_recorded(error),
        Err(error) => Answer::refused(error),
    }
}

fn not_recorded(error: NotRecorded) -> Answer {
    Answer::unavailable(error)
}

fn shown(view: &LimitView) -> Value {
    let (summary, tally) = (&view.summary, view.summary.tally);
    let top: Vec<Value> = view.top.iter().map(key).collect();
    json!({
        "name": summary.name,
        "says": says(&view.policy),
        "mode": summary.mode,
        "keys": summary.keys,
        "keys_max": summary.capacity,
        "shared_keys": summary.shared_keys,
        "bytes_max": summary.octets,
        "taken": tally.taken,
        "refused": tally.refused,
        "shadowed": tally.shadowed,
        "shared": tally.shared,
        "top": top,
    })
}

fn key(top: &TopKey) -> Value {
    json!({"key": label(top), "used": top.used, "of": top.quota})
}

/// What a key is called: numbers masked, what is kept only as a hash by the beginning of that.
fn label(top: &TopKey) -> String {
    let hidden = || format!("key {}", top.key);
    match (top.level, top.label) {
        (Level::Own, Label::Recipient(number)) => number.to_string(),
        (Level::Own, Label::Prefix(prefix)) => format!("+{prefix}…"),
        (Level::Own, Label::Source(address) | Label::Network(address)) => address.to_string(),
        (Level::Own, Label::ShortCode(code)) => code.to_string(),
        (Level::Own, Label::Country(country)) => country.to_string(),
        (Level::Own, Label::Class(class)) => class.to_string(),
        (Level::Own, Label::Client(_) | Label::Hidden) => hidden(),
        (level, _) => format!("shared ({}), {}", word(&level), hidden()),
    }
}

fn explained(answer: &LimitAnswer, to: &str) -> Value {
    let limits: Vec<Value> = answer.meters.iter().map(meter).collect();
    let refusal = answer.reach.as_ref().err().map(ToString::to_string);
    let enforced = |meter: &&Meter| word(&meter.mode) == "enforce" && !meter.fits();
    let refused = refusal.is_some() || answer.meters.iter().any(|meter| enforced(&meter));
    json!({
        "to": to,
        "country": answer.reach.as_ref().ok().map(|to| to.country().to_string()),
        "country_refusal": refusal,
        "cost": money(answer.cost_micros),
        "verdict": if refused { "refused" } else { "granted" },
        "limits": limits,
    })
}

fn meter(meter: &Meter) -> Value {
    let amount = |count: u64| match meter.unit {
        Unit::Micros => money(count),
        Unit::Requests | Unit::Segments => count.to_string(),
    };
    let wait = meter.wait.map(|wait| wait.as_secs_f64().ceil());
    let stands = match meter.wait {
        Some(wait) if wait.is_zero() => "fits".to_owned(),
        Some(wait) => format!("is used up; fits in {}", span(wait.max(SECOND))),
        None => "is less than this message takes at once".to_owned(),
    };
    json!({
        "name": meter.name,
        "mode": meter.mode,
        "remaining": amount(meter.remaining),
        "of": amount(meter.quota),
        "wait_seconds": wait,
        "key": meter.key.to_string(),
        "level": meter.level,
        "says": format!("{} of {} left, {stands}", amount(meter.remaining), amount(meter.quota)),
    })
}

const SECOND: std::time::Duration = std::time::Duration::from_secs(1);
