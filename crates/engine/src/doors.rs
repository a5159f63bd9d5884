//! The door of each client: how many of its messages may be on their way to the disk at once. Commits are
//! made in the order in which the state moved, so that whoever floods must wait before the state is
//! touched, not behind it. Its next messages wait here in their order; those of others pass.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::id::ClientId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A place on the way to the disk; free again when dropped, which is when the commit has been answered.
pub(crate) type Passage = OwnedSemaphorePermit;

/// One door a client that ever sent something; there are no more than clients.
#[derive(Debug, Default)]
pub(crate) struct Doors(Mutex<HashMap<ClientId, Door>>);

#[derive(Debug)]
struct Door {
    places: Arc<Semaphore>,
    most: usize,
}

impl Door {
    fn new(most: usize) -> Self {
        let places = Arc::new(Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)));
        Self { places, most }
    }
}

impl Doors {
    /// Waits for one of the `most` places of a client. `None` never comes: no door is ever closed.
    pub(crate) async fn enter(&self, client: ClientId, most: usize) -> Option<Passage> {
        self.places(client, most).acquire_owned().await.ok()
    }

    fn places(&self, client: ClientId, most: usize) -> Arc<Semaphore> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let door = doors.entry(client).or_insert_with(|| Door::new(most));
        if door.most != most {
            // Whoever is on the way keeps its old place; the new bound holds once they are through.
            *door = Door::new(most);
        }
        Arc::clone(&door.places)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn a_client_waits_for_its_own_and_for_nobody_else() {
        let doors = Doors::default();
        let (flood, quiet) = (ClientId::new(1, 1), ClientId::new(2, 2));
        let first = now(doors.enter(flood, 1));
        assert!(first.is_some());
        assert!(now(doors.enter(flood, 1)).is_none());
        assert!(now(doors.enter(quiet, 1)).is_some());
        drop(first);
        assert!(now(doors.enter(flood, 1)).is_some());
    }

    #[test]
    fn another_bound_holds_at_once() {
        let doors = Doors::default();
        let client = ClientId::new(1, 1);
        let _first = now(doors.enter(client, 1));
        assert!(now(doors.enter(client, 2)).is_some());
        assert!(now(doors.enter(client, 0)).is_some(), "never shut for good");
    }
}
