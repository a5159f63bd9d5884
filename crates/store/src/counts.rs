//! The counts of the limits, sealed, as a file of the owner alone that is replaced as a whole. It is no part
//! of a backup: what it holds is over within the longest window of a limit.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use engine::ports::Counts;
use engine::ports::counts::CountsError;

use crate::folder;

/// Keeps them in a data folder.
#[derive(Debug)]
pub struct FileCounts(PathBuf);

impl FileCounts {
    /// The name of the file.
    pub const NAME: &'static str = "limits.counts";

    /// The counts of a data folder.
    pub fn new(folder: &Path) -> Self {
        Self(folder.join(Self::NAME))
    }

    fn write(&self, sealed: &[u8]) -> io::Result<()> {
        let mut draft = self.0.clone().into_os_string();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = folder::create_new_private(&draft)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs::rename(&draft, &self.0)?;
        folder::sync_folder(self.0.parent().unwrap_or(Path::new(".")))
    }

    fn failed(&self, reason: &io::Error) -> CountsError {
        CountsError(format!("{}: {reason}", self.0.display()))
    }
}

impl Counts for FileCounts {
    fn kept(&self) -> Result<Option<Vec<u8>>, CountsError> {
        match fs::read(&self.0) {
            Ok(sealed) => Ok(Some(sealed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn keep(&self, sealed: &[u8]) -> Result<(), CountsError> {
        self.write(sealed).map_err(|error| self.failed(&error))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn counts_are_kept_over_a_restart_in_a_file_of_the_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let first = FileCounts::new(place.path());
        testkit::contract::counts::run(&first, &|| Box::new(FileCounts::new(place.path())));
        let path = place.path().join(FileCounts::NAME);
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
