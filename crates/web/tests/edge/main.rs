//! The web edge from outside: real sockets, real TLS, and clients that behave as badly as they can.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod access;
mod acme;
mod attacks;
mod carrier_posts;
mod early;
mod frames;
mod heads;
mod hygiene;
mod ledger;
mod limits;
mod messages;
mod mutual;
mod operations;
mod provider;
mod requests;
mod search;
mod server;
mod siem;
mod signed;
mod sim_swap;
mod site;
mod slow;
mod throttled;
mod tls;
mod twilio;
mod webhook;
mod wire;
mod witness;
