//! Verifications and the budgets of numbers as stored. Neither a number nor a code is in them in clear.

use domain::id::{ClientId, FactorId, MessageId, VerificationId, VerifyServiceId};
use domain::sender::ShortCode;
use domain::time::Timestamp;
use domain::verification::budget::number::NumberBudgets;
use domain::verification::channel::Channel;
use domain::verification::code::CodeLength;
use domain::verification::state::State;
use serde::{Deserialize, Serialize};

/// A verification as stored. The row key is the sequence of its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationRow {
    /// Its id.
    pub id: VerificationId,
    /// The client that began it.
    pub client: ClientId,
    /// Grows by one with each change, from 1.
    pub version: u32,
    /// When it began.
    pub created: Timestamp,
    /// When its code ends.
    pub expires: Timestamp,
    /// The blind index of its number, or of the user of its factor, for the rights of a person. Erasable.
    pub subject: [u8; 16],
    /// Names the number, or the user of the factor, among the client's [`BudgetRow`]s. It survives erasure.
    pub number: [u8; 16],
    /// Where it stands.
    pub facts: VerificationFacts,
    /// What opens and compares its code; none once it ended.
    pub secret: Option<SealedCode>,
}

/// What of a verification is neither personal nor secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationFacts {
    /// How its code travels.
    pub channel: Channel,
    /// How many digits its code has.
    pub length: CodeLength,
    /// How long its code is valid, in seconds.
    pub valid_seconds: u16,
    /// The most checks.
    pub checks_max: u8,
    /// The most sends.
    pub sends_max: u8,
    /// The latest moment that any step was told.
    pub latest: Timestamp,
    /// Checks evaluated so far.
    pub checks: u8,
    /// Sends so far.
    pub sends: u8,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<State>,
    /// The short code of its messages, either way; `None` where it asks for a factor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<ShortCode>,
    /// The factor that it asks for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub factor: Option<FactorId>,
    /// The verify service under which it began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service: Option<VerifyServiceId>,
    /// The messages that carried its code, oldest first.
    pub messages: Vec<MessageId>,
}

/// New facts of a verification. When they end it, the sealed code goes in the same commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationUpdate {
    /// The sequence of its id.
    pub sequence: u64,
    /// The version that it becomes; the row must be one below.
    pub version: u32,
    /// Where it now stands.
    pub facts: VerificationFacts,
}

/// The code of one verification with its key, sealed under a key of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCode {
    /// The week whose key-encryption key wraps that key.
    pub week: u32,
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
    /// What it seals.
    pub sealed: Vec<u8>,
}

/// What a number has used up at one client. The row stays where it came to be and changes in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetRow {
    /// The row key: a sequence drawn like an id's.
    pub sequence: u64,
    /// The client.
    pub client: ClientId,
    /// The number, or user of factors, as HMAC under the suppression key: it survives erasure.
    pub number: [u8; 16],
    /// What is used up.
    pub budgets: NumberBudgets,
}
