//! Opening: the checks before a data folder is written to, and the epoch that begins with it.

use std::path::PathBuf;

use engine::ports::storage::Failure;
use engine::ports::store::{LedgerHead, Shutdown};
use ledger::{Kind, NodeName};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, OptionalExtension, params};
use thiserror::Error;

use crate::columns::natural;
use crate::config::{Bounds, Durability, EmbeddedConfig};
use crate::connect::{self, Role};
use crate::failure;
use crate::folder::DataFolder;
use crate::log::{Log, LogError};
use crate::schema;
use crate::tail::{self, Found};
use crate::writer::Session;

/// Why a store could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A bound of the configuration is out of its range. Nothing was made.
    #[error("{0} readers are not within 1 to {max}", max = Bounds::READERS_MAX)]
    Readers(usize),
    /// The folder, or a file in it, could not be made or read.
    #[error("the data folder {} cannot be used", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process owns the folder.
    #[error("the data folder {} is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The database is gone, but what belongs to one is still there. Nothing was written.
    #[error(
        "{} is missing, but {} of a store lie there; keep them: move the data folder aside and \
         restore a backup, or put the file back",
        database.display(), files.join(", ")
    )]
    Missing {
        /// Where the database should be.
        database: PathBuf,
        /// The files found in its folder.
        files: Vec<&'static str>,
    },
    /// There is no store to read.
    #[error("{} is missing: the data folder holds no store", database.display())]
    Absent {
        /// Where the database should be.
        database: PathBuf,
    },
    /// An older program wrote the database, and it is only read.
    #[error(
        "the database has version {found}, which is not brought to {known} by only reading it; start \
         the gateway on it once, or use the program that wrote it"
    )]
    Older {
        /// The version found.
        found: usize,
        /// The version of this program.
        known: usize,
    },
    /// A newer program wrote the database.
    #[error(
        "the database has version {found}, this program knows up to {known}; use a newer program"
    )]
    Newer {
        /// The version found.
        found: i64,
        /// The newest version that this program knows.
        known: usize,
    },
    /// The database is not ours.
    #[error("the database belongs to another program")]
    Foreign,
    /// The folder belongs to another node.
    #[error("the data folder belongs to node {found}, not {configured}")]
    OtherNode {
        /// The node that the folder belongs to.
        found: String,
        /// The node that was to open it.
        configured: String,
    },
    /// The end of the ledger is not as it was written.
    #[error("ledger entry {index} {what}")]
    Damaged {
        /// The entry's index.
        index: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The write-ahead log could not be emptied.
    #[error("the write-ahead log could not be copied into the database")]
    Checkpoint,
    /// The write-ahead log could not be watched.
    #[error("the write-ahead log cannot be used: {0}")]
    Log(String),
    /// SQLite failed.
    #[error("the database could not be opened")]
    Database(#[from] rusqlite::Error),
    /// A thread could not be started.
    #[error("a thread of the store could not be started")]
    Thread(#[source] std::io::Error),
}

impl OpenError {
    /// Whether there was no room for what opening writes.
    pub(crate) fn is_disk_full(&self) -> bool {
        let failure = match self {
            Self::Database(error) => failure::of_database(error),
            Self::Folder { source, .. } => failure::of_io(source),
            _ => return false,
        };
        failure == Failure::DiskFull
    }
}

impl From<LogError> for OpenError {
    fn from(error: LogError) -> Self {
        Self::Log(error.to_string())
    }
}

/// Opens the store of a folder, or makes it, and begins an epoch.
pub(crate) fn begin(
    folder: &DataFolder,
    config: &EmbeddedConfig,
) -> Result<(Session, Found, LedgerHead), OpenError> {
    folder.prepare_database()?;
    let (mut session, found) = session(folder, config.durability)?;
    let head = begin_epoch(&session.database, &config.node, &found)?;
    session.log.committed()?;
    Ok((session, found, head))
}

/// Looks at the store of a folder and begins nothing: the head is as the last epoch left it.
pub(crate) fn look(folder: &DataFolder, config: &EmbeddedConfig) -> Result<LedgerHead, OpenError> {
    let database = connect::open(&folder.database(), Role::Auditor, config.durability)?;
    schema::check_newest(&database)?;
    check_node(&database, &config.node)?;
    let found = tail::read(&database)?;
    Ok(head(&found, last_epoch(&database)?))
}

/// Opens the database for writing: migrated, its log empty, its last entry checked.
pub(crate) fn session(
    folder: &DataFolder,
    durability: Durability,
) -> Result<(Session, Found), OpenError> {
    let mut database = connect::open(&folder.database(), Role::Writer, durability)?;
    schema::migrate(&database)?;
    let (frames, copied) = database.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE)?;
    if frames != copied {
        return Err(OpenError::Checkpoint);
    }
    let found = tail::read(&database)?;
    let log = Log::watch(&mut database, folder.database(), folder.log())?;
    Ok((Session { database, log }, found))
}

/// Begins the next epoch, durably, and tells how the one before ended.
fn begin_epoch(
    database: &Connection,
    node: &NodeName,
    found: &Found,
) -> Result<LedgerHead, OpenError> {
    check_node(database, node)?;
    let epoch = last_epoch(database)? + 1;
    let transaction = database.unchecked_transaction()?;
    let set = "INSERT OR REPLACE INTO meta(name, value) VALUES (?1, ?2)";
    transaction.execute(set, params!["node", node.as_str()])?;
    transaction.execute(set, params!["epoch", crate::columns::integer(epoch)])?;
    transaction.commit()?;
    Ok(head(found, epoch))
}

/// The epoch that began last; 0 before the first.
fn last_epoch(database: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT value FROM meta WHERE name = 'epoch'";
    let found = database.query_row(sql, [], |row| natural(row, 0));
    Ok(found.optional()?.unwrap_or(0))
}

fn head(found: &Found, epoch: u64) -> LedgerHead {
    let clean = match found.last_kind {
        None => Shutdown::First,
        Some(Kind::LedgerStopped) => Shutdown::Clean,
        Some(_) => Shutdown::Crash,
    };
    let (size, last_sequence) = (found.tail.size, found.tail.last_sequence);
    LedgerHead {
        size,
        epoch,
        clean,
        last_sequence,
    }
}

fn check_node(database: &Connection, node: &NodeName) -> Result<(), OpenError> {
    let found: Option<String> = database
        .query_row("SELECT value FROM meta WHERE name = 'node'", [], |row| {
            row.get(0)
        })
        .optional()?;
    match found {
        Some(found) if found != node.as_str() => Err(OpenError::OtherNode {
            found,
            configured: node.to_string(),
        }),
        _ => Ok(()),
    }
}
