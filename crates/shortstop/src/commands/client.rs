//! `shortstop client …`: clients and their keys. Certificates and public keys are read here; what goes to the gateway
//! is what it keeps of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use domain::id::ClientId;
use domain::signature::RsaKey;
use engine::rows::CertificateRow;
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject as _;

use serde_json::{Value, json};

use crate::cli::{ClientAddArgs, ClientCommand, KeyArgs, Place};
use crate::control::message::KeyShown;
use crate::control::{ClientShown, KeyAsked, NewClientAsked, Request};
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
        ClientCommand::Change {
            client,
            auth,
            certificates,
            drop,
            names,
            drop_names,
            place,
        } => {
            let request = Request::ClientChange {
                client,
                auth,
                add: read_certificates(&certificates)?,
                drop: drop.iter().map(ToString::to_string).collect(),
                add_names: names,
                drop_names,
            };
            let result = call(&place, request)?;
            let client = shown(&result)?;
            output.event("client-changed", &json!({"client": client}));
            let text = text(&client);
            output.line(format!(
                "Changed. It holds with the next request.\n\n{text}"
            ));
            Ok(Exit::Done)
        }
        ClientCommand::CallbackSecret {
            client,
            rotate,
            overlap_seconds,
            place,
        } => {
            let rotate = rotate.then_some(overlap_seconds);
            callback_secret((client, rotate), &place, output)
        }
        ClientCommand::Rotate {
            client,
            overlap_seconds,
            expires,
            key,
            place,
        } => {
            let request = Request::ClientRotate {
                client,
                overlap_seconds,
                expires,
                key: key_asked(&key)?,
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
        auth: args.auth,
        certificates: read_certificates(&args.certificates)?,
        certificate_names: args.certificate_names,
        key: key_asked(&args.key)?,
    });
    let result = call(&args.place, request)?;
    with_key("client-added", &result, output)
}

fn with_key(event: &str, result: &Value, output: Output) -> Outcome {
    let client = shown(result)?;
    output.event(event, &json!({"client": client}));
    output.line(text(&client));
    match (&client.api_key, &client.signing_secret) {
        (Some(key), _) => {
            output.line(format!("\n{}\n", output.tone(Tone::Strong, key)));
            output
                .line("This is the key. It is shown this once and kept nowhere; store it safely.");
            output.line(format!(
                "Applications of Twilio's show it as the Auth Token of account {}; docs/twilio.md says how.",
                client.account_sid
            ));
        }
        (None, Some(secret)) => {
            output.line(format!("\n{}\n", output.tone(Tone::Strong, secret)));
            output.line(
                "This is the secret to sign requests with; all of the text is the key of the HMAC. It is shown \
                 this once; store it safely.",
            );
        }
        (None, None) => {}
    }
    match client.keys.last().map(|key| (key.method.as_str(), key)) {
        Some(("rsa-sha256", key)) => output.line(format!(
            "Sign as {} in account {}, with {} as the API key; docs/twilio.md says how.",
            key.sid,
            client.account_sid,
            key.sid.replace("CR", "SK")
        )),
        Some(("ed25519" | "hmac-sha256", key)) => output.line(format!(
            "Sign as keyid \"{}\"; docs/api.md says how.",
            key.id
        )),
        _ => {}
    }
    Ok(Exit::Done)
}

/// Shows the secret, or makes a new one and has the old one sign for so many seconds more.
fn callback_secret(
    (client, rotate): (ClientId, Option<u64>),
    place: &Place,
    output: Output,
) -> Outcome {
    let request = match rotate {
        Some(overlap_seconds) => Request::ClientCallbackRotate {
            client,
            overlap_seconds,
        },
        None => Request::ClientCallbackSecret { client },
    };
    let result = call(place, request)?;
    output.event("client-callback-secret", &result);
    let word = |name: &str| {
        let word = result.pointer(&format!("/callback/{name}"));
        word.and_then(Value::as_str)
    };
    let secret = word("secret").unwrap_or_default();
    output.line(format!("{}\n", output.tone(Tone::Strong, secret)));
    output.line(format!(
        "This signs what the URLs of the messages of {} are told. All of the text is the auth token that checks \
         X-Twilio-Signature, and the secret that checks webhook-signature.",
        word("client").unwrap_or_default()
    ));
    if let Some(ends) = word("overlap_ends") {
        output.line(format!(
            "Until {ends} the secret before it signs webhook-signature too, and X-Twilio-Signature alone."
        ));
    }
    Ok(Exit::Done)
}

/// The sort of key that is wanted.
fn key_asked(args: &KeyArgs) -> Result<KeyAsked, Failure> {
    match (&args.public_key, args.hmac) {
        (Some(file), _) => public_key(file),
        (None, true) => Ok(KeyAsked::HmacSha256),
        (None, false) => Ok(KeyAsked::Bearer),
    }
}

/// What stands before the 32 octets of an Ed25519 key in its DER (RFC 8410 section 4).
const ED25519: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

fn public_key(file: &Path) -> Result<KeyAsked, Failure> {
    let says = || {
        let file = file.display();
        format!(
            "{file} holds no public key in PEM of Ed25519, or of RSA with 2048 to 4096 bits; `openssl pkey -pubout` \
             writes one"
        )
    };
    let text = read(file)?;
    let der = SubjectPublicKeyInfoDer::from_pem_slice(&text);
    let der = der.map_err(|_| Failure::usage(says()))?;
    let octets = der.as_ref().strip_prefix(&ED25519);
    if let Some(octets) = octets.filter(|octets| octets.len() == 32) {
        return Ok(KeyAsked::Ed25519(hex(octets)));
    }
    let key = RsaKey::of_spki(&der).ok_or_else(|| Failure::usage(says()))?;
    Ok(KeyAsked::Rsa(hex(key.as_pkcs1())))
}

fn hex(octets: &[u8]) -> String {
    let mut hex = String::new();
    for octet in octets {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{octet:02x}");
    }
    hex
}

fn read_certificates(files: &[PathBuf]) -> Result<Vec<CertificateRow>, Failure> {
    files.iter().map(|file| certificate(file)).collect()
}

/// The first certificate of a file: a client's own stands before those of its authorities.
fn certificate(file: &Path) -> Result<CertificateRow, Failure> {
    let says = || Failure::usage(format!("{} holds no certificate in PEM", file.display()));
    tls::certificate_in_pem(&read(file)?).ok_or_else(says)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let text = std::fs::read(file);
    let text = text.with_context(|| format!("{} cannot be read", file.display()));
    text.map_err(Failure::usage)
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
        format!("  shows        {}", client.auth),
    ];
    lines.extend(client.certificates.iter().map(|certificate| {
        format!(
            "  certificate  {}  ends {}",
            certificate.sha256, certificate.expires
        )
    }));
    let names = client.certificate_names.iter();
    lines.extend(names.map(|name| format!("  certificate  named {name}")));
    lines.extend(client.keys.iter().map(key_text));
    lines.join("\n")
}

fn key_text(key: &KeyShown) -> String {
    let state = match (&key.revoked, &key.expires) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("ends {at}"),
        (None, None) => "does not end".to_owned(),
    };
    let used = match &key.used {
        Some(at) => format!("last used {at}"),
        None => "never used".to_owned(),
    };
    format!(
        "  key          {}  {}, made {}, {used}, {state}",
        key.id, key.method, key.created
    )
}
