//! The completeness rule: every commitment of a log either opens, or a later entry says that it was
//! erased. Without it the destruction of evidence could pass for erasure. Pure: what the vault has
//! is told by the caller, entry by entry, in the order of the log.

use std::collections::BTreeMap;

use crate::commitment::CommitmentKey;
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
    /// A tombstone: erased by the entry of this index.
    Erased {
        /// The index of the `subject.erased` or `retention.expired` entry.
        by: u64,
    },
    /// Nothing at all.
    Absent,
}

/// Goes over the entries of a log once. Its memory grows with the erasures that are still to come,
/// not with the log.
#[derive(Debug, Default)]
pub struct Completeness {
    /// By the index of the erasure that is still to come: what is said to be erased by it.
    claims: BTreeMap<u64, Claim>,
}

#[derive(Debug)]
struct Claim {
    /// The first entry with a value that is said to be erased so.
    index: u64,
    count: u64,
    /// The latest time of such an entry, by field.
    latest: BTreeMap<String, u64>,
}

impl Completeness {
    /// Begins at entry 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry. `open` tells what the vault has for each of its private fields.
    pub fn entry(
        &mut self,
        index: u64,
        entry: &Entry<'_>,
        mut open: impl FnMut(&str) -> Opening,
    ) -> Vec<Fault> {
        let mut faults = self.settle(index, entry);
        for (field, commitment) in &entry.private {
            let fault = match open(field) {
                Opening::Opens { key, value } if commitment.opens(&key, field, &value) => None,
                Opening::Opens { .. } => {
                    let detail = format!("the vault holds another value of {field}");
                    Some((FaultKind::CommitmentMismatch, detail))
                }
                Opening::Absent => {
                    let detail =
                        format!("{field} opens from nothing, and nothing says it was erased");
                    Some((FaultKind::CommitmentUnopened, detail))
                }
                Opening::Erased { by } if by <= index => {
                    let detail = format!("{field} is said to be erased by the earlier entry {by}");
                    Some((FaultKind::ErasureUnfounded, detail))
                }
                Opening::Erased { by } => {
                    self.claim(by, index, field, entry.time_micros);
                    None
                }
            };
            faults.extend(fault.map(|(kind, detail)| Fault::at(index, kind, detail)));
        }
        faults
    }

    /// Ends the log: erasures that are still to come never came.
    pub fn finish(self) -> Vec<Fault> {
        let never = |(by, claim): (u64, Claim)| {
            let detail = format!("said to be erased by entry {by}, which the log does not have");
            Fault::at(claim.index, FaultKind::ErasureUnfounded, detail)
        };
        self.claims.into_iter().map(never).collect()
    }

    fn claim(&mut self, by: u64, index: u64, field: &str, time: u64) {
        let claim = self.claims.entry(by).or_insert_with(|| Claim {
            index,
            count: 0,
            latest: BTreeMap::new(),
        });
        claim.count += 1;
        let latest = claim.latest.entry(field.to_owned()).or_insert(time);
        *latest = time.max(*latest);
    }

    /// Compares what was said to be erased by this entry with what it says itself.
    fn settle(&mut self, index: u64, entry: &Entry<'_>) -> Vec<Fault> {
        let claim = self.claims.remove(&index);
        let erases = matches!(entry.kind, Kind::SubjectErased | Kind::RetentionExpired);
        if !erases || entry.outcome != Outcome::Done {
            let unfounded = claim.map(|claim| {
                let detail = format!(
                    "said to be erased by entry {index}, which is {}",
                    entry.kind
                );
                Fault::at(claim.index, FaultKind::ErasureUnfounded, detail)
            });
            return unfounded.into_iter().collect();
        }
        let data = |key: &str| entry.data.as_ref().and_then(|data| data.get(key));
        let said = data("count").and_then(Value::as_integer);
        let said = said.and_then(|count| u64::try_from(count).ok());
        let found = claim.as_ref().map_or(0, |claim| claim.count);
        let miscounted = said.filter(|said| *said != found).map(|said| {
            let detail = format!("destroyed {said} values by its own word, {found} by the vault's");
            Fault::at(index, FaultKind::ErasureMiscounted, detail)
        });
        let foreign = claim
            .filter(|_| entry.kind == Kind::RetentionExpired)
            .and_then(|claim| {
                let before = data("before").and_then(Value::as_text).and_then(time::read);
                let purpose = data("purpose").and_then(Value::as_text);
                let covered = |(field, latest): (&String, &u64)| {
                    purpose == Some(field.as_str()) && before.is_some_and(|before| *latest < before)
                };
                let detail =
                    format!("erased by entry {index}, which speaks of another purpose or time");
                (!claim.latest.iter().all(covered))
                    .then(|| Fault::at(claim.index, FaultKind::ErasureUnfounded, detail))
            });
        miscounted.into_iter().chain(foreign).collect()
    }
}

#[cfg(test)]
mod tests;
