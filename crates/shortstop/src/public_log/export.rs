//! The published log as files under the C2SP paths, for any server of static files. The checkpoint comes
//! last, so that the folder never promises what is not in it yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use engine::ports::Log;
use engine::ports::log::Published;
use engine::ports::store::ReadError;
use engine::tells_of_pruning;
use ledger::Source as _;
use ledger::tile::{Content, FULL, tiles_of};

use super::PublicLog;
use super::seals;
use super::source::{LogSource, MINIMUM_INDEX};

/// The folder is another's.
#[derive(Debug, thiserror::Error)]
#[error("{} holds something else than this log; name an empty folder", .0.display())]
pub struct Taken(PathBuf);

/// A checkpoint comes each second: it is looked for so many times, so far apart.
const COVERING_TRIES: u32 = 30;
const COVERING_PAUSE: Duration = Duration::from_millis(100);

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Entries below the checkpoint.
    pub size: u64,
    /// The index from which on they were written; of those below only the hashes.
    pub minimum: u64,
    /// Files.
    pub files: u64,
}

/// Makes sure that the log can be written to this folder: it is empty, not there, or holds an older state
/// of the same log. Gives the state that will be written.
pub fn begin(public: &PublicLog, to: &Path) -> anyhow::Result<Published> {
    check_place(public, to)?;
    let published = covering(public.log.as_ref())?;
    published.context("no checkpoint is published yet; try again in a second")
}

/// The last checkpoint. Right behind a pruning one that covers its entry is waited for, since without that
/// entry nobody can see in the export that its entries were pruned.
fn covering(log: &dyn Log) -> Result<Option<Published>, ReadError> {
    for _ in 0..COVERING_TRIES {
        let Some(published) = log.latest()? else {
            return Ok(None);
        };
        if tells_of_pruning(log, log.minimum()?, published.size)? {
            return Ok(Some(published));
        }
        thread::sleep(COVERING_PAUSE);
    }
    // Witnesses may be away for long: the verifier says what it misses.
    log.latest()
}

/// Writes a state of the log to a folder that was looked at.
pub fn write(public: &PublicLog, published: &Published, to: &Path) -> anyhow::Result<Written> {
    let source = LogSource::at(public.log.as_ref(), published.clone());
    let minimum = public.log.minimum()?;
    // First of all: it tells whose folder this is when the rest was cut off.
    put(&to.join("vkey"), format!("{}\n", public.vkey).as_bytes())?;
    let mut files = 0;
    for tile in tiles_of(published.size) {
        let first = tile.index().saturating_mul(u64::from(FULL));
        if tile.content() == Content::Entries && first < minimum {
            continue;
        }
        let path = tile.to_string();
        let octets = source.read(&path)?;
        let octets = octets.with_context(|| format!("{path} cannot be made"))?;
        put(&to.join(path), &octets)?;
        files += 1;
    }
    put(&to.join("policy"), public.policy.as_bytes())?;
    put(&to.join(MINIMUM_INDEX), format!("{minimum}\n").as_bytes())?;
    if public.seals.exists() {
        seals::copy(&public.seals, published.size, &to.join(seals::EXPORTED))?;
        files += 1;
    }
    put(&to.join("checkpoint"), published.note.as_bytes())?;
    Ok(Written {
        size: published.size,
        minimum,
        files: files + 4,
    })
}

fn check_place(public: &PublicLog, to: &Path) -> anyhow::Result<()> {
    let name = to.display();
    fs::create_dir_all(to).with_context(|| format!("{name} cannot be made"))?;
    let vkey = fs::read_to_string(to.join("vkey")).unwrap_or_default();
    if vkey.trim_end() == public.vkey.to_string() {
        return Ok(());
    }
    let mut files = fs::read_dir(to).with_context(|| format!("{name} cannot be read"))?;
    anyhow::ensure!(files.next().is_none(), Taken(to.to_owned()));
    Ok(())
}

/// Replaces a file in one step, since a server may be reading it.
fn put(path: &Path, octets: &[u8]) -> anyhow::Result<()> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        fs::write(&beside, octets)?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}
