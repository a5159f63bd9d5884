//! The log's key: an Ed25519 seed of 32 octets in a file for its owner alone, made at the first start,
//! and beside the store the public half with the log's name, which never change again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ledger::note::key::KeyError;
use ledger::note::signer::{NoteSigner, SignError};
use ledger::{KeyName, NodeName, VerifierKey};
use zeroize::Zeroizing;

use crate::config::environment::credentials_folder;
use crate::entropy;
use crate::folder::{DataFolder, make_private, open_beyond_owner, write_private};

/// Octets of a seed.
const LENGTH: usize = 32;

/// Why the log cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum LogKeyError {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The seed is not what it should be.
    #[error("the log key {0} has {1} octets, not 32; restore it from its backup")]
    Length(PathBuf, usize),
    /// Others can read it.
    #[error(
        "the log key {0} can be read by other users (mode {1:o}); run `chmod 600` on it, and treat \
         it as known to them"
    )]
    Open(PathBuf, u32),
    /// The log was signed with a key that is not there.
    #[error(
        "the log key {0} is missing, but this ledger was signed with it; restore it from its backup, \
         since a new key would be another log"
    )]
    Lost(PathBuf),
    /// The data folder was restored without the key.
    #[error(
        "the log key {0} is missing, but this ledger has {1} entries that were signed with it; put it back \
         from its backup. A new key would begin a second history under the same name: if this is to be a \
         new log, set another ledger.origin and make a key of 32 random octets there yourself"
    )]
    LeftBehind(PathBuf, u64),
    /// What was recorded at the first start is no key.
    #[error("{0} is not what was written there: {1}")]
    Record(PathBuf, KeyError),
    /// The configuration names another log.
    #[error(
        "this ledger is `{recorded}` for life, and ledger.origin says `{configured}`; set it back or \
         leave it out"
    )]
    OtherOrigin {
        /// What was recorded at the first start.
        recorded: String,
        /// What is configured.
        configured: String,
    },
    /// The key is another log's.
    #[error(
        "the log key {0} is not the one that this ledger is signed with; {1} has its public half"
    )]
    OtherKey(PathBuf, PathBuf),
    /// The name of the node makes no name of a log.
    #[error("the name of the log: {0}")]
    Name(#[from] KeyError),
    /// The seed makes no key.
    #[error(transparent)]
    Seed(#[from] SignError),
    /// A new file cannot be written.
    #[error("{0:#}")]
    Unwritable(anyhow::Error),
}

/// What is configured.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'c> {
    /// The log's name, if it is given.
    pub origin: Option<&'c KeyName>,
    /// The file of its key, if it is given.
    pub key_file: Option<&'c Path>,
    /// The node, which names a log that is given no name.
    pub node: &'c NodeName,
    /// How many entries there are already.
    pub entries: u64,
}

/// The key of the data folder's log, made at the first start together with its record.
pub fn find(folder: &DataFolder, wanted: Wanted<'_>) -> Result<NoteSigner, LogKeyError> {
    let record = folder.log_vkey();
    let recorded = read_record(&record)?;
    let origin = origin(recorded.as_ref(), wanted)?;
    let place = place(folder, wanted.key_file);
    if recorded.is_none() && !place.exists() {
        if wanted.entries > 0 {
            return Err(LogKeyError::LeftBehind(place, wanted.entries));
        }
        make(&place)?;
    }
    let seed = read(&place)?;
    let signer = NoteSigner::from_seed(origin, &seed)?;
    match recorded {
        Some(recorded) if recorded != *signer.verifier_key() => {
            Err(LogKeyError::OtherKey(place, record))
        }
        Some(_) => Ok(signer),
        None => {
            let line = format!("{}\n", signer.verifier_key());
            write_private(&record, line.as_bytes()).map_err(LogKeyError::Unwritable)?;
            Ok(signer)
        }
    }
}

/// The public half that was recorded at the first start.
pub fn read_record(path: &Path) -> Result<Option<VerifierKey>, LogKeyError> {
    match std::fs::read_to_string(path) {
        Ok(text) => VerifierKey::parse(text.trim_end())
            .map(Some)
            .map_err(|error| LogKeyError::Record(path.to_path_buf(), error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogKeyError::Unreadable(path.to_path_buf(), error)),
    }
}

fn origin(recorded: Option<&VerifierKey>, wanted: Wanted<'_>) -> Result<KeyName, LogKeyError> {
    match (recorded.map(VerifierKey::name), wanted.origin) {
        (Some(recorded), Some(configured)) if recorded != configured => {
            Err(LogKeyError::OtherOrigin {
                recorded: recorded.to_string(),
                configured: configured.to_string(),
            })
        }
        (Some(name), _) | (None, Some(name)) => Ok(name.clone()),
        (None, None) => Ok(KeyName::parse(&format!("shortstop.local/{}", wanted.node))?),
    }
}

/// At the configured path, else the systemd credential, else in the folder.
pub fn place(folder: &DataFolder, configured: Option<&Path>) -> PathBuf {
    let credential = credentials_folder().map(|folder| folder.join("log.key"));
    let credential = credential.filter(|path| path.exists());
    let place = configured.map(Path::to_path_buf).or(credential);
    place.unwrap_or_else(|| folder.log_key())
}

/// Makes a new seed.
pub(crate) fn make(path: &Path) -> Result<(), LogKeyError> {
    let octets = Zeroizing::new(entropy::octets::<LENGTH>());
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        make_private(folder).map_err(LogKeyError::Unwritable)?;
    }
    write_private(path, octets.as_ref()).map_err(LogKeyError::Unwritable)?;
    tracing::warn!(
        path = %path.display(),
        "a new log key was made: back it up now; without it this ledger cannot be signed any more"
    );
    Ok(())
}

/// Reads a seed that nobody else can.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<[u8; LENGTH]>, LogKeyError> {
    let octets = match std::fs::read(path) {
        Ok(octets) => Zeroizing::new(octets),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(LogKeyError::Lost(path.to_path_buf()));
        }
        Err(error) => return Err(LogKeyError::Unreadable(path.to_path_buf(), error)),
    };
    if let Some(mode) = open_beyond_owner(path) {
        return Err(LogKeyError::Open(path.to_path_buf(), mode));
    }
    let length = octets.len();
    let seed = <[u8; LENGTH]>::try_from(octets.as_slice());
    seed.map(Zeroizing::new)
        .map_err(|_| LogKeyError::Length(path.to_path_buf(), length))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    struct Place {
        _keeps: tempfile::TempDir,
        folder: DataFolder,
        node: NodeName,
        entries: u64,
    }

    fn place() -> Place {
        let keeps = tempfile::tempdir().unwrap();
        let folder = DataFolder::prepare(&keeps.path().join("data")).unwrap();
        Place {
            _keeps: keeps,
            folder,
            node: NodeName::parse("n-1").unwrap(),
            entries: 0,
        }
    }

    impl Place {
        fn find(&self, origin: Option<&str>) -> Result<VerifierKey, LogKeyError> {
            let origin = origin.map(|origin| KeyName::parse(origin).unwrap());
            let wanted = Wanted {
                origin: origin.as_ref(),
                key_file: None,
                node: &self.node,
                entries: self.entries,
            };
            Ok(find(&self.folder, wanted)?.verifier_key().clone())
        }
    }

    #[test]
    fn a_log_gets_its_name_and_key_once() {
        let place = place();
        let first = place.find(None).unwrap();
        assert_eq!(first.name().as_str(), "shortstop.local/n-1");
        assert_eq!(place.find(None).unwrap(), first);
        assert_eq!(place.find(Some("shortstop.local/n-1")).unwrap(), first);
        let mode = place.folder.log_key().metadata().unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn a_ledger_that_came_without_its_key_gets_no_new_one() {
        let mut place = place();
        place.entries = 7;
        let refused = place.find(None).unwrap_err();
        assert!(
            matches!(refused, LogKeyError::LeftBehind(_, 7)),
            "{refused}"
        );
        assert!(!place.folder.log_key().exists());
        make_private(&place.folder.path().join("keys")).unwrap();
        write_private(&place.folder.log_key(), &[9; LENGTH]).unwrap();
        place.find(None).unwrap();
    }

    #[test]
    fn another_name_is_refused_with_both_names() {
        let place = place();
        place.find(Some("log.example/a")).unwrap();
        assert_eq!(place.find(None).unwrap().name().as_str(), "log.example/a");
        let says = place.find(Some("log.example/b")).unwrap_err().to_string();
        assert!(says.contains("`log.example/a` for life"), "{says}");
        assert!(says.contains("`log.example/b`"), "{says}");
    }

    #[test]
    fn a_lost_or_exchanged_key_is_never_replaced() {
        let place = place();
        place.find(None).unwrap();
        std::fs::remove_file(place.folder.log_key()).unwrap();
        assert!(matches!(place.find(None), Err(LogKeyError::Lost(_))));
        assert!(!place.folder.log_key().exists());
        write_private(&place.folder.log_key(), &[9; LENGTH]).unwrap();
        assert!(matches!(place.find(None), Err(LogKeyError::OtherKey(..))));
    }
}
