//! The write-ahead log as a file: whether it is still the one that we write, and how to take back a
//! transaction whose sync failed. SQLite would replay such a transaction when it opens the file again,
//! but its callers were told that it is not durable.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;

use crate::connect::PAGE_BYTES;

/// Octets before the first frame (SQLite file format §4.1).
const HEADER_BYTES: u64 = 32;
/// Octets before the page of a frame.
const FRAME_HEADER_BYTES: u64 = 24;
/// Where the header holds the salt, which changes when the log begins anew.
const SALT_AT: u64 = 16;

/// The octets that a number of frames takes.
pub(crate) const fn frames_bytes(frames: u64) -> u64 {
    frames * (FRAME_HEADER_BYTES + PAGE_BYTES)
}

/// Why the files are not those that we write.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// A file is gone, or another one lies in its place.
    #[error("{} was removed or replaced", .0.display())]
    Replaced(PathBuf),
    /// It could not be looked at.
    #[error("the write-ahead log could not be read: {0}")]
    Io(#[from] io::Error),
}

/// What is known of the log after the last good commit.
#[derive(Debug)]
pub(crate) struct Log {
    /// The files that must stay where they are.
    database: (PathBuf, FileId),
    path: (PathBuf, FileId),
    file: File,
    /// What SQLite reports with each commit.
    reported: Arc<AtomicU64>,
    frames: u64,
    /// `None` while the log holds nothing that is not in the database.
    salt: Option<[u8; 8]>,
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl Log {
    /// Watches the log of a connection. It must be empty, or wholly copied into the database.
    pub(crate) fn watch(
        connection: &mut Connection,
        database: PathBuf,
        log: PathBuf,
    ) -> Result<Self, LogError> {
        let file = OpenOptions::new().read(true).write(true).open(&log)?;
        let log_id = FileId::of(&file.metadata()?);
        let database_id = FileId::of(&fs::metadata(&database)?);
        let reported = Arc::new(AtomicU64::new(0));
        let report = Arc::clone(&reported);
        let hook = move |_: &mut rusqlite::hooks::Wal, frames: std::ffi::c_int| {
            report.store(u64::try_from(frames).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(hook)).map_err(io::Error::other)?;
        Ok(Self {
            database: (database, database_id),
            path: (log, log_id),
            file,
            reported,
            frames: 0,
            salt: None,
        })
    }

    /// Takes note of a commit that succeeded, if the files are still there: one that went into a file
    /// without a name is not durable.
    pub(crate) fn committed(&mut self) -> Result<(), LogError> {
        self.check()?;
        if self.salt.is_none() && self.file.metadata()?.len() == 0 {
            // Nothing was written since the log was emptied.
            return Ok(());
        }
        self.frames = self.reported.load(Ordering::Relaxed);
        self.salt = Some(self.salt_on_disk()?);
        Ok(())
    }

    fn check(&self) -> Result<(), LogError> {
        for (path, id) in [&self.database, &self.path] {
            let there = fs::metadata(path).is_ok_and(|metadata| FileId::of(&metadata) == *id);
            if !there {
                return Err(LogError::Replaced(path.clone()));
            }
        }
        Ok(())
    }

    /// Takes note that the log was copied into the database and cut to nothing.
    pub(crate) fn emptied(&mut self) -> Result<(), LogError> {
        self.check()?;
        self.reported.store(0, Ordering::Relaxed);
        self.frames = 0;
        self.salt = None;
        Ok(())
    }

    /// Frames in the log after the last good commit.
    pub(crate) const fn frames(&self) -> u64 {
        self.frames
    }

    /// Cuts off what the last good commit did not write. Nobody may have the database open.
    pub(crate) fn cut(&self) -> io::Result<()> {
        let file = match OpenOptions::new().read(true).write(true).open(&self.path.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        let length = file.metadata()?.len();
        let is_same = length >= HEADER_BYTES && self.salt == Some(salt_of(&file)?);
        let good = if is_same {
            HEADER_BYTES + frames_bytes(self.frames)
        } else {
            0
        };
        if length > good {
            file.set_len(good)?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn salt_on_disk(&self) -> io::Result<[u8; 8]> {
        salt_of(&self.file)
    }
}

fn salt_of(file: &File) -> io::Result<[u8; 8]> {
    let mut salt = [0; 8];
    file.read_exact_at(&mut salt, SALT_AT)?;
    Ok(salt)
}
