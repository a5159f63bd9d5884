//! Single rules of the engine, each through a whole gateway over fakes, in the roles of those who meet
//! it: a client, an anonymous caller, a carrier, a handset.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod roles {
    mod acceptance;
    mod stage;
    mod store_failure;
}
