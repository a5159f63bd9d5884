//! One line of many lines: who goes next, by weight. Start-time fair queueing (Goyal, Vin and Cheng
//! 1996): a line's next message begins where its last one ended in virtual time, or now if it was away.

use std::collections::{BTreeMap, BTreeSet};

use super::Front;

/// One unit of cost at weight 1, in virtual time. Weights are at most this.
const SCALE: u64 = 1 << 16;

/// The lines of one class in virtual time. `K` names a line.
#[derive(Clone, Debug)]
pub struct Share<K> {
    /// Lines that wait, by the virtual time at which their first message begins.
    order: BTreeSet<(u64, K)>,
    /// The same by line, and its weight.
    lines: BTreeMap<K, (u64, u32)>,
    /// The weights of these lines, added up.
    weight: u64,
    /// Lines that left and when their last message ends in virtual time, as long as that lies ahead: a
    /// line that leaves and comes back gains nothing by it.
    left: BTreeMap<K, u64>,
    /// The same by time.
    left_order: BTreeSet<(u64, K)>,
    /// When the message begins that went last.
    now: u64,
}

impl<K> Default for Share<K> {
    fn default() -> Self {
        Self {
            order: BTreeSet::new(),
            lines: BTreeMap::new(),
            weight: 0,
            left: BTreeMap::new(),
            left_order: BTreeSet::new(),
            now: 0,
        }
    }
}

impl<K: Copy + Ord> Share<K> {
    /// Says that something waits in a line, whose weight is at least 1. Saying it twice changes
    /// nothing but the weight.
    pub fn wait(&mut self, line: K, weight: u32) {
        if let Some((_, known)) = self.lines.get_mut(&line) {
            self.weight = self.weight - u64::from(*known) + u64::from(weight);
            *known = weight;
            return;
        }
        let end = self.left.remove(&line).unwrap_or(0);
        self.left_order.remove(&(end, line));
        let begin = end.max(self.now);
        self.order.insert((begin, line));
        self.lines.insert(line, (begin, weight));
        self.weight += u64::from(weight);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// How many lines wait.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// The weights of the lines that wait, added up.
    pub fn weight(&self) -> u32 {
        u32::try_from(self.weight).unwrap_or(u32::MAX)
    }

    /// Gives the next turn, which is then paid for: the message must go. `front` is asked for the first
    /// message of a line, lines in the order of their turn, until one is ready. Gives the line and the cost.
    pub fn next(&mut self, mut front: impl FnMut(K) -> Front) -> Option<(K, u32)> {
        let mut empty = Vec::new();
        let mut ready = None;
        for (begin, line) in &self.order {
            match front(*line) {
                Front::Ready(segments) => {
                    ready = Some((*begin, *line, segments.max(1)));
                    break;
                }
                Front::Blocked => {}
                Front::Shut => break,
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
        if let Some((_, weight)) = self.lines.remove(&line) {
            self.weight -= u64::from(weight);
        }
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

    /// Lines that wait or are remembered, for tests of what it keeps.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.lines.len(), self.left.len())
    }
}
