//! Clients and their keys: added, rotated and revoked by a user of the machine. Authentication of
//! requests is here too; its failures are counted in the ledger.

use std::net::IpAddr;
use std::sync::PoisonError;
use std::time::Duration;

use domain::class::ClassSet;
use domain::id::{ClientId, KeyId};
use domain::sender::ShortCode;
use domain::time::Timestamp;
use ipnet::IpNet;
use ledger::{Facts, Kind, Outcome, Shown, UtcMicros};
use tokio::sync::oneshot;

use crate::changes::{Changes, Write};
use crate::client::{ApiKey, AuthError, Caller, Forbidden, Scope};
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::rows::{ApiKeyRow, ClientRow};
use crate::search::holds_number;

/// A client to be.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Its name, for people: 1 to 64 characters, no control or direction characters, and never as many digits in a
    /// row as a number has.
    pub name: String,
    /// What it may call.
    pub scopes: Vec<Scope>,
    /// The short codes it may use.
    pub short_codes: Vec<ShortCode>,
    /// The classes it may send.
    pub classes: ClassSet,
    /// The networks it may come from; empty means any.
    pub networks: Vec<IpNet>,
    /// When its first key ends.
    pub key_expires: Option<Timestamp>,
}

/// Why a client is not added or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// There is no such client.
    #[error("there is no such client; `shortstop client list` shows them")]
    NotFound,
    /// The client has no such key.
    #[error("the client has no such key; `shortstop client list` shows them")]
    KeyNotFound,
    /// The client was revoked.
    #[error("the client was revoked; add a new one")]
    Revoked,
    /// The name is empty, too long, or holds what is no text to read.
    #[error("the name must have 1 to 64 characters, without control or direction characters")]
    Name,
    /// The name may be a person's number.
    #[error(
        "the name holds 7 digits in a row, like a phone number, and the ledger keeps it for ever: name the application"
    )]
    NameAstray,
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now; see the gateway's log")]
    Unavailable,
}

const NAME_MAX: usize = 64;
/// Keys of one client, ended ones included.
const KEYS_MAX: usize = 32;

impl Gateway {
    /// Who shows this credential, and what that one may do.
    pub fn authenticate(&self, credential: &str, source: IpAddr) -> Result<Caller, AuthError> {
        let now = self.now();
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let result = directory.authenticate(credential, source, now);
        drop(directory);
        result.map_err(|(error, client)| {
            if let Err(throttled) = self.take_failed_login(source) {
                return self.login_throttled(source, throttled, now);
            }
            let who = client.map_or_else(
                || Who::network(source),
                |client| Who::client_at(client, source),
            );
            let mut state = self.state();
            state
                .coalescer
                .count(Kind::AuthFailed, Outcome::Refused, who, error.code(), now);
            state.counters.add(Counter::AuthFailed(error.code()), 1);
            error
        })
    }

    /// Whether the caller may call this. A no is counted.
    pub fn authorize(&self, caller: &Caller, scope: Scope) -> Result<(), Forbidden> {
        if caller.has(scope) {
            return Ok(());
        }
        let now = self.now();
        let mut state = self.state();
        let who = Who::Client(caller.client);
        state.coalescer.count(
            Kind::AuthFailed,
            Outcome::Refused,
            who,
            "scope-missing",
            now,
        );
        state.counters.add(Counter::AuthFailed("scope-missing"), 1);
        Err(Forbidden(scope))
    }

    /// Every client, oldest first.
    pub fn clients(&self) -> Vec<ClientRow> {
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        directory.all().cloned().collect()
    }

    /// Adds a client with one key. The key is in the answer and nowhere else.
    pub async fn add_client(
        &self,
        actor: &str,
        new: NewClient,
    ) -> Result<(ClientRow, ApiKey), ClientError> {
        check_name(&new.name)?;
        let now = self.now();
        let (key, key_row) = self.new_key(new.key_expires, now);
        let row = ClientRow {
            id: self.ids.id(&*self.entropy, now),
            name: new.name,
            scopes: new
                .scopes
                .iter()
                .map(|scope| scope.as_str().to_owned())
                .collect(),
            short_codes: new.short_codes,
            classes: new.classes,
            networks: new.networks.iter().map(ToString::to_string).collect(),
            keys: vec![key_row],
            created: now,
            revoked: None,
        };
        let data = grants(&row);
        self.put_client(actor, Kind::ClientCreated, data, row.clone(), now)
            .await?;
        Ok((row, key))
    }

    /// Gives a client a new key; the ones before end after `overlap`.
    pub async fn rotate_key(
        &self,
        actor: &str,
        client: ClientId,
        overlap: Duration,
        expires: Option<Timestamp>,
    ) -> Result<(ClientRow, ApiKey), ClientError> {
        let _turn = self.client_change.lock().await;
        let now = self.now();
        let mut row = self.client(client)?;
        if row.revoked.is_some() {
            return Err(ClientError::Revoked);
        }
        let ends = now.saturating_add(overlap);
        let (key, key_row) = self.new_key(expires, now);
        let data = key_facts(&key_row).put("ends", UtcMicros(ends.micros()));
        row.rotate(key_row, ends, now);
        self.put_client(actor, Kind::ClientRotated, data, row.clone(), now)
            .await?;
        Ok((row, key))
    }

    /// Revokes a client, or one of its keys. It fails with the next request.
    pub async fn revoke_client(
        &self,
        actor: &str,
        client: ClientId,
        key: Option<KeyId>,
    ) -> Result<ClientRow, ClientError> {
        let _turn = self.client_change.lock().await;
        let now = self.now();
        let mut row = self.client(client)?;
        row.revoke(key, now).ok_or(ClientError::KeyNotFound)?;
        let data = Facts::new().put_some("key", key.as_ref().map(|id| Shown(id)));
        self.put_client(actor, Kind::ClientRevoked, data, row.clone(), now)
            .await?;
        Ok(row)
    }

    pub(crate) fn client(&self, id: ClientId) -> Result<ClientRow, ClientError> {
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        directory.get(id).cloned().ok_or(ClientError::NotFound)
    }

    fn new_key(&self, expires: Option<Timestamp>, now: Timestamp) -> (ApiKey, ApiKeyRow) {
        let mut octets = [0; 32];
        self.entropy.fill(&mut octets);
        let key = ApiKey::from_octets(octets);
        let row = ApiKeyRow {
            id: self.ids.id(&*self.entropy, now),
            hash: key.hash().to_hex(),
            created: now,
            expires,
            revoked: None,
        };
        (key, row)
    }

    async fn put_client(
        &self,
        actor: &str,
        kind: Kind,
        data: Facts,
        row: ClientRow,
        now: Timestamp,
    ) -> Result<(), ClientError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(ClientError::Unavailable);
        }
        let draft = entries::by_os_user(kind, actor, data, Some(&row.id));
        let mut changes = Changes::new(draft, now);
        changes.write(Write::Client(Box::new(row.clone())));
        let (done, durable) = oneshot::channel();
        let state = self.state();
        self.commit(changes, move |gateway, result| {
            if result.is_ok() {
                let mut directory = gateway
                    .directory
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                directory.put(row);
            } else {
                gateway.turned_away(1);
            }
            let _ = done.send(result.is_ok());
        });
        drop(state);
        match durable.await {
            Ok(true) => Ok(()),
            _ => Err(ClientError::Unavailable),
        }
    }
}

/// What a client's changes do to its row. The ledger's entries are folded by the same rules.
impl ClientRow {
    /// Takes in a new key; those before it end at `ends`, unless they end sooner.
    pub(crate) fn rotate(&mut self, key: ApiKeyRow, ends: Timestamp, now: Timestamp) {
        for key in &mut self.keys {
            key.expires = Some(key.expires.map_or(ends, |expires| expires.min(ends)));
        }
        // Ended keys are kept as far as there is room, so that one used again is known for what it is.
        while self.keys.len() >= KEYS_MAX {
            let ended = |key: &ApiKeyRow| key.expires.is_some_and(|expires| expires <= now);
            let oldest = self.keys.iter().position(ended).unwrap_or(0);
            self.keys.remove(oldest);
        }
        self.keys.push(key);
    }

    /// Revokes one key, or the client as a whole. `None` when it has no such key.
    pub(crate) fn revoke(&mut self, key: Option<KeyId>, now: Timestamp) -> Option<()> {
        let revoked = match key {
            None => &mut self.revoked,
            Some(id) => &mut self.keys.iter_mut().find(|key| key.id == id)?.revoked,
        };
        revoked.get_or_insert(now);
        Some(())
    }
}

/// What the ledger says of a key: the hash of 32 random octets hides them.
/// A name stands in the ledger for ever and on operators' screens: it may be no number and steer none.
fn check_name(name: &str) -> Result<(), ClientError> {
    let is_unseen = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let length = name.chars().count();
    if !(1..=NAME_MAX).contains(&length) || name.trim().is_empty() || name.chars().any(is_unseen) {
        return Err(ClientError::Name);
    }
    if holds_number(&name.replace(' ', "")) {
        return Err(ClientError::NameAstray);
    }
    Ok(())
}

fn key_facts(key: &ApiKeyRow) -> Facts {
    Facts::new()
        .put_some("expires", key.expires.map(|end| UtcMicros(end.micros())))
        .put("hash", key.hash.as_str())
        .put("key", Shown(&key.id))
}

fn grants(row: &ClientRow) -> Facts {
    let codes: Vec<String> = row.short_codes.iter().map(ToString::to_string).collect();
    let classes: Vec<String> = row.classes.iter().map(|class| class.to_string()).collect();
    row.keys
        .first()
        .map_or_else(Facts::new, key_facts)
        .put("classes", classes)
        .put("name", row.name.as_str())
        .put("networks", row.networks.clone())
        .put("scopes", row.scopes.clone())
        .put("short_codes", codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_people_may_read_for_ever() {
        for good in ["shop", "Büro 7", "shop-2026", "क"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for unseen in [
            "",
            "  ",
            "a\nb",
            "\u{1b}[31mred",
            "a\u{202e}b",
            "a\u{200b}b",
            &"x".repeat(65),
        ] {
            assert_eq!(check_name(unseen), Err(ClientError::Name), "{unseen:?}");
        }
        for number in [
            "+447700900123",
            "447700900123 Bob",
            "4477 0090 0123",
            "07700-900-123",
        ] {
            assert_eq!(check_name(number), Err(ClientError::NameAstray), "{number}");
        }
    }
}
