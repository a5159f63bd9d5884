//! Reads the ledger of a data folder as an auditor does: straight from the file, entry by entry, with
//! nothing of the store's code.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// Every entry, in order.
pub fn entries(data: &Path) -> Vec<Value> {
    let path = data.join("shortstop.sqlite");
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = connection
        .prepare("SELECT bytes FROM entry ORDER BY idx")
        .unwrap();
    let rows = statement
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .unwrap();
    rows.map(|bytes| serde_json::from_slice(&bytes.unwrap()).unwrap())
        .collect()
}

/// A member of an entry as text.
pub fn word<'e>(entry: &'e Value, pointer: &str) -> &'e str {
    entry
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// How many entries are of this kind.
pub fn count(entries: &[Value], kind: &str) -> usize {
    entries
        .iter()
        .filter(|entry| word(entry, "/kind") == kind)
        .count()
}

/// How many messages of one segment stood dispatched and unanswered when a start found the crash: the
/// most that can have been sent twice.
pub fn in_doubt(entries: &[Value]) -> u64 {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    let mut doubts = 0;
    for entry in entries {
        let message = word(entry, "/object/id");
        match (word(entry, "/kind"), word(entry, "/outcome")) {
            ("message.accepted", _) if entry.pointer("/data/dispatch").is_some() => {
                open.insert(message);
            }
            ("message.dispatched", "accepted") => drop(open.insert(message)),
            (
                "message.dispatched" | "message.submitted" | "message.failed" | "message.delivered"
                | "receipt.received",
                _,
            ) => drop(open.remove(message)),
            ("ledger.recovered", _) => doubts += u64::try_from(open.len()).unwrap(),
            _ => {}
        }
    }
    doubts
}
