//! How far a stream has come, as a small text file that is replaced as a whole.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use engine::ports::Bookmark;
use engine::ports::bookmark::BookmarkError;

use crate::folder;

/// Remembers a number in a file.
#[derive(Debug)]
pub struct FileBookmark(PathBuf);

impl FileBookmark {
    /// The bookmark at a path. Its folder is made for the owner alone when it is not there.
    pub fn new(path: PathBuf) -> Result<Self, BookmarkError> {
        folder::make_folder(folder_of(&path)).map_err(|error| failed(&path, &error))?;
        Ok(Self(path))
    }

    fn write(&self, next: u64) -> io::Result<()> {
        let mut draft = self.0.clone().into_os_string();
        draft.push(".new");
        let draft = PathBuf::from(draft);
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = folder::create_new_private(&draft)?;
        writeln!(file, "{next}")?;
        file.sync_all()?;
        fs::rename(&draft, &self.0)?;
        folder::sync_folder(folder_of(&self.0))
    }
}

impl Bookmark for FileBookmark {
    fn next(&self) -> Result<Option<u64>, BookmarkError> {
        let text = match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| failed(&self.0, &error))?,
        };
        let next = text.trim_end().parse();
        let wrong = |_| failed(&self.0, &"it is not what was written there");
        next.map(Some).map_err(wrong)
    }

    fn keep(&self, next: u64) -> Result<(), BookmarkError> {
        self.write(next).map_err(|error| failed(&self.0, &error))
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> BookmarkError {
    BookmarkError(format!("{}: {reason}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_number_is_kept_over_a_restart_in_a_file_of_the_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("siem/one.next");
        let first = FileBookmark::new(path.clone()).unwrap();
        testkit::contract::bookmark::run(&first, &|| {
            Box::new(FileBookmark::new(path.clone()).unwrap())
        });
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "many\n").unwrap();
        assert!(first.next().is_err(), "nobody can tell where to go on");
    }
}
