//! The room on the data folder's volume: a reserve in real blocks, given up when the disk is full so
//! that this can still be recorded, and a watch that says when the room is low, before it is gone.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::ports::storage::{Level, Room};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use crate::config::Bounds;
use crate::embedded::Shared;
use crate::folder::{create_private, sync_folder};

/// How often the room is looked at. A disk that fills faster runs into the reserve.
const LOOK: Duration = Duration::from_millis(250);
/// The name of the reserve in the data folder.
pub(crate) const RESERVE: &str = "reserve";
/// A volume with less than this takes nothing more.
const EXHAUSTED: u64 = 1 << 16;
/// Octets written at once where the volume cannot allocate.
const ZEROS: usize = 1 << 20;

/// The room of one store.
#[derive(Debug)]
pub(crate) struct Space {
    folder: PathBuf,
    reserve_bytes: u64,
    low_water_bytes: u64,
    state: Mutex<State>,
    wake: Condvar,
    /// Held while the reserve is made or given up, which may take as long as the disk likes.
    work: Mutex<()>,
}

/// Never locked while the disk is waited for.
#[derive(Debug)]
struct State {
    level: Level,
    free_bytes: u64,
    /// Octets of the reserve that are on disk.
    held_bytes: u64,
    is_stopped: bool,
}

impl Space {
    /// The room of a folder, not looked at yet; a reserve that is there can be given up.
    pub(crate) fn new(folder: &Path, bounds: &Bounds) -> Self {
        let held = fs::metadata(folder.join(RESERVE)).map_or(0, |reserve| reserve.len());
        let state = State {
            level: Level::Enough,
            free_bytes: u64::MAX,
            held_bytes: held.min(bounds.reserve_bytes),
            is_stopped: false,
        };
        Self {
            folder: folder.to_owned(),
            reserve_bytes: bounds.reserve_bytes,
            low_water_bytes: bounds.low_water_bytes,
            state: Mutex::new(state),
            wake: Condvar::new(),
            work: Mutex::new(()),
        }
    }

    /// The room as it was seen last.
    pub(crate) fn room(&self) -> Room {
        let state = self.lock();
        Room {
            free_bytes: state.free_bytes,
            low_water_bytes: self.low_water_bytes,
            level: state.level,
        }
    }

    /// The disk is full: gives the reserve up. What it frees is kept for what must be recorded.
    pub(crate) fn release(&self) {
        self.lock().level = Level::Low;
        let _work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lock().held_bytes == 0 {
            return;
        }
        match fs::remove_file(self.folder.join(RESERVE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(reason = %error, "the reserve could not be given up");
            }
            _ => {
                self.lock().held_bytes = 0;
                tracing::error!("the disk is full: the reserve is given up to record it");
            }
        }
    }

    /// Whether nothing more can be written, whatever word the system has for it.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.free().is_some_and(|free| free < EXHAUSTED)
    }

    fn free(&self) -> Option<u64> {
        let volume = statvfs(&self.folder).ok()?;
        Some(volume.f_bavail.saturating_mul(volume.f_frsize))
    }

    /// Looks at the volume, and makes the reserve if there is room for it. A volume that does not say
    /// leaves everything as it was.
    pub(crate) fn look(&self) {
        let Some(free) = self.free() else {
            return;
        };
        if self.judge(free) {
            self.make();
        }
    }

    /// Whether the reserve is to be made, by so much free room.
    fn judge(&self, free: u64) -> bool {
        let mut state = self.lock();
        // A reserve that was given up is not room.
        let missing = self.reserve_bytes.saturating_sub(state.held_bytes);
        state.free_bytes = free.saturating_sub(missing);
        let enough_again = self
            .low_water_bytes
            .saturating_add(self.low_water_bytes / 4);
        state.level = match state.level {
            Level::Enough if state.free_bytes < self.low_water_bytes => Level::Low,
            Level::Low if state.free_bytes >= enough_again.max(self.reserve_bytes) => Level::Enough,
            level => level,
        };
        state.level == Level::Enough && missing > 0
    }

    fn make(&self) {
        let _work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        let made = allocate(&self.folder.join(RESERVE), self.reserve_bytes);
        let mut state = self.lock();
        match made {
            Ok(()) => state.held_bytes = self.reserve_bytes,
            Err(error) => {
                tracing::warn!(reason = %error, "the reserve could not be made");
                state.level = Level::Low;
            }
        }
    }

    /// Ends the watch.
    pub(crate) fn stop(&self) {
        self.lock().is_stopped = true;
        self.wake.notify_all();
    }

    /// Waits for the next look; whether there is one.
    fn pause(&self) -> bool {
        let waited = self
            .wake
            .wait_timeout_while(self.lock(), LOOK, |state| !state.is_stopped);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_stopped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's work.
pub(crate) fn run(shared: &Arc<Shared>) {
    while shared.space.pause() {
        shared.space.look();
    }
}

/// Makes a file of real blocks: one with holes would reserve nothing.
fn allocate(path: &Path, octets: u64) -> io::Result<()> {
    let mut file = create_private(path)?;
    let length = file.metadata()?.len();
    if length > octets {
        file.set_len(octets)?;
    }
    let made = match fallocate(&file, FallocateFlags::empty(), 0, octets) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(&mut file, octets),
        done => done.map_err(io::Error::from),
    };
    let made = made.and_then(|()| file.sync_all());
    if made.is_err() {
        // Half a reserve only takes the room.
        let _ = fs::remove_file(path);
    }
    made?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn write_zeros(file: &mut File, octets: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS];
    let mut left = octets;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(ZEROS).min(ZEROS);
        let part = zeros.get(..now).unwrap_or(&zeros);
        file.write_all(part)?;
        left = left.saturating_sub(u64::try_from(now).unwrap_or(left));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn bounds(reserve_bytes: u64, low_water_bytes: u64) -> Bounds {
        Bounds {
            reserve_bytes,
            low_water_bytes,
            ..Bounds::default()
        }
    }

    fn opened(folder: &Path, bounds: &Bounds) -> Space {
        let space = Space::new(folder, bounds);
        space.look();
        space
    }

    #[test]
    fn the_reserve_has_real_blocks_and_is_given_up_and_made_again() {
        let place = tempfile::tempdir().unwrap();
        let space = opened(place.path(), &bounds(1 << 20, 0));
        let path = place.path().join(RESERVE);
        let reserve = fs::metadata(&path).unwrap();
        assert_eq!(reserve.len(), 1 << 20);
        assert!(
            reserve.blocks() * 512 >= 1 << 20,
            "a sparse file reserves nothing"
        );
        space.release();
        assert!(!path.exists());
        assert_eq!(space.room().level, Level::Low, "what it freed is not room");
        space.look();
        assert_eq!(space.room().level, Level::Enough);
        assert!(path.exists());
    }

    #[test]
    fn zeros_where_the_volume_cannot_allocate_are_real_too() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(RESERVE);
        let mut file = create_private(&path).unwrap();
        write_zeros(&mut file, (3 << 20) + 5).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), (3 << 20) + 5);
    }

    #[test]
    fn below_the_mark_the_room_is_low_and_no_reserve_is_made() {
        let place = tempfile::tempdir().unwrap();
        let space = opened(place.path(), &bounds(1 << 20, u64::MAX / 2));
        assert_eq!(space.room().level, Level::Low);
        assert!(!place.path().join(RESERVE).exists());
    }

    #[test]
    fn the_room_is_enough_again_only_well_above_the_mark() {
        let place = tempfile::tempdir().unwrap();
        let mut space = opened(place.path(), &bounds(0, 0));
        space.lock().level = Level::Low;
        let free = space.room().free_bytes;
        space.low_water_bytes = free / 10 * 9;
        space.look();
        assert_eq!(space.room().level, Level::Low, "just above the mark");
        space.low_water_bytes = free / 10 * 5;
        space.look();
        assert_eq!(space.room().level, Level::Enough);
    }
}
