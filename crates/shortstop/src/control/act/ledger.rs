//! What the commands of the ledger ask of it. What is written out for others is recorded first, so that
//! it needs the gateway; the rest reads what is published.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::MessageId;
use engine::{Gateway, LedgerExport};
use ledger::{Source as _, SourceError};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::control::message::Answer;
use crate::public_log::source::LogSource;
use crate::public_log::{PublicLog, export, prove, seals};

/// Writes the published log to a folder, once that is recorded.
pub async fn export_to(
    (gateway, public): (&Gateway, Arc<PublicLog>),
    actor: &str,
    to: PathBuf,
) -> Answer {
    let (shown, place) = (Arc::clone(&public), to.clone());
    let look = move || anyhow::Ok((export::begin(&shown, &place)?, shown.log.minimum()?));
    let (published, minimum) = match spawn_blocking(look).await {
        Ok(Ok(begun)) => begun,
        Ok(Err(error)) if error.is::<export::Taken>() => return Answer::refused(error),
        Ok(Err(error)) => return Answer::unavailable(format!("{error:#}")),
        Err(error) => return Answer::unavailable(error),
    };
    let record = LedgerExport {
        format: "c2sp",
        first: minimum,
        count: published.size.saturating_sub(minimum),
    };
    if let Err(error) = gateway.export_ledger(actor, record).await {
        return Answer::unavailable(error);
    }
    blocking(move || {
        let written = export::write(&public, &published, &to)?;
        Ok(json!({
            "folder": to,
            "size": written.size,
            "minimum_index": written.minimum,
            "files": written.files,
            "vkey": public.vkey.to_string(),
        }))
    })
    .await
}

/// One file of the published log, in base64; null when there is none under this path, and where an entry
/// is missing from the ledger, with its index.
pub async fn read_file(public: Arc<PublicLog>, path: String) -> Answer {
    blocking(move || {
        let octets = match path.as_str() {
            "vkey" => Some(format!("{}\n", public.vkey).into_bytes()),
            "policy" => Some(public.policy.clone().into_bytes()),
            path => match LogSource::new(public.log.as_ref())?.read(path) {
                Err(SourceError {
                    missing: Some(index),
                    ..
                }) => return Ok(json!({"octets": null, "missing": index})),
                read => read?,
            },
        };
        Ok(json!({"octets": octets.map(|octets| STANDARD.encode(octets))}))
    })
    .await
}

/// Octets of the file of seals, in base64; none behind its end.
pub async fn read_seals(public: Arc<PublicLog>, from: u64) -> Answer {
    blocking(move || {
        let octets = seals::octets(&public.seals, from)?;
        Ok(json!({"octets": STANDARD.encode(octets)}))
    })
    .await
}

/// Entries from an index on, each in base64; none behind the last.
pub async fn read_sealed(public: Arc<PublicLog>, from: u64) -> Answer {
    blocking(move || {
        let entries = public.log.entries(from, seals::ENTRIES_AT_ONCE)?;
        let encoded = entries.iter().map(|entry| STANDARD.encode(entry));
        Ok(json!({"entries": encoded.collect::<Vec<_>>()}))
    })
    .await
}

/// The entry that accepted a message, and its receipt.
pub async fn prove_message(public: Arc<PublicLog>, message: MessageId) -> Answer {
    let proven = spawn_blocking(move || prove::message(&public, message)).await;
    match proven {
        Ok(Ok(proven)) => Answer::done(&proven),
        Ok(Err(error)) if error.is_refusal() => Answer::refused(error),
        Ok(Err(error)) => Answer::unavailable(error),
        Err(error) => Answer::unavailable(error),
    }
}

/// Does work that blocks.
pub(super) async fn blocking(
    work: impl FnOnce() -> anyhow::Result<Value> + Send + 'static,
) -> Answer {
    match spawn_blocking(work).await {
        Ok(Ok(result)) => Answer::Done { result },
        Ok(Err(error)) => Answer::unavailable(format!("{error:#}")),
        Err(error) => Answer::unavailable(error),
    }
}
