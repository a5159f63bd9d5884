//! The embedded store: one SQLite file for state, vault and ledger, written by one thread that gathers
//! concurrent commits into one durable transaction, and a second, rebuildable file for search.
//!
//! It holds no rule of the product and opens no seal: what is personal arrives sealed and leaves
//! sealed. It reads no clock either; moments come with the changes.

mod apply;
mod backup;
mod checkpoint;
mod columns;
mod config;
mod connect;
mod embedded;
mod folder;
mod group;
mod index;
mod load;
mod log;
mod open;
mod prune;
mod queue;
mod reader;
mod rows;
mod schema;
mod search;
mod statements;
mod tail;
mod watch;
mod writer;

pub use backup::{RestoreError, restore};
pub use config::{Bounds, Durability, EmbeddedConfig};
pub use embedded::Embedded;
pub use open::OpenError;
