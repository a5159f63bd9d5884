//! The model of the disk: what each file holds for sure, and what was written since its last sync and
//! may be lost. Folders that nobody put under it are left alone.

use std::collections::HashMap;
use std::ffi::c_int;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi;

/// The unit in which a write may land in part, in octets.
const SECTOR: usize = 512;

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Writes to files whose name ends so fail with this code; nothing lands.
    Write(&'static str, c_int),
    /// Writes to files whose name ends so find the disk full as long as this file is in the folder.
    FullWhile(&'static str, &'static str),
    /// Syncs of files whose name ends so fail, although every write has landed.
    Sync(&'static str),
    /// The same, after so many that succeed.
    SyncAfter(&'static str, u32),
    /// Syncs of files whose name ends so wait until the fault is over.
    Hang(&'static str),
}

/// One write since the last sync.
#[derive(Clone, Debug)]
enum Loose {
    Write { at: usize, octets: Vec<u8> },
    Truncate(usize),
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Vec<u8>,
    loose: Vec<Loose>,
}

#[derive(Debug)]
struct Folder {
    fault: Fault,
    /// Syncs that hang now.
    hanging: u32,
    files: HashMap<String, File>,
}

/// Every disk of this process, by its folder.
#[derive(Debug, Default)]
pub struct Disks {
    folders: Mutex<HashMap<PathBuf, Folder>>,
    changed: Condvar,
}

/// The disks.
pub static DISKS: LazyLock<Disks> = LazyLock::new(Disks::default);

/// A chance that can be repeated.
#[derive(Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

impl Disks {
    /// Puts a new, empty folder under the model.
    pub fn mount(&self, folder: &Path) {
        let state = Folder {
            fault: Fault::None,
            hanging: 0,
            files: HashMap::new(),
        };
        self.lock().insert(folder.to_owned(), state);
    }

    /// Sets what is wrong with a folder's disk.
    pub fn set_fault(&self, folder: &Path, fault: Fault) {
        self.lock().get_mut(folder).unwrap().fault = fault;
        self.changed.notify_all();
    }

    /// Waits until a sync hangs.
    pub fn wait_for_hang(&self, folder: &Path) {
        let mut folders = self.lock();
        while folders[folder].hanging == 0 {
            folders = self
                .changed
                .wait(folders)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Cuts the power: writes to `image` what the disk would hold then. Each sector that was not synced
    /// has landed or not, as chance will have it.
    pub fn cut(&self, folder: &Path, image: &Path, chance: &mut Chance) {
        let files = self.lock()[folder].files.clone();
        for (name, mut file) in files {
            for loose in file.loose {
                match loose {
                    Loose::Truncate(length) if chance.below(2) == 0 => {
                        file.durable.truncate(length);
                    }
                    Loose::Truncate(_) => {}
                    Loose::Write { at, octets } => {
                        for (place, sector) in octets.chunks(SECTOR).enumerate() {
                            if chance.below(2) == 0 {
                                land(&mut file.durable, at + place * SECTOR, sector);
                            }
                        }
                    }
                }
            }
            std::fs::write(image.join(name), file.durable).unwrap();
        }
    }

    /// Before a write: the code with which it fails, if it does.
    pub fn before_write(&self, path: &Path) -> Option<c_int> {
        let (folder, name) = split(path);
        match self.lock().get(folder)?.fault {
            Fault::Write(ending, code) if name.ends_with(ending) => Some(code),
            Fault::FullWhile(ending, there)
                if name.ends_with(ending) && folder.join(there).exists() =>
            {
                Some(ffi::SQLITE_FULL)
            }
            _ => None,
        }
    }

    /// After a write that landed in the page cache.
    pub fn wrote(&self, path: &Path, at: usize, octets: &[u8]) {
        self.with_file(path, |file| {
            file.loose.push(Loose::Write {
                at,
                octets: octets.to_vec(),
            });
        });
    }

    /// After a file was cut or lengthened.
    pub fn truncated(&self, path: &Path, length: usize) {
        self.with_file(path, |file| file.loose.push(Loose::Truncate(length)));
    }

    /// After a file was deleted.
    pub fn deleted(&self, path: &Path) {
        let (folder, name) = split(path);
        if let Some(folder) = self.lock().get_mut(folder) {
            folder.files.remove(&name);
        }
    }

    /// A sync: what was written before it is durable, unless it fails. `None` when the file is not under
    /// the model.
    pub fn sync(&self, path: &Path) -> Option<c_int> {
        let (folder, name) = split(path);
        let mut folders = self.lock();
        folders.get(folder)?;
        while matches!(folders[folder].fault, Fault::Hang(ending) if name.ends_with(ending)) {
            folders.get_mut(folder)?.hanging += 1;
            self.changed.notify_all();
            folders = self
                .changed
                .wait(folders)
                .unwrap_or_else(PoisonError::into_inner);
            folders.get_mut(folder)?.hanging -= 1;
        }
        let state = folders.get_mut(folder)?;
        match &mut state.fault {
            Fault::Sync(ending) | Fault::SyncAfter(ending, 0) if name.ends_with(*ending) => {
                return Some(ffi::SQLITE_IOERR_FSYNC);
            }
            Fault::SyncAfter(ending, left) if name.ends_with(*ending) => *left -= 1,
            _ => {}
        }
        let file = state.files.entry(name).or_default();
        for loose in std::mem::take(&mut file.loose) {
            match loose {
                Loose::Write { at, octets } => land(&mut file.durable, at, &octets),
                Loose::Truncate(length) => file.durable.resize(length, 0),
            }
        }
        Some(ffi::SQLITE_OK)
    }

    fn with_file(&self, path: &Path, change: impl FnOnce(&mut File)) {
        let (folder, name) = split(path);
        if let Some(folder) = self.lock().get_mut(folder) {
            change(folder.files.entry(name).or_default());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Folder>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn split(path: &Path) -> (&Path, String) {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    (path.parent().unwrap(), name)
}

fn land(file: &mut Vec<u8>, at: usize, octets: &[u8]) {
    let end = at + octets.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(octets);
}
