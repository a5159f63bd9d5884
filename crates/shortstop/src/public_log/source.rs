//! The published log as a verifier reads it, straight from the store: under each C2SP path exactly what
//! the last checkpoint covers.

use engine::ports::Log;
use engine::ports::log::Published;
use engine::ports::store::ReadError;
use ledger::tile::{Content, FULL, HEIGHT, Tile, bundle};
use ledger::verify::behind::{ENTRIES, LEAVES};
use ledger::{Hash, Source, SourceError};

/// Where the minimum index is published, in decimals and a line end: entries below it are pruned.
pub const MINIMUM_INDEX: &str = "minimum-index";

/// A ledger at its last checkpoint.
pub struct LogSource<'l> {
    log: &'l dyn Log,
    published: Option<Published>,
}

impl<'l> LogSource<'l> {
    /// The ledger as it is published now.
    pub fn new(log: &'l dyn Log) -> Result<Self, ReadError> {
        let published = log.latest()?;
        Ok(Self { log, published })
    }

    /// The ledger as it was published then.
    pub const fn at(log: &'l dyn Log, published: Published) -> Self {
        Self {
            log,
            published: Some(published),
        }
    }

    /// The checkpoint; `None` before the first.
    pub const fn published(&self) -> Option<&Published> {
        self.published.as_ref()
    }

    fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, ReadError> {
        let size = self.published.as_ref().map_or(0, |last| last.size);
        let width = usize::from(tile.width());
        let first = tile.index().saturating_mul(u64::from(FULL));
        let level = match tile.content() {
            Content::Entries => 0,
            Content::Hashes(level) => level.saturating_mul(HEIGHT),
        };
        let there = size.checked_shr(u32::from(level)).unwrap_or(0);
        if first.saturating_add(u64::from(tile.width())) > there {
            return Ok(None);
        }
        let hashes = match tile.content() {
            Content::Entries if first < self.log.minimum()? => return Ok(None),
            Content::Entries => {
                let entries = self.log.entries(first, width)?;
                return Ok(bundle::encode(entries.iter().map(Vec::as_slice)).ok());
            }
            Content::Hashes(0) => self.log.leaves(first, width)?,
            Content::Hashes(_) => self.log.nodes(level, first, width)?,
        };
        Ok(Some(
            hashes.iter().flat_map(|hash| *hash.as_bytes()).collect(),
        ))
    }
}

impl LogSource<'_> {
    /// A page of the leaves or entries behind the checkpoint; `None` for any other path.
    fn behind(&self, path: &str) -> Option<Result<Vec<u8>, ReadError>> {
        self.published.as_ref()?;
        let most = usize::from(FULL);
        let from = |prefix| -> Option<u64> { path.strip_prefix(prefix)?.parse().ok() };
        if let Some(from) = from(LEAVES) {
            let leaves = self.log.leaves(from, most);
            let octets =
                |leaves: Vec<Hash>| leaves.iter().flat_map(|leaf| *leaf.as_bytes()).collect();
            return Some(leaves.map(octets));
        }
        let from = from(ENTRIES)?;
        let entries = self.log.entries(from, most);
        let octets = |entries: Vec<Vec<u8>>| bundle::encode(entries.iter().map(Vec::as_slice));
        Some(entries.and_then(|entries| {
            octets(entries).map_err(|error| ReadError::Failed(error.to_string()))
        }))
    }
}

impl Source for LogSource<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if path == "checkpoint" {
            let note = self.published.as_ref().map(|last| last.note.clone());
            return Ok(note.map(String::into_bytes));
        }
        if path == MINIMUM_INDEX {
            let minimum = self.log.minimum().map_err(|error| failed(path, &error))?;
            return Ok(Some(format!("{minimum}\n").into_bytes()));
        }
        if let Some(octets) = self.behind(path) {
            return octets.map(Some).map_err(|error| failed(path, &error));
        }
        let Some(tile) = Tile::parse(path) else {
            return Ok(None);
        };
        self.tile(tile).map_err(|error| failed(path, &error))
    }
}

fn failed(path: &str, error: &ReadError) -> SourceError {
    match error {
        ReadError::Missing(index) => SourceError::missing(path, *index),
        _ => SourceError::new(path, error.to_string()),
    }
}
