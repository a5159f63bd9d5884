//! Turns: whoever changes something that only the store keeps has it to itself, from reading it until the
//! change is durable. There is a fixed number of places, so that they need no bound; two things that
//! share one wait for each other, which costs a commit and nothing else.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Places. Many more than commits that are on their way at once for things of one sort.
const PLACES: usize = 1_024;

/// Gives turns by the sequence of an id.
#[derive(Debug)]
pub(crate) struct Turns(Vec<Arc<Mutex<()>>>);

/// A turn. It is handed on to the answer of its commit, so that it ends with that even when nobody waits
/// any more.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// All places free.
    pub(crate) fn new() -> Self {
        Self((0..PLACES).map(|_| Arc::default()).collect())
    }

    /// Waits for the turn of whatever has this sequence.
    pub(crate) async fn take(&self, sequence: u64) -> Turn {
        // The last 12 bits of a sequence are mostly 0.
        let mixed = usize::try_from((sequence ^ (sequence >> 12)) & 0xffff).unwrap_or(0);
        let place = self.0.get(mixed % PLACES).map(Arc::clone);
        place.unwrap_or_default().lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_thing_has_one_turn_at_a_time() {
        let turns = Turns::new();
        let first = turns.take(7 << 12).await;
        let mut second = Box::pin(turns.take(7 << 12));
        tokio::select! {
            biased;
            _ = &mut second => panic!("it has a turn of its own"),
            () = std::future::ready(()) => {}
        }
        let _other = turns.take(8 << 12).await;
        drop(first);
        drop(second.await);
    }
}
