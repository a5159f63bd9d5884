//! What each command of the control socket asks of the engine. The rules are the engine's; here words
//! become values, and answers become JSON.

pub mod clients;
pub mod keys;
pub mod ledger;
pub mod limits;
pub mod lines;
pub mod openings;
pub mod prune;
pub mod rebuild;
pub mod search;
pub mod subject;
pub mod verifications;
pub mod webhooks;

use std::path::PathBuf;
use std::sync::Arc;

use engine::ports::Pruning;
use engine::ports::store::ReadError;
use engine::{BackupError, Gateway};
use serde_json::json;

use lines::Lines;

use super::message::{Answer, Request};
use crate::key_places::KeyPlace;
use crate::public_log::PublicLog;
use crate::wiring::Opened;

/// What commands work on.
#[derive(Clone)]
pub struct Ground {
    /// The gateway.
    pub gateway: Arc<Gateway>,
    /// Its ledger.
    pub public: Arc<PublicLog>,
    /// Where its state is rebuilt.
    pub workshop: Arc<dyn Pruning>,
    /// Where its keys lie.
    pub keys: Arc<Vec<KeyPlace>>,
    /// The exports that are under way.
    pub lines: Arc<Lines>,
}

impl Ground {
    /// With no export under way.
    pub fn new(opened: &Opened) -> Self {
        Self {
            gateway: Arc::clone(&opened.gateway),
            public: Arc::clone(&opened.public),
            workshop: opened.workshop(),
            keys: Arc::clone(&opened.keys),
            lines: Arc::default(),
        }
    }
}

/// Does what is asked, in the name of this user.
pub async fn act(ground: Ground, actor: String, request: Request) -> Answer {
    let Ground {
        gateway,
        public,
        workshop,
        keys: places,
        lines,
    } = ground;
    if reads_the_ledger(&request) {
        gateway.ledger_was_read(&actor);
    }
    match request {
        Request::LedgerExport { to } => ledger::export_to((&gateway, public), &actor, to).await,
        Request::LedgerLines(asked) => lines.begin((&gateway, public), &actor, asked).await,
        Request::LedgerLinesRead { ticket, from } => lines.read(public, ticket, from).await,
        Request::LedgerRead { path } => ledger::read_file(public, path).await,
        Request::LedgerSeals { from } => ledger::read_seals(public, from).await,
        Request::LedgerSealed { from } => ledger::read_sealed(public, from).await,
        Request::LedgerProve { message } => ledger::prove_message(public, message).await,
        Request::LedgerSearch(asked) => search::search(&gateway, &actor, asked).await,
        Request::LedgerPrune {
            keep_days,
            below_a_year,
            manner,
        } => {
            let asked = prune::asked(keep_days, below_a_year);
            prune::prune((&gateway, workshop), &actor, asked, manner).await
        }
        Request::LedgerRebuild { to } => rebuild::live(&gateway, workshop, &actor, to).await,
        asked @ (Request::ClientAdd(_)
        | Request::ClientList
        | Request::ClientRevoke { .. }
        | Request::ClientRotate { .. }
        | Request::ClientChange { .. }
        | Request::ClientCallbackSecret { .. }
        | Request::ClientCallbackRotate { .. }) => clients::act(&gateway, &actor, asked).await,
        Request::LedgerOpenings => openings::live(&gateway, workshop).await,
        Request::SubjectExport { number } => subject::export(&gateway, &actor, &number).await,
        Request::SubjectErase {
            number,
            basis,
            consent,
        } => subject::erase(&gateway, &actor, &number, (&basis, consent)).await,
        Request::LimitsShow => limits::show(&gateway, &actor).await,
        Request::LimitsExplain(asked) => limits::explain(&gateway, &actor, asked).await,
        Request::KeysStatus => keys::status(&gateway, &places),
        Request::KeysRotate => keys::rotate(gateway, actor).await,
        Request::VerificationsStats => verifications::stats(&gateway),
        Request::VerificationsUnblock { prefix, reason } => {
            verifications::unblock(&gateway, &actor, prefix, &reason).await
        }
        Request::VerificationsEnable {
            client,
            number,
            reason,
        } => verifications::enable(&gateway, &actor, (client, &number), &reason).await,
        asked @ (Request::WebhookAdd(_)
        | Request::WebhookList
        | Request::WebhookEnable { .. }
        | Request::WebhookDisable { .. }
        | Request::WebhookRotate { .. }
        | Request::WebhookRemove { .. }
        | Request::WebhookDead { .. }
        | Request::WebhookReplay { .. }) => webhooks::act(&gateway, &actor, asked).await,
        Request::Backup { to } => backup(&gateway, &actor, to).await,
    }
}

async fn backup(gateway: &Gateway, actor: &str, to: PathBuf) -> Answer {
    match gateway.backup(actor, to.clone()).await {
        Ok(()) => Answer::done(&json!({"backup": to})),
        Err(error @ BackupError::Copy(ReadError::Place(_))) => Answer::refused(error),
        Err(error) => Answer::unavailable(chain(&error)),
    }
}

/// Whether the answer holds what the published log or the vault's openings say.
const fn reads_the_ledger(request: &Request) -> bool {
    matches!(
        request,
        Request::LedgerRead { .. }
            | Request::LedgerSeals { .. }
            | Request::LedgerSealed { .. }
            | Request::LedgerProve { .. }
            | Request::LedgerOpenings
    )
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut says = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if !says.contains(&text) {
            says = format!("{says}: {text}");
        }
        cause = next.source();
    }
    says
}
