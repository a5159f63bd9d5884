//! Our link and our simulator against SMPP codecs that others wrote: an SMSC of the npm package
//! `smpp` for the link, and ESMEs of the PyPI packages `smpplib` and `aiosmpplib` for the simulator.
//! `cargo xtask test` installs the packages; without them these tests fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod certificate;
mod esme;
#[path = "../carrier/gateway.rs"]
#[allow(dead_code, reason = "the tests of links use the rest")]
mod gateway;
mod peer;
mod smsc;
