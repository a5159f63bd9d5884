//! Every attack on a published log that `docs/ledger.md` lists is made, found and named; a log that
//! nobody touched passes at every size.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod attacks;
mod mutations;
mod published_log;
mod untouched;
