//! One lock for each client and number: held from reading what is known of a verification until its
//! change is durable, so that of checks that come together each is evaluated after the one before is on
//! disk. A fixed number of locks is shared; two numbers that share one only wait for each other.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::state::verifications::Holder;

/// How many locks there are. With a thousand commits on their way a command meets a stranger's lock once
/// in four times, and waits some milliseconds then.
const LOCKS: usize = 4_096;

/// A lock that is held. It is handed to the commit that ends the command, not kept by the caller, who may
/// go away at any time.
pub(crate) type Held = OwnedMutexGuard<()>;

/// The locks.
pub(crate) struct NumberLocks {
    locks: Box<[Arc<Mutex<()>>]>,
}

impl Default for NumberLocks {
    fn default() -> Self {
        let locks = (0..LOCKS).map(|_| Arc::default());
        Self {
            locks: locks.collect(),
        }
    }
}

impl NumberLocks {
    /// Waits for the lock of a holder.
    pub(crate) async fn hold(&self, holder: &Holder) -> Option<Held> {
        Some(Arc::clone(self.of(holder)?).lock_owned().await)
    }

    /// Takes it if nobody holds it.
    pub(crate) fn try_hold(&self, holder: &Holder) -> Option<Held> {
        Arc::clone(self.of(holder)?).try_lock_owned().ok()
    }

    /// The number's keyed hash is as good as random, so two of its octets choose the lock.
    fn of(&self, (_, number): &Holder) -> Option<&Arc<Mutex<()>>> {
        let [first, second, ..] = *number;
        let place = usize::from(u16::from_be_bytes([first, second])) % LOCKS;
        self.locks.get(place)
    }
}
