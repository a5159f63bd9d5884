//! The master key of a data folder: 32 octets in a file for its owner alone, made at the first start.
//! Every other key of the store is derived from it; `docs/keys.md` says what its loss means.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use engine::MasterKey;
use zeroize::Zeroizing;

use crate::config::environment::credentials_folder;
use crate::entropy;
use crate::folder::{DataFolder, make_private, open_beyond_owner, write_private};

/// Octets of a master key.
const LENGTH: usize = 32;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read.
    #[error("the master key {0} cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// It is not what it should be.
    #[error("the master key {0} has {1} octets, not 32; restore it from its backup")]
    Length(PathBuf, usize),
    /// Others can read it.
    #[error(
        "the master key {0} can be read by other users (mode {1:o}); run `chmod 600` on it, and \
         treat it as known to them"
    )]
    Open(PathBuf, u32),
    /// The store is there and its key is not: a new one would open nothing.
    #[error(
        "the master key {0} is missing, but the data folder holds a store that was sealed with it; \
         restore the key from its backup"
    )]
    Lost(PathBuf),
    /// A new one cannot be written.
    #[error("a new master key cannot be written: {0:#}")]
    Unwritable(anyhow::Error),
}

/// Where the key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Kept,
    /// It was made just now, and has to be backed up.
    Made,
}

/// A key, the place it lies at, and whether it is new.
#[derive(Debug)]
pub struct Found {
    /// The key.
    pub key: MasterKey,
    /// Its file.
    pub path: PathBuf,
    /// Whether it is new.
    pub origin: Origin,
}

/// Reads the master key of a data folder: at the configured path, else the systemd credential, else
/// in the folder, where it is made if the store is new too.
pub fn find(folder: &DataFolder, configured: Option<&Path>) -> Result<Found, MasterKeyError> {
    let path = place(folder, configured);
    if path.exists() || path != folder.master_key() {
        return read(path, Origin::Kept);
    }
    if folder.store().exists() {
        return Err(MasterKeyError::Lost(path));
    }
    make(path)
}

/// Where the master key of a data folder is looked for.
pub fn place(folder: &DataFolder, configured: Option<&Path>) -> PathBuf {
    let credential = credentials_folder().map(|folder| folder.join("master.key"));
    let credential = credential.filter(|path| path.exists());
    let place = configured.map(Path::to_path_buf).or(credential);
    place.unwrap_or_else(|| folder.master_key())
}

/// Reads a key that is to become the master key.
pub fn read_new(path: &Path) -> Result<MasterKey, MasterKeyError> {
    Ok(read(path.to_path_buf(), Origin::Kept)?.key)
}

fn make(path: PathBuf) -> Result<Found, MasterKeyError> {
    let octets = Zeroizing::new(entropy::octets::<LENGTH>());
    let folder = path.parent().unwrap_or(&path);
    make_private(folder).map_err(MasterKeyError::Unwritable)?;
    write_private(&path, octets.as_ref()).map_err(MasterKeyError::Unwritable)?;
    read(path, Origin::Made)
}

fn read(path: PathBuf, origin: Origin) -> Result<Found, MasterKeyError> {
    let octets = match std::fs::read(&path) {
        Ok(octets) => Zeroizing::new(octets),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(MasterKeyError::Lost(path));
        }
        Err(error) => return Err(MasterKeyError::Unreadable(path, error)),
    };
    if let Some(mode) = open_beyond_owner(&path) {
        return Err(MasterKeyError::Open(path, mode));
    }
    let length = octets.len();
    match <[u8; LENGTH]>::try_from(octets.as_slice()) {
        Ok(octets) => Ok(Found {
            key: MasterKey::from_bytes(octets),
            path,
            origin,
        }),
        Err(_) => Err(MasterKeyError::Length(path, length)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folder(place: &tempfile::TempDir) -> DataFolder {
        DataFolder::prepare(&place.path().join("data")).unwrap()
    }

    #[test]
    fn a_new_folder_gets_a_key_once() {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(&place);
        assert_eq!(find(&folder, None).unwrap().origin, Origin::Made);
        let octets = std::fs::read(folder.master_key()).unwrap();
        assert_eq!(find(&folder, None).unwrap().origin, Origin::Kept);
        assert_eq!(std::fs::read(folder.master_key()).unwrap(), octets);
    }

    #[test]
    fn a_store_without_its_key_never_gets_a_new_one() {
        let place = tempfile::tempdir().unwrap();
        let folder = folder(&place);
        std::fs::write(folder.store(), b"").unwrap();
        assert!(matches!(find(&folder, None), Err(MasterKeyError::Lost(_))));
        assert!(!folder.master_key().exists());
    }

    #[test]
    fn a_key_that_others_can_read_or_that_was_cut_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("key");
        std::fs::write(&path, [7; 32]).unwrap();
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        for wrong in [0o644, 0o640, 0o660, 0o601] {
            std::fs::set_permissions(&path, mode(wrong)).unwrap();
            let refused = find(&folder(&place), Some(&path));
            assert!(
                matches!(refused, Err(MasterKeyError::Open(_, found)) if found == wrong),
                "{wrong:o}"
            );
        }
        std::fs::set_permissions(&path, mode(0o600)).unwrap();
        assert!(find(&folder(&place), Some(&path)).is_ok());
        std::fs::write(&path, [7; 31]).unwrap();
        assert!(matches!(
            find(&folder(&place), Some(&path)),
            Err(MasterKeyError::Length(_, 31))
        ));
    }
}
