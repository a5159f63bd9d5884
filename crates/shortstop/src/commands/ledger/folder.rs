//! An exported log in a folder, as the verifier reads it.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use ledger::tile::Tile;
use ledger::{Source, SourceError};

/// No file of a log has more octets (C2SP tlog-tiles: 256 entries of at most 65,535).
const OCTETS_MAX: u64 = 17 << 20;

/// A folder with C2SP paths.
pub struct FolderSource(pub PathBuf);

impl Source for FolderSource {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        let failed = |cause: String| SourceError::new(path, cause);
        match octets(&self.0.join(path)) {
            Ok(octets) if u64::try_from(octets.len()).is_ok_and(|len| len > OCTETS_MAX) => Err(
                failed("it has more octets than any file of a log".to_owned()),
            ),
            Ok(octets) => Ok(Some(octets)),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn partial_widths(&self, tile: Tile) -> Result<Vec<u16>, SourceError> {
        let path = format!("{}.p", tile.full());
        let files = match std::fs::read_dir(self.0.join(&path)) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(SourceError::new(path, error.to_string()));
            }
        };
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }
}

/// One octet beyond the bound is read to see that it is passed.
fn octets(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    File::open(path)?
        .take(OCTETS_MAX + 1)
        .read_to_end(&mut octets)?;
    Ok(octets)
}
