//! The nodes of a tree as its published tiles hold them, for making proofs from a log that only has
//! files. A tile proves nothing by itself: every proof that is made here is checked against a root
//! that the caller trusts before it is given out.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::{Content, FULL, HEIGHT, Tile, extent};
use crate::leaf::{Hash, node_hash};
use crate::tree::ProveError;
use crate::tree::consistency::{self, ConsistencyError, TreeHead};
use crate::tree::inclusion::{self, InclusionError, Place};
use crate::verify::source::{Source, SourceError};

/// How many tiles are kept: two proofs touch no more.
const KEPT: usize = 16;

/// The published tree of one size.
pub struct Published<'s> {
    source: &'s dyn Source,
    head: TreeHead,
    kept: RefCell<VecDeque<(Tile, Vec<Hash>)>>,
    failed: RefCell<Option<SourceError>>,
}

/// Why no proof can be given.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The index lies beyond the tree, or a tile is missing.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The tiles lead to another root than the signed one.
    #[error("the published tiles do not lead to the signed root: {0}")]
    Inclusion(#[from] InclusionError),
    /// The same for two trees.
    #[error("the published tiles do not lead from one signed root to the other: {0}")]
    Consistency(#[from] ConsistencyError),
}

impl<'s> Published<'s> {
    /// The tree of this size and root, which the caller trusts.
    pub fn new(source: &'s dyn Source, head: TreeHead) -> Self {
        let (kept, failed) = (RefCell::new(VecDeque::new()), RefCell::new(None));
        Self {
            source,
            head,
            kept,
            failed,
        }
    }

    /// The leaf hash at an index, as published; not proven.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.node(0, index)
    }

    /// Proves that this leaf is at this index.
    pub fn prove_inclusion(&self, index: u64, leaf: Hash) -> Result<Vec<Hash>, PublishedError> {
        let TreeHead { size, root } = self.head;
        let made = inclusion::prove(&|level, index| self.node(level, index), index, size);
        let proof = self.or_failure(made)?;
        inclusion::verify(Place { index, size, leaf }, &proof, &root)?;
        Ok(proof)
    }

    /// Proves that the tree begins with an older one.
    pub fn prove_consistency(&self, older: TreeHead) -> Result<Vec<Hash>, PublishedError> {
        let newer = self.head;
        let nodes = |level, index| self.node(level, index);
        let proof = self.or_failure(consistency::prove(&nodes, older.size, newer.size))?;
        consistency::verify(older, newer, &proof)?;
        Ok(proof)
    }

    /// A missing node is a failure of the source when that is why it is missing.
    fn or_failure<T>(&self, made: Result<T, ProveError>) -> Result<T, PublishedError> {
        match (made, self.failed.take()) {
            (Err(ProveError::MissingNode { .. }), Some(failure)) => Err(failure.into()),
            (made, _) => Ok(made?),
        }
    }

    /// The node of the tree at a level and index; `None` when its tile is missing or malformed.
    pub fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let within = level % HEIGHT;
        let first = index.checked_mul(1 << within)?;
        let full = u64::from(FULL);
        let hashes = self.tile(level / HEIGHT, first / full)?;
        let start = usize::try_from(first % full).ok()?;
        let mut row = hashes.get(start..start.checked_add(1 << within)?)?.to_vec();
        while row.len() > 1 {
            row = row.chunks_exact(2).filter_map(parent).collect();
        }
        row.first().copied()
    }

    fn tile(&self, level: u8, index: u64) -> Option<Vec<Hash>> {
        let (full, partial) = extent(level, self.head.size);
        let width = if index < full { FULL } else { partial };
        let tile = Tile::new(Content::Hashes(level), index, width).filter(|_| index <= full)?;
        let mut kept = self.kept.borrow_mut();
        if let Some((_, hashes)) = kept.iter().find(|(other, _)| *other == tile) {
            return Some(hashes.clone());
        }
        let hashes = self.read(tile)?;
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((tile, hashes.clone()));
        Some(hashes)
    }

    fn read(&self, tile: Tile) -> Option<Vec<Hash>> {
        let bytes = read_tile(self.source, tile).unwrap_or_else(|failure| {
            self.failed.replace(Some(failure));
            None
        })?;
        let length = usize::from(tile.width()) * 32;
        Some(as_hashes(bytes.get(..length)?))
    }
}

fn parent(pair: &[Hash]) -> Option<Hash> {
    match pair {
        [left, right] => Some(node_hash(left, right)),
        _ => None,
    }
}

/// The octets of a tile or, when a partial one is gone, of the full one at its place.
pub(crate) fn read_tile(source: &dyn Source, tile: Tile) -> Result<Option<Vec<u8>>, SourceError> {
    let bytes = source.read(&tile.to_string())?;
    if bytes.is_some() || tile.is_full() {
        return Ok(bytes);
    }
    source.read(&tile.full().to_string())
}

/// The hashes of a tile's octets; octets behind the last whole hash are left out.
pub(crate) fn as_hashes(bytes: &[u8]) -> Vec<Hash> {
    let (chunks, _) = bytes.as_chunks::<32>();
    chunks.iter().copied().map(Hash::from_bytes).collect()
}
