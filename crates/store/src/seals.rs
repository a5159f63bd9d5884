//! The seals as a text file, `ledger.seals` in the data folder, one line an epoch below the line of their
//! start; and `keys/seal.state` with the key of the next epoch.
//!
//! The state has two slots. A new state is written to the free one and synced, then the old one is
//! overwritten where it lies and synced: a crash leaves one whole slot at least, and the next reading wipes
//! the older of two. A disk that writes elsewhere than where it is told (an SSD, a file system with
//! snapshots) may keep the old octets all the same.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::ports::Seals;
use engine::ports::sealing::{Kept, SealsError};
use ledger::seal::{Seal, SealKey, SealStart, SealState};
use zeroize::Zeroizing;

use crate::folder;
use crate::seal_slot::{PLACES, SLOT, Slot};

/// No line is longer, be it a seal or the start, whose origin has 1,000 octets at most.
const LINE_MAX: u64 = 2_048;

/// Keeps the seals of a data folder.
#[derive(Debug)]
pub struct FileSeals {
    folder: PathBuf,
    keys: PathBuf,
    /// Where the whole lines end, once that is known. Held for each call.
    end: Mutex<Option<u64>>,
}

impl FileSeals {
    /// The seals, in the data folder.
    pub const NAME: &'static str = "ledger.seals";
    /// The present state, in the folder of the keys.
    pub const STATE: &'static str = "seal.state";
    /// The first key in hex, in the folder of the keys, until a person takes it away.
    pub const FIRST: &'static str = "seal.first";

    /// The seals of a data folder and its folder of keys, which are made when a chain begins.
    pub fn new(folder: impl Into<PathBuf>, keys: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            keys: keys.into(),
            end: Mutex::default(),
        }
    }

    fn seals(&self) -> PathBuf {
        self.folder.join(Self::NAME)
    }

    fn state(&self) -> PathBuf {
        self.keys.join(Self::STATE)
    }

    fn end(&self) -> MutexGuard<'_, Option<u64>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state in force. Of two, the older was about to be wiped.
    fn slot(&self) -> Result<Option<(usize, Slot)>, SealsError> {
        let path = self.state();
        let failed = |error: io::Error| failed(&path, &error);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(failed)?,
        };
        let mut found: Option<(usize, Slot)> = None;
        for place in 0..PLACES.len() {
            let Some(slot) = read_slot(&file, place).map_err(failed)? else {
                continue;
            };
            match found.take() {
                Some((older, before)) if before.state.epoch() <= slot.state.epoch() => {
                    wipe(&file, older).map_err(failed)?;
                    found = Some((place, slot));
                }
                Some(newer) => {
                    wipe(&file, place).map_err(failed)?;
                    found = Some(newer);
                }
                None => found = Some((place, slot)),
            }
        }
        let says = || damaged(&path, "it holds no state; put nothing in its place");
        found.map(Some).ok_or_else(says)
    }

    /// Writes a state to the free slot, then wipes the old one.
    fn replace(&self, next: &Slot) -> Result<(), SealsError> {
        let path = self.state();
        let missing = || damaged(&path, "it is gone");
        let (old, _) = self.slot()?.ok_or_else(missing)?;
        let free = 1 - old.min(1);
        let write = || {
            let file = OpenOptions::new().write(true).open(&path)?;
            file.write_all_at(next.octets().as_ref(), place_of(free))?;
            file.sync_all()?;
            wipe(&file, old)
        };
        write().map_err(|error| failed(&path, &error))
    }

    fn write_first(&self, start: &SealStart, first: &SealKey, slot: &Slot) -> io::Result<()> {
        folder::make_folder(&self.keys)?;
        let mut state = Zeroizing::new(vec![0; SLOT]);
        state.copy_from_slice(slot.octets().as_ref());
        write_new(&self.state(), &state)?;
        let mut hex = Zeroizing::new(String::with_capacity(65));
        for octet in first.reveal() {
            // Writing to a string cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut *hex, format_args!("{octet:02x}"));
        }
        hex.push('\n');
        write_new(&self.keys.join(Self::FIRST), hex.as_bytes())?;
        // Last: without the seals, a chain has not begun.
        write_new(&self.seals(), format!("{}\n", start.line()).as_bytes())
    }
}

impl Seals for FileSeals {
    fn read(&self) -> Result<Option<Kept>, SealsError> {
        let mut end = self.end();
        let path = self.seals();
        let slot = self.slot()?;
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match slot {
                    Some((_, slot)) if slot.state.epoch() > 0 => {
                        Err(damaged(&path, "it is gone, but its state is there"))
                    }
                    _ => Ok(None),
                };
            }
            opened => opened.map_err(|error| failed(&path, &error))?,
        };
        let says = || damaged(&self.state(), "it is gone, but the seals are there");
        let (_, slot) = slot.ok_or_else(says)?;
        let unread = |error: io::Error| failed(&path, &error);
        let start = read_start(&mut file).map_err(unread)?;
        let start = start.ok_or_else(|| damaged(&path, "its first line is no start"))?;
        let (before, after) = around(&mut file, slot.length).map_err(unread)?;
        let ends = match before.lines().last() {
            _ if !before.ends_with('\n') => false,
            _ if slot.state.epoch() == 0 => before.lines().last() == Some(start.line().as_str()),
            line => line.and_then(Seal::parse).is_some_and(|seal| {
                seal.epoch.checked_add(1) == Some(slot.state.epoch())
                    && Some(&seal.tag) == slot.state.tag()
            }),
        };
        if !ends {
            return Err(damaged(&path, "it does not go as far as its state says"));
        }
        let mut whole = slot.length;
        let mut ahead = Vec::new();
        for line in after.split_inclusive('\n') {
            let Some(seal) = line.strip_suffix('\n').and_then(Seal::parse) else {
                tracing::warn!("the last seals were not written to their end; they are made again");
                break;
            };
            ahead.push(seal);
            whole = whole.saturating_add(u64::try_from(line.len()).unwrap_or(0));
        }
        *end = Some(whole);
        let state = slot.state;
        Ok(Some(Kept {
            start,
            state,
            ahead,
        }))
    }

    fn begin(
        &self,
        start: &SealStart,
        first: &SealKey,
        state: &SealState,
    ) -> Result<(), SealsError> {
        let mut end = self.end();
        let path = self.seals();
        if path.symlink_metadata().is_ok() {
            return Err(damaged(&path, "a chain is there already"));
        }
        let length = u64::try_from(start.line().len() + 1).unwrap_or(u64::MAX);
        let slot = Slot {
            state: state.clone(),
            length,
        };
        self.write_first(start, first, &slot)
            .map_err(|error| failed(&path, &error))?;
        *end = Some(length);
        Ok(())
    }

    fn append(&self, seals: &[Seal], state: &SealState) -> Result<(), SealsError> {
        let mut end = self.end();
        let path = self.seals();
        // Unknown again until all of it is done.
        let at = end.take();
        let at = at.ok_or_else(|| failed(&path, &"they were not read"))?;
        let text: String = seals.iter().map(|seal| seal.line() + "\n").collect();
        let length = at.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        let write = || {
            let file = OpenOptions::new().write(true).open(&path)?;
            file.write_all_at(text.as_bytes(), at)?;
            file.set_len(length)?;
            file.sync_all()
        };
        write().map_err(|error| failed(&path, &error))?;
        let state = state.clone();
        self.replace(&Slot { state, length })?;
        *end = Some(length);
        Ok(())
    }
}

fn place_of(place: usize) -> u64 {
    PLACES.get(place).copied().unwrap_or_default()
}

fn read_slot(file: &File, place: usize) -> io::Result<Option<Slot>> {
    let mut octets = Zeroizing::new([0; SLOT]);
    match file.read_exact_at(octets.as_mut(), place_of(place)) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        read => read.map(|()| Slot::parse(&octets)),
    }
}

/// Overwrites a slot where it lies.
fn wipe(file: &File, place: usize) -> io::Result<()> {
    file.write_all_at(&[0; SLOT], place_of(place))?;
    file.sync_all()
}

fn read_start(file: &mut File) -> io::Result<Option<SealStart>> {
    let mut head = Vec::new();
    file.take(LINE_MAX).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    let line = head.split_once('\n').map(|(line, _)| line);
    Ok(line.and_then(SealStart::parse))
}

/// What stands right before a place, and all that stands behind it.
fn around(file: &mut File, length: u64) -> io::Result<(String, String)> {
    let from = length.saturating_sub(LINE_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut octets = Vec::new();
    file.read_to_end(&mut octets)?;
    let middle = usize::try_from(length.saturating_sub(from)).unwrap_or(usize::MAX);
    let (before, after) = octets.split_at(middle.min(octets.len()));
    if before.len() < middle {
        // Cut off: nothing that could be gone on with.
        return Ok((String::new(), String::new()));
    }
    let text = |octets| String::from_utf8_lossy(octets).into_owned();
    Ok((text(before), text(after)))
}

/// Writes a file for the owner alone in one step, durably, in place of one that a try before has left.
fn write_new(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = folder::create_new_private(&draft)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), folder::sync_folder)
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> SealsError {
    SealsError::Failed(format!("{}: {reason}", path.display()))
}

fn damaged(path: &Path, reason: &str) -> SealsError {
    SealsError::Damaged(format!("{}: {reason}", path.display()))
}
