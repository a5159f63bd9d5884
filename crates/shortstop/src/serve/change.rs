//! What differs between two configurations, which of it can change while the gateway runs, and the hash
//! by which the ledger names a configuration.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use engine::ConfigChange;

use crate::config::Config;

/// Settings that are read anew on a reload. Everything else needs a restart.
const LIVE: [&str; 21] = [
    "esme.",
    "smpp.certificate_file",
    "smpp.key_file",
    "smpp.client_c",
    "smpp.bind_failures_max",
    "smpp.bind_ban_seconds",
    "short_code.",
    "keys.",
    "messages.",
    "verifications.",
    "factors.",
    "retention.",
    "pumping.",
    "bounds.",
    "fairness.",
    "limit.",
    "group.",
    "prices.",
    "countries.",
    "https.certificate_file",
    "https.client_c",
];

/// Settings of a carrier that concern the engine alone, and not the link.
const LIVE_OF_CARRIER: [&str; 6] = [
    "mps",
    "burst",
    "receipt_ids",
    "throttle_pause_milliseconds",
    "throttle_pause_milliseconds_max",
    "queue_full_tries_max",
];

/// These settings changed, but need a restart; nothing was changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("these settings need a restart: {}", .0.join(", "))]
pub struct NeedsRestart(pub Vec<String>);

/// The settings that differ, if all of them can change while the gateway runs.
pub fn between(before: &Config, after: &Config) -> Result<ConfigChange, NeedsRestart> {
    let changed_keys = changed(before, after);
    let fixed: Vec<String> = changed_keys
        .iter()
        .filter(|key| !is_live(key))
        .cloned()
        .collect();
    if fixed.is_empty() {
        Ok(ConfigChange {
            hash_hex: hash(after),
            changed_keys,
        })
    } else {
        Err(NeedsRestart(fixed))
    }
}

/// The first configuration of a process.
pub fn first(config: &Config) -> ConfigChange {
    ConfigChange {
        hash_hex: hash(config),
        changed_keys: Vec::new(),
    }
}

fn changed(before: &Config, after: &Config) -> Vec<String> {
    let (before, after) = (before.values(), after.values());
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let moved = keys
        .into_iter()
        .filter(|key| before.get(*key) != after.get(*key));
    moved.cloned().collect()
}

fn is_live(key: &str) -> bool {
    if LIVE.iter().any(|live| key.starts_with(live)) || key == "https.key_file" {
        return true;
    }
    let field = key
        .strip_prefix("carrier.")
        .and_then(|rest| rest.rsplit_once('.'));
    field.is_some_and(|(_, field)| LIVE_OF_CARRIER.contains(&field))
}

/// SHA-256 over every setting, defaults included, in hex. Secrets are named by file, so none is in it.
fn hash(config: &Config) -> String {
    let lines = config.values().into_iter();
    let lines: Vec<String> = lines
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    let hash = digest(&SHA256, lines.join("\n").as_bytes());
    let mut hex = String::new();
    for octet in hash.as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{octet:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Overlay;

    const BASE: &str = "[[short_code]]\nnumber = '12345'\ncarriers = ['a']\n\
                        [[carrier]]\nname = 'a'\naddress = 'h:1'\n";

    fn config(more: &str) -> Config {
        Config::parse(&format!("{BASE}{more}"), Overlay::default()).unwrap()
    }

    fn refused(more: &str) -> Vec<String> {
        between(&config(""), &config(more))
            .err()
            .map(|refused| refused.0)
            .unwrap_or_default()
    }

    #[test]
    fn limits_and_the_engine_side_of_a_carrier_change_live() {
        let change = between(
            &config(""),
            &config("mps = 7\n[bounds]\nsegments_max = 3\n"),
        )
        .unwrap();
        assert_eq!(
            change.changed_keys,
            ["bounds.segments_max", "carrier.a.mps"]
        );
        assert_eq!(change.hash_hex.len(), 64);
        assert_ne!(change.hash_hex, first(&config("")).hash_hex);
    }

    #[test]
    fn links_listeners_and_identity_need_a_restart() {
        assert_eq!(refused("system_id = 'x'\n"), ["carrier.a.system_id"]);
        assert_eq!(refused("window_max = 3\n"), ["carrier.a.window_max"]);
        assert_eq!(refused("[node]\nname = 'b'\n"), ["node.name"]);
        assert_eq!(
            refused("[https]\nlisten = '127.0.0.1:1'\n"),
            ["https.listen"]
        );
        assert!(!refused("[[carrier]]\nname = 'b'\n").is_empty());
    }

    #[test]
    fn the_same_file_changes_nothing() {
        assert!(
            between(&config(""), &config(""))
                .unwrap()
                .changed_keys
                .is_empty()
        );
    }
}
