//! The keys of a gateway: shown, and replaced.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::time::Timestamp;
use engine::{Gateway, KeyStatus, RotateError, Rotation, SealStatus};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::control::message::Answer;
use crate::key_places::{KeyPlace, KeyShown};

/// Seconds of the week that a key-encryption key is for.
const WEEK_SECONDS: u64 = 7 * 86_400;

/// Every key, and the key-encryption keys by purpose and week.
pub fn status(gateway: &Gateway, places: &[KeyPlace]) -> Answer {
    let status = gateway.key_status();
    let shown = |moment: Option<Timestamp>| moment.map(|moment| moment.to_string());
    let there = |place: &&KeyPlace| !place.is_optional() || place.path.exists();
    let mut keys: Vec<KeyShown> = places.iter().filter(there).map(KeyPlace::look).collect();
    for key in &mut keys {
        if key.key == "salt of the wrapping key" {
            key.since = shown(status.made).or(key.since.take());
            key.due = shown(status.due);
        }
    }
    Answer::done(&json!({
        "keys": keys,
        "key_encryption_keys": by_purpose(&status),
        "count": status.keks.len(),
        "salted": status.made.is_some(),
        "seals": gateway.seal_status().map(|seals| seals_shown(&seals)),
    }))
}

/// Whether seals are made, how many epochs are sealed, and up to when.
fn seals_shown(seals: &SealStatus) -> Value {
    let until = seals.sealed.map(|_| seals.until.to_string());
    json!({"up": seals.is_up, "epochs": seals.sealed, "until": until})
}

/// For each purpose, the days on which the weeks of its keys begin.
fn by_purpose(status: &KeyStatus) -> BTreeMap<&'static str, Vec<Value>> {
    let mut found: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (purpose, week) in &status.keks {
        let begins = Timestamp::from_seconds(u64::from(*week) * WEEK_SECONDS);
        let day = begins.to_string().split('T').next().map(str::to_owned);
        let weeks = found.entry(purpose.as_str()).or_default();
        weeks.push(json!({"week": week, "begins": day}));
    }
    found
}

/// Wraps every key anew, in the name of this user.
pub async fn rotate(gateway: Arc<Gateway>, actor: String) -> Answer {
    let own = Arc::clone(&gateway);
    let work = move || own.rotate_wrapping(&Rotation::Asked(&actor));
    let rotated = spawn_blocking(work).await;
    gateway.clear_old_keys().await;
    match rotated {
        Ok(Ok(rotated)) => Answer::done(&json!({"keys": rotated.keys})),
        Ok(Err(error @ RotateError::SameMaster)) => Answer::refused(error),
        Ok(Err(error)) => Answer::unavailable(error),
        Err(error) => Answer::unavailable(error),
    }
}
