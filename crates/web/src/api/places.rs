//! A bound on what is open at once, so that memory has a bound too: connections times streams times
//! bodies would be far more than any machine has.

use std::sync::atomic::{AtomicUsize, Ordering};

/// So many places, taken and given back.
#[derive(Debug)]
pub(crate) struct Places {
    taken: AtomicUsize,
    max: usize,
}

/// A place that is taken until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<'p>(&'p Places);

impl Places {
    /// So many.
    pub(crate) const fn new(max: usize) -> Self {
        Self {
            taken: AtomicUsize::new(0),
            max,
        }
    }

    /// A place, when one is free.
    pub(crate) fn take(&self) -> Option<Place<'_>> {
        // Counted before it is known to be free, so that two never share the last one.
        let place = Place(self);
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        (before < self.max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_given_back_and_a_refusal_takes_none() {
        let places = Places::new(2);
        let first = places.take();
        let second = places.take();
        assert!(first.is_some() && second.is_some());
        for _ in 0..10 {
            assert!(places.take().is_none());
        }
        drop(first);
        assert!(places.take().is_some());
        drop(second);
        assert_eq!(places.taken.load(Ordering::Relaxed), 0);
    }
}
