//! What the commands of the ledger ask of it. They read what is published and write nothing to the
//! store, so they need no gateway.

use std::path::PathBuf;
use std::sync::Arc;

use domain::id::MessageId;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::control::message::Answer;
use crate::public_log::{PublicLog, export, prove};

/// Writes the published log to a folder.
pub async fn export_to(public: Arc<PublicLog>, to: PathBuf) -> Answer {
    blocking(move || {
        let written = export::write(&public, &to)?;
        Ok(json!({"folder": to, "size": written.size, "files": written.files, "vkey": public.vkey.to_string()}))
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

async fn blocking(work: impl FnOnce() -> anyhow::Result<Value> + Send + 'static) -> Answer {
    match spawn_blocking(work).await {
        Ok(Ok(result)) => Answer::Done { result },
        Ok(Err(error)) => Answer::unavailable(format!("{error:#}")),
        Err(error) => Answer::unavailable(error),
    }
}
