//! The embedded store: one SQLite file for state, vault and ledger, written by one thread that gathers
//! concurrent commits into one durable transaction, a second, rebuildable file for finding rows, a third for
//! the ledger's tree and its published checkpoints, and a fourth, rebuildable too, for finding entries.
//! Beside it, the file that guards the log key, and the seals of the ledger. Who only examines a folder opens it
//! without changing an octet.
//!
//! It holds no rule of the product and opens no seal: what is personal arrives sealed and leaves
//! sealed. It reads no clock either; moments come with the changes.

mod apply;
mod audit;
mod backup;
mod bookmark;
mod catalog;
mod checkpoint;
mod columns;
mod config;
mod connect;
mod counts;
mod embedded;
mod entries;
mod erasure;
mod failure;
mod fnv;
mod folder;
mod group;
mod guard;
mod index;
mod keyring;
mod load;
mod log;
mod open;
mod prune;
mod queue;
mod read_only;
mod reader;
mod rebuild;
mod recent;
mod restore;
mod rows;
mod schema;
mod seal_slot;
mod seals;
mod search;
mod shrink;
mod space;
mod statements;
mod tail;
mod tree;
mod untouched;
mod watch;
mod writer;

pub use bookmark::FileBookmark;
pub use config::{Bounds, Durability, EmbeddedConfig};
pub use counts::FileCounts;
pub use embedded::Embedded;
pub use guard::{FileGuard, is_on_same_volume};
pub use keyring::FileKeyring;
pub use open::OpenError;
pub use read_only::ReadOnly;
pub use restore::{RestoreError, RestoredBy, restore, wrapped_keys};
pub use seals::FileSeals;
