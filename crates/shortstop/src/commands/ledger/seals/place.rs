//! Where seals and the entries under them are read: a data folder, a running gateway, an exported folder.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::tile::{Content, FULL, Tile, bundle, extent};
use ledger::{Hash, Source};
use serde_json::Value;

use crate::commands::ledger::folder::FolderSource;
use crate::commands::ledger::socket::SocketSource;
use crate::control::Request;
use crate::public_log::source::LogSource;
use crate::public_log::{PublicLog, seals};

/// Seals with their entries.
pub trait Sealed {
    /// Octets of the file of seals from a place on; none behind its end.
    fn octets(&self, from: u64) -> anyhow::Result<Vec<u8>>;
    /// Entries from an index on; none behind the last.
    fn entries(&self, from: u64) -> anyhow::Result<Vec<Vec<u8>>>;
    /// The published log.
    fn source(&self) -> &dyn Source;
}

/// The leaf hashes of a full tile from an index on, which stand for entries that are pruned.
pub fn leaves(source: &dyn Source, from: u64) -> anyhow::Result<Vec<Hash>> {
    let tile = Tile::new(Content::Hashes(0), from / u64::from(FULL), FULL);
    let path = tile.map(|tile| tile.to_string()).unwrap_or_default();
    let octets = source.read(&path)?.unwrap_or_default();
    let skipped = usize::try_from(from % u64::from(FULL)).unwrap_or(usize::MAX);
    let (hashes, _) = octets.as_chunks::<32>();
    let hashes = hashes.iter().skip(skipped);
    Ok(hashes.map(|hash| Hash::from_bytes(*hash)).collect())
}

/// Those of a data folder.
pub struct OfStore<'p>(pub &'p PublicLog, pub &'p LogSource<'p>);

impl Sealed for OfStore<'_> {
    fn octets(&self, from: u64) -> anyhow::Result<Vec<u8>> {
        Ok(seals::octets(&self.0.seals, from)?)
    }

    fn entries(&self, from: u64) -> anyhow::Result<Vec<Vec<u8>>> {
        Ok(self.0.log.entries(from, seals::ENTRIES_AT_ONCE)?)
    }

    fn source(&self) -> &dyn Source {
        self.1
    }
}

/// Those of a gateway that runs.
pub struct OverSocket<'s>(pub &'s SocketSource);

impl Sealed for OverSocket<'_> {
    fn octets(&self, from: u64) -> anyhow::Result<Vec<u8>> {
        let result = self.0.request(&Request::LedgerSeals { from })?;
        let text = result.get("octets").and_then(Value::as_str);
        Ok(STANDARD.decode(text.unwrap_or_default())?)
    }

    fn entries(&self, from: u64) -> anyhow::Result<Vec<Vec<u8>>> {
        let result = self.0.request(&Request::LedgerSealed { from })?;
        let entries = result.get("entries").and_then(Value::as_array);
        let entries = entries.into_iter().flatten().filter_map(Value::as_str);
        entries.map(|text| Ok(STANDARD.decode(text)?)).collect()
    }

    fn source(&self) -> &dyn Source {
        self.0
    }
}

/// Those of an exported folder, whose checkpoint covers so many entries.
pub struct OfFolder<'f>(pub &'f FolderSource, pub u64);

impl Sealed for OfFolder<'_> {
    fn octets(&self, from: u64) -> anyhow::Result<Vec<u8>> {
        Ok(seals::octets(&self.0.0.join(seals::EXPORTED), from)?)
    }

    fn entries(&self, from: u64) -> anyhow::Result<Vec<Vec<u8>>> {
        let (full, partial) = extent(0, self.1);
        let index = from / u64::from(FULL);
        let width = if index < full { FULL } else { partial };
        let tile = Tile::new(Content::Entries, index, width).filter(|_| from < self.1);
        let Some(tile) = tile else {
            return Ok(Vec::new());
        };
        let octets = self.0.read(&tile.to_string())?.unwrap_or_default();
        // A bundle that is none is told by the walk over the log; here its entries are missing.
        let entries = bundle::decode(&octets, width).unwrap_or_default();
        let skipped = usize::try_from(from % u64::from(FULL)).unwrap_or(usize::MAX);
        let entries = entries.iter().skip(skipped);
        Ok(entries.map(|entry| entry.to_vec()).collect())
    }

    fn source(&self) -> &dyn Source {
        self.0
    }
}
