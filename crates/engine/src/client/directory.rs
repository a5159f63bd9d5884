//! Every client and key, in memory: who shows this key, and whether that is enough. A key that was revoked fails
//! with the next request, whatever connection it comes over.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::{ClientId, KeyId};
use domain::system_id::SystemId;
use domain::time::Timestamp;

use super::{AuthError, Caller, Grants, KeyHash, KeyName, PeerCertificate};
use crate::rows::{ApiKeyRow, AuthMode, CertificateName, ClientRow};
use crate::settings::EsmeAccount;

/// Why a credential is not accepted, and whose it is where that is known.
pub(crate) type NotAccepted = (AuthError, Option<ClientId>);

/// A key and whose it is.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) client: ClientId,
    pub(crate) key: ApiKeyRow,
    client_revoked: bool,
    grants: Arc<Grants>,
    /// When it was last used, in microseconds since 1970; 0 when it was not.
    used: Arc<AtomicU64>,
}

/// How a key was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It was shown.
    Shown,
    /// A request was signed with it.
    Signed,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) source: IpAddr,
    /// The certificate of its connection, valid now.
    pub(crate) certificate: Option<&'a PeerCertificate>,
}

impl Known {
    /// Whether somebody who has proved to hold this key may come in. What the key needs beside it is asked first:
    /// whoever has a key alone learns nothing of it.
    pub(crate) fn admit(
        &self,
        proof: Proof,
        from: Origin<'_>,
        now: Timestamp,
    ) -> Result<Caller, NotAccepted> {
        let refuse = |error| Err((error, Some(self.client)));
        let suits = |shown| self.grants.knows(shown);
        match self.grants.auth {
            AuthMode::KeyAndCertificate if !from.certificate.is_some_and(suits) => {
                return refuse(AuthError::Certificate);
            }
            AuthMode::Signed if proof == Proof::Shown => return refuse(AuthError::Unsigned),
            AuthMode::Key | AuthMode::KeyAndCertificate | AuthMode::Signed => {}
        }
        if self.client_revoked || self.key.revoked.is_some() {
            return refuse(AuthError::Revoked);
        }
        if self.key.expires.is_some_and(|end| end <= now) {
            return refuse(AuthError::Expired);
        }
        if !self.grants.allows(from.source) {
            return refuse(AuthError::Network);
        }
        Ok(Caller {
            client: self.client,
            key: Some(self.key.id),
            system_id: None,
            source: from.source,
            grants: Arc::clone(&self.grants),
        })
    }

    /// Lets in whoever shows it.
    fn enter(&self, from: Origin<'_>, now: Timestamp) -> Result<Caller, NotAccepted> {
        let caller = self.admit(Proof::Shown, from, now)?;
        self.was_used(now);
        Ok(caller)
    }

    /// Notes that it was used.
    pub(crate) fn was_used(&self, now: Timestamp) {
        self.used.fetch_max(now.micros(), Ordering::Relaxed);
    }
}

/// Every client and key, in memory.
#[derive(Debug, Default)]
pub struct Directory {
    rows: BTreeMap<ClientId, ClientRow>,
    shown: HashMap<KeyHash, Arc<Known>>,
    signing: HashMap<KeyId, Arc<Known>>,
    uses: HashMap<KeyId, Arc<AtomicU64>>,
    /// What each client may do that was not revoked.
    grants: HashMap<ClientId, Arc<Grants>>,
}

impl Directory {
    /// Takes in a client, new or changed.
    pub fn put(&mut self, row: ClientRow) {
        if let Some(before) = self.rows.remove(&row.id) {
            self.take_out(&before, &row);
        }
        let grants = Grants::of(&row);
        for key in &row.keys {
            let used = self.uses.entry(key.id).or_default();
            used.fetch_max(key.used.map_or(0, Timestamp::micros), Ordering::Relaxed);
            let known = Arc::new(Known {
                client: row.id,
                key: key.clone(),
                client_revoked: row.revoked.is_some(),
                grants: Arc::clone(&grants),
                used: Arc::clone(used),
            });
            if key.method.algorithm().is_some() {
                self.signing.insert(key.id, known);
            } else if let Some(hash) = KeyHash::from_hex(&key.hash) {
                self.shown.insert(hash, known);
            }
        }
        if row.revoked.is_some() {
            self.grants.remove(&row.id);
        } else {
            self.grants.insert(row.id, grants);
        }
        self.rows.insert(row.id, row);
    }

    /// Takes out the keys of a client as it was; of those that it keeps the last use stays known.
    fn take_out(&mut self, before: &ClientRow, kept: &ClientRow) {
        for key in &before.keys {
            self.signing.remove(&key.id);
            if key.method.algorithm().is_none()
                && let Some(hash) = KeyHash::from_hex(&key.hash)
            {
                self.shown.remove(&hash);
            }
            if !kept.keys.iter().any(|kept| kept.id == key.id) {
                self.uses.remove(&key.id);
            }
        }
    }

    /// The client for which an ESME acts that is bound from there; `None` when there is none, it was revoked,
    /// may not come from there, or is to show more than a key over HTTPS and its account asks for a password
    /// alone.
    pub(crate) fn esme(&self, account: &EsmeAccount, bound: (&SystemId, IpAddr)) -> Option<Caller> {
        let grants = self.grants.get(&account.client)?;
        let (system_id, source) = bound;
        let suffices = grants.auth == AuthMode::Key || account.asks_for_certificate();
        (suffices && grants.allows(source)).then(|| Caller {
            client: account.client,
            key: None,
            system_id: Some(system_id.clone()),
            source,
            grants: Arc::clone(grants),
        })
    }

    /// The client, other than this one, that was given one of these names.
    pub(crate) fn other_with(
        &self,
        client: ClientId,
        names: &[CertificateName],
    ) -> Option<ClientId> {
        let mut rows = self.rows.values().filter(|row| row.revoked.is_none());
        let has = |row: &&ClientRow| {
            let mut theirs = row.certificate_names.iter();
            row.id != client && theirs.any(|name| names.contains(name))
        };
        rows.find(has).map(|row| row.id)
    }

    /// One client.
    pub fn get(&self, id: ClientId) -> Option<&ClientRow> {
        self.rows.get(&id)
    }

    /// Every client, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &ClientRow> {
        self.rows.values()
    }

    /// When a key was last used, as far as it is known.
    pub(crate) fn used(&self, key: KeyId) -> Option<Timestamp> {
        let micros = self.uses.get(&key)?.load(Ordering::Relaxed);
        (micros > 0).then(|| Timestamp::from_micros(micros))
    }

    /// The keys of a client that were used on a later day than the one that is recorded.
    pub(crate) fn first_uses(&self, client: ClientId) -> Vec<KeyId> {
        let keys = self.rows.get(&client).into_iter().flat_map(|row| &row.keys);
        keys.filter(|key| self.is_first_use(key))
            .map(|key| key.id)
            .collect()
    }

    /// The clients that have such keys.
    pub(crate) fn with_first_uses(&self) -> Vec<ClientId> {
        let rows = self.rows.values();
        let due = rows.filter(|row| row.keys.iter().any(|key| self.is_first_use(key)));
        due.map(|row| row.id).collect()
    }

    fn is_first_use(&self, key: &ApiKeyRow) -> bool {
        let used = self.used(key.id);
        used.is_some_and(|used| key.used.is_none_or(|kept| day(used) > day(kept)))
    }

    /// A key that requests are signed with, as far as its id is one.
    pub(crate) fn signer(&self, key: &str) -> Option<Arc<Known>> {
        self.signing.get(&key.parse().ok()?).cloned()
    }

    /// Who shows this credential. The key is found by its SHA-256, which nobody can steer, so that
    /// the time it takes tells nothing of other keys.
    pub(crate) fn authenticate(
        &self,
        credential: &str,
        from: Origin<'_>,
        now: Timestamp,
    ) -> Result<Caller, NotAccepted> {
        self.key_shown(credential)?.enter(from, now)
    }

    /// Who shows this credential under that name. A key of another name is answered like none at all.
    pub(crate) fn authenticate_named(
        &self,
        (name, credential): (KeyName, &str),
        from: Origin<'_>,
        now: Timestamp,
    ) -> Result<Caller, NotAccepted> {
        let known = self.key_shown(credential)?;
        let is_its_name = match name {
            KeyName::Client(client) => client == known.client,
            KeyName::Key(key) => key == known.key.id,
        };
        if !is_its_name {
            return Err((AuthError::Unknown, Some(known.client)));
        }
        known.enter(from, now)
    }

    fn key_shown(&self, credential: &str) -> Result<&Known, NotAccepted> {
        let hash = KeyHash::of(credential).ok_or((AuthError::Unknown, None))?;
        let known = self.shown.get(&hash).ok_or((AuthError::Unknown, None))?;
        Ok(known)
    }
}

/// The day of a time, counted from 1970.
const fn day(time: Timestamp) -> u64 {
    time.seconds() / 86_400
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ApiKey;
    use crate::rows::{CallbackSecretRow, CertificateRow, KeyMethod, Thumbprint};
    use domain::class::ClassSet;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);
    const LATER: Timestamp = Timestamp::from_seconds(1_764_064_900);
    const HOME: Origin<'static> = Origin {
        source: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
        certificate: None,
    };

    fn client(key: &ApiKey) -> ClientRow {
        ClientRow {
            id: ClientId::new(1, 1),
            name: "shop".to_owned(),
            scopes: vec!["messages:send".to_owned()],
            short_codes: vec![],
            classes: ClassSet::default(),
            networks: vec![],
            auth: AuthMode::Key,
            certificates: vec![],
            certificate_names: vec![],
            keys: vec![ApiKeyRow {
                id: KeyId::new(2, 2),
                hash: key.hash().to_hex(),
                method: KeyMethod::Bearer,
                created: NOW,
                expires: None,
                revoked: None,
                used: None,
                ahead: None,
            }],
            callback: CallbackSecretRow::default(),
            services: Vec::new(),
            created: NOW,
            revoked: None,
        }
    }

    fn outcome_from(
        row: ClientRow,
        key: &ApiKey,
        from: Origin<'_>,
        now: Timestamp,
    ) -> Option<AuthError> {
        let mut directory = Directory::default();
        directory.put(row);
        let outcome = directory.authenticate(key.reveal(), from, now);
        outcome.err().map(|(error, _)| error)
    }

    fn outcome(row: ClientRow, key: &ApiKey, now: Timestamp) -> Option<AuthError> {
        outcome_from(row, key, HOME, now)
    }

    #[test]
    fn a_key_opens_until_it_expires_or_is_revoked() {
        let key = ApiKey::from_octets([5; 32]);
        assert_eq!(outcome(client(&key), &key, NOW), None);
        let mut row = client(&key);
        row.keys[0].expires = Some(LATER);
        assert_eq!(outcome(row.clone(), &key, NOW), None);
        assert_eq!(outcome(row.clone(), &key, LATER), Some(AuthError::Expired));
        row.keys[0].revoked = Some(NOW);
        assert_eq!(outcome(row.clone(), &key, NOW), Some(AuthError::Revoked));
        row.keys[0].revoked = None;
        row.revoked = Some(NOW);
        assert_eq!(outcome(row, &key, NOW), Some(AuthError::Revoked));
        let other = ApiKey::from_octets([6; 32]);
        assert_eq!(outcome(client(&key), &other, NOW), Some(AuthError::Unknown));
    }

    #[test]
    fn a_key_that_a_client_has_no_more_opens_nothing_and_others_keep_theirs() {
        let [old, new, theirs] = [5, 6, 7].map(|octet| ApiKey::from_octets([octet; 32]));
        let mut directory = Directory::default();
        let mut other = client(&theirs);
        other.id = ClientId::new(9, 9);
        other.keys[0].id = KeyId::new(9, 9);
        directory.put(other);
        let mut signs = client(&old).keys.remove(0);
        (signs.id, signs.method) = (KeyId::new(3, 3), KeyMethod::HmacSha256);
        let mut row = client(&old);
        row.keys.push(signs.clone());
        directory.put(row);
        assert!(directory.signer(&signs.id.to_string()).is_some());
        let mut row = client(&new);
        row.keys[0].id = KeyId::new(4, 4);
        directory.put(row);
        assert!(directory.signer(&signs.id.to_string()).is_none());
        assert_eq!(directory.uses.len(), 2);
        for (key, opens) in [(&old, false), (&new, true), (&theirs, true)] {
            let outcome = directory.authenticate(key.reveal(), HOME, NOW);
            assert_eq!(outcome.is_ok(), opens);
        }
    }

    #[test]
    fn a_client_calls_only_from_its_networks() {
        let key = ApiKey::from_octets([5; 32]);
        let mut row = client(&key);
        row.networks = vec!["10.0.0.0/8".to_owned()];
        assert_eq!(outcome(row.clone(), &key, NOW), Some(AuthError::Network));
        row.networks.push("127.0.0.0/8".to_owned());
        assert_eq!(outcome(row, &key, NOW), None);
    }

    #[test]
    fn a_key_that_needs_a_certificate_opens_with_that_one_alone_and_tells_nothing_without() {
        let key = ApiKey::from_octets([5; 32]);
        let mut row = client(&key);
        row.auth = AuthMode::KeyAndCertificate;
        let [ours, theirs] = [[1; 32], [2; 32]].map(|hash| certificate(hash, &[]));
        let (ours, theirs) = (&ours, &theirs);
        row.certificates = vec![CertificateRow {
            sha256: ours.sha256,
            expires: LATER,
        }];
        let with = |certificate| Origin {
            certificate,
            ..HOME
        };
        let refused = Some(AuthError::Certificate);
        let tried = |row: &ClientRow, shown| outcome_from(row.clone(), &key, with(shown), NOW);
        assert_eq!(tried(&row, Some(ours)), None);
        assert_eq!(tried(&row, Some(theirs)), refused);
        assert_eq!(tried(&row, None), refused);
        row.keys[0].revoked = Some(NOW);
        assert_eq!(tried(&row, Some(ours)), Some(AuthError::Revoked));
        assert_eq!(tried(&row, Some(theirs)), refused, "whether it is revoked");
    }

    fn certificate(hash: [u8; 32], names: &[&str]) -> PeerCertificate {
        PeerCertificate {
            sha256: Thumbprint::from_bytes(hash),
            names: names.iter().map(|name| name.parse().unwrap()).collect(),
            from: NOW,
            until: LATER,
        }
    }

    #[test]
    fn a_key_that_needs_a_certificate_opens_with_one_of_its_names_that_was_vouched_for() {
        let key = ApiKey::from_octets([5; 32]);
        let mut row = client(&key);
        row.auth = AuthMode::KeyAndCertificate;
        row.certificate_names = vec!["dns:bank.example".parse().unwrap()];
        let tried = |names: &[&str]| {
            let shown = certificate([1; 32], names);
            let from = Origin {
                certificate: Some(&shown),
                ..HOME
            };
            outcome_from(row.clone(), &key, from, NOW)
        };
        let refused = Some(AuthError::Certificate);
        assert_eq!(tried(&["subject:CN=x", "dns:bank.example"]), None);
        assert_eq!(tried(&[]), refused, "nobody vouched for its names");
        assert_eq!(
            tried(&["dns:bank.example.org", "uri:bank.example:x"]),
            refused
        );
    }

    #[test]
    fn a_name_of_one_client_opens_nothing_with_the_key_of_another_nor_one_of_another_sort() {
        let [ours, theirs] = [5, 6].map(|octet| ApiKey::from_octets([octet; 32]));
        let named = |key: &ApiKey, name: &str| {
            let mut row = client(key);
            row.auth = AuthMode::KeyAndCertificate;
            row.certificate_names = vec![name.parse().unwrap()];
            row
        };
        let mut directory = Directory::default();
        let mine = named(&ours, "dns:bank.example");
        directory.put(mine.clone());
        let mut other = named(&theirs, "subject:CN=bank.example");
        other.id = ClientId::new(9, 9);
        other.keys[0].id = KeyId::new(9, 9);
        directory.put(other.clone());
        let tried = |key: &ApiKey, name: &str| {
            let shown = certificate([1; 32], &[name]);
            let from = Origin {
                certificate: Some(&shown),
                ..HOME
            };
            let outcome = directory.authenticate(key.reveal(), from, NOW);
            outcome
                .map(|caller| caller.client)
                .map_err(|(error, _)| error)
        };
        let refused = Err(AuthError::Certificate);
        let (dns, subject) = ("dns:bank.example", "subject:CN=bank.example");
        assert_eq!(tried(&ours, dns), Ok(mine.id));
        assert_eq!(tried(&theirs, subject), Ok(other.id));
        assert_eq!(tried(&theirs, dns), refused);
        assert_eq!(tried(&ours, subject), refused);
        for alike in [
            "subject:CN=dns:bank.example",
            "uri:dns:bank.example",
            "subject:CN=Bank.example",
        ] {
            assert_eq!(tried(&ours, alike), refused, "{alike}");
            assert_eq!(tried(&theirs, alike), refused, "{alike}");
        }
    }

    #[test]
    fn a_client_that_signs_is_not_let_in_with_a_key() {
        let key = ApiKey::from_octets([5; 32]);
        let mut row = client(&key);
        row.auth = AuthMode::Signed;
        assert_eq!(outcome(row, &key, NOW), Some(AuthError::Unsigned));
    }

    #[test]
    fn a_key_opens_under_its_own_names_and_under_no_other() {
        let [ours, theirs] = [5, 6].map(|octet| ApiKey::from_octets([octet; 32]));
        let mut directory = Directory::default();
        directory.put(client(&ours));
        let mut other = client(&theirs);
        other.id = ClientId::new(9, 9);
        other.keys[0].id = KeyId::new(9, 9);
        directory.put(other.clone());
        let mine = client(&ours);
        let tried = |name, key: &ApiKey| {
            let outcome = directory.authenticate_named((name, key.reveal()), HOME, NOW);
            outcome
                .map(|caller| caller.client)
                .map_err(|(error, _)| error)
        };
        let refused = Err(AuthError::Unknown);
        for name in [KeyName::Client(mine.id), KeyName::Key(mine.keys[0].id)] {
            assert_eq!(tried(name, &ours), Ok(mine.id));
            assert_eq!(tried(name, &theirs), refused, "{name:?}");
        }
        for name in [KeyName::Client(other.id), KeyName::Key(other.keys[0].id)] {
            assert_eq!(tried(name, &ours), refused, "{name:?}");
        }
    }

    #[test]
    fn a_secret_that_requests_are_signed_with_is_no_key_to_show() {
        let secret = ApiKey::signing_secret([5; 32]);
        let mut row = client(&secret);
        assert_eq!(outcome(row.clone(), &secret, NOW), Some(AuthError::Unknown));
        row.keys[0].method = KeyMethod::HmacSha256;
        assert_eq!(outcome(row, &secret, NOW), Some(AuthError::Unknown));
    }
}
