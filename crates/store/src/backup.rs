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
    #[error("the file {} could not be written: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    #[error(
        "the file {} would lie inside the data folder {}; choose a place outside it, best on another disk",
        file.display(), folder.display()
    )]
    Inside { file: PathBuf, folder: PathBuf },
    #[error("the database could not be copied: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the copy is damaged: {0}")]
    Damaged(String),
}

impl From<BackupError> for ReadError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Inside { .. } => Self::Place(error.to_string()),
            error => Self::Unwritten(error.to_string()),
        }
    }
}

/// Starts a backup on a thread of its own, since it may take long.
pub(crate) fn start(shared: &Arc<Shared>, to: PathBuf) -> Reading<'static, ()> {
    let (answer, answered) = oneshot::channel();
    let shared = Arc::clone(shared);
    let work = move || {
        let result = write(&shared, &to).map_err(ReadError::from);
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
    check_place(&shared.config.folder, to)?;
    let file = folder::create_new_private(to).map_err(unwritten(to))?;
    let result = copy(shared, to).and_then(|()| settle(&file, to).map_err(unwritten(to)));
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

/// A copy in the data folder is lost with it, and may have the name of a file that the store makes.
fn check_place(data_folder: &Path, to: &Path) -> Result<(), BackupError> {
    let place = parent(to).canonicalize().map_err(unwritten(to))?;
    let folder = data_folder.canonicalize().map_err(unwritten(to))?;
    if !place.starts_with(&folder) {
        return Ok(());
    }
    Err(BackupError::Inside {
        file: to.to_owned(),
        folder,
    })
}

fn settle(file: &File, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    folder::sync_folder(parent(path))
}

/// The folder of a file; a bare name lies in the present one, and what has no name is no file.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

fn unwritten(file: &Path) -> impl Fn(io::Error) -> BackupError {
    let file = file.to_owned();
    move |source| BackupError::File {
        file: file.clone(),
        source,
    }
}

fn check(database: &Connection) -> Result<(), BackupError> {
    let verdict = connect::integrity(database)?;
    verdict.map_err(BackupError::Damaged)
}
