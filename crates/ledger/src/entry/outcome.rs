//! Outcomes: how the thing an entry tells of ended.

use super::named::named;

named! {
    /// How it ended.
    Outcome {
        /// Taken on: more will follow.
        Accepted = "accepted",
        /// Not allowed; `reason` says why.
        Refused = "refused",
        /// It happened as meant.
        Done = "done",
        /// It was tried and did not work; `reason` says why where known.
        Failed = "failed",
        /// Nobody can tell.
        Unknown = "unknown",
    }
}
