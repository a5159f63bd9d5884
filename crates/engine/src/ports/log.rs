//! The ledger's side of the store: what is read to make tiles, proofs and checkpoints, and where
//! checkpoints are published. Everything blocks; async callers use a blocking task.

use ledger::Hash;

use super::catalog::Catalog;
use super::store::ReadError;

/// A checkpoint with its signatures, as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// How many entries it covers.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// The signed note, cosignatures included.
    pub note: String,
}

/// A finished node of the tree: the root of a full subtree of 2^level leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its level: 8, 16, 24 …
    pub level: u8,
    /// Its place in that level, from the left.
    pub index: u64,
    /// Its hash.
    pub hash: Hash,
}

/// Reads the ledger and publishes its checkpoints. Whoever can, can also search it.
///
/// Only durable entries are seen. What `publish` was given is durable when it returns; it never
/// takes a smaller size than before. Nodes can be lost and are then computed again from the leaves.
pub trait Log: Catalog {
    /// How many entries are durable.
    fn size(&self) -> Result<u64, ReadError>;
    /// The minimum index: entries below it are pruned, and reading one is an error. Their leaf hashes
    /// and nodes stay. A multiple of 256, and 0 where nothing was pruned.
    fn minimum(&self) -> Result<u64, ReadError> {
        Ok(0)
    }
    /// The leaf hashes from `from` on, in order: at most `most`, fewer at the end.
    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError>;
    /// The entries from `from` on, in order: at most `most`, fewer at the end.
    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError>;
    /// The times, in microseconds since 1970, and leaf hashes of the entries from `from` on, as they were when
    /// they were written: at most `most`, and none when the first of them is not in memory any more.
    fn recent(&self, _from: u64, _most: usize) -> Vec<(u64, Hash)> {
        Vec::new()
    }
    /// The finished nodes of one level from `from` on, in order: at most `most`, fewer at the end.
    fn nodes(&self, level: u8, from: u64, most: usize) -> Result<Vec<Hash>, ReadError>;
    /// Keeps finished nodes and publishes a checkpoint over them.
    fn publish(&self, nodes: &[Node], checkpoint: &Published) -> Result<(), ReadError>;
    /// The checkpoint that was published last.
    fn latest(&self) -> Result<Option<Published>, ReadError>;
    /// The index of the first entry of the commit that accepted a message or took an inbound one, by
    /// the sequence of its id.
    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError>;
}
