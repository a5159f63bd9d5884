//! `shortstop webhook …`: the URLs of clients that are called when something happens.

use domain::event::EventTypes;
use engine::rows::Included;
use serde_json::{Value, json};

use crate::cli::Place;
use crate::cli::webhook::{IncludeAsked, WebhookAddArgs, WebhookCommand};
use crate::control::Request;
use crate::control::message::webhook::{NewWebhookAsked, Told, WebhookShown};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};

use super::gateway_call::call;

/// Runs the command.
pub fn run(command: WebhookCommand, output: Output) -> Outcome {
    match command {
        WebhookCommand::Add(args) => add(args, output),
        WebhookCommand::List { place } => list(&call(&place, Request::WebhookList)?, output),
        WebhookCommand::Enable { webhook, place } => {
            let result = call(&place, Request::WebhookEnable { webhook })?;
            changed("webhook-enabled", &result, output)
        }
        WebhookCommand::Disable { webhook, place } => {
            let result = call(&place, Request::WebhookDisable { webhook })?;
            changed("webhook-disabled", &result, output)
        }
        WebhookCommand::Rotate {
            webhook,
            overlap_seconds,
            place,
        } => {
            let request = Request::WebhookRotate {
                webhook,
                overlap_seconds,
            };
            with_secret("webhook-rotated", &call(&place, request)?, output)
        }
        WebhookCommand::Remove { webhook, place } => {
            let result = call(&place, Request::WebhookRemove { webhook })?;
            output.event("webhook-removed", &result);
            output.line("Removed. Its secrets are destroyed, and nobody is called any more.");
            Ok(Exit::Done)
        }
        WebhookCommand::Dead { webhook, place } => dead(webhook, &place, output),
        WebhookCommand::Replay {
            webhook,
            event,
            place,
        } => {
            let result = call(&place, Request::WebhookReplay { webhook, event })?;
            output.event("webhook-replayed", &result);
            let count = result.get("events").and_then(Value::as_u64).unwrap_or(0);
            output.line(format!("{count} event(s) are told once more."));
            Ok(Exit::Done)
        }
    }
}

fn add(args: WebhookAddArgs, output: Output) -> Outcome {
    let events = if args.events.is_empty() {
        EventTypes::all()
    } else {
        let all = args.events.iter().copied();
        all.fold(EventTypes::default(), EventTypes::and)
    };
    let request = Request::WebhookAdd(NewWebhookAsked {
        client: args.client,
        url: args.url,
        events,
        include: match args.include {
            None => Included::Nothing,
            Some(IncludeAsked::Number) => Included::Number,
            Some(IncludeAsked::Text) => Included::Text,
        },
    });
    with_secret("webhook-added", &call(&args.place, request)?, output)
}

fn with_secret(event: &str, result: &Value, output: Output) -> Outcome {
    let webhook = shown(result)?;
    output.event(event, &json!({"webhook": webhook}));
    let secret = webhook.secret.as_deref().unwrap_or_default();
    output.line(text(&webhook));
    output.line(format!("\n{}\n", output.tone(Tone::Strong, secret)));
    output.line(
        "This is the secret of its v1 signatures. It is shown this once; store it safely. The v1a signatures \
         are checked with the newest public key.",
    );
    Ok(Exit::Done)
}

fn changed(event: &str, result: &Value, output: Output) -> Outcome {
    let webhook = shown(result)?;
    output.event(event, &json!({"webhook": webhook}));
    output.line(text(&webhook));
    Ok(Exit::Done)
}

fn shown(result: &Value) -> Result<WebhookShown, Failure> {
    let webhook = result.get("webhook").cloned().unwrap_or_default();
    serde_json::from_value(webhook).map_err(Failure::unavailable)
}

fn list(result: &Value, output: Output) -> Outcome {
    output.event("webhooks", result);
    let webhooks = result.get("webhooks").cloned().unwrap_or_default();
    let webhooks: Vec<WebhookShown> =
        serde_json::from_value(webhooks).map_err(Failure::unavailable)?;
    if webhooks.is_empty() {
        output.line("There is no webhook yet; `shortstop webhook add` makes one.");
    }
    let texts: Vec<String> = webhooks.iter().map(text).collect();
    output.line(texts.join("\n\n"));
    Ok(Exit::Done)
}

fn text(webhook: &WebhookShown) -> String {
    let standing = match (&webhook.reason, &webhook.since) {
        (Some(reason), Some(since)) => format!("{} ({reason}) since {since}", webhook.standing),
        _ => webhook.standing.clone(),
    };
    let mut lines = vec![
        format!("{}  {}", webhook.id, webhook.url),
        format!("  client      {}", webhook.client),
        format!("  told of     {}", webhook.events.join(", ")),
        format!("  includes    {}", webhook.include),
        format!("  standing    {standing}"),
    ];
    let key = |key: &String| format!("  public key  {key}");
    lines.extend(webhook.public_keys.iter().map(key));
    lines.join("\n")
}

fn dead(webhook: Told, place: &Place, output: Output) -> Outcome {
    let result = call(place, Request::WebhookDead { webhook })?;
    output.event("webhook-dead", &result);
    let events = result.get("events").and_then(Value::as_array);
    let events = events.map_or(&[][..], Vec::as_slice);
    if events.is_empty() {
        output.line("It took everything that it was told of.");
    }
    for event in events {
        let word = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("–");
        let attempts = event.get("attempts").and_then(Value::as_u64).unwrap_or(0);
        output.line(format!(
            "{}  {}  of {}  given up {} after {attempts} tries: {}",
            word("event"),
            word("type"),
            word("happened"),
            word("given_up"),
            word("reason")
        ));
    }
    Ok(Exit::Done)
}
