//! Clients: applications with credentials. Of keys that are shown only hashes are stored; what a client may do is
//! looked up in memory, so that a revoked key fails with the next request.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use domain::class::ClassSet;
use domain::id::{ClientId, KeyId};
use domain::sender::ShortCode;
use domain::signature::SignatureError;
use domain::system_id::SystemId;
use ipnet::IpNet;

use crate::limits::Throttled;
use crate::rows::{AuthMode, CertificateName, ClientRow, Thumbprint};

mod api_key;
mod directory;
mod shown;

pub use api_key::{ApiKey, KeyHash};
pub use directory::Directory;
pub(crate) use directory::{NotAccepted, Origin, Proof};
pub use shown::{Credential, KeyName, PeerCertificate, Presented, SignedRequest};

/// What a key may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send and cancel messages.
    MessagesSend,
    /// Read one's own messages.
    MessagesRead,
    /// Have what is kept of one's own messages destroyed.
    MessagesRedact,
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
    pub const ALL: [Self; 14] = [
        Self::MessagesSend,
        Self::MessagesRead,
        Self::MessagesRedact,
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
            Self::MessagesRedact => "messages:redact",
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
    "is not a scope; use messages:send, messages:read, messages:redact, inbound:read, opt-outs:write, \
     opt-outs:read, verifications:write, verifications:check, verifications:read, factors:write, factors:check, \
     factors:read, ledger:read or ledger:search"
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
    /// The key it showed, when it called over HTTPS.
    pub key: Option<KeyId>,
    /// The account it is bound under, when it is an ESME.
    pub system_id: Option<SystemId>,
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
    /// The client calls only over connections with a certificate of its own, and this is none.
    #[error("the key is not known on this connection")]
    Certificate,
    /// The client signs its requests, and this one shows a key.
    #[error("the client signs its requests")]
    Unsigned,
    /// The signature cannot be looked at, or covers too little.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signature is not of this request by that key.
    #[error("the signature does not verify")]
    WrongSignature,
    /// The signature was made too long ago, or too far in the future, or its time is over.
    #[error("the signature is not of this time")]
    Stale,
    /// It was made before this gateway started, or shortly after: nobody knows any more whether it came before.
    #[error("the signature was made before the gateway started")]
    BeforeStart,
    /// The same nonce came before.
    #[error("the signature was used before")]
    Replayed,
    /// No more nonces can be kept.
    #[error("no more signatures can be taken now")]
    NoncesFull,
    /// What must be recorded before the request is answered cannot be.
    #[error("nothing can be recorded now")]
    Unavailable,
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
            Self::Certificate => "certificate-mismatch",
            Self::Unsigned => "signature-required",
            Self::Signature(_) => "signature-unsound",
            Self::WrongSignature => "signature-wrong",
            Self::Stale | Self::BeforeStart => "signature-stale",
            Self::Replayed => "signature-replayed",
            Self::NoncesFull => "busy",
            Self::Unavailable => "unavailable",
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
    auth: AuthMode,
    certificates: Vec<Thumbprint>,
    certificate_names: Vec<CertificateName>,
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
            auth: row.auth,
            certificates: row.certificates.iter().map(|kept| kept.sha256).collect(),
            certificate_names: row.certificate_names.clone(),
        })
    }

    /// Whether this certificate was given to the client, by its hash or by a name in it.
    fn knows(&self, shown: &PeerCertificate) -> bool {
        let names = &self.certificate_names;
        self.certificates.contains(&shown.sha256)
            || shown.names.iter().any(|name| names.contains(name))
    }

    fn allows(&self, source: IpAddr) -> bool {
        // An IPv4 peer of a dual-stack listener shows as ::ffff:a.b.c.d.
        let source = source.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|net| net.contains(&source))
    }
}
