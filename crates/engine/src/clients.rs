//! Clients and their keys: added, changed, rotated and revoked by a user of the machine. Who asks is found out in
//! `signed.rs`.

mod callback;
mod keys;
mod uses;

use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::time::Duration;

use domain::class::ClassSet;
use domain::id::{ClientId, KeyId};
use domain::sender::ShortCode;
use domain::time::Timestamp;
use ipnet::IpNet;
use ledger::{Draft, Facts, Kind, Outcome, Shown, UtcMicros};
use tokio::sync::oneshot;

use crate::changes::{Changes, Write};
use crate::client::{ApiKey, Caller, Directory, Forbidden, Scope};
use crate::coalesce::Who;
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::rows::{
    ApiKeyRow, AuthMode, CallbackSecretRow, CertificateName, CertificateRow, ClientRow, Thumbprint,
};
use crate::search::holds_number;
use crate::turns::Turn;

pub use keys::KeyWish;
use keys::signs;

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
    /// What its requests must show.
    pub auth: AuthMode,
    /// The certificates it may show.
    pub certificates: Vec<CertificateRow>,
    /// Names of which the certificate that it shows may have one.
    pub certificate_names: Vec<CertificateName>,
    /// When its first key ends.
    pub key_expires: Option<Timestamp>,
}

/// What is to be changed about what a client must show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientChange {
    /// What its requests must show, if that changes.
    pub auth: Option<AuthMode>,
    /// Certificates that it may show from now on.
    pub add: Vec<CertificateRow>,
    /// Certificates that it may not show any more.
    pub drop: Vec<Thumbprint>,
    /// Names of certificates that it may show from now on.
    pub add_names: Vec<CertificateName>,
    /// Names of certificates that it may not show any more.
    pub drop_names: Vec<CertificateName>,
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
    /// Its requests are to come with a certificate, and it has none.
    #[error(
        "a client with key+mtls needs a certificate: give it with --certificate, or a name in it with \
         --certificate-name"
    )]
    NoCertificate,
    /// It has certificates that nobody would look at.
    #[error(
        "certificates are looked at for clients with key+mtls alone: say --auth key+mtls, or drop them with \
         --drop-certificate or --drop-certificate-name"
    )]
    IdleCertificate,
    /// It has no such certificate.
    #[error("the client has no such certificate; `shortstop client list` shows them")]
    CertificateNotFound,
    /// It has no such name of a certificate.
    #[error("the client has no such certificate name; `shortstop client list` shows them")]
    CertificateNameNotFound,
    /// Another client has this name.
    #[error(
        "another client has this certificate name: one certificate must not stand for two; `shortstop client list` \
         shows whose it is"
    )]
    CertificateNameTaken,
    /// A name in a certificate may be a person's number.
    #[error(
        "the certificate name holds 7 digits in a row, like a phone number, and the ledger keeps it for ever: give \
         the certificate with --certificate"
    )]
    CertificateNameAstray,
    /// It has more certificates than a client may have.
    #[error(
        "a client may have 16 certificates and 16 names of certificates at most: drop those that are over with \
         --drop-certificate or --drop-certificate-name"
    )]
    TooManyCertificates,
    /// Its requests are to be signed, and it has no key to sign them with.
    #[error(
        "a client whose requests are signed needs a key for it that is not over: give it one with --public-key or \
         --hmac (`shortstop client rotate` for a client that is there)"
    )]
    NoSigningKey,
    /// Nothing can be recorded now.
    #[error("nothing can be recorded now; see the gateway's log")]
    Unavailable,
}

/// The reason of a request that is not the one which was signed, as in answers.
const ALTERED: &str = "digest-mismatch";

const NAME_MAX: usize = 64;
/// Keys of one client, ended ones included.
const KEYS_MAX: usize = 32;
/// Certificates of one client: several machines, each with an old and a new one.
const CERTIFICATES_MAX: usize = 16;

impl Gateway {
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

    /// Counts a request that is not the one which its signature names: it was changed on its way, or is another
    /// one. Whoever sent it was recognised before.
    pub fn count_altered(&self, caller: &Caller) {
        let now = self.now();
        let mut state = self.state();
        let who = Who::client_at(caller.client, caller.source);
        state
            .coalescer
            .count(Kind::AuthFailed, Outcome::Refused, who, ALTERED, now);
        state.counters.add(Counter::AuthFailed(ALTERED), 1);
    }

    /// Every client, oldest first, with the last use of each key as far as it is known.
    pub fn clients(&self) -> Vec<ClientRow> {
        let directory = self.clients_now();
        let mut rows: Vec<ClientRow> = directory.all().cloned().collect();
        for key in rows.iter_mut().flat_map(|row| &mut row.keys) {
            key.used = directory.used(key.id).or(key.used);
        }
        rows
    }

    /// The clients of this moment. Not to be held for longer than it takes to look.
    pub(crate) fn clients_now(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a client with one key, which is shown with each request. The key is in the answer and nowhere else.
    pub async fn add_client(
        &self,
        actor: &str,
        new: NewClient,
    ) -> Result<(ClientRow, ApiKey), ClientError> {
        let now = self.now();
        let (key, key_row) = self.bearer(new.key_expires, now);
        let row = self.create(actor, new, key_row, now).await?;
        Ok((row, key))
    }

    /// The same with a key of any sort. What the client must be given is in the answer; of a public key it is
    /// nothing.
    pub async fn add_client_with(
        &self,
        actor: &str,
        new: NewClient,
        wish: KeyWish,
    ) -> Result<(ClientRow, Option<ApiKey>), ClientError> {
        let now = self.now();
        let (shown, key_row) = self.new_key(wish, new.key_expires, now);
        let row = self.create(actor, new, key_row, now).await?;
        Ok((row, shown))
    }

    /// Gives a client a new key, which is shown with each request; the ones before end after `overlap`.
    pub async fn rotate_key(
        &self,
        actor: &str,
        client: ClientId,
        overlap: Duration,
        expires: Option<Timestamp>,
    ) -> Result<(ClientRow, ApiKey), ClientError> {
        let turn = self.client_turn().await;
        let now = self.now();
        let (key, key_row) = self.bearer(expires, now);
        let row = self.replace_key(actor, client, key_row, overlap, (now, turn));
        Ok((row.await?, key))
    }

    /// The same with a key of any sort.
    pub async fn rotate_key_with(
        &self,
        actor: &str,
        client: ClientId,
        wish: KeyWish,
        (overlap, expires): (Duration, Option<Timestamp>),
    ) -> Result<(ClientRow, Option<ApiKey>), ClientError> {
        let turn = self.client_turn().await;
        let now = self.now();
        let (shown, key_row) = self.new_key(wish, expires, now);
        let row = self.replace_key(actor, client, key_row, overlap, (now, turn));
        Ok((row.await?, shown))
    }

    /// Changes what a client must show. It holds with the next request.
    pub async fn change_client(
        &self,
        actor: &str,
        client: ClientId,
        change: ClientChange,
    ) -> Result<ClientRow, ClientError> {
        let turn = self.client_turn().await;
        let now = self.now();
        let mut row = self.client(client)?;
        if row.revoked.is_some() {
            return Err(ClientError::Revoked);
        }
        let drops = |kept: &CertificateRow| change.drop.contains(&kept.sha256);
        if !change
            .drop
            .iter()
            .all(|gone| row.certificates.iter().any(|kept| kept.sha256 == *gone))
        {
            return Err(ClientError::CertificateNotFound);
        }
        row.certificates.retain(|kept| !drops(kept));
        for fresh in change.add {
            row.certificates.retain(|kept| kept.sha256 != fresh.sha256);
            row.certificates.push(fresh);
        }
        take_names(&mut row, change.add_names, &change.drop_names)?;
        row.auth = change.auth.unwrap_or(row.auth);
        check_credentials(&row, now)?;
        self.check_names(&row)?;
        let entry = entries::by_os_user(
            Kind::ClientChanged,
            actor,
            entries::clients::demands(&row),
            Some(&row.id),
        );
        self.commit_client(entry, row.clone(), now, Some(turn))
            .await?;
        Ok(row)
    }

    /// Revokes a client, or one of its keys. It fails with the next request.
    pub async fn revoke_client(
        &self,
        actor: &str,
        client: ClientId,
        key: Option<KeyId>,
    ) -> Result<ClientRow, ClientError> {
        let turn = self.client_turn().await;
        let now = self.now();
        let mut row = self.client(client)?;
        row.revoke(key, now).ok_or(ClientError::KeyNotFound)?;
        let data = Facts::new().put_some("key", key.as_ref().map(|id| Shown(id)));
        let entry = entries::by_os_user(Kind::ClientRevoked, actor, data, Some(&row.id));
        self.commit_client(entry, row.clone(), now, Some(turn))
            .await?;
        Ok(row)
    }

    async fn create(
        &self,
        actor: &str,
        new: NewClient,
        key_row: ApiKeyRow,
        now: Timestamp,
    ) -> Result<ClientRow, ClientError> {
        check_name(&new.name)?;
        // Two clients must not take the same name at once.
        let turn = if new.certificate_names.is_empty() {
            None
        } else {
            Some(self.client_turn().await)
        };
        let scopes = new.scopes.iter();
        let row = ClientRow {
            id: self.ids.id(&*self.entropy, now),
            name: new.name,
            scopes: scopes.map(|scope| scope.as_str().to_owned()).collect(),
            short_codes: new.short_codes,
            classes: new.classes,
            networks: new.networks.iter().map(ToString::to_string).collect(),
            auth: new.auth,
            certificates: new.certificates,
            certificate_names: new.certificate_names,
            keys: vec![key_row],
            callback: CallbackSecretRow::default(),
            services: Vec::new(),
            created: now,
            revoked: None,
        };
        check_credentials(&row, now)?;
        self.check_names(&row)?;
        let data = entries::clients::grants(&row);
        let entry = entries::by_os_user(Kind::ClientCreated, actor, data, Some(&row.id));
        self.commit_client(entry, row.clone(), now, turn).await?;
        Ok(row)
    }

    /// No name stands for two clients, and none may be a person's number.
    fn check_names(&self, row: &ClientRow) -> Result<(), ClientError> {
        let mut names = row.certificate_names.iter();
        if names.any(|name| holds_number(name.as_str())) {
            return Err(ClientError::CertificateNameAstray);
        }
        let other = self
            .clients_now()
            .other_with(row.id, &row.certificate_names);
        other.map_or(Ok(()), |_| Err(ClientError::CertificateNameTaken))
    }

    /// Takes the turn to change clients.
    async fn replace_key(
        &self,
        actor: &str,
        client: ClientId,
        key_row: ApiKeyRow,
        overlap: Duration,
        (now, turn): (Timestamp, Turn),
    ) -> Result<ClientRow, ClientError> {
        let mut row = self.client(client)?;
        if row.revoked.is_some() {
            return Err(ClientError::Revoked);
        }
        if row.auth == AuthMode::Signed && key_row.method.algorithm().is_none() {
            return Err(ClientError::NoSigningKey);
        }
        let ends = now.saturating_add(overlap);
        let data = entries::clients::key(&key_row).put("ends", UtcMicros(ends.micros()));
        row.rotate(key_row, ends, now);
        check_credentials(&row, now)?;
        let entry = entries::by_os_user(Kind::ClientRotated, actor, data, Some(&row.id));
        self.commit_client(entry, row.clone(), now, Some(turn))
            .await?;
        Ok(row)
    }

    pub(crate) fn client(&self, id: ClientId) -> Result<ClientRow, ClientError> {
        let found = self.clients_now().get(id).cloned();
        found.ok_or(ClientError::NotFound)
    }

    /// Waits for the turn to change clients.
    pub(crate) async fn client_turn(&self) -> Turn {
        Arc::clone(&self.client_change).lock_owned().await
    }

    /// Commits a client, new or changed, and takes it in. It takes the turn to change clients, unless the client is
    /// new.
    pub(crate) async fn commit_client(
        &self,
        entry: Draft,
        row: ClientRow,
        now: Timestamp,
        turn: Option<Turn>,
    ) -> Result<(), ClientError> {
        let mut changes = Changes::new(entry, now);
        changes.write(Write::Client(Box::new(row.clone())));
        self.commit_clients(changes, row, turn).await
    }

    /// The same with entries of one's own. The turn ends with the commit, also when nobody waits for the answer any
    /// more.
    pub(crate) async fn commit_clients(
        &self,
        changes: Changes,
        row: ClientRow,
        turn: Option<Turn>,
    ) -> Result<(), ClientError> {
        if !self.is_open() {
            self.turned_away(1);
            return Err(ClientError::Unavailable);
        }
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
            drop(turn);
            let _ = done.send(result.is_ok());
        });
        drop(state);
        match durable.await {
            Ok(true) => Ok(()),
            _ => Err(ClientError::Unavailable),
        }
    }
}

/// Takes names in and out.
fn take_names(
    row: &mut ClientRow,
    add: Vec<CertificateName>,
    drop: &[CertificateName],
) -> Result<(), ClientError> {
    let names = &mut row.certificate_names;
    if !drop.iter().all(|gone| names.contains(gone)) {
        return Err(ClientError::CertificateNameNotFound);
    }
    names.retain(|kept| !drop.contains(kept));
    for name in add {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(())
}

/// A client that no request could be of is a mistake, and so is one whose certificates nobody would look at.
fn check_credentials(row: &ClientRow, now: Timestamp) -> Result<(), ClientError> {
    if row.certificates.len().max(row.certificate_names.len()) > CERTIFICATES_MAX {
        return Err(ClientError::TooManyCertificates);
    }
    let has_none = row.certificates.is_empty() && row.certificate_names.is_empty();
    match row.auth {
        AuthMode::KeyAndCertificate if has_none => Err(ClientError::NoCertificate),
        AuthMode::Key | AuthMode::Signed if !has_none => Err(ClientError::IdleCertificate),
        AuthMode::Signed if !row.keys.iter().any(|key| signs(key, now)) => {
            Err(ClientError::NoSigningKey)
        }
        AuthMode::Key | AuthMode::KeyAndCertificate | AuthMode::Signed => Ok(()),
    }
}

/// What a client's changes do to its row. The ledger's entries are folded by the same rules.
impl ClientRow {
    /// Whether it may call, and is to be known by a name in its certificate.
    pub fn is_known_by_name(&self) -> bool {
        self.revoked.is_none() && !self.certificate_names.is_empty()
    }

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
