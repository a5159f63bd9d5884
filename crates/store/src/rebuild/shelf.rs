//! A shelf in a file without a name: SQLite makes it where temporary files go, only once it outgrows the
//! memory that it may use, and it is gone when it is closed. What is on it is as public as the ledger.

use engine::ports::Shelf;
use engine::ports::shelf::{Promise, Told};
use engine::ports::store::ReadError;
use engine::rows::{ClientRow, FactorRow, InboundRow, MessageRow, OptOutRow};
use ledger::Commitment;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::columns::{integer, json, moment, natural, octets, unreadable};
use crate::reader::failed;
use crate::rows;

const TABLES: &str = "
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;
    CREATE TABLE message(key INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE inbound(key INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE optout(key INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE factor(key INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE client(key INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE promise(
        key INTEGER PRIMARY KEY, idx INTEGER NOT NULL, at INTEGER NOT NULL, commitment BLOB NOT NULL
    ) STRICT;
    BEGIN;";

/// The shelf.
pub(super) struct FileShelf {
    database: Connection,
}

impl FileShelf {
    /// An empty one.
    pub(super) fn new() -> rusqlite::Result<Self> {
        let database = Connection::open("")?;
        database.execute_batch(TABLES)?;
        Ok(Self { database })
    }

    /// The index of the entry that promised a value.
    pub(super) fn promised_by(&self, key: u64) -> rusqlite::Result<Option<u64>> {
        let sql = "SELECT idx FROM promise WHERE key = ?1";
        let mut statement = self.database.prepare_cached(sql)?;
        let found = statement.query_row([integer(key)], |row| natural(row, 0));
        found.optional()
    }

    fn put_body(&self, table: &str, key: u64, body: &impl Serialize) -> rusqlite::Result<()> {
        let body = serde_json::to_string(body).map_err(|error| unreadable(1, Box::new(error)))?;
        let sql = format!("INSERT OR REPLACE INTO {table}(key, body) VALUES (?1, ?2)");
        let mut statement = self.database.prepare_cached(&sql)?;
        statement.execute(params![integer(key), body])?;
        Ok(())
    }

    fn put_promise(&self, promise: &Promise) -> rusqlite::Result<()> {
        let sql =
            "INSERT OR REPLACE INTO promise(key, idx, at, commitment) VALUES (?1, ?2, ?3, ?4)";
        let mut statement = self.database.prepare_cached(sql)?;
        let (key, index) = (integer(promise.key()), integer(promise.index));
        let at = integer(promise.at.micros());
        statement.execute(params![key, index, at, promise.commitment.as_bytes()])?;
        Ok(())
    }

    fn one<T: DeserializeOwned>(&self, table: &str, key: u64) -> Result<Option<T>, ReadError> {
        let find = || {
            let sql = format!("SELECT body FROM {table} WHERE key = ?1");
            let mut statement = self.database.prepare_cached(&sql)?;
            let found = statement.query_row([integer(key)], |row| json(row, 0));
            found.optional()
        };
        find().map_err(failed)
    }

    fn page<T: DeserializeOwned>(
        &self,
        table: &str,
        after: Option<u64>,
        most: usize,
    ) -> Result<Vec<T>, ReadError> {
        let sql = format!("SELECT body FROM {table} WHERE key > ?1 ORDER BY key LIMIT ?2");
        let page = || {
            let mut statement = self.database.prepare_cached(&sql)?;
            let bounds = [
                after.map_or(-1, integer),
                i64::try_from(most).unwrap_or(i64::MAX),
            ];
            statement
                .query_map(bounds, |row| json(row, 0))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        page().map_err(failed)
    }
}

impl Shelf for FileShelf {
    fn put(&mut self, row: Told) -> Result<(), ReadError> {
        let put = match &row {
            Told::Message(row) => self.put_body("message", row.id.sequence(), row),
            Told::Inbound(row) => self.put_body("inbound", row.id.sequence(), row),
            Told::OptOut(row) => self.put_body("optout", row.sequence, row),
            Told::Factor(row) => self.put_body("factor", row.id.sequence(), row),
            Told::Client(row) => self.put_body("client", row.id.sequence(), row),
            Told::Promise(promise) => self.put_promise(promise),
        };
        put.map_err(failed)
    }

    fn message(&self, sequence: u64) -> Result<Option<MessageRow>, ReadError> {
        self.one("message", sequence)
    }

    fn messages(&self, after: Option<u64>, most: usize) -> Result<Vec<MessageRow>, ReadError> {
        self.page("message", after, most)
    }

    fn inbounds(&self, after: Option<u64>, most: usize) -> Result<Vec<InboundRow>, ReadError> {
        self.page("inbound", after, most)
    }

    fn opt_outs(&self, after: Option<u64>, most: usize) -> Result<Vec<OptOutRow>, ReadError> {
        self.page("optout", after, most)
    }

    fn factor(&self, sequence: u64) -> Result<Option<FactorRow>, ReadError> {
        self.one("factor", sequence)
    }

    fn factors(&self, after: Option<u64>, most: usize) -> Result<Vec<FactorRow>, ReadError> {
        self.page("factor", after, most)
    }

    fn promises(&self, after: Option<u64>, most: usize) -> Result<Vec<Promise>, ReadError> {
        let sql =
            "SELECT key, idx, at, commitment FROM promise WHERE key > ?1 ORDER BY key LIMIT ?2";
        let page = || {
            let mut statement = self.database.prepare_cached(sql)?;
            let bounds = [
                after.map_or(-1, integer),
                i64::try_from(most).unwrap_or(i64::MAX),
            ];
            statement
                .query_map(bounds, promise)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        page().map_err(failed)
    }

    fn clients(&self) -> Result<Vec<ClientRow>, ReadError> {
        self.page("client", None, usize::MAX)
    }
}

fn promise(row: &rusqlite::Row<'_>) -> rusqlite::Result<Promise> {
    let key: u64 = natural(row, 0)?;
    Ok(Promise {
        owner: key >> 2,
        purpose: rows::purpose(key)?,
        index: natural(row, 1)?,
        at: moment(row, 2)?,
        commitment: Commitment::from_bytes(octets(row, 3)?),
    })
}
