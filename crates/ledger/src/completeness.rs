//! The completeness rule: every commitment of a log either opens, or a later entry says that its value
//! was destroyed. Without it the destruction of evidence could pass for erasure. Pure: what the vault
//! has is told by the caller, entry by entry, from the last entry to the first, so that whoever meets a
//! commitment knows every destruction that came after it.

use std::collections::BTreeMap;

use crate::commitment::{Commitment, CommitmentKey};
use crate::entry::kind::Kind;
use crate::entry::outcome::Outcome;
use crate::entry::parse::Entry;
use crate::entry::time;
use crate::entry::value::Value;
use crate::verify::fault::{Fault, FaultKind};

/// What the vault has for one private field of one entry.
pub enum Opening {
    /// The value and its key.
    Opens {
        /// The key of the commitment.
        key: CommitmentKey,
        /// The octets of the value.
        value: Vec<u8>,
    },
    /// A sealed value that its keys do not open: it was changed, or belongs elsewhere.
    Shut,
    /// A tombstone: erased by the entry of this index.
    Erased {
        /// The index of the `subject.erased` or `message.redacted` entry.
        by: u64,
    },
    /// Nothing at all.
    Absent,
}

/// How much of a log was gone over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Down to entry 0.
    Whole,
    /// Some entries could not be read, or were pruned: what was destroyed of them cannot be counted.
    Part,
}

/// Goes over the entries of a log once, backwards. Its memory grows with the erasures, not with the log.
#[derive(Debug, Default)]
pub struct Completeness {
    /// By its index: each erasure of a person's values.
    erasures: BTreeMap<u64, Erasure>,
    /// By the name of the field: what was destroyed because its time was over.
    retention: BTreeMap<String, Retention>,
}

#[derive(Debug)]
struct Erasure {
    /// How many values it says it destroyed.
    said: Option<u64>,
    /// How many tombstones name it.
    found: u64,
}

#[derive(Debug, Default)]
struct Retention {
    /// The entry that came last.
    index: u64,
    /// The latest moment that an entry says everything was destroyed before.
    before: u64,
    /// How many values all entries say they destroyed.
    said: u64,
    /// How many values are gone.
    found: u64,
}

impl Completeness {
    /// Begins behind the last entry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the entry before the one it was given last. `made` is when the entry's object was made, by
    /// the object's id, in microseconds since 1970; `open` tells what the vault has for each field.
    pub fn entry(
        &mut self,
        index: u64,
        entry: &Entry<'_>,
        made: Option<u64>,
        mut open: impl FnMut(&str) -> Opening,
    ) -> Vec<Fault> {
        if entry.outcome == Outcome::Done {
            self.note(index, entry);
        }
        // The clock that made the id may stand behind the time of the entry, which never goes back.
        let time = made.map_or(entry.time_micros, |made| made.min(entry.time_micros));
        let mut faults = Vec::new();
        for (field, commitment) in &entry.private {
            let place = Place { index, field, time };
            let fault = self.judge(&place, commitment, open(field));
            faults.extend(fault.map(|(kind, detail)| Fault::at(index, kind, detail)));
        }
        faults
    }

    /// Ends at the first entry that was read.
    pub fn finish(self, reach: Reach) -> Vec<Fault> {
        let mut faults = Vec::new();
        if reach == Reach::Part {
            return faults;
        }
        for (index, Erasure { said, found }) in self.erasures {
            if said != Some(found) {
                faults.push(miscounted(index, said.unwrap_or(0), found));
            }
        }
        for (_, kept) in self.retention {
            if kept.said != kept.found {
                faults.push(miscounted(kept.index, kept.said, kept.found));
            }
        }
        faults
    }

    /// Remembers what an entry says that it destroyed.
    fn note(&mut self, index: u64, entry: &Entry<'_>) {
        let data = |key: &str| entry.data.as_ref().and_then(|data| data.get(key));
        let count = data("count").and_then(Value::as_integer);
        let said = count.and_then(|count| u64::try_from(count).ok());
        if matches!(entry.kind, Kind::SubjectErased | Kind::MessageRedacted) {
            self.erasures.insert(index, Erasure { said, found: 0 });
        }
        if entry.kind == Kind::RetentionExpired {
            let before = data("before").and_then(Value::as_text).and_then(time::read);
            let Some(purpose) = data("purpose").and_then(Value::as_text) else {
                return;
            };
            let kept = self.retention.entry(purpose.to_owned()).or_default();
            kept.index = kept.index.max(index);
            kept.before = kept.before.max(before.unwrap_or(0));
            kept.said = kept.said.saturating_add(said.unwrap_or(0));
        }
    }

    fn judge(
        &mut self,
        place: &Place<'_>,
        commitment: &Commitment,
        found: Opening,
    ) -> Option<(FaultKind, String)> {
        let field = place.field;
        match found {
            Opening::Opens { key, value } if commitment.opens(&key, field, &value) => None,
            Opening::Opens { .. } => {
                let detail = format!("the vault holds another value of {field}");
                Some((FaultKind::CommitmentMismatch, detail))
            }
            Opening::Shut => {
                let detail = format!(
                    "what the vault holds of {field} does not open, and nothing says it was erased"
                );
                Some((FaultKind::CommitmentUnopened, detail))
            }
            Opening::Erased { by } => self.claim(place, by),
            Opening::Absent => self.miss(place),
        }
    }

    /// A tombstone names an erasure.
    fn claim(&mut self, place: &Place<'_>, by: u64) -> Option<(FaultKind, String)> {
        let field = place.field;
        let unfounded = |detail| Some((FaultKind::ErasureUnfounded, detail));
        if by <= place.index {
            let detail = format!("{field} is said to be erased by entry {by}, which is not later");
            return unfounded(detail);
        }
        if let Some(erasure) = self.erasures.get_mut(&by) {
            erasure.found += 1;
            return None;
        }
        let detail = format!("{field} is said to be erased by entry {by}, which is no erasure");
        unfounded(detail)
    }

    /// Nothing is there.
    fn miss(&mut self, place: &Place<'_>) -> Option<(FaultKind, String)> {
        let kept = self.retention.get_mut(place.field);
        if let Some(kept) = kept.filter(|kept| kept.before > place.time) {
            kept.found += 1;
            return None;
        }
        let detail = format!(
            "{} opens from nothing, and nothing says it was erased",
            place.field
        );
        Some((FaultKind::CommitmentUnopened, detail))
    }
}

/// Where a commitment stands.
struct Place<'a> {
    index: u64,
    field: &'a str,
    time: u64,
}

fn miscounted(index: u64, said: u64, found: u64) -> Fault {
    let detail = format!("destroyed {said} values by its own word, {found} by the vault's");
    Fault::at(index, FaultKind::ErasureMiscounted, detail)
}

#[cfg(test)]
mod tests;
