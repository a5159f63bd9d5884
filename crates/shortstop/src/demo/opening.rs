//! What the demo says first: where everything is, and a command to paste.

use super::ground::{Ground, SHORT_CODE, shell};
use crate::output::{Output, Tone};

/// Prints the addresses, or the ready event.
pub fn show(ground: &Ground, output: Output) {
    let ready = &ground.ready;
    output.event("ready", ready);
    let ca = ready.ca.as_deref().map(shell).unwrap_or_default();
    let key = ready.api_key.as_deref().unwrap_or_default();
    let row = |name: &str, value: &str| output.line(format!("  {name:<12} {value}"));
    output.line(output.tone(Tone::Strong, "Shortstop demo"));
    row("API", &ready.https);
    row("authority", &ca);
    row("key", key);
    row("short code", SHORT_CODE);
    row("monitoring", &format!("{}/metrics", ready.admin));
    row(
        "carrier",
        &format!("{}/inbox", ready.sim.as_deref().unwrap_or_default()),
    );
    row("data", &ready.data.display().to_string());
    row("log", &ground.launch.log.display().to_string());
    for moved in &ground.moved {
        output.event("moved", moved);
        output.line(format!(
            "  ({} is taken, so {} is on {})",
            moved.usual, moved.what, moved.used
        ));
    }
    output.line("\nFor the quick starts (docs/quickstart.md):\n");
    let carrier = ready.sim.as_deref().unwrap_or_default();
    output.line(format!(
        "  export SHORTSTOP={} CA={ca} KEY={key} ACCOUNT={} CARRIER={carrier}",
        ready.https, ground.account
    ));
    output.line("\nSend a message of your own while it runs:\n");
    output.line(curl(&ready.https, &ca, key));
}

fn curl(https: &str, ca: &str, key: &str) -> String {
    format!(
        "  curl --cacert {ca} {https}/v1/messages \\\n    \
         -H 'Authorization: Bearer {key}' \\\n    \
         -H 'Content-Type: application/json' \\\n    \
         -d '{{\"to\":\"+447700900123\",\"from\":\"{SHORT_CODE}\",\"text\":\"Hello\",\"class\":\"alert\"}}'"
    )
}
