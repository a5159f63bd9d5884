//! When certificates and revocation lists end, so that somebody replaces them in time.

use std::sync::Arc;

use domain::time::Timestamp;

use crate::clients::ClientCertificates;
use crate::slot::Speaks;

/// From when until when something is valid.
pub type Life = (Timestamp, Timestamp);

/// A certificate of ours, or of an authority that we trust, or a list of what that has taken back, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Which it is, such as `server`, `client-ca` or `carrier`.
    pub of: &'static str,
    /// Whose, where there are several of a sort, such as the carrier's name.
    pub name: Option<Arc<str>>,
    /// From when on it is valid.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
}

impl Ending {
    /// The only one of its sort.
    pub const fn new(of: &'static str, (from, until): Life) -> Self {
        Self {
            of,
            name: None,
            from,
            until,
        }
    }

    /// Those of a listener: its own certificate, the first of its authorities to end, and the first of their lists.
    pub fn of_listener(
        speaks: Speaks,
        own: Option<Life>,
        clients: &ClientCertificates,
    ) -> Vec<Self> {
        let lives = [own, clients.soonest_end(), clients.soonest_update()];
        let named = speaks.endings().into_iter().zip(lives);
        named
            .filter_map(|(of, life)| Some(Self::new(of, life?)))
            .collect()
    }
}
