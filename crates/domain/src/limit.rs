//! Limits: who may do how much of what. Rates (GCRA), exact sliding windows (quotas, budgets, spend) and
//! held slots, each counted per key, a key being any combination of [`dimension::Dimension`]s.
//!
//! The whole is [`book::Book`]. It asks every limit that applies before it takes from any, keeps its
//! counts in tables of fixed size, and never lets a clock, a restart or a flood of new keys set a live
//! count back to nothing. What it does *not* know: whether a message was committed. A take belongs to
//! its command; whoever commands takes once and never gives back.

pub mod book;
pub mod concurrency;
mod counter;
pub mod country;
pub mod dimension;
pub mod facts;
pub mod fair;
pub mod fields;
pub mod gcra;
pub mod key;
pub mod policy;
pub mod price;
mod recipe;
mod siphash;
pub mod steady;
mod table;
pub mod window;
