//! The claim of the demo on the folder it keeps its data in. The demo writes certificates and keys of its
//! own there, so nothing is written before the folder is known to be the demo's, and no other's at present.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::folder::DataFolder;

/// The mark of a demo's folder, locked while a demo runs.
const MARK: &str = "demo.lock";

/// The lock of the gateway's store.
const STORE_LOCK: &str = "shortstop.lock";

/// A folder that this demo owns for as long as the value lives.
#[derive(Debug)]
pub struct Claim {
    /// Holds the lock; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

/// Why the demo leaves a folder alone.
#[derive(Debug, thiserror::Error)]
enum ClaimError {
    /// It holds something that is not the demo's.
    #[error(
        "{0} is not a folder of the demo, and not empty; nothing was changed, name another one"
    )]
    Foreign(PathBuf),
    /// Another demo, or a gateway, runs in it.
    #[error("{0} is in use by another demo or gateway; end that one, or name another folder")]
    InUse(PathBuf),
}

impl Claim {
    /// Claims an empty folder, or one of an earlier demo that has ended.
    pub fn take(folder: &DataFolder) -> anyhow::Result<Self> {
        let path = folder.path();
        let mark = path.join(MARK);
        let is_ours = mark.exists() || is_empty(path)?;
        if !is_ours {
            return Err(ClaimError::Foreign(path.to_path_buf()).into());
        }
        let lock = lock(&mark, path)?;
        let store = path.join(STORE_LOCK);
        if store.exists() {
            // The gateway takes this one itself; here it only shows whether one runs.
            drop(self::lock(&store, path)?);
        }
        Ok(Self { _lock: lock })
    }
}

fn is_empty(path: &Path) -> anyhow::Result<bool> {
    let mut entries =
        std::fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(entries.next().is_none())
}

fn lock(file: &Path, folder: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).write(true).mode(0o600);
    let opened = options.open(file);
    let opened = opened.with_context(|| format!("{} cannot be opened", file.display()))?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(TryLockError::WouldBlock) => Err(ClaimError::InUse(folder.to_path_buf()).into()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", file.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, DataFolder) {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(&place.path().join("data")).unwrap();
        (place, folder)
    }

    fn says(folder: &DataFolder) -> String {
        Claim::take(folder).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_that_is_not_the_demos_is_left_as_it_is() {
        let (_place, folder) = folder();
        std::fs::create_dir(folder.tls()).unwrap();
        assert!(says(&folder).contains("not a folder of the demo"));
        assert!(!folder.path().join(MARK).exists());
    }

    #[test]
    fn an_empty_folder_is_claimed_by_one_demo_at_a_time_and_kept_for_the_next() {
        let (_place, folder) = folder();
        let first = Claim::take(&folder).unwrap();
        assert!(says(&folder).contains("in use"));
        drop(first);
        std::fs::create_dir(folder.tls()).unwrap();
        assert!(Claim::take(&folder).is_ok());
    }

    #[test]
    fn a_folder_in_which_a_gateway_runs_is_not_claimed() {
        let (_place, folder) = folder();
        drop(Claim::take(&folder).unwrap());
        let gateway = File::create(folder.path().join(STORE_LOCK)).unwrap();
        gateway.try_lock().unwrap();
        assert!(says(&folder).contains("in use"));
    }
}
