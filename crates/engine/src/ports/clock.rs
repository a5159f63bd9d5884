//! The clock port. A command reads it once, at its beginning, and hands the moment on.

use std::time::Duration;

use domain::time::Timestamp;

/// Tells the time of UTC.
///
/// The answer may jump either way when the machine's clock is set. The store makes the times of
/// ledger entries monotone; validity and pace bear a clock that goes back. Never call it twice in
/// one command, and never from a pure crate.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// The time since some moment of this process's choice. Setting the machine's clock does not move
    /// it, it never goes back, and it means nothing in another process. What is limited goes by it.
    fn uptime(&self) -> Duration;
}
