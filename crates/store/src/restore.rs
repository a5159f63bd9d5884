//! Restore: the way back from a backup into an empty data folder, after everything in the backup that
//! can be checked without its keys was checked. It opens no seal and repairs nothing.

mod record;
mod scan;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use engine::ports::store::Loaded;
use engine::rows::{KekRow, SecretRow};
use rusqlite::{Connection, OpenFlags};
use thiserror::Error;

use crate::folder::{self, DataFolder};
use crate::open::OpenError;
use crate::{connect, load, schema, tail};

pub use record::RestoredBy;

/// How far the next epoch of a restored store lies ahead of the backup's. The original may go on, and each
/// of its starts begins the next epoch: up to 999 of them after the backup, the two never write entries
/// with the same epoch and number. The entry that tells of the restore is the first of that epoch.
const EPOCH_LEAP: u16 = 1_000;

/// Why a backup could not be restored. Nothing of it is in the data folder then.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// Something lies in the folder already.
    #[error("the data folder {} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// The backup could not be read.
    #[error("the backup {} could not be read", file.display())]
    Backup {
        /// The backup.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be read or written on its way into the data folder.
    #[error("{} could not be written", file.display())]
    Target {
        /// The file, or the folder.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not as a database is written.
    #[error("the backup {} is damaged: {what}", file.display())]
    Damaged {
        /// The backup.
        file: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// The ledger in it is not as it was written.
    #[error("the backup {} is damaged: ledger entry {index} {what}", file.display())]
    Entry {
        /// The backup.
        file: PathBuf,
        /// The index at which the ledger stops being sound.
        index: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// It is no database of this program, or a newer one's.
    #[error("the backup {} cannot be used", file.display())]
    Unusable {
        /// The backup.
        file: PathBuf,
        /// Why.
        source: OpenError,
    },
}

/// Copies a backup into an empty or missing data folder, after its integrity, its version and every entry
/// of its ledger were checked, and tells of it in the next entry. The restored store goes on 1000 epochs
/// after the backup's, since the original may go on as well.
pub fn restore(backup: &Path, data_folder: &Path, by: &RestoredBy<'_>) -> Result<(), RestoreError> {
    let source = File::open(backup).map_err(unread(backup))?;
    folder::make_folder(data_folder).map_err(unwritten(data_folder))?;
    let mut there = fs::read_dir(data_folder).map_err(unwritten(data_folder))?;
    if there.next().is_some() {
        return Err(RestoreError::NotEmpty(data_folder.to_owned()));
    }
    let claimed = DataFolder::claim(data_folder).map_err(unusable(backup))?;
    let draft = data_folder.join("restoring.sqlite");
    let result = bring((source, by), backup, &draft)
        .and_then(|()| settle(&draft, &claimed.database(), data_folder));
    if result.is_err() {
        // What is left must not look like data; the error itself matters more.
        let _ = fs::remove_file(&draft);
        let _ = fs::remove_file(data_folder.join("shortstop.lock"));
    }
    result
}

/// The secrets and key-encryption keys in a backup, wrapped. It is only read.
pub fn wrapped_keys(backup: &Path) -> Result<(Vec<SecretRow>, Vec<KekRow>), RestoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(backup, flags).map_err(damaged(backup))?;
    let (mut secrets, mut keks) = (Vec::new(), Vec::new());
    let mut read = |row| match row {
        Loaded::Secret(row) => secrets.push(row),
        Loaded::Kek(row) => keks.push(row),
        _ => {}
    };
    load::keys(&database, &mut read).map_err(damaged(backup))?;
    Ok((secrets, keks))
}

/// Copies into the draft and checks the copy: the backup itself may lie where nothing can be written.
fn bring(
    (source, by): (File, &RestoredBy<'_>),
    backup: &Path,
    draft: &Path,
) -> Result<(), RestoreError> {
    let mut target = folder::create_new_private(draft).map_err(unwritten(draft))?;
    copy(source, backup, &mut target, draft)?;
    let database = connect::open_existing(draft).map_err(damaged(backup))?;
    check(&database, backup)?;
    leap(&database).map_err(damaged(backup))?;
    let octets = target.metadata().map_err(unwritten(draft))?.len();
    record::append(&database, by, octets).map_err(unusable(backup))?;
    drop(database);
    target.sync_all().map_err(unwritten(draft))
}

/// Like `io::copy`, but it knows which of the two files failed.
fn copy(
    mut source: File,
    backup: &Path,
    target: &mut File,
    draft: &Path,
) -> Result<(), RestoreError> {
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = io::Read::read(&mut source, &mut piece).map_err(unread(backup))?;
        let Some(read) = piece.get(..count).filter(|read| !read.is_empty()) else {
            return Ok(());
        };
        io::Write::write_all(target, read).map_err(unwritten(draft))?;
    }
}

fn check(database: &Connection, backup: &Path) -> Result<(), RestoreError> {
    schema::check(database).map_err(|error| match error {
        // A file that SQLite cannot read at all is damaged rather than unusable.
        OpenError::Database(source) => damaged(backup)(source),
        other => unusable(backup)(other),
    })?;
    let verdict = connect::integrity(database).map_err(damaged(backup))?;
    verdict.map_err(|what| RestoreError::Damaged {
        file: backup.to_owned(),
        what,
    })?;
    let broken = scan::first_broken(database).map_err(damaged(backup))?;
    if let Some((index, what)) = broken {
        return Err(RestoreError::Entry {
            file: backup.to_owned(),
            index,
            what,
        });
    }
    tail::read(database).map_err(unusable(backup))?;
    Ok(())
}

/// Moves the record of the last epoch ahead.
pub(crate) fn leap(database: &Connection) -> rusqlite::Result<()> {
    // A file that was copied by other means may ask for a log beside it, which would not be moved along.
    database.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    let sql = "UPDATE meta SET value = value + ?1 WHERE name = 'epoch'";
    database.execute(sql, [EPOCH_LEAP])?;
    Ok(())
}

fn settle(draft: &Path, database: &Path, data_folder: &Path) -> Result<(), RestoreError> {
    fs::rename(draft, database).map_err(unwritten(database))?;
    folder::sync_folder(data_folder).map_err(unwritten(data_folder))
}

fn unread(file: &Path) -> impl Fn(io::Error) -> RestoreError {
    let file = file.to_owned();
    move |source| RestoreError::Backup {
        file: file.clone(),
        source,
    }
}

fn unwritten(file: &Path) -> impl Fn(io::Error) -> RestoreError {
    let file = file.to_owned();
    move |source| RestoreError::Target {
        file: file.clone(),
        source,
    }
}

fn damaged(file: &Path) -> impl Fn(rusqlite::Error) -> RestoreError {
    let file = file.to_owned();
    move |error| RestoreError::Damaged {
        file: file.clone(),
        what: error.to_string(),
    }
}

fn unusable(file: &Path) -> impl Fn(OpenError) -> RestoreError {
    let file = file.to_owned();
    move |source| RestoreError::Unusable {
        file: file.clone(),
        source,
    }
}
