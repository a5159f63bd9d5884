//! What goes over the control socket, both ways. The same messages serve a command that opens the
//! store itself, so that both ways give the same answers.

pub mod clients;
pub mod search;
pub mod webhook;

use std::path::PathBuf;

use domain::class::TrafficClass;
use domain::id::{ClientId, KeyId, MessageId, WebhookId};
use domain::sender::ShortCode;
use domain::verification::pumping::Prefix;
use engine::rows::{AuthMode, CertificateName, CertificateRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use clients::{ClientShown, KeyAsked, KeyShown, NewClientAsked};

/// What is asked of the gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Make a client with its first key.
    ClientAdd(NewClientAsked),
    /// Every client.
    ClientList,
    /// Revoke a client, or one of its keys.
    ClientRevoke {
        /// The client.
        client: ClientId,
        /// One key; all of the client's without it.
        key: Option<KeyId>,
    },
    /// Give a client a new key; the old ones end after the overlap.
    ClientRotate {
        /// The client.
        client: ClientId,
        /// How long the old keys still work.
        overlap_seconds: u64,
        /// When the new key ends.
        expires: Option<String>,
        /// What sort of key.
        #[serde(default)]
        key: KeyAsked,
    },
    /// Change what a client's requests must show.
    ClientChange {
        /// The client.
        client: ClientId,
        /// What they must show, if that changes.
        auth: Option<AuthMode>,
        /// Certificates that it may show from now on.
        add: Vec<CertificateRow>,
        /// Hashes of certificates that it may not show any more.
        drop: Vec<String>,
        /// Names of certificates that it may show from now on.
        #[serde(default)]
        add_names: Vec<CertificateName>,
        /// Names of certificates that it may not show any more.
        #[serde(default)]
        drop_names: Vec<CertificateName>,
    },
    /// The secret that signs what the URLs of a client's messages are told.
    ClientCallbackSecret {
        /// The client.
        client: ClientId,
    },
    /// Give a client a new such secret; the old one signs until the overlap is over.
    ClientCallbackRotate {
        /// The client.
        client: ClientId,
        /// How long the old secret still signs.
        overlap_seconds: u64,
    },
    /// Write the published ledger to a folder.
    LedgerExport {
        /// The folder; its path is absolute.
        to: PathBuf,
    },
    /// Begin to hand out entries for others to read; records it.
    LedgerLines(LinesAsked),
    /// The next entries of such an export.
    LedgerLinesRead {
        /// What the beginning was answered with.
        ticket: u64,
        /// The index of the first one.
        from: u64,
    },
    /// One file of the published log.
    LedgerRead {
        /// Its C2SP path; or `vkey`, or `policy`.
        path: String,
    },
    /// Seals of the ledger, as octets of their file.
    LedgerSeals {
        /// From this octet on.
        from: u64,
    },
    /// Entries as they are, published or not, for whoever checks the seals over them.
    LedgerSealed {
        /// The index of the first one.
        from: u64,
    },
    /// A page of the entries that pass filters; records it.
    LedgerSearch(search::SearchAsked),
    /// The entry that accepted a message, and its proof.
    LedgerProve {
        /// The message.
        message: MessageId,
    },
    /// Hold every commitment of the ledger against the vault.
    LedgerOpenings,
    /// Everything that is kept of a person.
    SubjectExport {
        /// The number.
        number: NumberAsked,
    },
    /// Destroy what is kept of a person.
    SubjectErase {
        /// The number.
        number: NumberAsked,
        /// Why.
        basis: String,
        /// What of the person's opt-outs goes.
        consent: ConsentAsked,
    },
    /// Fold the ledger and compare what it tells with what the store holds.
    LedgerRebuild {
        /// Also make a data folder of what it tells; its path is absolute.
        to: Option<PathBuf>,
    },
    /// How every limit is used.
    LimitsShow,
    /// What a message would meet.
    LimitsExplain(LimitAsked),
    /// Every key.
    KeysStatus,
    /// Wrap every key anew.
    KeysRotate,
    /// Drop the bytes of old entries.
    LedgerPrune {
        /// How old they must be, in days.
        keep_days: u32,
        /// Whether less than a year may be kept.
        below_a_year: Insistence,
        /// Whether it is done or only told.
        manner: Manner,
    },
    /// Whether codes are used, and what is blocked.
    VerificationsStats,
    /// End the block of a prefix.
    VerificationsUnblock {
        /// The prefix.
        prefix: Prefix,
        /// Why.
        reason: String,
    },
    /// Enable a number for codes again.
    VerificationsEnable {
        /// At which client.
        client: ClientId,
        /// The number.
        number: NumberAsked,
        /// Why.
        reason: String,
    },
    /// Add a webhook.
    WebhookAdd(webhook::NewWebhookAsked),
    /// Every webhook.
    WebhookList,
    /// Call a webhook again.
    WebhookEnable {
        /// The webhook.
        webhook: WebhookId,
    },
    /// Stop calling a webhook.
    WebhookDisable {
        /// The webhook.
        webhook: WebhookId,
    },
    /// Give a webhook new secrets; the old ones sign until the overlap is over.
    WebhookRotate {
        /// The webhook.
        webhook: WebhookId,
        /// How long the old secrets still sign.
        overlap_seconds: u64,
    },
    /// Remove a webhook.
    WebhookRemove {
        /// The webhook.
        webhook: WebhookId,
    },
    /// What a webhook, or the URLs of a client's messages, did not take.
    WebhookDead {
        /// The webhook, or the client.
        webhook: webhook::Told,
    },
    /// Tell it once more of what it did not take.
    WebhookReplay {
        /// The webhook, or the client.
        webhook: webhook::Told,
        /// One event; all of them without it.
        event: Option<String>,
    },
    /// Write a copy of the store to a new file.
    Backup {
        /// The file; its path is absolute.
        to: PathBuf,
    },
}

/// Which entries are asked for, and as what they will be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinesAsked {
    /// `ocsf`, `cef` or `jsonl`.
    pub format: LineFormat,
    /// From this index or time on.
    pub since: Option<String>,
    /// Up to this index or time, which is not in it any more.
    pub until: Option<String>,
    /// Not below this index, since those are there already.
    pub at_least: u64,
}

/// As what entries are written out, one a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineFormat {
    /// Events of OCSF.
    Ocsf,
    /// Lines of CEF.
    Cef,
    /// Each entry as it is, with its index and its leaf hash.
    Jsonl,
}

impl LineFormat {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Entries that are about to be handed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinesBegun {
    /// What to ask for them with.
    pub ticket: u64,
    /// The index of the first one.
    pub first: u64,
    /// How many there are.
    pub count: u64,
    /// The log's origin.
    pub log: String,
}

/// Some of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinesRead {
    /// Entries in order, each as it is in the ledger; none at the end.
    pub entries: Vec<String>,
}

/// A number as it was written on a command line; masks itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NumberAsked(String);

impl NumberAsked {
    /// As it was written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for NumberAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NumberAsked(masked)")
    }
}

/// What an erasure does to the record of a person's opt-outs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentAsked {
    /// Their number and evidence stay.
    Keep,
    /// They go; a keyed hash stays, so that the opt-outs do.
    Erase,
}

/// Whether somebody insists on what is refused otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Insistence {
    /// Nobody does.
    None,
    /// Somebody does.
    Insists,
}

/// Whether something is done or only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Manner {
    /// Done.
    Real,
    /// Only told.
    DryRun,
}

/// A message that is only asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitAsked {
    /// Whose it would be.
    pub client: ClientId,
    /// The handset.
    pub to: NumberAsked,
    /// The short code.
    pub from: Option<ShortCode>,
    /// What it would be for; a code without it.
    pub class: Option<TrafficClass>,
    /// Its campaign.
    pub campaign: Option<String>,
    /// Where the client would call from.
    pub source: Option<String>,
    /// How many segments it would take.
    pub segments: u32,
}

/// How the gateway answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// Done.
    Done {
        /// What came of it.
        result: Value,
    },
    /// It was asked for something that cannot be.
    Refused {
        /// What and why.
        says: String,
    },
    /// It cannot at the moment.
    Unavailable {
        /// What is not there.
        says: String,
    },
}

impl Answer {
    /// Done, with a result.
    pub fn done(result: &impl Serialize) -> Self {
        match serde_json::to_value(result) {
            Ok(result) => Self::Done { result },
            Err(error) => Self::Unavailable {
                says: error.to_string(),
            },
        }
    }

    /// Refused, and why.
    pub fn refused(says: impl std::fmt::Display) -> Self {
        Self::Refused {
            says: says.to_string(),
        }
    }

    /// Not available, and why.
    pub fn unavailable(says: impl std::fmt::Display) -> Self {
        Self::Unavailable {
            says: says.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_one_json_object_with_its_command() {
        let list = serde_json::to_string(&Request::ClientList).unwrap();
        assert_eq!(list, r#"{"command":"client-list"}"#);
        let backup = Request::Backup { to: "/a/b".into() };
        let text = serde_json::to_string(&backup).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), backup);
        assert!(
            serde_json::from_str::<Request>(r#"{"command":"backup","to":"/a","x":1}"#).is_err()
        );
        assert!(serde_json::from_str::<Request>(r#"{"command":"erase"}"#).is_err());
    }
}
