//! Webhooks as stored, and how far everybody has been told of events. Secrets are sealed in the rows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::event::EventTypes;
use domain::id::{ClientId, WebhookId};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Purpose, VaultRow};

/// What of a person a payload holds, where somebody asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Included {
    /// Neither numbers nor texts.
    #[default]
    Nothing,
    /// Numbers in full.
    Number,
    /// Numbers in full, and the texts of messages from handsets.
    Text,
}

impl Included {
    /// The word used on the command line and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Number => "number",
            Self::Text => "text",
        }
    }
}

/// Why a webhook is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookDown {
    /// A user of the machine asked.
    Asked,
    /// It said that it is gone (410).
    Gone,
    /// It took nothing for days.
    Failing,
}

impl WebhookDown {
    /// The word used in the ledger and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// Whether a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookStanding {
    /// It is.
    Enabled,
    /// It is not, for this reason since this moment. What happens meanwhile is told when it is again.
    Disabled(WebhookDown, Timestamp),
}

/// The keys that one generation of a webhook's signatures is made with, sealed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret {
    /// What it is sealed as: a sequence drawn like an id's.
    pub sequence: u64,
    /// The week whose key-encryption key wraps its key.
    pub week: u32,
    /// That key, wrapped.
    pub wrapped: Vec<u8>,
    /// The secrets, sealed.
    pub sealed: Vec<u8>,
    /// The public key, `whpk_…`.
    pub public: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it signs no more; `None` for the newest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ends: Option<Timestamp>,
}

impl SealedSecret {
    /// What secrets of webhooks are sealed as.
    pub const PURPOSE: Purpose = Purpose::Text;

    /// Whether it signs at this moment.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.ends.is_none_or(|ends| ends > now)
    }

    /// As the vault opens it.
    pub fn row(&self) -> VaultRow {
        VaultRow {
            owner: self.sequence,
            purpose: Self::PURPOSE,
            week: self.week,
            wrapped: self.wrapped.clone(),
            sealed: self.sealed.clone(),
        }
    }
}

/// A webhook as stored. The row key is the sequence of its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRow {
    /// Its id.
    pub id: WebhookId,
    /// The client that is told.
    pub client: ClientId,
    /// Where it is called.
    pub url: WebhookUrl,
    /// What it is told of.
    pub events: EventTypes,
    /// What of a person it is told.
    #[serde(default)]
    pub include: Included,
    /// Whether it is called.
    pub standing: WebhookStanding,
    /// Its secrets, the newest last; at most two sign.
    pub secrets: Vec<SealedSecret>,
    /// When it was made.
    pub created: Timestamp,
}

/// A URL that may be a secret in itself; masks its path.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Keeps a URL that was found good.
    pub fn new(url: String) -> Self {
        Self(url)
    }

    /// The URL itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookUrl(https://…)")
    }
}

/// The URL that is told what becomes of one message, sealed; in Base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedUrl(String);

impl SealedUrl {
    /// From what the vault made of it.
    pub fn new(sealed: &[u8]) -> Self {
        Self(STANDARD.encode(sealed))
    }

    /// As the vault opens it; `None` for what it never made.
    pub fn octets(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.0).ok()
    }
}

impl std::fmt::Debug for SealedUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealedUrl(masked)")
    }
}

/// Which secret signs what the URLs of a client's messages are told. The secrets themselves are derived, and are kept
/// nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackSecretRow {
    /// The newest one, counted from 0.
    pub generation: u32,
    /// Until when the one before it signs too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub overlap_ends: Option<Timestamp>,
}

impl CallbackSecretRow {
    /// Whether it was never rotated.
    pub fn is_first(&self) -> bool {
        *self == Self::default()
    }

    /// Those that sign at this moment, the newest first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = u32> {
        let is_signing = self.overlap_ends.is_some_and(|ends| ends > now);
        let before = self.generation.checked_sub(1).filter(|_| is_signing);
        std::iter::once(self.generation).chain(before)
    }

    /// After a rotation; the one before signs until `ends`.
    #[must_use]
    pub const fn rotated(self, ends: Timestamp) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            overlap_ends: Some(ends),
        }
    }
}

/// How far somebody has been told of events: which entry is looked at next, what waits and what was given
/// up. Nothing personal is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressRow {
    /// Who is told: the id of a webhook, or another name that stays; the row key.
    pub name: Box<str>,
    /// How far, as the engine writes it.
    pub octets: Vec<u8>,
}
