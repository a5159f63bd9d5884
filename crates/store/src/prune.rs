//! Deletes rows that are of no more use, a bounded number at a time, between two groups.

use domain::time::Timestamp;
use rusqlite::Connection;

use crate::columns::{CLOCK_SLACK, integer, sequence_of};
use crate::shrink;

/// Rows at the front that tell whether the rest is worth a look.
const FRONT_ROWS: i64 = 64;

/// Where pruning stands.
#[derive(Debug)]
pub(crate) struct Pruner {
    rows_max: i64,
    /// The last row that was looked at.
    reached: i64,
}

impl Pruner {
    /// A pruner that looks at so many rows a call.
    pub(crate) fn new(rows_max: usize) -> Self {
        Self {
            rows_max: i64::try_from(rows_max).unwrap_or(i64::MAX),
            reached: 0,
        }
    }

    /// Looks for idempotency keys at the front, where they mostly expire, and from where the last call
    /// stopped, so that one which lives long hides none behind it; and for unmatched receipts that
    /// came before a moment.
    pub(crate) fn prune(
        &mut self,
        database: &Connection,
        now: Timestamp,
        unmatched_before: Timestamp,
    ) -> rusqlite::Result<()> {
        let transaction = database.unchecked_transaction()?;
        if keys(&transaction, 0, FRONT_ROWS.min(self.rows_max), now)?.deleted > 0 {
            keys(&transaction, 0, self.rows_max, now)?;
        }
        let looked = keys(&transaction, self.reached, self.rows_max, now)?;
        self.reached = looked.last.unwrap_or(0);
        let mut receipts = transaction.prepare_cached(
            "DELETE FROM unmatched WHERE seq IN
                (SELECT seq FROM unmatched WHERE seq < ?1 AND at < ?2 ORDER BY seq LIMIT ?3)",
        )?;
        let ceiling = sequence_of(unmatched_before.saturating_add(CLOCK_SLACK));
        let before = integer(unmatched_before.micros());
        receipts.execute([integer(ceiling), before, self.rows_max])?;
        drop(receipts);
        transaction.commit()?;
        // What a process that died left of a pruning of the ledger.
        shrink::step(database).map(drop)
    }
}

struct Looked {
    deleted: usize,
    /// The last row, or `None` when there was none.
    last: Option<i64>,
}

/// Deletes the keys that have expired among the rows after one.
fn keys(
    database: &Connection,
    after: i64,
    rows_max: i64,
    now: Timestamp,
) -> rusqlite::Result<Looked> {
    let mut window = database.prepare_cached(
        "SELECT max(message) FROM
            (SELECT message FROM idempotency WHERE message > ?1 ORDER BY message LIMIT ?2)",
    )?;
    let last: Option<i64> = window.query_row([after, rows_max], |row| row.get(0))?;
    let Some(end) = last else {
        return Ok(Looked { deleted: 0, last });
    };
    let mut expired = database.prepare_cached(
        "DELETE FROM idempotency WHERE message > ?1 AND message <= ?2 AND expires <= ?3",
    )?;
    let deleted = expired.execute([after, end, integer(now.micros())])?;
    Ok(Looked { deleted, last })
}
