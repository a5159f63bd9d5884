//! Connections to the database, each set up for what it does, and the pools that lend them out.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::config::Durability;
use crate::untouched;

/// The size of a database page in octets, set when the file is made.
pub(crate) const PAGE_BYTES: u64 = 4_096;

/// How long a connection waits for a lock of another. Only checkpoints and closing ever make one wait.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that commits.
    Writer,
    /// One of those that only read.
    Reader,
    /// One that reads the index database.
    IndexReader,
    /// The one that writes the index database.
    IndexWriter,
    /// The one that copies the write-ahead log into the database.
    Keeper,
    /// The one that reads and writes the ledger's tree.
    Tree,
    /// One that reads the database of a folder in which nothing may change.
    Auditor,
}

/// Opens the database, which must exist.
pub(crate) fn open(
    path: &Path,
    role: Role,
    durability: Durability,
) -> rusqlite::Result<Connection> {
    if role == Role::Auditor {
        return untouched::open(path);
    }
    let connection = open_existing(path)?;
    let synchronous = match (durability, role) {
        (Durability::UnsyncedLosesAcknowledgedData, _) => "OFF",
        // The index is synced when it is copied out of its log, before anything relies on it.
        (Durability::Synced, Role::IndexReader | Role::IndexWriter) => "NORMAL",
        (Durability::Synced, _) => "FULL",
    };
    let settings = match role {
        Role::Reader | Role::IndexReader | Role::Auditor => {
            "PRAGMA query_only = ON; PRAGMA cache_size = -2048;"
        }
        Role::Writer | Role::IndexWriter => {
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON;
             PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;"
        }
        Role::Keeper => "PRAGMA cache_size = -256;",
        Role::Tree => {
            "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA cache_size = -1024;"
        }
    };
    // The logs of the others are copied by threads of their own; the tree's is always short.
    let autocheckpoint = if role == Role::Tree { 256 } else { 0 };
    connection.execute_batch(&format!(
        "{settings} PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = {autocheckpoint};
         PRAGMA trusted_schema = OFF;"
    ))?;
    Ok(connection)
}

/// Opens a database file that must exist, with nothing set.
pub(crate) fn open_existing(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// What SQLite finds wrong with a whole file, if anything.
pub(crate) fn integrity(database: &Connection) -> rusqlite::Result<Result<(), String>> {
    let verdict: String = database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok(if verdict == "ok" {
        Ok(())
    } else {
        Err(verdict)
    })
}

/// Whether a pool lends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Shut,
}

/// Lends out connections to one file, so that all can be closed at once.
#[derive(Debug)]
pub(crate) struct Pool {
    path: PathBuf,
    role: Role,
    durability: Durability,
    /// Held for reading while a connection is lent out.
    gate: RwLock<Gate>,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// A pool that lends nothing before it is opened.
    pub(crate) fn new(path: PathBuf, role: Role, durability: Durability) -> Self {
        let gate = RwLock::new(Gate::Shut);
        Self {
            path,
            role,
            durability,
            gate,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Lends from now on. Connections are opened as they are asked for.
    pub(crate) fn open(&self) {
        *self.gate.write().unwrap_or_else(PoisonError::into_inner) = Gate::Open;
    }

    /// Waits for the connections that are lent out, closes all and lends no more.
    pub(crate) fn close(&self) {
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        *gate = Gate::Shut;
        self.idle().clear();
    }

    /// Works with a connection, and keeps it for the next one unless the work failed.
    pub(crate) fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        if *gate == Gate::Shut {
            return Err(unavailable());
        }
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => open(&self.path, self.role, self.durability)?,
        };
        let result = work(&mut connection);
        if result.is_ok() {
            self.idle().push(connection);
        }
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unavailable() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT);
    rusqlite::Error::SqliteFailure(code, Some("the store is not available".to_owned()))
}
