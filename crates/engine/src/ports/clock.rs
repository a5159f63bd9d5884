//! The clock port. A command reads it once, at its beginning, and hands the moment on.

use domain::time::Timestamp;

/// Tells the time of UTC.
///
/// The answer may jump either way when the machine's clock is set. The store makes the times of
/// ledger entries monotone; validity and pace bear a clock that goes back. Never call it twice in
/// one command, and never from a pure crate.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}
