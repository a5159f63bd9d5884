//! The fold: entry by entry, from the first. What still moves is kept in memory, everything else on the
//! shelf.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::time::Timestamp;
use ledger::{Entry, Kind, ObjectType};
use serde::{Deserialize, Serialize};

use super::reading::Reading;
use crate::ports::Shelf;
use crate::ports::shelf::{Promise, Told};
use crate::ports::store::ReadError;
use crate::rows::{ClientRow, MessageRow, Purpose};

/// Why an entry was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It cannot be read as this gateway writes its entries.
    #[error("is not as this gateway writes its entries")]
    Form,
    /// It is about something that no entry before it brought.
    #[error("is about something that no entry brought")]
    Orphan,
    /// It says what could not have happened to its message then.
    #[error("says what could not have happened then")]
    Impossible,
    /// The shelf failed.
    #[error(transparent)]
    Shelf(#[from] ReadError),
}

/// What the fold keeps beside the shelf.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// The names of the key-encryption keys.
    pub keks: BTreeSet<String>,
    /// How many values each `subject.erased` destroyed, by its index.
    pub erased: BTreeMap<u64, u64>,
    /// What each `retention.expired` destroyed.
    pub expired: Vec<Expired>,
    /// The hash of the snapshot before each minimum index.
    pub pruned: BTreeMap<u64, String>,
}

/// Values whose time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// What they were for.
    pub purpose: Purpose,
    /// Their entries are older than this.
    pub before: Timestamp,
    /// How many they were.
    pub count: u64,
}

/// Folds entries into rows.
pub struct Fold<'s> {
    pub(super) shelf: &'s mut dyn Shelf,
    pub(super) open: HashMap<u64, MessageRow>,
    pub(super) clients: BTreeMap<u64, ClientRow>,
    rest: Rest,
}

impl<'s> Fold<'s> {
    /// Begins before the first entry, on an empty shelf.
    pub fn new(shelf: &'s mut dyn Shelf) -> Self {
        Self {
            shelf,
            open: HashMap::new(),
            clients: BTreeMap::new(),
            rest: Rest::default(),
        }
    }

    /// Goes on from a snapshot that is on the shelf.
    pub(super) fn resume(shelf: &'s mut dyn Shelf, rest: Rest) -> Result<Self, ReadError> {
        let clients = shelf.clients()?.into_iter();
        Ok(Self {
            clients: clients.map(|row| (row.id.sequence(), row)).collect(),
            rest,
            ..Self::new(shelf)
        })
    }

    /// Takes the next entry.
    pub fn take(&mut self, index: u64, bytes: &[u8]) -> Result<(), Unfit> {
        let entry = Entry::parse(bytes).map_err(|_| Unfit::Form)?;
        let now = Timestamp::from_micros(entry.time_micros);
        match entry.kind {
            Kind::MessageAccepted => self.accepted(&entry, now)?,
            Kind::MessageDispatched
            | Kind::MessageSubmitted
            | Kind::MessageFailed
            | Kind::MessageExpired
            | Kind::MessageCancelled
            | Kind::MessageUnknown
            | Kind::ReceiptReceived => self.message_moved(&entry, now)?,
            Kind::MoReceived => self.received(&entry, now)?,
            Kind::OptoutRecorded | Kind::OptoutRemoved => self.consented(&entry, now)?,
            Kind::FactorEnrolled => self.factor_enrolled(&entry, now)?,
            Kind::FactorConfirmed | Kind::FactorChecked | Kind::FactorRemoved => {
                self.factor_changed(&entry, now)?;
            }
            Kind::ClientCreated => self.client_created(&entry, now).ok_or(Unfit::Form)?,
            Kind::ClientChanged
            | Kind::ClientRotated
            | Kind::ClientRevoked
            | Kind::CallbackRotated => {
                self.client_changed(&entry, now)?;
            }
            Kind::VerifyServiceCreated
            | Kind::VerifyServiceChanged
            | Kind::VerifyServiceRemoved => self.verify_service(&entry, now)?,
            Kind::ClientUsed | Kind::AuthAhead => self.key_used(&entry, now)?,
            Kind::KeyCreated => self.keks_created(&entry).ok_or(Unfit::Form)?,
            Kind::SubjectErased | Kind::MessageRedacted => {
                let count = Reading::of(&entry).number("count").ok_or(Unfit::Form)?;
                self.rest.erased.insert(index, count);
            }
            Kind::LedgerPruned => {
                let (minimum, hash) = pruned(&entry).ok_or(Unfit::Form)?;
                self.rest.pruned.insert(minimum, hash);
            }
            Kind::RetentionExpired => self.rest.expired.push(expired(&entry).ok_or(Unfit::Form)?),
            _ => {}
        }
        self.promises(index, &entry)
    }

    /// Ends the fold: everything is on the shelf then.
    pub fn finish(self) -> Result<Rest, ReadError> {
        for (_, row) in self.open {
            self.shelf.put(Told::Message(Box::new(row)))?;
        }
        for (_, row) in self.clients {
            self.shelf.put(Told::Client(Box::new(row)))?;
        }
        Ok(self.rest)
    }

    fn keks_created(&mut self, entry: &Entry<'_>) -> Option<()> {
        let made: Vec<String> = Reading::of(entry).list("made")?;
        self.rest.keks.extend(made);
        Some(())
    }

    /// Every commitment is a promise that the vault must keep.
    fn promises(&mut self, index: u64, entry: &Entry<'_>) -> Result<(), Unfit> {
        if entry.private.is_empty() {
            return Ok(());
        }
        let owner = owner(entry).ok_or(Unfit::Form)?;
        for (field, commitment) in &entry.private {
            let promise = Promise {
                owner,
                purpose: Purpose::from_word(field).ok_or(Unfit::Form)?,
                index,
                at: Timestamp::from_micros(entry.time_micros),
                commitment: *commitment,
            };
            self.shelf.put(Told::Promise(promise))?;
        }
        Ok(())
    }
}

fn pruned(entry: &Entry<'_>) -> Option<(u64, String)> {
    let facts = Reading::of(entry);
    Some((facts.number("minimum")?, facts.text("snapshot")?.to_owned()))
}

fn expired(entry: &Entry<'_>) -> Option<Expired> {
    let facts = Reading::of(entry);
    Some(Expired {
        purpose: Purpose::from_word(facts.text("purpose")?)?,
        before: facts.parsed("before")?,
        count: facts.number("count")?,
    })
}

/// The sequence of what an entry is about.
pub(crate) fn owner(entry: &Entry<'_>) -> Option<u64> {
    use domain::id::{FactorId, InboundId, MessageId, OptOutId, SubjectId, VerificationId};
    let object = entry.object.as_ref()?;
    match object.kind {
        ObjectType::Message => object.id.parse().ok().map(MessageId::sequence),
        ObjectType::Inbound => object.id.parse().ok().map(InboundId::sequence),
        ObjectType::OptOut => object.id.parse().ok().map(OptOutId::sequence),
        ObjectType::Verification => object.id.parse().ok().map(VerificationId::sequence),
        ObjectType::Factor => object.id.parse().ok().map(FactorId::sequence),
        ObjectType::Subject => object.id.parse().ok().map(SubjectId::sequence),
        _ => None,
    }
}

/// The id of what an entry is about.
pub(super) fn object<T: core::str::FromStr>(entry: &Entry<'_>) -> Option<T> {
    entry.object.as_ref()?.id.parse().ok()
}

/// The client that an entry names, if it names one.
pub(super) fn client<T: core::str::FromStr>(entry: &Entry<'_>) -> Option<T> {
    entry.client.as_ref()?.parse().ok()
}
