//! What a provider posted lately, so that what it posts again costs no commit. A post has no time in its
//! signature: whoever recorded one can play it again.

use std::collections::{HashSet, VecDeque};

/// Posts remembered of one provider: about 10 MiB, and more than it posts within minutes.
pub(super) const SEEN_MAX: usize = 65_536;

/// What is known of a post that comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// It is the first of its kind.
    Never,
    /// It is being recorded.
    Underway,
    /// It is recorded.
    Taken,
}

/// The posts of one provider, the oldest of which make room.
#[derive(Debug)]
pub(super) struct Seen {
    underway: HashSet<Box<str>>,
    taken: HashSet<Box<str>>,
    order: VecDeque<Box<str>>,
    most: usize,
}

impl Seen {
    pub(super) fn new(most: usize) -> Self {
        Self {
            underway: HashSet::new(),
            taken: HashSet::new(),
            order: VecDeque::new(),
            most,
        }
    }

    /// Whether it is recorded.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.taken.contains(key)
    }

    /// A post comes. One that never came is underway from now on.
    pub(super) fn begin(&mut self, key: &str) -> Before {
        if self.taken.contains(key) {
            return Before::Taken;
        }
        if self.underway.insert(key.into()) {
            Before::Never
        } else {
            Before::Underway
        }
    }

    /// It could not be recorded: it may come again.
    pub(super) fn failed(&mut self, key: &str) {
        self.underway.remove(key);
    }

    /// It is recorded.
    pub(super) fn taken(&mut self, key: &str) {
        self.underway.remove(key);
        if self.taken.insert(key.into()) {
            self.order.push_back(key.into());
        }
        while self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.taken.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_known_from_its_recording_on_until_it_makes_room() {
        let mut seen = Seen::new(2);
        assert_eq!(seen.begin("a"), Before::Never);
        assert_eq!(seen.begin("a"), Before::Underway);
        seen.failed("a");
        assert_eq!(seen.begin("a"), Before::Never);
        seen.taken("a");
        assert_eq!(seen.begin("a"), Before::Taken);
        seen.taken("b");
        seen.taken("b");
        seen.taken("c");
        assert_eq!(seen.begin("a"), Before::Never);
        assert_eq!(seen.begin("c"), Before::Taken);
        assert_eq!((seen.taken.len(), seen.order.len()), (2, 2));
    }
}
