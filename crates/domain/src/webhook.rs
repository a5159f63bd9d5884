//! Webhooks: which URLs may be called, which addresses they may lead to, and when a call that failed is made
//! again. All of it is decided here, without a look at the network.

pub mod reach;
pub mod schedule;
pub mod target;

pub use reach::{Forbidden, vet};
pub use schedule::{ATTEMPTS_MAX, pause};
pub use target::{Host, Target, TargetError};
