//! Backup: one consistent copy of the database in one file, while commits go on. What is personal is
//! sealed in the database and stays so in the copy. The way back is not here: see `restore`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use engine::ports::store::{ReadError, Reading};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::connect;
use crate::embedded::Shared;
use crate::folder;

/// Pages copied between two looks at whether the copy is wanted at all.
const PAGES_A_STEP: i32 = 1_024;

/// Why a copy is not a good backup.
#[derive(Debug, Error)]
enum BackupError {
    #[error("the file could not be written: {0}")]
    File(#[from] io::Error),
    #[error("the database could not be copied: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    #[error("the file is in a folder without a name")]
    Place,
}

/// Starts a backup on a thread of its own, since it may take long.
pub(crate) fn start(shared: &Arc<Shared>, to: PathBuf) -> Reading<'static, ()> {
    let (answer, answered) = oneshot::channel();
    let shared = Arc::clone(shared);
    let work = move || {
        let result = write(&shared, &to).map_err(|error| ReadError::Failed(error.to_string()));
        // Whoever asked may have gone away; the file is good or gone all the same.
        let _ = answer.send(result);
    };
    let spawned = std::thread::Builder::new()
        .name("store-backup".to_owned())
        .spawn(work);
    Box::pin(async move {
        spawned.map_err(|error| ReadError::Failed(error.to_string()))?;
        answered
            .await
            .unwrap_or_else(|_| Err(ReadError::Failed("the backup was given up".to_owned())))
    })
}

/// Writes the copy; a file that is not good is removed.
fn write(shared: &Shared, to: &Path) -> Result<(), BackupError> {
    let file = folder::create_new_private(to)?;
    let result = copy(shared, to).and_then(|()| settle(&file, to));
    if result.is_err() {
        // The error of the copy matters more than one of the removal.
        let _ = fs::remove_file(to);
    }
    result
}

fn copy(shared: &Shared, to: &Path) -> Result<(), BackupError> {
    let mut target = connect::open_existing(to)?;
    shared.readers.with(|source| {
        // Within one transaction the source does not move, so the copy never begins again.
        let snapshot = source.transaction()?;
        snapshot.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
        let backup = Backup::new(&snapshot, &mut target)?;
        while backup.step(PAGES_A_STEP)? != StepResult::Done {}
        Ok(())
    })?;
    // The copy says of itself that it has a write-ahead log; one file is easier to keep.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    check(&target)
}

fn settle(file: &File, path: &Path) -> Result<(), BackupError> {
    file.sync_all()?;
    folder::sync_folder(parent(path)?)?;
    Ok(())
}

/// The folder of a file; a bare name lies in the present one.
fn parent(path: &Path) -> Result<&Path, BackupError> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(parent) => Ok(parent),
        None => Err(BackupError::Place),
    }
}

fn check(database: &Connection) -> Result<(), BackupError> {
    let verdict = connect::integrity(database)?;
    verdict.map_err(BackupError::Damaged)
}
