//! One moment of the database, as a rebuilding reads it.

use engine::ports::View;
use engine::ports::store::ReadError;
use engine::rows::{
    ClientRow, FactorRow, InboundRow, KekRow, MessageRow, OptOutRow, SecretRow, VaultRow,
};
use ledger::Hash;
use rusqlite::{Connection, Row, ToSql};

use crate::columns::{integer, json, natural};
use crate::entries;
use crate::reader::failed;
use crate::rows;
use crate::shrink;

/// A moment: the connection is within a transaction.
pub(super) struct Moment<'c> {
    database: &'c Connection,
    minimum: u64,
    size: u64,
}

impl<'c> Moment<'c> {
    /// The moment of the transaction that is under way. Its first read begins it.
    pub(super) fn of(database: &'c Connection) -> rusqlite::Result<Self> {
        let size = "SELECT ifnull(max(idx) + 1, 0) FROM entry";
        let size = database.query_row(size, [], |row| natural(row, 0))?;
        let minimum = shrink::minimum(database)?;
        Ok(Self {
            database,
            minimum,
            size,
        })
    }

    fn list<T>(
        &self,
        sql: &str,
        values: &[&dyn ToSql],
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ReadError> {
        let list = || {
            let mut statement = self.database.prepare_cached(sql)?;
            statement
                .query_map(values, read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(failed)
    }

    /// The rows of a table behind a key.
    fn page<T>(
        &self,
        (columns, table, key): (&str, &str, &str),
        (after, most): (Option<u64>, usize),
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ReadError> {
        let sql = format!("SELECT {columns} FROM {table} WHERE {key} > ?1 ORDER BY {key} LIMIT ?2");
        let after = after.map_or(-1, integer);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.list(&sql, &[&after, &most], read)
    }
}

impl View for Moment<'_> {
    fn minimum(&self) -> u64 {
        self.minimum
    }

    fn snapshot(&self, part: u32) -> Result<Option<Vec<u8>>, ReadError> {
        shrink::part(self.database, part).map_err(failed)
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let end = self.size.min(from.saturating_add(most));
        entries::bytes_of(self.database, from..end).map_err(failed)
    }

    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let end = self.size.min(from.saturating_add(most));
        entries::leaves_of(self.database, from..end).map_err(failed)
    }

    fn messages(&self, after: Option<u64>, most: usize) -> Result<Vec<MessageRow>, ReadError> {
        self.page(
            (rows::MESSAGE, "message", "seq"),
            (after, most),
            rows::message,
        )
    }

    fn inbounds(&self, after: Option<u64>, most: usize) -> Result<Vec<InboundRow>, ReadError> {
        self.page(
            (rows::INBOUND, "inbound", "seq"),
            (after, most),
            rows::inbound,
        )
    }

    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError> {
        let sql = "SELECT entry FROM message WHERE seq = ?1
            UNION ALL SELECT entry FROM inbound WHERE seq = ?1";
        let found = self.list(sql, &[&integer(sequence)], |row| {
            let entry: Option<i64> = row.get(0)?;
            // No entry has an index below the first: what says so points nowhere.
            Ok(entry.map(|entry| u64::try_from(entry).unwrap_or(u64::MAX)))
        })?;
        Ok(found.into_iter().flatten().next())
    }

    fn opt_outs(&self, after: Option<u64>, most: usize) -> Result<Vec<OptOutRow>, ReadError> {
        self.page(
            (rows::OPT_OUT, "optout", "seq"),
            (after, most),
            rows::opt_out,
        )
    }

    fn factors(&self, after: Option<u64>, most: usize) -> Result<Vec<FactorRow>, ReadError> {
        self.page((rows::FACTOR, "factor", "seq"), (after, most), rows::factor)
    }

    fn vault(&self, after: Option<u64>, most: usize) -> Result<Vec<VaultRow>, ReadError> {
        self.page((rows::VAULT, "vault", "row"), (after, most), rows::vault)
    }

    fn clients(&self) -> Result<Vec<ClientRow>, ReadError> {
        self.list("SELECT body FROM client ORDER BY seq", &[], |row| {
            json(row, 0)
        })
    }

    fn secrets(&self) -> Result<Vec<SecretRow>, ReadError> {
        let sql = "SELECT name, wrapped FROM secret ORDER BY name";
        self.list(sql, &[], rows::secret)
    }

    fn keks(&self) -> Result<Vec<KekRow>, ReadError> {
        self.list("SELECT row, wrapped FROM kek ORDER BY row", &[], rows::kek)
    }

    fn parts(&self) -> Result<Vec<u64>, ReadError> {
        self.list("SELECT seq FROM part ORDER BY seq", &[], |row| {
            natural(row, 0)
        })
    }
}
