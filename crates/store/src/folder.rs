//! The data folder: made private, owned by one process at a time, and the names of the files in it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::open::OpenError;

/// Only the owner may read and write.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// What is only there when there is, or was, a database: without it they are all that is left of a
/// store, or of a restore that was broken off.
const REMAINS: [&str; 7] = [
    "shortstop.sqlite-wal",
    "shortstop.sqlite-shm",
    "shortstop.sqlite-journal",
    "index.sqlite",
    "tree.sqlite",
    "catalog.sqlite",
    "restoring.sqlite",
];

/// A data folder that this process owns, alone or with others who only look, for as long as the value
/// lives.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    /// Holds the lock; the system lets go of it when the process ends, however it ends. A copy that is
    /// only looked at may have none.
    _lock: Option<File>,
}

impl DataFolder {
    /// Makes the folder if needed and takes its lock.
    pub(crate) fn claim(path: &Path) -> Result<Self, OpenError> {
        let fail = |source| OpenError::Folder {
            folder: path.to_owned(),
            source,
        };
        make_folder(path).map_err(fail)?;
        let lock = create_private(&path.join("shortstop.lock")).map_err(fail)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: Some(lock),
            }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse {
                folder: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(fail(source)),
        }
    }

    /// Shares the lock of a folder with others who only look at it, and makes nothing. There is no lock to
    /// share in a copy without its file, or on a volume that knows none.
    pub(crate) fn look_at(path: &Path) -> Result<Self, OpenError> {
        let fail = |source| OpenError::Folder {
            folder: path.to_owned(),
            source,
        };
        let lock = match File::open(path.join("shortstop.lock")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened.map_err(fail)?),
        };
        match lock.as_ref().map(File::try_lock_shared) {
            Some(Err(TryLockError::WouldBlock)) => {
                return Err(OpenError::InUse {
                    folder: path.to_owned(),
                });
            }
            Some(Err(TryLockError::Error(error))) => {
                tracing::warn!(reason = %error, "the data folder cannot be locked; let nobody write to it");
            }
            _ => {}
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// State, vault and ledger.
    pub(crate) fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// The write-ahead log of the database.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("shortstop.sqlite-wal")
    }

    /// The rebuildable index.
    pub(crate) fn index(&self) -> PathBuf {
        self.path.join("index.sqlite")
    }

    /// Makes an empty database file if there is none, durably. Where one has been, none is made: it would
    /// begin an empty store, and overwrite the log that may hold the end of the old one.
    pub(crate) fn prepare_database(&self) -> Result<(), OpenError> {
        let fail = |source| OpenError::Folder {
            folder: self.path.clone(),
            source,
        };
        let database = self.database();
        let is_there = is_there(&database).map_err(fail)?;
        let files = self.remains().map_err(fail)?;
        if !is_there && !files.is_empty() {
            return Err(OpenError::Missing { database, files });
        }
        create_private(&database).map_err(fail)?;
        sync_folder(&self.path).map_err(fail)
    }

    /// Fails where there is no database.
    pub(crate) fn find_database(&self) -> Result<(), OpenError> {
        let fail = |source| OpenError::Folder {
            folder: self.path.clone(),
            source,
        };
        let database = self.database();
        if is_there(&database).map_err(fail)? {
            return Ok(());
        }
        let files = self.remains().map_err(fail)?;
        Err(if files.is_empty() {
            OpenError::Absent { database }
        } else {
            OpenError::Missing { database, files }
        })
    }

    fn remains(&self) -> io::Result<Vec<&'static str>> {
        let mut found = Vec::new();
        for name in REMAINS {
            if is_there(&self.path.join(name))? {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// Makes an empty index file if there is none.
    pub(crate) fn prepare_index(&self) -> io::Result<()> {
        create_private(&self.index()).map(drop)
    }

    /// A new index that is to take the place of the old one.
    pub(crate) fn new_index(&self) -> PathBuf {
        self.path.join("index.new.sqlite")
    }

    /// Makes an empty file for a new index, whatever a try before has left.
    pub(crate) fn prepare_new_index(&self) -> io::Result<File> {
        self.remove("index.new.sqlite")?;
        create_private(&self.new_index())
    }

    /// Puts the new index in the place of the old one, which nobody may have open.
    pub(crate) fn take_new_index(&self) -> io::Result<()> {
        self.remove_index()?;
        std::fs::rename(self.new_index(), self.index())?;
        sync_folder(&self.path)
    }

    /// Removes the index with everything that SQLite keeps beside it.
    pub(crate) fn remove_index(&self) -> io::Result<()> {
        self.remove("index.sqlite")
    }

    /// Removes a new index that never took its place.
    pub(crate) fn remove_new_index(&self) -> io::Result<()> {
        self.remove("index.new.sqlite")
    }

    /// Published checkpoints and the rebuildable nodes of the ledger's tree.
    pub(crate) fn tree(&self) -> PathBuf {
        self.path.join("tree.sqlite")
    }

    /// Makes an empty file for the tree if there is none, durably.
    pub(crate) fn prepare_tree(&self) -> io::Result<()> {
        create_private(&self.tree())?;
        sync_folder(&self.path)
    }

    /// Removes the tree with everything that SQLite keeps beside it.
    pub(crate) fn remove_tree(&self) -> io::Result<()> {
        self.remove("tree.sqlite")
    }

    /// The rebuildable catalogue of the ledger's entries.
    pub(crate) fn catalog(&self) -> PathBuf {
        self.path.join("catalog.sqlite")
    }

    /// Makes an empty file for the catalogue if there is none.
    pub(crate) fn prepare_catalog(&self) -> io::Result<()> {
        create_private(&self.catalog()).map(drop)
    }

    /// Removes the catalogue with everything that SQLite keeps beside it.
    pub(crate) fn remove_catalog(&self) -> io::Result<()> {
        self.remove("catalog.sqlite")
    }

    fn remove(&self, database: &str) -> io::Result<()> {
        for suffix in ["", "-wal", "-shm"] {
            match std::fs::remove_file(self.path.join(format!("{database}{suffix}"))) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Where the database lies in a data folder.
pub(crate) fn database_in(folder: &Path) -> PathBuf {
    folder.join("shortstop.sqlite")
}

/// Whether anything has this name, be it a link to nowhere.
fn is_there(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a folder, and those above it, for the owner alone.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
}

/// Opens a file for the owner alone, making it when it is missing. What SQLite makes beside it takes
/// over its mode.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE);
    options.open(path)
}

/// Makes a new file for the owner alone; one that exists is an error.
pub(crate) fn create_new_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
