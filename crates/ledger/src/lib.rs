//! The formats of the audit ledger: entries as canonical JSON, their RFC 6962 leaf hashes, the
//! Merkle tree over them, its proofs, and the commitments that stand for personal data. Everything
//! here is a pure function of its input, so an auditor can check a ledger with this crate alone.
//!
//! It is not the store: nothing here writes, reads a clock, draws a random byte or assigns an index.
//! `docs/ledger.md` is the same in prose.

pub mod commitment;
pub mod entry;
mod hex;
pub mod leaf;
pub mod tree;

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
pub use tree::frontier::Frontier;
