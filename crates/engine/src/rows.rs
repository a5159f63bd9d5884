//! The rows that the engine keeps in the store: what is in each, and never a number or a text in
//! clear. Every row's key grows in the order of creation.

use domain::carrier_id::CarrierMessageId;
use domain::class::{ClassSet, TrafficClass};
use domain::id::{ClientId, FactorId, InboundId, KeyId, MessageId};
use domain::message::{CarrierName, DoneDate, MessageState, ReceiptState, Segment};
use domain::sender::ShortCode;
use domain::system_id::SystemId;
use domain::text::Encoding;
use domain::text::segment::ReferenceWidth;
use domain::time::Timestamp;
use domain::verification::factor::Factor;
use serde::{Deserialize, Serialize};

use crate::esmes::EsmeReceipts;

mod certificate_name;
mod credential;
mod verification;
mod verify_service;
mod webhook;

pub use certificate_name::{CertificateName, NoCertificateName};
pub use credential::{
    AuthMode, CertificateRow, KeyMethod, NoThumbprint, Thumbprint, UnknownAuthMode,
};
pub(crate) use credential::{all_octets_of_hex, octets_of_hex};
pub use verification::{
    BudgetRow, SealedCode, VerificationFacts, VerificationRow, VerificationUpdate,
};
pub use verify_service::{ActRule, UnknownActRule, VerifyServiceRow};
pub use webhook::{
    CallbackSecretRow, Included, ProgressRow, SealedSecret, SealedUrl, WebhookDown, WebhookRow,
    WebhookStanding, WebhookUrl,
};

/// What sealed personal data is for; each has a retention of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// An MSISDN.
    Number,
    /// The text of a message.
    Text,
    /// Where an end user came from: IP address, user agent, device.
    Network,
    /// Why an opt-out was recorded.
    Consent,
}

impl Purpose {
    /// Every purpose, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Number, Self::Text, Self::Network, Self::Consent];

    /// The two bits that name it in a row key.
    pub const fn code(self) -> u8 {
        match self {
            Self::Number => 0,
            Self::Text => 1,
            Self::Network => 2,
            Self::Consent => 3,
        }
    }

    /// The purpose of a word of the ledger.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }

    /// From its two bits.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The word used in the ledger and as a key label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "text",
            Self::Network => "network",
            Self::Consent => "consent",
        }
    }
}

/// One sealed piece of personal data. Its row key is `(owner << 2) | purpose`, where `owner` is the
/// sequence of the id it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultRow {
    /// The sequence of the owner's id.
    pub owner: u64,
    /// What it is for.
    pub purpose: Purpose,
    /// The week (days since 1970 divided by 7) whose key-encryption key wraps the row's key.
    pub week: u32,
    /// The row's data key and commitment key, wrapped.
    pub wrapped: Vec<u8>,
    /// The data, sealed under the data key.
    pub sealed: Vec<u8>,
}

impl VaultRow {
    /// Its row key.
    pub const fn key(&self) -> u64 {
        vault_key(self.owner, self.purpose)
    }

    /// What is left of a value that was erased: no key, and the index of the entry that says so. It
    /// seals nothing, so its week is 0.
    pub fn tombstone(owner: u64, purpose: Purpose, erased_by: u64) -> Self {
        Self {
            owner,
            purpose,
            week: 0,
            wrapped: Vec::new(),
            sealed: erased_by.to_be_bytes().to_vec(),
        }
    }

    /// The index of the entry that erased it; `None` for a value that is still sealed here.
    pub fn erased_by(&self) -> Option<u64> {
        let index = self.sealed.as_slice().try_into().ok()?;
        self.wrapped.is_empty().then(|| u64::from_be_bytes(index))
    }
}

/// The blind index of a row whose number was erased. No number has it.
pub const NO_SUBJECT: [u8; 16] = [0; 16];

/// A row that has the blind index of a number, by its sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearer {
    /// A message.
    Message(u64),
    /// A message from a handset.
    Inbound(u64),
    /// A receipt that matches nothing yet.
    Unmatched(u64),
    /// A verification.
    Verification(u64),
    /// A factor.
    Factor(u64),
}

/// The row key of a sealed row: its owner's sequence and two bits of purpose. Sequences have 60 bits.
#[expect(clippy::as_conversions, reason = "u8 to u64 widens; From is not const")]
pub const fn vault_key(owner: u64, purpose: Purpose) -> u64 {
    (owner << 2) | purpose.code() as u64
}

/// A key-encryption key, wrapped by the wrapping key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KekRow {
    /// What it is for.
    pub purpose: Purpose,
    /// Its week.
    pub week: u32,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
}

impl KekRow {
    /// How the ledger calls it: its purpose and week, such as `text/2917`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.purpose.as_str(), self.week)
    }
}

/// A secret of the gateway that is no key-encryption key, wrapped by the wrapping key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRow {
    /// What it is; the row key.
    pub name: Box<str>,
    /// Its octets, wrapped.
    pub wrapped: Vec<u8>,
}

/// The parts of a message that never change and are not personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHead {
    /// The client it came from; `None` for the gateway's own answers to keywords.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<ClientId>,
    /// What it is for.
    pub class: TrafficClass,
    /// The short code it goes out under.
    pub from: ShortCode,
    /// How its text is encoded.
    pub encoding: Encoding,
    /// The client's own reference.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<Box<str>>,
    /// The campaign it belongs to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub campaign: Option<Box<str>>,
    /// The ESME that submitted it, when one did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub esme: Option<EsmeOrigin>,
    /// The URL that is told what becomes of it, sealed beside its number.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub callback: Option<SealedUrl>,
}

/// The ESME that submitted a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EsmeOrigin {
    /// Its account.
    pub system_id: SystemId,
    /// Which receipts it asked for.
    pub receipts: EsmeReceipts,
}

/// A message as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its id; the row key is the id's sequence.
    pub id: MessageId,
    /// What never changes.
    pub head: MessageHead,
    /// Where it stands: the fold of its segments.
    pub state: MessageState,
    /// Grows by one with each change, from 1.
    pub version: u32,
    /// When it was accepted.
    pub created: Timestamp,
    /// When its validity ends.
    pub expires: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// The blind index of its number (HMAC under the index key), for search.
    pub subject: [u8; 16],
    /// The facts of its segments.
    pub segments: Vec<Segment>,
}

/// A change of a message's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageUpdate {
    /// The sequence of its id.
    pub sequence: u64,
    /// The version that it becomes; the row must be one below.
    pub version: u32,
    /// Where it now stands.
    pub state: MessageState,
    /// When it changed.
    pub updated: Timestamp,
    /// The facts of its segments.
    pub segments: Vec<Segment>,
}

/// A factor of a person as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorRow {
    /// Its id; the row key is the id's sequence.
    pub id: FactorId,
    /// The client that enrolled it.
    pub client: ClientId,
    /// Grows by one with each change, from 1.
    pub version: u32,
    /// When it was enrolled.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// The blind index of its user: that of the number, when the user is one.
    pub subject: [u8; 16],
    /// Where it stands, and its failures.
    pub factor: Factor,
    /// Its secret, sealed; `None` once it is removed. It is never told.
    #[serde(skip)]
    pub secret: Option<VaultRow>,
}

impl FactorRow {
    /// The row after something happened to its factor.
    #[must_use]
    pub fn changed(&self, factor: Factor, now: Timestamp) -> Self {
        Self {
            version: self.version.saturating_add(1),
            updated: now,
            factor,
            ..self.clone()
        }
    }
}

/// A message from a handset as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboundRow {
    /// Its id; the row key is the id's sequence.
    pub id: InboundId,
    /// The short code it was sent to.
    pub to: ShortCode,
    /// When it came.
    pub received: Timestamp,
    /// The keyword it was, when it was one: `stop`, `help` or `start`.
    pub keyword: Option<Box<str>>,
    /// The carrier that brought it.
    pub carrier: Box<str>,
    /// The blind index of its number.
    pub subject: [u8; 16],
}

/// Whether an opt-out row records one or takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptOutStanding {
    /// The number is opted out.
    Out,
    /// The opt-out was removed.
    Removed,
}

/// An opt-out. Rows are appended; the latest one of a (short code, subject) counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOutRow {
    /// The sequence of its id.
    pub sequence: u64,
    /// The short code.
    pub short_code: ShortCode,
    /// The number, as HMAC under the suppression key: it survives erasure.
    pub subject: [u8; 16],
    /// What the row says.
    pub standing: OptOutStanding,
    /// The basis's word.
    pub basis: Box<str>,
    /// When it was recorded.
    pub at: Timestamp,
}

/// An API key as stored: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRow {
    /// Its id.
    pub id: KeyId,
    /// SHA-256 of the key (of a pair the public one), lower-case hex.
    pub hash: String,
    /// How it is used.
    #[serde(skip_serializing_if = "KeyMethod::is_default", default)]
    pub method: KeyMethod,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<Timestamp>,
    /// When it was last used, to the day: the first use of each day is recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub used: Option<Timestamp>,
    /// Requests that were signed up to then, by a clock that runs ahead of ours, may have been answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ahead: Option<Timestamp>,
}

/// An application with credentials, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRow {
    /// Its id.
    pub id: ClientId,
    /// Its name, for people.
    pub name: String,
    /// What it may call, such as `messages:send`.
    pub scopes: Vec<String>,
    /// The short codes it may use.
    pub short_codes: Vec<ShortCode>,
    /// The classes it may send.
    pub classes: ClassSet,
    /// The networks it may come from (CIDR); empty means any.
    pub networks: Vec<String>,
    /// What its requests must show.
    #[serde(skip_serializing_if = "AuthMode::is_default", default)]
    pub auth: AuthMode,
    /// The certificates it may show.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub certificates: Vec<CertificateRow>,
    /// Names of which the certificate that it shows may have one, where an authority vouches for it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub certificate_names: Vec<CertificateName>,
    /// Its keys.
    pub keys: Vec<ApiKeyRow>,
    /// Which secret signs what the URLs of its messages are told.
    #[serde(skip_serializing_if = "CallbackSecretRow::is_first", default)]
    pub callback: CallbackSecretRow,
    /// Its verify services, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub services: Vec<VerifyServiceRow>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was revoked as a whole.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<Timestamp>,
}

/// The record of an idempotency key: an accepted result that a retry gets again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// The message that was accepted; its sequence is the row key.
    pub message: MessageId,
    /// Whose key it is; `None` in rows of before that was kept.
    pub client: Option<ClientId>,
    /// Names (client, key, item) by a keyed hash.
    pub key: [u8; 16],
    /// The keyed fingerprint of the payload.
    pub fingerprint: [u8; 16],
    /// When it may be forgotten.
    pub expires: Timestamp,
}

/// A receipt that matches no segment yet, kept for a while: it may have overtaken its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedRow {
    /// The row key: a sequence drawn like an id's.
    pub sequence: u64,
    /// The carrier.
    pub carrier: CarrierName,
    /// Its id of the segment.
    pub carrier_id: CarrierMessageId,
    /// What the receipt says.
    pub state: ReceiptState,
    /// The network's error number.
    pub error: Option<u32>,
    /// The blind index of the recipient, when the receipt names one.
    pub subject: Option<[u8; 16]>,
    /// When it happened by the carrier's clock, when the receipt says so.
    pub done: Option<DoneDate>,
    /// When it came.
    pub at: Timestamp,
}

/// What the pumping guard counted or blocked, sealed: a record, or the whole of what it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PumpingRow {
    /// The row key: a sequence drawn like an id's.
    pub sequence: u64,
    /// The record, sealed.
    pub sealed: Vec<u8>,
}

/// One part of a long message from a handset, kept until the others have come. Its payload lies in
/// the vault under the same sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRow {
    /// The row key, and the owner of its vault rows.
    pub sequence: u64,
    /// The short code it was sent to.
    pub to: ShortCode,
    /// The carrier that brought it.
    pub carrier: CarrierName,
    /// SMPP `data_coding`.
    pub data_coding: u8,
    /// The reference that the parts share.
    pub reference: u16,
    /// How wide that reference is.
    pub width: ReferenceWidth,
    /// How many parts there are.
    pub total: u8,
    /// Which one this is, from 1.
    pub ordinal: u8,
    /// When it came.
    pub at: Timestamp,
}

/// By what the rows of one number are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectLookup {
    /// By the index: quick, and no better than its file, which anybody may delete or spoil.
    #[default]
    Index,
    /// By looking at every row, for whoever must not miss one.
    Rows,
}

/// Which messages to read.
#[derive(Clone, Debug, Default)]
pub struct MessageFilter {
    /// Only this client's; `None` reads every client's.
    pub client: Option<ClientId>,
    /// Only to this number's blind index.
    pub subject: Option<[u8; 16]>,
    /// How that is found.
    pub lookup: SubjectLookup,
    /// Only in this state.
    pub state: Option<MessageState>,
    /// Only of this class.
    pub class: Option<TrafficClass>,
    /// Only from this short code.
    pub from: Option<ShortCode>,
    /// Only created at or after.
    pub since: Option<Timestamp>,
    /// Only created before.
    pub until: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<u64>,
    /// At most so many rows (1 to 1,000).
    pub limit: u16,
}

/// Which inbound messages to read.
#[derive(Clone, Debug, Default)]
pub struct InboundFilter {
    /// Only to these short codes.
    pub short_codes: Vec<ShortCode>,
    /// Only from this number's blind index.
    pub subject: Option<[u8; 16]>,
    /// Only received at or after.
    pub since: Option<Timestamp>,
    /// Where the page before ended.
    pub cursor: Option<u64>,
    /// At most so many rows (1 to 1,000).
    pub limit: u16,
}
