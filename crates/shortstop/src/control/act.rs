//! What each command of the control socket asks of the engine. The rules are the engine's; here words
//! become values, and answers become JSON.

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

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use domain::id::{ClientId, KeyId};
use domain::time::Timestamp;
use engine::ports::Pruning;
use engine::ports::store::ReadError;
use engine::rows::ClientRow;
use engine::{ApiKey, BackupError, ClientError, Gateway, NewClient};
use serde_json::json;

use lines::Lines;

use super::message::{Answer, ClientShown, NewClientAsked, Request};
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
        Request::ClientAdd(asked) => add(&gateway, &actor, asked).await,
        Request::ClientList => list(&gateway, &actor).await,
        Request::ClientRevoke { client, key } => revoke(&gateway, &actor, client, key).await,
        Request::ClientRotate {
            client,
            overlap_seconds,
            expires,
        } => {
            let overlap = Duration::from_secs(overlap_seconds);
            rotate(&gateway, &actor, client, (overlap, expires.as_deref())).await
        }
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
        Request::Backup { to } => match gateway.backup(&actor, to.clone()).await {
            Ok(()) => Answer::done(&json!({"backup": to})),
            Err(error @ BackupError::Copy(ReadError::Place(_))) => Answer::refused(error),
            Err(error) => Answer::unavailable(chain(&error)),
        },
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

async fn add(gateway: &Gateway, actor: &str, asked: NewClientAsked) -> Answer {
    let new = match new_client(asked) {
        Ok(new) => new,
        Err(says) => return Answer::refused(says),
    };
    match gateway.add_client(actor, new).await {
        Ok((row, key)) => with_key(&row, &key),
        Err(error) => failed(error),
    }
}

async fn list(gateway: &Gateway, actor: &str) -> Answer {
    match gateway.read_clients(actor).await {
        Ok(rows) => {
            let clients: Vec<ClientShown> = rows.iter().map(ClientShown::from).collect();
            Answer::done(&json!({"clients": clients}))
        }
        Err(error) => failed(error),
    }
}

async fn revoke(gateway: &Gateway, actor: &str, client: ClientId, key: Option<KeyId>) -> Answer {
    match gateway.revoke_client(actor, client, key).await {
        Ok(row) => Answer::done(&json!({"client": ClientShown::from(&row)})),
        Err(error) => failed(error),
    }
}

async fn rotate(
    gateway: &Gateway,
    actor: &str,
    client: ClientId,
    (overlap, expires): (Duration, Option<&str>),
) -> Answer {
    let expires = match moment(expires) {
        Ok(expires) => expires,
        Err(says) => return Answer::refused(says),
    };
    match gateway.rotate_key(actor, client, overlap, expires).await {
        Ok((row, key)) => with_key(&row, &key),
        Err(error) => failed(error),
    }
}

fn with_key(row: &ClientRow, key: &ApiKey) -> Answer {
    let mut client = ClientShown::from(row);
    client.api_key = Some(key.reveal().to_owned());
    Answer::done(&json!({"client": client}))
}

fn failed(error: ClientError) -> Answer {
    match error {
        ClientError::Unavailable => Answer::unavailable(error),
        _ => Answer::refused(error),
    }
}

/// The words of the command line as values, or what is wrong with the first that is none.
fn new_client(asked: NewClientAsked) -> Result<NewClient, String> {
    Ok(NewClient {
        name: asked.name,
        scopes: all(&asked.scopes)?,
        short_codes: asked.short_codes,
        classes: asked.classes.into_iter().collect(),
        networks: all(&asked.networks)?,
        key_expires: moment(asked.expires.as_deref())?,
    })
}

fn all<T>(words: &[String]) -> Result<Vec<T>, String>
where
    T: std::str::FromStr<Err: Display>,
{
    let parsed = words
        .iter()
        .map(|word| word.parse().map_err(|error| format!("`{word}`: {error}")));
    parsed.collect()
}

fn moment(text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let parse = |text: &str| text.parse().map_err(|error| format!("`{text}`: {error}"));
    text.map(parse).transpose()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> NewClientAsked {
        NewClientAsked {
            name: "shop".to_owned(),
            scopes: vec!["messages:send".to_owned()],
            short_codes: Vec::new(),
            classes: Vec::new(),
            networks: vec!["10.0.0.0/8".to_owned()],
            expires: Some("2027-01-31T00:00:00Z".to_owned()),
        }
    }

    #[test]
    fn words_become_values_and_the_wrong_one_is_named() {
        assert!(new_client(asked()).is_ok());
        let wrong = |change: fn(&mut NewClientAsked)| {
            let mut asked = asked();
            change(&mut asked);
            new_client(asked).unwrap_err()
        };
        assert!(wrong(|asked| asked.scopes.push("all".to_owned())).contains("`all`"));
        assert!(wrong(|asked| asked.networks.push("home".to_owned())).contains("`home`"));
        assert!(wrong(|asked| asked.expires = Some("soon".to_owned())).contains("`soon`"));
    }
}
