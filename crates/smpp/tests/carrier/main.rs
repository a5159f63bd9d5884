//! Our link against carriers: the simulator that ships, over plain loopback and TLS, and carriers
//! that break the protocol.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod broken;
mod faults;
mod gateway;
mod hostile;
mod http;
mod messages;
mod script;
mod tls;
