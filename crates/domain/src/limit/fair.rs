//! Whose turn it is to send. Between classes: strict priority, except that a class that waits is owed one
//! segment in so many that the more urgent ones send, so that it never starves. Within a class:
//! start-time fair queueing (Goyal, Vin and Cheng 1996), each line by its weight. Of two lines that both
//! wait, neither gets ahead of the other's share by more than one message of each.
//!
//! It knows no messages: only that something waits in a line, and what the first costs when it asks.

use core::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::class::TrafficClass;

/// One unit of cost at weight 1, in virtual time. Weights are at most this.
const SCALE: u64 = 1 << 16;

/// After how many segments of more urgent classes one of a waiting class goes, by class. The most
/// urgent is never owed anything.
const SHARES: [i64; 3] = [0, 8, 32];

/// What a line answers when it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Its first message has so many segments and may go.
    Ready(u32),
    /// Its first message may not go now; others may.
    Blocked,
    /// Nothing waits in it any more.
    Empty,
}

/// Lines that wait, by class. `K` names a line: a client, or a client under a short code.
#[derive(Clone, Debug)]
pub struct Fair<K> {
    classes: [Class<K>; 3],
}

impl<K: Copy + Ord> Default for Fair<K> {
    fn default() -> Self {
        Self {
            classes: core::array::from_fn(|_| Class::default()),
        }
    }
}

impl<K: Copy + Ord> Fair<K> {
    /// Says that something waits in a line, whose weight is at least 1. Saying it twice changes
    /// nothing but the weight.
    pub fn wait(&mut self, line: K, class: TrafficClass, weight: u32) {
        if let Some(class) = self.classes.get_mut(class.index()) {
            class.wait(line, weight);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(|class| class.order.is_empty())
    }

    /// How many lines of a class wait.
    pub fn lines(&self, class: TrafficClass) -> usize {
        let class = self.classes.get(class.index());
        class.map_or(0, |class| class.order.len())
    }

    /// Gives the next turn, which is then paid for: the message must go. `front` is asked for the first
    /// message of a line, lines in the order of their turn, until one is ready.
    pub fn next(
        &mut self,
        mut front: impl FnMut(K, TrafficClass) -> Front,
    ) -> Option<(K, TrafficClass)> {
        for class in self.turns() {
            let queue = self.classes.get_mut(class.index())?;
            if let Some((line, cost)) = queue.next(|line| front(line, class)) {
                self.settle(class, cost);
                return Some((line, class));
            }
        }
        None
    }

    /// The classes in the order of their turn: first those owed, the least urgent of them first since it
    /// waited longest, then all by urgency.
    fn turns(&self) -> impl Iterator<Item = TrafficClass> + use<K> {
        let owed = TrafficClass::ALL.map(|class| {
            let share = SHARES.get(class.index()).copied().unwrap_or(0);
            let queue = self.classes.get(class.index());
            share > 0 && queue.is_some_and(|queue| queue.owed >= share)
        });
        let is_owed = move |class: &TrafficClass| owed.get(class.index()).is_some_and(|owed| *owed);
        let first = TrafficClass::ALL.into_iter().rev().filter(is_owed);
        first.chain(TrafficClass::ALL)
    }

    /// What a turn means for the other classes: those that wait behind it are owed more.
    fn settle(&mut self, served: TrafficClass, cost: u32) {
        for (place, queue) in self.classes.iter_mut().enumerate() {
            let share = SHARES.get(place).copied().unwrap_or(0);
            let cost = i64::from(cost);
            let change = match place.cmp(&served.index()) {
                Ordering::Less => 0,
                Ordering::Equal => -cost.saturating_mul(share),
                Ordering::Greater if queue.order.is_empty() => 0,
                Ordering::Greater => cost,
            };
            // Bounded above, so that a class that was blocked for long does not then block the others,
            // and below, so that one that had the line to itself is not then starved.
            let owed = queue.owed.saturating_add(change);
            queue.owed = owed.clamp(-share * LONGEST_MESSAGE, share);
        }
    }
}

/// Segments of the longest message, which a class may go ahead of what it was owed.
const LONGEST_MESSAGE: i64 = 16;

/// The lines of one class in virtual time.
#[derive(Clone, Debug)]
struct Class<K> {
    /// Lines that wait, by the virtual time at which their first message begins.
    order: BTreeSet<(u64, K)>,
    /// The same by line, and its weight.
    lines: BTreeMap<K, (u64, u32)>,
    /// Lines that left and when their last message ends in virtual time, as long as that lies ahead: a
    /// line that leaves and comes back gains nothing by it.
    left: BTreeMap<K, u64>,
    /// The same by time.
    left_order: BTreeSet<(u64, K)>,
    /// When the message begins that went last.
    now: u64,
    /// Segments of more urgent classes since its last turn; below 0 when its last message was longer
    /// than its share.
    owed: i64,
}

impl<K: Copy + Ord> Default for Class<K> {
    fn default() -> Self {
        Self {
            order: BTreeSet::new(),
            lines: BTreeMap::new(),
            left: BTreeMap::new(),
            left_order: BTreeSet::new(),
            now: 0,
            owed: 0,
        }
    }
}

impl<K: Copy + Ord> Class<K> {
    fn wait(&mut self, line: K, weight: u32) {
        if let Some((_, known)) = self.lines.get_mut(&line) {
            *known = weight;
            return;
        }
        let end = self.left.remove(&line).unwrap_or(0);
        self.left_order.remove(&(end, line));
        let begin = end.max(self.now);
        self.order.insert((begin, line));
        self.lines.insert(line, (begin, weight));
    }

    fn next(&mut self, mut front: impl FnMut(K) -> Front) -> Option<(K, u32)> {
        let mut empty = Vec::new();
        let mut ready = None;
        for (begin, line) in &self.order {
            match front(*line) {
                Front::Ready(segments) => {
                    ready = Some((*begin, *line, segments.max(1)));
                    break;
                }
                Front::Blocked => {}
                Front::Empty => empty.push((*begin, *line)),
            }
        }
        for (end, line) in empty {
            self.leave(line, end);
        }
        let (begin, line, cost) = ready?;
        self.charge(line, begin, u64::from(cost));
        Some((line, cost))
    }

    fn charge(&mut self, line: K, begin: u64, cost: u64) {
        self.now = self.now.max(begin);
        if let Some((known, weight)) = self.lines.get_mut(&line) {
            let weight = u64::from((*weight).max(1)).min(SCALE);
            let end = begin.saturating_add(cost.saturating_mul(SCALE / weight));
            *known = end;
            self.order.remove(&(begin, line));
            self.order.insert((end, line));
        }
        self.forget();
    }

    fn leave(&mut self, line: K, end: u64) {
        self.order.remove(&(end, line));
        self.lines.remove(&line);
        if end > self.now {
            self.left.insert(line, end);
            self.left_order.insert((end, line));
        }
        if self.order.is_empty() {
            // Nobody waits, so nobody is ahead of anybody.
            self.left.clear();
            self.left_order.clear();
            self.now = 0;
        }
    }

    /// Forgets lines that left and are no longer ahead.
    fn forget(&mut self) {
        while let Some((end, line)) = self.left_order.first().copied() {
            if end > self.now {
                return;
            }
            self.left_order.remove(&(end, line));
            self.left.remove(&line);
        }
    }
}

#[cfg(test)]
mod tests;
