//! Between Rust values and SQLite's columns: numbers, moments, hashes and the codes of states.

use std::time::Duration;

use domain::message::MessageState;
use domain::sender::ShortCode;
use domain::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};
use serde::de::DeserializeOwned;

/// How far the milliseconds in a sequence may lie from the row's own time: ids run ahead of a clock
/// that was set back.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_hours(1);

/// The first sequence of a moment.
pub(crate) const fn sequence_of(moment: Timestamp) -> u64 {
    moment.millis() << 12
}

/// A number as SQLite keeps it. Sequences have 60 bits and moments 58, so nothing is ever cut.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column that holds a natural number.
pub(crate) fn natural<N: TryFrom<i64>>(row: &Row<'_>, column: usize) -> rusqlite::Result<N> {
    let number: i64 = row.get(column)?;
    N::try_from(number).map_err(|_| out_of_range(row, column, number))
}

/// A column that holds a moment.
pub(crate) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    natural(row, column).map(Timestamp::from_micros)
}

/// A column that holds a fixed number of octets.
pub(crate) fn octets<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; N]> {
    let found = row.get_ref(column)?.as_blob()?;
    let size = FromSqlError::InvalidBlobSize {
        expected_size: N,
        blob_size: found.len(),
    };
    <[u8; N]>::try_from(found).map_err(|_| size.into())
}

/// A column that holds JSON of a row's part.
pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text).map_err(|source| {
        let name = name_of(row, column);
        unreadable(
            column,
            format!("holds in its {name} what cannot be read: {source}").into(),
        )
    })
}

/// A column that holds the number of a short code.
pub(crate) fn short_code(row: &Row<'_>, column: usize) -> rusqlite::Result<ShortCode> {
    let number: u32 = natural(row, column)?;
    ShortCode::parse(number.to_string())
        .map_err(|_| unreadable(column, "holds a short code that is none".into()))
}

/// A column that holds the code of a message's state.
pub(crate) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageState> {
    let code: i64 = row.get(column)?;
    let known = MessageState::ALL
        .into_iter()
        .find(|state| state_code(*state) == code);
    known.ok_or_else(|| unreadable(column, "holds a state that is none".into()))
}

/// The code of a state: never 0 or 1, so that every state takes one octet.
pub(crate) const fn state_code(state: MessageState) -> i64 {
    match state {
        MessageState::Accepted => 10,
        MessageState::Dispatched => 20,
        MessageState::Submitted => 30,
        MessageState::Delivered => 40,
        MessageState::Failed => 50,
        MessageState::Expired => 60,
        MessageState::Cancelled => 70,
        MessageState::Unknown => 80,
    }
}

/// The column of a message's version: one more, for the same reason.
pub(crate) fn version_code(version: u32) -> i64 {
    i64::from(version) + 1
}

/// A number that this program never writes to its column.
pub(crate) fn out_of_range(row: &Row<'_>, column: usize, number: i64) -> rusqlite::Error {
    let name = name_of(row, column);
    unreadable(
        column,
        format!("holds a {name} of {number}, which is out of range").into(),
    )
}

fn name_of(row: &Row<'_>, column: usize) -> String {
    let name = row.as_ref().column_name(column);
    name.map_or_else(|_| format!("column {column}"), str::to_owned)
}

/// Reads a row, and names it where it cannot be read: `what`, and the number in its first column.
pub(crate) fn named<T>(
    what: &str,
    row: &Row<'_>,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    read(row).map_err(|error| {
        let number: i64 = row.get(0).unwrap_or_default();
        let says = match error {
            rusqlite::Error::FromSqlConversionFailure(_, _, source) => source.to_string(),
            error => format!("cannot be read: {error}"),
        };
        unreadable(0, format!("{what} {number} {says}").into())
    })
}

/// A hole in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ledger entry {0} is missing")]
pub(crate) struct Hole(pub(crate) u64);

/// Whether an error is a hole in the ledger.
pub(crate) fn is_hole(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::FromSqlConversionFailure(_, _, source) => source.is::<Hole>(),
        _ => false,
    }
}

/// A column that cannot be what this program wrote.
pub(crate) fn unreadable(
    column: usize,
    source: Box<dyn std::error::Error + Send + Sync>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_code_of_its_own_that_takes_one_octet() {
        let codes: Vec<_> = MessageState::ALL.into_iter().map(state_code).collect();
        for (place, code) in codes.iter().enumerate() {
            assert!((2..=127).contains(code));
            assert!(!codes[..place].contains(code));
        }
    }
}
