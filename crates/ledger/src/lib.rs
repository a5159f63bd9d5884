//! The formats of the audit ledger: entries as canonical JSON, their RFC 6962 leaf hashes, the
//! Merkle tree over them and its proofs, the commitments that stand for personal data, and how all
//! of it is published by C2SP: tiles, signed checkpoints, witnesses, receipts, policies. Everything
//! here is a pure function of its input, so an auditor can check a ledger with this crate alone.
//!
//! Lists of releases are signed in the same way, and read here too.
//!
//! It is not the store: nothing here writes, reads a clock, draws a random byte or assigns an index.
//! `docs/ledger.md` is the same in prose.

pub mod checkpoint;
pub mod commitment;
pub mod completeness;
pub mod cosignature;
pub mod entry;
mod hex;
pub mod leaf;
pub mod note;
pub mod policy;
pub mod proof;
pub mod release;
pub mod seal;
pub mod siem;
mod spelling;
pub mod tile;
pub mod tree;
pub mod verify;
pub mod witness;

pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use commitment::{Commitment, CommitmentKey};
pub use entry::actor::{Actor, ActorType, ObjectType, OriginType};
pub use entry::draft::{Draft, DraftBuilder};
pub use entry::facts::{Datum, Facts, Shown, UtcMicros};
pub use entry::kind::Kind;
pub use entry::outcome::Outcome;
pub use entry::parse::{Entry, ParseError, Referent};
pub use entry::stamp::{NodeName, NodeNameError, Stamp};
pub use entry::value::Value;
pub use entry::{EntryError, MAX_ENTRY_BYTES};
pub use leaf::{Hash, empty_root, leaf_hash, node_hash};
pub use note::key::{KeyName, VerifierKey};
pub use policy::Policy;
pub use proof::LogProof;
pub use release::{ReleaseList, SignedList};
pub use tree::consistency::TreeHead;
pub use tree::frontier::Frontier;
pub use verify::fault::{Fault, FaultKind, Watcher};
pub use verify::source::{Source, SourceError};
