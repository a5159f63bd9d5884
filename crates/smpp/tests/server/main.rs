//! The server for ESMEs over a whole gateway: what an ESME may do, and what those do who mean harm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod deliveries;
mod door;
mod esme;
mod fields;
mod hostile;
mod messages;
mod stage;
