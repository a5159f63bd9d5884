//! One difference between what the ledger tells and what the store holds.

use core::fmt;

use serde::Serialize;

/// A difference. Values are words, numbers and times; what is personal is never among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What kind of row: `message`, `inbound`, `opt-out`, `client`, `key`, `vault`; `erasure` and
    /// `expiry` for how many sealed values went; `snapshot` for what stands for pruned entries; `entry` for an
    /// entry that tells nothing that can be, or is not the one of its leaf hash.
    pub what: &'static str,
    /// Its id; of an entry its index.
    pub id: String,
    /// The field that differs; `row` when it is there on one side only.
    pub field: &'static str,
    /// What the ledger tells; `-` for nothing.
    pub ledger: String,
    /// What the store holds; `-` for nothing.
    pub store: String,
}

/// Stands for nothing.
pub(super) const NOTHING: &str = "-";
/// Stands for a row, and for a value that is not shown.
pub(super) const THERE: &str = "there";
/// Stands for a value that is not shown and is not the one that the ledger tells.
pub(super) const ANOTHER: &str = "another";

impl Difference {
    /// A row that only the ledger tells of.
    pub(super) fn lost(what: &'static str, id: String) -> Self {
        Self::of((what, id), "row", THERE, NOTHING)
    }

    /// A row that only the store has.
    pub(super) fn foreign(what: &'static str, id: String) -> Self {
        Self::of((what, id), "row", NOTHING, THERE)
    }

    /// A field that differs.
    pub(super) fn of(
        (what, id): (&'static str, String),
        field: &'static str,
        ledger: impl Into<String>,
        store: impl Into<String>,
    ) -> Self {
        Self {
            what,
            id,
            field,
            ledger: ledger.into(),
            store: store.into(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            id,
            field,
            ledger,
            store,
        } = self;
        write!(f, "{what} {id}: {field}: ledger {ledger}, store {store}")
    }
}
