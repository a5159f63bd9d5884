//! The proof that a message is in the log: the entry that accepted it, or that took it in, and the C2SP
//! `tlog-proof` of that entry.

use domain::id::MessageId;
use engine::ports::store::ReadError;
use ledger::checkpoint::{CheckpointError, SignedCheckpoint};
use ledger::tile::published::{Published, PublishedError};
use ledger::tree::consistency::TreeHead;
use ledger::{LogProof, leaf_hash};
use serde::Serialize;

use super::PublicLog;
use super::source::LogSource;

/// An entry and its proof.
#[derive(Clone, Debug, Serialize)]
pub struct Proven {
    /// Its index.
    pub index: u64,
    /// Its octets, which are canonical JSON.
    pub entry: String,
    /// The receipt.
    pub proof: String,
    /// The log's public key.
    pub vkey: String,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// No entry accepted such a message.
    #[error("the ledger has no such message")]
    NotFound,
    /// The entry that accepted it was pruned.
    #[error(
        "the entry of the message was pruned from the ledger; a receipt from before still verifies"
    )]
    Pruned,
    /// No checkpoint covers it yet.
    #[error("no checkpoint covers the message yet; try again in a second")]
    Pending,
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is published as the checkpoint is none.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The ledger's tree does not lead to the signed root.
    #[error(transparent)]
    Tree(#[from] PublishedError),
}

impl ProveError {
    /// Whether asking again for the same cannot help.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::NotFound | Self::Pruned)
    }
}

/// Proves one message.
pub fn message(public: &PublicLog, id: MessageId) -> Result<Proven, ProveError> {
    let log = public.log.as_ref();
    let (first, minimum) = (log.entry_of(id.sequence())?, log.minimum()?);
    let found = engine::acceptance(log, id)?;
    let (index, entry) = found.ok_or(if first.is_some_and(|first| first < minimum) {
        ProveError::Pruned
    } else {
        ProveError::NotFound
    })?;
    let source = LogSource::new(log)?;
    let last = source.published().ok_or(ProveError::Pending)?;
    if index >= last.size {
        return Err(ProveError::Pending);
    }
    let checkpoint = SignedCheckpoint::parse(last.note.as_bytes())?;
    let (size, root) = (last.size, last.root);
    let tree = Published::new(&source, TreeHead { size, root });
    let hashes = tree.prove_inclusion(index, leaf_hash(&entry))?;
    let proof = LogProof {
        extra: None,
        index,
        hashes,
        checkpoint,
    };
    Ok(Proven {
        index,
        entry: String::from_utf8_lossy(&entry).into_owned(),
        proof: proof.to_string(),
        vkey: public.vkey.to_string(),
    })
}
