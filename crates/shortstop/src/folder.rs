//! The data folder: its files and who may read them. The lock by which one process owns it is the
//! store's.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use store::FileSeals;

use crate::config::environment::credentials_folder;

/// Access for the owner alone.
const OWNER_FOLDER: u32 = 0o700;
const OWNER_FILE: u32 = 0o600;

/// A data folder that exists and that nobody else may enter.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made or read.
    #[error("the data folder {0} cannot be used: {1}")]
    Unusable(PathBuf, std::io::Error),
    /// Others may enter it.
    #[error(
        "the data folder {0} is open to other users (mode {1:o}); run `chmod 700` on it, and check \
         who has been in it"
    )]
    Open(PathBuf, u32),
}

impl DataFolder {
    /// Uses the folder, and makes it if it is not there.
    pub fn prepare(path: &Path) -> Result<Self, FolderError> {
        let unusable = |error| FolderError::Unusable(path.to_path_buf(), error);
        DirBuilder::new()
            .recursive(true)
            .mode(OWNER_FOLDER)
            .create(path)
            .map_err(unusable)?;
        Self::existing(path)
    }

    /// Uses a folder that must be there.
    pub fn existing(path: &Path) -> Result<Self, FolderError> {
        let unusable = |error| FolderError::Unusable(path.to_path_buf(), error);
        let path = path.canonicalize().map_err(unusable)?;
        let mode = path.metadata().map_err(unusable)?.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(FolderError::Open(path, mode));
        }
        Ok(Self(path))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The store's database.
    pub fn store(&self) -> PathBuf {
        self.0.join("shortstop.sqlite")
    }

    /// The socket for commands to a running gateway.
    pub fn socket(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// The folder of the keys that lie beside the data.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The usual place of the master key.
    pub fn master_key(&self) -> PathBuf {
        self.keys().join("master.key")
    }

    /// The usual place of the log's key.
    pub fn log_key(&self) -> PathBuf {
        self.keys().join("log.key")
    }

    /// The log's public key, whose name is its origin, as recorded at the first start.
    pub fn log_vkey(&self) -> PathBuf {
        self.0.join("log.vkey")
    }

    /// The log's second key, of ML-DSA-44.
    pub fn log_second_key(&self) -> PathBuf {
        self.0.join("keys").join("log-mldsa.key")
    }

    /// Its public half, as recorded when it was made.
    pub fn log_second_vkey(&self) -> PathBuf {
        self.0.join("log-mldsa.vkey")
    }

    /// The usual place of the guard of the log's key.
    pub fn guard(&self) -> PathBuf {
        self.0.join("guard.json")
    }

    /// The seals of the ledger.
    pub fn seals(&self) -> PathBuf {
        self.0.join(FileSeals::NAME)
    }

    /// The first key of the seals, until a person takes it away.
    pub fn first_seal_key(&self) -> PathBuf {
        self.keys().join(FileSeals::FIRST)
    }

    /// How far a stream to a SIEM has come.
    pub fn bookmark(&self, stream: &str) -> PathBuf {
        self.0.join("siem").join(format!("{stream}.next"))
    }

    /// Certificates that the gateway makes.
    pub fn tls(&self) -> PathBuf {
        self.0.join("tls")
    }
}

/// Makes a folder for its owner alone; it may be there already.
pub fn make_private(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new()
        .recursive(true)
        .mode(OWNER_FOLDER)
        .create(folder);
    made.with_context(|| format!("{} cannot be made", folder.display()))
}

/// Writes a new file for its owner alone, durably: the file and its name are synced. It never
/// overwrites.
pub fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .create_new(true)
            .write(true)
            .mode(OWNER_FILE)
            .open(path)?;
        file.write_all(content)?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), sync_folder)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes a file for its owner alone in place of the old one, in one step.
pub fn replace_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} is in the way", beside.display()));
        }
        _ => {}
    }
    write_private(&beside, content)?;
    std::fs::rename(&beside, path).with_context(|| format!("{} cannot be replaced", path.display()))
}

/// The mode of a file that other users can read, or a group can write: one that holds a secret must not
/// be used then. A group may read it, as the keys of certificates often are.
pub fn open_to_others(path: &Path) -> Option<u32> {
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    (mode & 0o037 != 0).then_some(mode)
}

/// The mode of one of the gateway's own keys that more than its owner may read: it must not be used then. A
/// credential that systemd brings may be read by the group, since systemd gives it an access list.
pub fn open_beyond_owner(path: &Path) -> Option<u32> {
    let is_credential = credentials_folder().is_some_and(|folder| path.starts_with(folder));
    if is_credential {
        return open_to_others(path);
    }
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Makes the names in a folder durable.
pub fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // The folder of a bare file name is the one we are in.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(place.path(), open).unwrap();
        assert!(matches!(
            DataFolder::prepare(place.path()),
            Err(FolderError::Open(_, 0o755))
        ));
    }

    #[test]
    fn private_files_are_for_their_owner_and_never_overwritten() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("secret");
        write_private(&path, b"one").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_private(&path, b"two").is_err());
        replace_private(&path, b"three").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"three");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
