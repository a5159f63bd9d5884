//! Clients: applications with credentials. Keys are stored as hashes only; what a client may do is
//! looked up in memory, so that a revoked key fails with the next request.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use domain::class::ClassSet;
use domain::id::{ClientId, KeyId};
use domain::sender::ShortCode;
use domain::time::Timestamp;
use ipnet::IpNet;

use crate::limits::Throttled;
use crate::rows::{ApiKeyRow, ClientRow};

mod api_key;

pub use api_key::{ApiKey, KeyHash};

/// What a key may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send and cancel messages.
    MessagesSend,
    /// Read one's own messages.
    MessagesRead,
    /// Read what handsets sent to one's short codes.
    InboundRead,
    /// Record and remove opt-outs.
    OptOutsWrite,
    /// Look opt-outs up.
    OptOutsRead,
    /// Start, resend and cancel verifications.
    VerificationsWrite,
    /// Check codes of verifications.
    VerificationsCheck,
    /// Read one's own verifications.
    VerificationsRead,
    /// Enrol, confirm and remove factors.
    FactorsWrite,
    /// Check codes of factors.
    FactorsCheck,
    /// Read one's own factors.
    FactorsRead,
    /// Read the ledger's checkpoints, tiles and entries, and search them.
    LedgerRead,
    /// Search the ledger by number too.
    LedgerSearch,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 13] = [
        Self::MessagesSend,
        Self::MessagesRead,
        Self::InboundRead,
        Self::OptOutsWrite,
        Self::OptOutsRead,
        Self::VerificationsWrite,
        Self::VerificationsCheck,
        Self::VerificationsRead,
        Self::FactorsWrite,
        Self::FactorsCheck,
        Self::FactorsRead,
        Self::LedgerRead,
        Self::LedgerSearch,
    ];

    /// The word used in the command line, the API and the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessagesSend => "messages:send",
            Self::MessagesRead => "messages:read",
            Self::InboundRead => "inbound:read",
            Self::OptOutsWrite => "opt-outs:write",
            Self::OptOutsRead => "opt-outs:read",
            Self::VerificationsWrite => "verifications:write",
            Self::VerificationsCheck => "verifications:check",
            Self::VerificationsRead => "verifications:read",
            Self::FactorsWrite => "factors:write",
            Self::FactorsCheck => "factors:check",
            Self::FactorsRead => "factors:read",
            Self::LedgerRead => "ledger:read",
            Self::LedgerSearch => "ledger:search",
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a scope; use messages:send, messages:read, inbound:read, opt-outs:write, opt-outs:read, \
     verifications:write, verifications:check, verifications:read, factors:write, factors:check, factors:read, \
     ledger:read or ledger:search"
)]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(UnknownScope)
    }
}

/// An authenticated client: what its key may do, as of this request.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client.
    pub client: ClientId,
    /// The key it showed.
    pub key: KeyId,
    /// Where it called from.
    pub source: IpAddr,
    grants: Arc<Grants>,
}

impl Caller {
    /// Whether it may call this.
    pub fn has(&self, scope: Scope) -> bool {
        self.grants.scopes.contains(&scope)
    }

    /// Whether it may use this short code.
    pub fn may_use(&self, code: ShortCode) -> bool {
        self.grants.short_codes.contains(&code)
    }

    /// The short codes it may use.
    pub fn short_codes(&self) -> &[ShortCode] {
        &self.grants.short_codes
    }

    /// The classes it may send.
    pub fn classes(&self) -> ClassSet {
        self.grants.classes
    }
}

/// Why a credential is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No such key, or not even the form of one.
    #[error("the key is not known here")]
    Unknown,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// It or its client was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// The client may not call from this network.
    #[error("the client may not call from this network")]
    Network,
    /// It is not accepted, and too many from there were not.
    #[error(transparent)]
    Throttled(#[from] Throttled),
}

impl AuthError {
    /// The stable code used in answers, the ledger and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unauthorized",
            Self::Expired => "key-expired",
            Self::Revoked => "key-revoked",
            Self::Network => "network-not-allowed",
            Self::Throttled(_) => Throttled::CODE,
        }
    }
}

/// The caller has no such scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has no scope {0}")]
pub struct Forbidden(pub Scope);

#[derive(Debug)]
struct Grants {
    scopes: Vec<Scope>,
    short_codes: Vec<ShortCode>,
    classes: ClassSet,
    networks: Vec<IpNet>,
}

impl Grants {
    fn of(row: &ClientRow) -> Arc<Self> {
        Arc::new(Self {
            scopes: row
                .scopes
                .iter()
                .filter_map(|word| word.parse().ok())
                .collect(),
            short_codes: row.short_codes.clone(),
            classes: row.classes,
            networks: row
                .networks
                .iter()
                .filter_map(|net| net.parse().ok())
                .collect(),
        })
    }

    fn allows(&self, source: IpAddr) -> bool {
        // An IPv4 peer of a dual-stack listener shows as ::ffff:a.b.c.d.
        let source = source.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|net| net.contains(&source))
    }
}

#[derive(Debug)]
struct Known {
    client: ClientId,
    key: ApiKeyRow,
    client_revoked: bool,
    grants: Arc<Grants>,
}

/// Every client and key, in memory.
#[derive(Debug, Default)]
pub struct Directory {
    rows: BTreeMap<ClientId, ClientRow>,
    keys: HashMap<KeyHash, Known>,
}

impl Directory {
    /// Takes in a client, new or changed.
    pub fn put(&mut self, row: ClientRow) {
        self.keys.retain(|_, known| known.client != row.id);
        let grants = Grants::of(&row);
        for key in &row.keys {
            let Some(hash) = KeyHash::from_hex(&key.hash) else {
                continue;
            };
            let known = Known {
                client: row.id,
                key: key.clone(),
                client_revoked: row.revoked.is_some(),
                grants: Arc::clone(&grants),
            };
            self.keys.insert(hash, known);
        }
        self.rows.insert(row.id, row);
    }

    /// One client.
    pub fn get(&self, id: ClientId) -> Option<&ClientRow> {
        self.rows.get(&id)
    }

    /// Every client, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &ClientRow> {
        self.rows.values()
    }

    /// Who shows this credential. The key is found by its SHA-256, which nobody can steer, so that
    /// the time it takes tells nothing of other keys.
    pub fn authenticate(
        &self,
        credential: &str,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Caller, (AuthError, Option<ClientId>)> {
        let hash = KeyHash::of(credential).ok_or((AuthError::Unknown, None))?;
        let known = self.keys.get(&hash).ok_or((AuthError::Unknown, None))?;
        let refuse = |error| Err((error, Some(known.client)));
        if known.client_revoked || known.key.revoked.is_some() {
            return refuse(AuthError::Revoked);
        }
        if known.key.expires.is_some_and(|end| end <= now) {
            return refuse(AuthError::Expired);
        }
        if !known.grants.allows(source) {
            return refuse(AuthError::Network);
        }
        let grants = Arc::clone(&known.grants);
        Ok(Caller {
            client: known.client,
            key: known.key.id,
            source,
            grants,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);
    const LATER: Timestamp = Timestamp::from_seconds(1_764_064_900);
    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn client(key: &ApiKey) -> ClientRow {
        ClientRow {
            id: ClientId::new(1, 1),
            name: "shop".to_owned(),
            scopes: vec!["messages:send".to_owned()],
            short_codes: vec![],
            classes: ClassSet::default(),
            networks: vec![],
            keys: vec![ApiKeyRow {
                id: KeyId::new(2, 2),
                hash: key.hash().to_hex(),
                created: NOW,
                expires: None,
                revoked: None,
            }],
            created: NOW,
            revoked: None,
        }
    }

    fn outcome(row: ClientRow, key: &ApiKey, now: Timestamp) -> Option<AuthError> {
        let mut directory = Directory::default();
        directory.put(row);
        directory
            .authenticate(key.reveal(), HOME, now)
            .err()
            .map(|(error, _)| error)
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
    fn a_client_calls_only_from_its_networks() {
        let key = ApiKey::from_octets([5; 32]);
        let mut row = client(&key);
        row.networks = vec!["10.0.0.0/8".to_owned()];
        assert_eq!(outcome(row.clone(), &key, NOW), Some(AuthError::Network));
        row.networks.push("127.0.0.0/8".to_owned());
        assert_eq!(outcome(row, &key, NOW), None);
    }
}
