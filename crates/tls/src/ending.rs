//! When certificates end, so that somebody replaces them in time.

use std::sync::Arc;

use domain::time::Timestamp;

/// A certificate of ours, or of an authority that we trust, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Which it is, such as `server`, `client-ca` or `carrier`.
    pub of: &'static str,
    /// Whose, where there are several of a sort, such as the carrier's name.
    pub name: Option<Arc<str>>,
    /// When it ends.
    pub until: Timestamp,
}

impl Ending {
    /// The only one of its sort.
    pub const fn new(of: &'static str, until: Timestamp) -> Self {
        Self {
            of,
            name: None,
            until,
        }
    }
}
