//! The embedded store on a disk that lies: one that forgets what was not synced when the power goes,
//! and one that fails, fills up, hangs or loses a file.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod disk;
mod failures;
mod power;
mod published;
mod story;
mod vfs;
