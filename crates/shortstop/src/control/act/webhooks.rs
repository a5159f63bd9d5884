//! Webhooks: added, listed, changed, removed, and told once more.

use std::sync::Arc;
use std::time::Duration;

use domain::id::WebhookId;
use engine::rows::WebhookRow;
use engine::{DeadView, Gateway, NewWebhook, WebhookError, WebhookReplay, WebhookSecret};
use serde_json::{Value, json};

use crate::control::message::webhook::{NewWebhookAsked, Told, WebhookShown};
use crate::control::message::{Answer, Request};

/// Does what is asked of webhooks.
pub async fn act(gateway: &Arc<Gateway>, actor: &str, request: Request) -> Answer {
    match request {
        Request::WebhookAdd(asked) => add(gateway, actor, asked).await,
        Request::WebhookList => list(gateway, actor).await,
        Request::WebhookEnable { webhook } => enable(gateway, actor, webhook).await,
        Request::WebhookDisable { webhook } => disable(gateway, actor, webhook).await,
        Request::WebhookRotate {
            webhook,
            overlap_seconds,
        } => rotate(gateway, actor, webhook, overlap_seconds).await,
        Request::WebhookRemove { webhook } => remove(gateway, actor, webhook).await,
        Request::WebhookDead { webhook } => dead(gateway, actor, webhook).await,
        Request::WebhookReplay { webhook, event } => replay(gateway, actor, webhook, event).await,
        _ => Answer::refused("this asks nothing of webhooks"),
    }
}

/// Adds one.
async fn add(gateway: &Gateway, actor: &str, asked: NewWebhookAsked) -> Answer {
    let new = NewWebhook {
        client: asked.client,
        url: asked.url,
        events: asked.events,
        include: asked.include,
    };
    with_secret(gateway, gateway.add_webhook(actor, new).await)
}

/// Every one.
async fn list(gateway: &Gateway, actor: &str) -> Answer {
    match gateway.read_webhooks(actor).await {
        Ok(rows) => {
            let webhooks: Vec<WebhookShown> = rows.iter().map(|row| view(gateway, row)).collect();
            Answer::done(&json!({"webhooks": webhooks}))
        }
        Err(error) => failed(error),
    }
}

/// Calls one again.
async fn enable(gateway: &Arc<Gateway>, actor: &str, id: WebhookId) -> Answer {
    shown(gateway, gateway.enable_webhook(actor, id).await)
}

/// Stops calling one.
async fn disable(gateway: &Gateway, actor: &str, id: WebhookId) -> Answer {
    shown(gateway, gateway.disable_webhook(actor, id).await)
}

/// Gives one new secrets.
async fn rotate(gateway: &Gateway, actor: &str, id: WebhookId, overlap_seconds: u64) -> Answer {
    let overlap = Duration::from_secs(overlap_seconds);
    with_secret(gateway, gateway.rotate_webhook(actor, id, overlap).await)
}

/// Removes one.
async fn remove(gateway: &Arc<Gateway>, actor: &str, id: WebhookId) -> Answer {
    match gateway.remove_webhook(actor, id).await {
        Ok(()) => Answer::done(&json!({"webhook": id})),
        Err(error) => failed(error),
    }
}

/// What one did not take.
async fn dead(gateway: &Arc<Gateway>, actor: &str, id: Told) -> Answer {
    match gateway.read_dead(actor, id).await {
        Ok(views) => {
            let events: Vec<Value> = views.iter().map(letter).collect();
            Answer::done(&json!({"webhook": id, "events": events}))
        }
        Err(error) => failed(error),
    }
}

fn letter(view: &DeadView) -> Value {
    let event = view.event.as_ref();
    json!({
        "event": event.map(|event| event.id.to_string()),
        "type": event.map(|event| event.event_type.as_str()),
        "happened": event.map(|event| event.at.to_string()),
        "index": view.letter.index,
        "attempts": view.letter.attempts,
        "given_up": view.letter.at.to_string(),
        "reason": view.letter.reason,
    })
}

/// Tells one once more.
async fn replay(gateway: &Arc<Gateway>, actor: &str, id: Told, event: Option<String>) -> Answer {
    let what = event.map_or(WebhookReplay::All, WebhookReplay::One);
    match gateway.replay_dead(actor, id, &what).await {
        Ok(count) => Answer::done(&json!({"webhook": id, "events": count})),
        Err(error) => failed(error),
    }
}

fn view(gateway: &Gateway, row: &WebhookRow) -> WebhookShown {
    WebhookShown::of(row, gateway.signing_keys(row))
}

fn shown(gateway: &Gateway, result: Result<WebhookRow, WebhookError>) -> Answer {
    match result {
        Ok(row) => Answer::done(&json!({"webhook": view(gateway, &row)})),
        Err(error) => failed(error),
    }
}

fn with_secret(
    gateway: &Gateway,
    result: Result<(WebhookRow, WebhookSecret), WebhookError>,
) -> Answer {
    match result {
        Ok((row, secret)) => {
            let mut webhook = view(gateway, &row);
            webhook.secret = Some(secret.reveal().to_owned());
            Answer::done(&json!({"webhook": webhook}))
        }
        Err(error) => failed(error),
    }
}

fn failed(error: WebhookError) -> Answer {
    match error {
        WebhookError::Unavailable => Answer::unavailable(error),
        _ => Answer::refused(error),
    }
}
