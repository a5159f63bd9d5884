//! Which entries are meant: bounds by index or by time. Times of entries never go back on one node, so
//! a time is found by halving.

use std::ops::Range;

use domain::time::Timestamp;
use engine::ports::Log;
use engine::ports::store::ReadError;
use ledger::entry::skim::skim;

/// Entries one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The index of the first.
    pub first: u64,
    /// The index behind the last.
    pub end: u64,
}

impl Span {
    /// How many there are.
    pub const fn count(self) -> u64 {
        self.end.saturating_sub(self.first)
    }
}

/// Why nobody can tell which entries are meant.
#[derive(Debug, thiserror::Error)]
pub enum SpanError {
    /// Neither an index nor a time.
    #[error("`{0}` is neither an index nor a time such as 2026-11-25T00:00:00Z")]
    Bound(String),
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An entry is none.
    #[error("entry {0} cannot be read; run `shortstop ledger verify`")]
    Entry(u64),
}

impl SpanError {
    /// Whether the question was wrong.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Bound(_))
    }
}

/// The durable entries from `since` on up to `until`, which is not in it any more; never pruned ones.
pub fn span(log: &dyn Log, since: Option<&str>, until: Option<&str>) -> Result<Span, SpanError> {
    let (minimum, size) = (log.minimum()?, log.size()?);
    let held = minimum..size;
    let first = since.map_or(Ok(minimum), |bound| place(log, &held, bound))?;
    let end = until.map_or(Ok(size), |bound| place(log, &held, bound))?;
    let first = first.max(minimum).min(size);
    Ok(Span {
        first,
        end: end.min(size).max(first),
    })
}

/// An index, or that of the first entry held at a time or after it.
fn place(log: &dyn Log, held: &Range<u64>, bound: &str) -> Result<u64, SpanError> {
    if let Ok(index) = bound.parse() {
        return Ok(index);
    }
    let wrong = |_| SpanError::Bound(bound.to_owned());
    let moment: Timestamp = bound.parse().map_err(wrong)?;
    let (mut low, mut high) = (held.start, held.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if time_of(log, middle)? < moment.micros() {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// The time of an entry.
fn time_of(log: &dyn Log, index: u64) -> Result<u64, SpanError> {
    let entries = log.entries(index, 1)?;
    let octets = entries.first().ok_or(SpanError::Entry(index))?;
    let entry = skim(octets).map_err(|_| SpanError::Entry(index))?;
    Ok(entry.time_micros)
}
