//! What a verifier finds: faults, each with a stable name, and how it tells of them.

use core::fmt;

use crate::entry::named::named;

named! {
    /// What is wrong. `docs/ledger.md` lists each with what it means.
    FaultKind {
        /// There is no checkpoint.
        CheckpointMissing = "checkpoint-missing",
        /// What should be the checkpoint is none.
        CheckpointMalformed = "checkpoint-malformed",
        /// The checkpoint speaks of another log.
        WrongOrigin = "wrong-origin",
        /// No trusted key signed the checkpoint.
        UntrustedKey = "untrusted-key",
        /// A line of a known key does not verify: the text or the line was changed.
        BadSignature = "bad-signature",
        /// Not enough witnesses cosigned.
        QuorumNotMet = "quorum-not-met",
        /// The log is smaller than it was signed to be before.
        Rollback = "rollback",
        /// Two signed checkpoints contradict each other.
        Fork = "fork",
        /// The entries give another root than the signed one.
        RootMismatch = "root-mismatch",
        /// An entry and its published leaf hash do not belong together.
        LeafMismatch = "leaf-mismatch",
        /// The log's own store has a hole where an entry was.
        EntryMissing = "entry-missing",
        /// An entry is not in canonical form or not of the schema.
        EntryMalformed = "entry-malformed",
        /// Entries of a node are missing.
        SequenceGap = "sequence-gap",
        /// An entry of a node has a number that was there before.
        SequenceRepeat = "sequence-repeat",
        /// A node went back to an earlier epoch.
        EpochBackwards = "epoch-backwards",
        /// The time of a node went back.
        TimeBackwards = "time-backwards",
        /// More nodes than a log has.
        TooManyNodes = "too-many-nodes",
        /// A bundle that must be published is not there.
        BundleMissing = "bundle-missing",
        /// A bundle is cut, too long, or not of its width.
        BundleMalformed = "bundle-malformed",
        /// A partial or further bundle differs from the one that was verified.
        BundleMismatch = "bundle-mismatch",
        /// A tile that must be published is not there.
        TileMissing = "tile-missing",
        /// A tile has not the length of its width.
        TileMalformed = "tile-malformed",
        /// A hash of a tile is not that of the entries below it.
        TileMismatch = "tile-mismatch",
        /// Entries are gone, and no entry tells that they were pruned.
        PruningUnfounded = "pruning-unfounded",
        /// The published tiles do not lead from a leaf or an old checkpoint to the signed root.
        ProofFails = "proof-fails",
        /// The source could not be read.
        SourceFailed = "source-failed",
        /// The vault is there and does not open with its keys, or cannot be read.
        VaultUnreadable = "vault-unreadable",
        /// The vault holds another value than the entry commits to.
        CommitmentMismatch = "commitment-mismatch",
        /// Nothing opens a commitment and nothing says that it was erased.
        CommitmentUnopened = "commitment-unopened",
        /// A value is said to be erased by an entry that is no such erasure.
        ErasureUnfounded = "erasure-unfounded",
        /// An erasure destroyed more or fewer values than its entry says.
        ErasureMiscounted = "erasure-miscounted",
        /// What should be a seal is none.
        SealMalformed = "seal-malformed",
        /// The seal of an epoch is missing, or given twice.
        SealMissing = "seal-missing",
        /// The seals end before they should.
        SealsEnd = "seals-end",
        /// A seal is not by the key of its epoch.
        SealForged = "seal-forged",
        /// The entries of an epoch are not those that were sealed.
        SealMismatch = "seal-mismatch",
        /// An entry has the time of another epoch than the one it is sealed in.
        SealTime = "seal-time",
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The index of the entry that it is about, or of the first that it is about.
    pub index: Option<u64>,
    /// What is wrong.
    pub kind: FaultKind,
    /// The particulars, for people. Never personal data: a log has none.
    pub detail: String,
}

impl Fault {
    /// A fault of an entry.
    pub(crate) fn at(index: u64, kind: FaultKind, detail: impl Into<String>) -> Self {
        let (index, detail) = (Some(index), detail.into());
        Self {
            index,
            kind,
            detail,
        }
    }

    /// A fault of the whole log.
    pub(crate) fn of(kind: FaultKind, detail: impl Into<String>) -> Self {
        let (index, detail) = (None, detail.into());
        Self {
            index,
            kind,
            detail,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(f, "entry {index}: {}: {}", self.kind, self.detail),
            None => write!(f, "{}: {}", self.kind, self.detail),
        }
    }
}

/// Who is told while a log is verified. Faults are told as they are found and not kept, so that a
/// log that is wrong throughout does not fill the memory.
pub trait Watcher {
    /// Something is wrong.
    fn fault(&mut self, fault: Fault);

    /// So many entries of so many are done.
    fn progress(&mut self, _done: u64, _total: u64) {}

    /// An entry in its place, in order, sound or not; for checks that need more than the log, such
    /// as [`Completeness`](crate::completeness::Completeness).
    fn entry(&mut self, _index: u64, _entry: &[u8]) {}
}

impl Watcher for Vec<Fault> {
    fn fault(&mut self, fault: Fault) {
        self.push(fault);
    }
}
