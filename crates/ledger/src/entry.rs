//! Entries: what the ledger says happened, as canonical JSON (RFC 8785) of one schema. A [`draft`]
//! is written where the thing happens and stamped by the one writer that knows its place; [`parse`]
//! reads it back, strictly. The index of an entry is no part of it: the ordered log assigns it.
//!
//! [`draft`]: crate::entry::draft
//! [`parse`]: crate::entry::parse

pub mod actor;
mod canonical;
pub mod draft;
pub mod facts;
pub mod kind;
pub(crate) mod named;
pub mod outcome;
pub mod parse;
mod reader;
pub mod skim;
pub mod stamp;
pub(crate) mod time;
pub mod value;

/// The version of the schema, the `v` of every entry.
pub const SCHEMA_VERSION: u64 = 1;

/// An entry is at most this long, in bytes: its length is two octets in an entry bundle (C2SP
/// tlog-tiles).
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// How deep maps and lists may nest in an entry, the entry itself counted.
pub const MAX_DEPTH: u8 = 8;

/// Every top-level key, in canonical order.
pub const KEYS: [&str; 15] = [
    "actor",
    "client",
    "correlation",
    "data",
    "epoch",
    "kind",
    "node",
    "node_seq",
    "object",
    "origin",
    "outcome",
    "private",
    "reason",
    "time",
    "v",
];

/// Why a draft makes no entry. Each is a fault of the code that wrote it, or an oversized fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Longer than [`MAX_ENTRY_BYTES`] once stamped, with room for the longest stamp.
    #[error("the entry would be longer than 65535 bytes")]
    TooLong,
    /// Deeper than [`MAX_DEPTH`].
    #[error("the facts of the entry nest too deep")]
    TooDeep,
    /// A key of facts or private fields is no field name: 1 to 64 of `a-z`, `0-9` and `_`, a letter
    /// first.
    #[error("a key of the entry is not a field name")]
    FieldName,
    /// The same key twice in one map.
    #[error("a key of the entry is given twice")]
    Repeated,
}

/// Whether a text is a field name, as every key below the top level is.
pub(crate) fn is_field_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let starts_right = bytes.first().is_some_and(u8::is_ascii_lowercase);
    let tail_right = bytes
        .iter()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    starts_right && tail_right && bytes.len() <= 64
}
