//! A bound on what each client has open at once, below the bound of all: no client takes every place. The same
//! for whatever else tells callers apart.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::id::ClientId;

/// So many places for each client. Holds the clients that have one taken, and no others.
#[derive(Debug)]
pub(crate) struct ClientPlaces<K = ClientId> {
    taken: Mutex<HashMap<K, usize>>,
    max: usize,
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub(crate) struct ClientPlace<'p, K: Eq + Hash = ClientId> {
    places: &'p ClientPlaces<K>,
    client: K,
}

impl<K: Copy + Eq + Hash> ClientPlaces<K> {
    /// So many for each.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            taken: Mutex::default(),
            max,
        }
    }

    /// A place, when the client has one free.
    pub(crate) fn take(&self, client: K) -> Option<ClientPlace<'_, K>> {
        let mut taken = self.lock();
        let count = taken.entry(client).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(ClientPlace {
            places: self,
            client,
        })
    }
}

impl<K> ClientPlaces<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for ClientPlace<'_, K> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.get_mut(&self.client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own_places_and_none_is_remembered_without_one() {
        let places = ClientPlaces::new(1);
        let (one, other) = (ClientId::new(1, 1), ClientId::new(2, 2));
        let first = places.take(one);
        assert!(first.is_some() && places.take(one).is_none());
        assert!(places.take(other).is_some());
        drop(first);
        assert!(places.take(one).is_some());
        assert!(places.lock().is_empty());
    }
}
