//! The files of the repository: all that git tracks, and the new ones it would track. Ignored
//! files and what a build leaves are not read.

use std::fs;
use std::path::Path;

use crate::step;

/// A file with its path from the root, always with `/` between folders.
#[derive(Debug)]
pub struct TextFile {
    /// Path from the root.
    pub path: String,
    /// Contents; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// Reads them all, in the order of their paths.
pub fn read(root: &Path) -> anyhow::Result<Vec<TextFile>> {
    let words = [
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ];
    let listing = step::output_of(step::quiet("git", &words))?;
    let mut paths: Vec<String> = String::from_utf8_lossy(&listing)
        .split_terminator('\0')
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    let files = paths.into_iter().filter_map(|path| read_one(root, path));
    Ok(files.collect())
}

/// A tracked file that was deleted but not yet committed has nothing to check.
fn read_one(root: &Path, path: String) -> Option<TextFile> {
    let bytes = fs::read(root.join(&path)).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(TextFile { path, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_file_is_read_and_build_output_is_not() {
        let files = read(&step::root()).unwrap();
        assert!(
            files
                .iter()
                .any(|file| file.path == "xtask/src/tidy/tree.rs")
        );
        assert!(!files.iter().any(|file| file.path.starts_with("target/")));
    }
}
