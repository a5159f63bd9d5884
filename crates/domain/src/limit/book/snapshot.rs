//! All counts as plain data, so that a restart gives no amnesty. A snapshot may hold numbers and
//! addresses in clear: seal it before it is written anywhere.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Book, Limit};
use crate::limit::counter::Rows;
use crate::limit::key::{Key, Secret};
use crate::limit::policy::{Method, Policy, PolicyError};
use crate::limit::steady::Steady;
use crate::time::Timestamp;

/// The form that this code writes and reads.
const VERSION: u32 = 2;

/// The counts of a book at one moment. Its size is bounded by the keys of its policies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    version: u32,
    secret: Key,
    clock: Steady,
    limits: Vec<LimitCounts>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LimitCounts {
    policy: Policy,
    rows: Rows,
}

/// How much room a snapshot takes: the keys of each limit.
#[derive(Clone, Debug, Default)]
pub struct Room(Vec<usize>);

/// Room that was made for a snapshot. Too little or too much of it does no harm.
#[derive(Default)]
pub struct Laid(Vec<Rows>);

impl Room {
    /// Makes it. That takes most of the time of a snapshot, and nobody who is counted has to wait for it.
    pub fn make(self) -> Laid {
        Laid(self.0.into_iter().map(Rows::with_room).collect())
    }
}

impl fmt::Debug for Laid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Laid").field(&self.0.len()).finish()
    }
}

/// Why a snapshot cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Another release wrote it in another form.
    #[error("the snapshot of the limits has version {0}, this program reads version {VERSION}")]
    Version(u32),
    /// Its keys were hashed under another secret.
    #[error("the snapshot of the limits was made under another secret")]
    OtherSecret,
    /// The policies given are none.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl Snapshot {
    /// How many counts it holds.
    pub fn rows(&self) -> usize {
        self.limits.iter().map(|limit| limit.rows.len()).sum()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Snapshot");
        shown
            .field("version", &self.version)
            .field("rows", &self.rows());
        shown.finish_non_exhaustive()
    }
}

impl Book {
    /// How much room a snapshot takes now.
    pub fn room(&self) -> Room {
        Room(self.counted().map(Limit::keys).collect())
    }

    /// The limits whose counts are kept. Held slots are left out: nothing is held after a restart.
    fn counted(&self) -> impl Iterator<Item = &Limit> {
        let counted = |limit: &&Limit| !matches!(limit.policy().method(0), Method::Held(_));
        self.limits.iter().filter(counted)
    }

    /// All live counts, in room that was made before.
    pub fn snapshot(&mut self, now: Timestamp, room: Laid) -> Snapshot {
        let now = self.clock.tell(now);
        let mut room = room.0.into_iter();
        let limits = self.counted().map(|limit| LimitCounts {
            policy: limit.policy().clone(),
            rows: limit.rows(now, room.next().unwrap_or_default()),
        });
        Snapshot {
            version: VERSION,
            secret: self.secret.mark(),
            clock: self.clock,
            limits: limits.collect(),
        }
    }

    /// A book with the counts of a snapshot, as far as name and shape of a limit are still the same.
    /// Then [`Book::replay`] what was granted since.
    pub fn restore(
        policies: Vec<Policy>,
        secret: Secret,
        snapshot: &Snapshot,
    ) -> Result<Self, RestoreError> {
        if snapshot.version != VERSION {
            return Err(RestoreError::Version(snapshot.version));
        }
        if snapshot.secret != secret.mark() {
            return Err(RestoreError::OtherSecret);
        }
        let mut book = Self::new(policies, secret)?;
        book.clock = snapshot.clock;
        let now = book.clock.last();
        for limit in &mut book.limits {
            let same = |counts: &&LimitCounts| limit.policy().is_shaped_as(&counts.policy);
            let Some(counts) = snapshot.limits.iter().find(same) else {
                continue;
            };
            for counted in counts.rows.iter() {
                limit.adopt(counted, &counts.policy, now);
            }
        }
        Ok(book)
    }
}
