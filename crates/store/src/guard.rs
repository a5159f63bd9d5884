//! The guard of the log key as a small text file on a path of its own, best on another volume than the
//! data folder. It is replaced as a whole, so that it always holds one signature's size and root.
//!
//! It is not safe from whoever can write to the file: that is what witnesses are for.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine::ports::Guard;
use engine::ports::guard::{GuardError, Signed, may_follow};
use ledger::Hash;
use serde::{Deserialize, Serialize};

use crate::folder;

/// Remembers in a file what was signed last.
#[derive(Debug)]
pub struct FileGuard {
    path: PathBuf,
    /// What this process knows was signed: a file that is deleted or put back meanwhile changes nothing.
    known: Mutex<Option<Signed>>,
    /// Holds the lock, in a file of its own since the guard's is replaced.
    _lock: File,
}

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// How many entries.
    size: u64,
    /// The root over them, in hex.
    root: String,
}

impl FileGuard {
    /// Takes up the guard of a path, whose folder must exist: one that was made here could stand in for
    /// a volume that is not mounted. Nobody else can use the guard while the value lives.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, GuardError> {
        let path = resolve(path.as_ref()).map_err(|error| failed(path.as_ref(), &error))?;
        let lock = lock(&path)?;
        let guard = Self {
            known: Mutex::default(),
            _lock: lock,
            path,
        };
        let found = guard.read()?;
        if found.is_some() {
            // A process that died may have left it visible and not durable.
            guard.settle().map_err(|error| guard.failed(&error))?;
        }
        *guard.known.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(guard)
    }

    fn read(&self) -> Result<Option<Signed>, GuardError> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| self.failed(&error))?,
        };
        let signed = parse(&text).ok_or_else(|| self.failed(&"it is not what was written there"));
        signed.map(Some)
    }

    /// Replaces the file, durably.
    fn write(&self, signed: Signed) -> io::Result<()> {
        let draft = beside(&self.path, ".new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = folder::create_new_private(&draft)?;
        let written = Written {
            size: signed.size,
            root: signed.root.to_string(),
        };
        serde_json::to_writer(&mut file, &written)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        folder::sync_folder(folder_of(&self.path))
    }

    /// Makes what is there durable.
    fn settle(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()?;
        folder::sync_folder(folder_of(&self.path))
    }

    fn failed(&self, reason: &dyn std::fmt::Display) -> GuardError {
        failed(&self.path, reason)
    }
}

impl Guard for FileGuard {
    fn last(&self) -> Result<Option<Signed>, GuardError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.read()?;
        Ok(later(*known, found))
    }

    fn advance(&self, to: Signed) -> Result<(), GuardError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.read()?;
        may_follow(*known, to)?;
        may_follow(found, to)?;
        if found != Some(to) || *known != Some(to) {
            self.write(to).map_err(|error| self.failed(&error))?;
        }
        *known = Some(to);
        Ok(())
    }
}

/// Whether two paths lie on one volume: a guard there is rolled back together with what it guards. Paths
/// that do not exist yet count as the nearest folder above them that does.
pub fn is_on_same_volume(one: &Path, other: &Path) -> io::Result<bool> {
    Ok(volume(one)? == volume(other)?)
}

fn volume(path: &Path) -> io::Result<u64> {
    let path = std::path::absolute(path)?;
    let mut place = path.as_path();
    loop {
        match fs::metadata(place) {
            Ok(found) => return Ok(found.dev()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                place = place.parent().ok_or(error)?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The file itself, so that a link to it is not what gets replaced.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if path.is_symlink() {
                return Err(io::Error::other("it is a link to nothing"));
            }
            let name = path.file_name().ok_or(error)?;
            Ok(folder_of(path).canonicalize()?.join(name))
        }
        resolved => resolved,
    }
}

fn lock(path: &Path) -> Result<File, GuardError> {
    let file = folder::create_private(&beside(path, ".lock"));
    let file = file.map_err(|error| failed(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(failed(path, &"another process uses it")),
        Err(TryLockError::Error(error)) => Err(failed(path, &error)),
    }
}

fn parse(text: &[u8]) -> Option<Signed> {
    let written: Written = serde_json::from_slice(text).ok()?;
    Some(Signed {
        size: written.size,
        root: Hash::from_hex(&written.root)?,
    })
}

/// The later of two; of one size, what the process itself signed.
fn later(known: Option<Signed>, found: Option<Signed>) -> Option<Signed> {
    match (known, found) {
        (Some(known), Some(found)) if found.size > known.size => Some(found),
        (known, found) => known.or(found),
    }
}

/// The path with something after its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> GuardError {
    GuardError::Failed(format!("{}: {reason}", path.display()))
}
