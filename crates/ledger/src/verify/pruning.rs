//! What a `ledger.pruned` entry vouches for: a minimum index stands on one, or entries are just gone.

use crate::entry::kind::Kind;
use crate::entry::outcome::Outcome;
use crate::entry::parse::Entry;
use crate::tile::FULL;

/// Characters of a SHA-256 in hex.
const HASH_CHARS: usize = 64;

/// The minimum index that this entry puts in force; `None` when it is no pruning, or none that can be:
/// whole tiles go, all of them before the entry that tells of it, and a snapshot stands for them.
///
/// How old the entries were that went cannot be seen any more: their times went with them.
pub fn minimum_of(index: u64, entry: &[u8]) -> Option<u64> {
    let entry = Entry::parse(entry).ok()?;
    if entry.kind != Kind::LedgerPruned || entry.outcome != Outcome::Done {
        return None;
    }
    let data = entry.data.as_ref()?;
    let number = |name| u64::try_from(data.get(name)?.as_integer()?).ok();
    let (minimum, entries) = (number("minimum")?, number("entries")?);
    let tile = u64::from(FULL);
    let is_whole = minimum.is_multiple_of(tile) && entries.is_multiple_of(tile);
    let fits = entries > 0 && entries <= minimum && minimum <= index;
    let snapshot = data.get("snapshot")?.as_text()?;
    let is_hash = snapshot.len() == HASH_CHARS
        && snapshot
            .bytes()
            .all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
    (is_whole && fits && is_hash).then_some(minimum)
}
