//! The file of seals as it is handed out: a part of it, or a copy that ends with what is published.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ledger::seal::Seal;

/// Its name in an exported folder.
pub const EXPORTED: &str = "seals";
/// Entries handed out at once to whoever checks seals: 16 MiB at most.
pub const ENTRIES_AT_ONCE: usize = 256;
/// Octets handed out at once.
const OCTETS_AT_ONCE: usize = 1 << 18;

/// Octets of the file from a place on; none behind its end, and none when there is no file.
pub fn octets(path: &Path, from: u64) -> io::Result<Vec<u8>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut octets = vec![0; OCTETS_AT_ONCE];
    let read = file.read_at(&mut octets, from)?;
    octets.truncate(read);
    Ok(octets)
}

/// Copies the seals over the first so many entries, in one step.
pub fn copy(from: &Path, size: u64, to: &Path) -> anyhow::Result<()> {
    let mut beside = to.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let write = || {
        let mut out = BufWriter::new(File::create(&beside)?);
        for line in BufReader::new(File::open(from)?).lines() {
            let line = line?;
            let seal = Seal::parse(&line);
            let ends = seal.map(|seal| seal.first.saturating_add(seal.count));
            if ends.is_some_and(|end| end > size) {
                break;
            }
            writeln!(out, "{line}")?;
        }
        out.flush()?;
        fs::rename(&beside, to)
    };
    write().with_context(|| format!("{} cannot be written", to.display()))
}
