//! How far a destination has been told, as it is kept. Nothing but places in the ledger, counts and times.

use serde::{Deserialize, Serialize};

/// What is kept of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    /// The index of the entry that is looked at next.
    pub(crate) next: u64,
    /// Since when nothing was taken, in microseconds of UTC since 1970.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) failing_since: Option<u64>,
    /// Tries in a row that failed.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub(crate) failures: u32,
    /// Index, tries so far, and when the next is due.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) waiting: Vec<(u64, u8, u64)>,
    /// Index, tries, when it was given up, and why.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) dead: Vec<(u64, u8, u64, Box<str>)>,
    /// Lines of which nothing more is told, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) over: Vec<u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The octets are no progress as this gateway keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no progress as this gateway keeps it")]
pub(crate) struct Damaged;

impl Stored {
    /// As octets.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        // Numbers and words cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From octets.
    pub(crate) fn parse(octets: &[u8]) -> Result<Self, Damaged> {
        serde_json::from_slice(octets).map_err(|_| Damaged)
    }
}
