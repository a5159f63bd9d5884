//! `shortstop client …`: clients and their keys.

use serde_json::{Value, json};

use crate::cli::{ClientAddArgs, ClientCommand};
use crate::control::message::KeyShown;
use crate::control::{ClientShown, NewClientAsked, Request};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone};

use super::gateway_call::call;

/// Runs the command.
pub fn run(command: ClientCommand, output: Output) -> Outcome {
    match command {
        ClientCommand::Add(args) => add(args, output),
        ClientCommand::List { place } => {
            let result = call(&place, Request::ClientList)?;
            list(&result, output)
        }
        ClientCommand::Revoke { client, key, place } => {
            let result = call(&place, Request::ClientRevoke { client, key })?;
            let client = shown(&result)?;
            output.event("client-revoked", &json!({"client": client}));
            output.line(format!(
                "Revoked. It fails with the next request.\n\n{}",
                text(&client)
            ));
            Ok(Exit::Done)
        }
        ClientCommand::Rotate {
            client,
            overlap_seconds,
            expires,
            place,
        } => {
            let request = Request::ClientRotate {
                client,
                overlap_seconds,
                expires,
            };
            let result = call(&place, request)?;
            with_key("client-rotated", &result, output)
        }
    }
}

fn add(args: ClientAddArgs, output: Output) -> Outcome {
    let request = Request::ClientAdd(NewClientAsked {
        name: args.name,
        scopes: args.scopes,
        short_codes: args.short_codes,
        classes: args.classes,
        networks: args.networks,
        expires: args.expires,
    });
    let result = call(&args.place, request)?;
    with_key("client-added", &result, output)
}

fn with_key(event: &str, result: &Value, output: Output) -> Outcome {
    let client = shown(result)?;
    output.event(event, &json!({"client": client}));
    let key = client.api_key.as_deref().unwrap_or_default();
    output.line(text(&client));
    output.line(format!("\n{}\n", output.tone(Tone::Strong, key)));
    output.line("This is the key. It is shown this once and kept nowhere; store it safely.");
    Ok(Exit::Done)
}

fn list(result: &Value, output: Output) -> Outcome {
    output.event("clients", result);
    let clients = result.get("clients").cloned().unwrap_or_default();
    let clients: Vec<ClientShown> =
        serde_json::from_value(clients).map_err(Failure::unavailable)?;
    if clients.is_empty() {
        output.line("There is no client yet; `shortstop client add` makes one.");
    }
    let texts: Vec<String> = clients.iter().map(text).collect();
    output.line(texts.join("\n\n"));
    Ok(Exit::Done)
}

fn shown(result: &Value) -> Result<ClientShown, Failure> {
    let client = result.get("client").cloned().unwrap_or_default();
    serde_json::from_value(client).map_err(Failure::unavailable)
}

fn text(client: &ClientShown) -> String {
    let revoked = client
        .revoked
        .as_ref()
        .map(|at| format!("  (revoked {at})"))
        .unwrap_or_default();
    let networks = if client.networks.is_empty() {
        "any".to_owned()
    } else {
        client.networks.join(", ")
    };
    let mut lines = vec![
        format!("{}  {}{revoked}", client.id, client.name),
        format!("  short codes  {}", client.short_codes.join(", ")),
        format!("  classes      {}", client.classes.join(", ")),
        format!("  scopes       {}", client.scopes.join(", ")),
        format!("  networks     {networks}"),
    ];
    lines.extend(client.keys.iter().map(key_text));
    lines.join("\n")
}

fn key_text(key: &KeyShown) -> String {
    let state = match (&key.revoked, &key.expires) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("ends {at}"),
        (None, None) => "does not end".to_owned(),
    };
    format!("  key          {}  made {}, {state}", key.id, key.created)
}
