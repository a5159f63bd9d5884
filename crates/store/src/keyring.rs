//! The keyring as two small files, `wrap.salt` and, while it is replaced, `wrap.salt.next`. They lie beside
//! the master key, outside the database, so that no backup of the database holds them.
//!
//! What is dropped is overwritten in place and synced before its name goes. A disk that writes elsewhere
//! than where it is told (an SSD, a file system with snapshots) may keep the old octets all the same.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::time::Timestamp;
use engine::ports::Keyring;
use engine::ports::keyring::{KeyringError, Salt, Salts};
use zeroize::Zeroizing;

use crate::folder;

/// Octets of a file: the salt, and when it was made in microseconds since 1970, big-endian.
const LENGTH: usize = 40;

/// Keeps the salts of a data folder.
#[derive(Debug)]
pub struct FileKeyring {
    folder: PathBuf,
    /// One call at a time.
    alone: Mutex<()>,
}

impl FileKeyring {
    /// The name of the file with the salt in use.
    pub const NAME: &'static str = "wrap.salt";

    /// The keyring of a folder, which is made when the first salt is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            alone: Mutex::default(),
        }
    }

    /// Reads a salt from a copy of its file.
    pub fn read_file(path: &Path) -> Result<Salt, KeyringError> {
        let wrong = |says: &str| Self::failed(path)(io::Error::other(says.to_owned()));
        match read(path)? {
            Some(Ok(salt)) => Ok(salt),
            Some(Err(_)) => Err(wrong("it is no salt of a wrapping key")),
            None => Err(wrong("it is not there")),
        }
    }

    fn current(&self) -> PathBuf {
        self.folder.join(Self::NAME)
    }

    fn next(&self) -> PathBuf {
        self.folder.join("wrap.salt.next")
    }

    fn alone(&self) -> MutexGuard<'_, ()> {
        self.alone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_next(&self, salt: &Salt) -> io::Result<()> {
        folder::make_folder(&self.folder)?;
        wipe(&self.next(), &self.folder)?;
        let mut file = folder::create_new_private(&self.next())?;
        file.write_all(octets(salt).as_ref())?;
        file.sync_all()?;
        folder::sync_folder(&self.folder)
    }

    fn move_next(&self) -> io::Result<()> {
        overwrite(&self.current())?;
        fs::rename(self.next(), self.current())?;
        folder::sync_folder(&self.folder)
    }

    fn failed(path: &Path) -> impl Fn(io::Error) -> KeyringError {
        let path = path.display().to_string();
        move |error| KeyringError::Failed(format!("{path}: {error}"))
    }
}

impl Keyring for FileKeyring {
    fn read(&self) -> Result<Salts, KeyringError> {
        let _alone = self.alone();
        let (path, next) = (self.current(), self.next());
        let current = read(&path)?;
        if let Some(Err(length)) = current {
            let says = format!("it has {length} octets, not {LENGTH}; restore it from its copy");
            return Err(Self::failed(&path)(io::Error::other(says)));
        }
        Ok(Salts {
            current: current.and_then(Result::ok),
            // One that was not written to its end was never in use.
            next: read(&next)?.and_then(Result::ok),
        })
    }

    fn propose(&self, salt: &Salt) -> Result<(), KeyringError> {
        let _alone = self.alone();
        self.write_next(salt).map_err(Self::failed(&self.next()))
    }

    fn adopt(&self, salt: &Salt) -> Result<(), KeyringError> {
        let _alone = self.alone();
        match read(&self.next())? {
            Some(Ok(next)) if next == *salt => {
                self.move_next().map_err(Self::failed(&self.current()))
            }
            _ => Ok(()),
        }
    }

    fn discard(&self) -> Result<(), KeyringError> {
        let _alone = self.alone();
        wipe(&self.next(), &self.folder).map_err(Self::failed(&self.next()))
    }
}

/// A salt file: `None` when there is none, its length when that is wrong.
fn read(path: &Path) -> Result<Option<Result<Salt, usize>>, KeyringError> {
    let failed = FileKeyring::failed(path);
    let octets = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        octets => Zeroizing::new(octets.map_err(&failed)?),
    };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Open(path.display().to_string(), mode));
    }
    Ok(Some(salt(&octets).ok_or(octets.len())))
}

fn salt(octets: &[u8]) -> Option<Salt> {
    let (salt, made) = octets.split_first_chunk::<32>()?;
    let made = u64::from_be_bytes(made.try_into().ok()?);
    Some(Salt::new(*salt, Timestamp::from_micros(made)))
}

fn octets(salt: &Salt) -> Zeroizing<[u8; LENGTH]> {
    let mut octets = Zeroizing::new([0; LENGTH]);
    let (left, right) = octets.split_at_mut(32);
    left.copy_from_slice(salt.reveal());
    right.copy_from_slice(&salt.made().micros().to_be_bytes());
    octets
}

/// Overwrites what a file holds, if there is one.
fn overwrite(path: &Path) -> io::Result<()> {
    let file = match fs::OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    file.write_all_at(&[0; LENGTH], 0)?;
    file.sync_all()
}

/// Overwrites and removes a file, if there is one.
fn wipe(path: &Path, folder: &Path) -> io::Result<()> {
    overwrite(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    folder::sync_folder(folder)
}
