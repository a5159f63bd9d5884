//! Which segment a carrier's id means, for the segments in memory. Bounded: the oldest make room,
//! and the engine hands those that still wait for a receipt to the store's index.

use std::collections::{HashMap, VecDeque};

use domain::carrier_id::{CarrierMessageId, Confidence, IdForm, candidates};
use domain::message::CarrierName;

/// A segment of a message, by the sequence of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SegmentRef {
    pub(crate) message: u64,
    pub(crate) segment: u8,
}

type Key = (CarrierName, CarrierMessageId);

/// What has the id that a receipt names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) target: SegmentRef,
    pub(crate) confidence: Confidence,
}

/// The most that make room for one, after a bound that was lowered: their look in the index is a commit's.
const EVICTED_MAX: usize = 64;

/// Places laid out at the beginning, 48 octets each. They cost no memory until they are used, and a list that
/// grows holds everybody up.
const ORDER_LAID: usize = 1 << 18;

/// The ids in memory.
#[derive(Debug)]
pub(crate) struct CarrierIds {
    exact: HashMap<Key, SegmentRef>,
    folded: HashMap<Key, Vec<SegmentRef>>,
    order: VecDeque<(Key, SegmentRef)>,
    /// Where the next look at ids that wait goes on.
    swept: usize,
    most: usize,
}

impl CarrierIds {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            exact: HashMap::new(),
            folded: HashMap::new(),
            order: VecDeque::with_capacity(most.min(ORDER_LAID)),
            swept: 0,
            most,
        }
    }

    /// Takes another bound. The oldest make room little by little.
    pub(crate) const fn bound(&mut self, most: usize) {
        self.most = most;
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Segments to look at, at most `most`, oldest first; the next call goes on behind them, so that
    /// none is passed over however many there are.
    pub(crate) fn sweep(&mut self, most: usize) -> Vec<SegmentRef> {
        if self.swept >= self.order.len() {
            self.swept = 0;
        }
        let ids = self.order.iter().skip(self.swept).take(most);
        let targets: Vec<_> = ids.map(|(_, target)| *target).collect();
        self.swept += targets.len();
        targets
    }

    /// Remembers the id of a segment. Gives back the oldest segments that had to make room.
    pub(crate) fn insert(
        &mut self,
        carrier: &CarrierName,
        id: &CarrierMessageId,
        target: SegmentRef,
    ) -> Vec<SegmentRef> {
        let key = (carrier.clone(), id.clone());
        let folded = id.folded();
        // Most ids are their own folded form: then one table is enough.
        if folded != *id {
            self.folded
                .entry((carrier.clone(), folded))
                .or_default()
                .push(target);
        }
        self.exact.insert(key.clone(), target);
        self.order.push_back((key, target));
        let mut evicted = Vec::new();
        while self.order.len() > self.most && evicted.len() < EVICTED_MAX {
            let Some((key, target)) = self.order.pop_front() else {
                break;
            };
            self.swept = self.swept.saturating_sub(1);
            self.forget(&key.0, &key.1, target);
            evicted.push(target);
        }
        evicted
    }

    /// Finds a segment by its id no more. Its place is free when it becomes the oldest.
    pub(crate) fn forget(
        &mut self,
        carrier: &CarrierName,
        id: &CarrierMessageId,
        target: SegmentRef,
    ) {
        let key = (carrier.clone(), id.clone());
        // A carrier may use an id twice: the later segment keeps it.
        if self.exact.get(&key) == Some(&target) {
            self.exact.remove(&key);
        }
        let folded = (key.0, key.1.folded());
        if let Some(targets) = self.folded.get_mut(&folded) {
            targets.retain(|other| *other != target);
            if targets.is_empty() {
                self.folded.remove(&folded);
            }
        }
    }

    /// The segments that a receipt's id may mean, in the order of trust; each group holds what one
    /// reading of the id finds.
    pub(crate) fn find(
        &self,
        carrier: &CarrierName,
        id: &CarrierMessageId,
        form: IdForm,
    ) -> Vec<Vec<Hit>> {
        let groups = candidates(id, form).into_iter().map(|candidate| {
            let key = (carrier.clone(), candidate.id);
            let mut found: Vec<SegmentRef> = self.exact.get(&key).copied().into_iter().collect();
            if candidate.confidence != Confidence::Exact {
                found.extend(self.folded.get(&key).into_iter().flatten());
            }
            let confidence = candidate.confidence;
            found
                .into_iter()
                .map(|target| Hit { target, confidence })
                .collect()
        });
        groups
            .filter(|group: &Vec<Hit>| !group.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> CarrierMessageId {
        CarrierMessageId::parse(text.as_bytes()).unwrap()
    }
    fn target(message: u64) -> SegmentRef {
        SegmentRef {
            message,
            segment: 0,
        }
    }

    #[test]
    fn an_id_is_found_by_its_carrier_in_every_form() {
        let mut ids = CarrierIds::new(10);
        let (one, two) = (CarrierName::new("one"), CarrierName::new("two"));
        ids.insert(&one, &id("0A1B2C3D"), target(1));
        let found = |carrier, text| ids.find(carrier, &id(text), IdForm::Auto).concat();
        assert_eq!(found(&one, "0A1B2C3D")[0].confidence, Confidence::Exact);
        assert_eq!(found(&one, "a1b2c3d")[0].confidence, Confidence::Normalised);
        assert_eq!(found(&one, "169552957")[0].target, target(1));
        assert!(found(&two, "0A1B2C3D").is_empty());
    }

    #[test]
    fn the_oldest_make_room_and_an_id_used_again_keeps_its_new_owner() {
        let mut ids = CarrierIds::new(2);
        let one = CarrierName::new("one");
        assert!(ids.insert(&one, &id("1"), target(1)).is_empty());
        assert!(ids.insert(&one, &id("1"), target(2)).is_empty());
        assert_eq!(ids.insert(&one, &id("3"), target(3)), [target(1)]);
        assert_eq!(
            ids.find(&one, &id("1"), IdForm::Exact)[0][0].target,
            target(2)
        );
        assert_eq!(ids.len(), 2);
    }
}
