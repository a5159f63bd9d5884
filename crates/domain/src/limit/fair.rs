//! Whose turn it is to send. Between classes: strict priority, except that a class that waits is owed one
//! segment in so many that the more urgent ones send, so that it never starves. Within a class:
//! start-time fair queueing (Goyal, Vin and Cheng 1996), each line by its weight. Of two lines that both
//! wait, neither gets ahead of the other's share by more than one message of each.
//!
//! It knows no messages: only that something waits in a line, and what the first costs when it asks.

use core::cmp::Ordering;

use crate::class::TrafficClass;

mod share;

pub use share::Share;

/// After how many segments of more urgent classes one of a waiting class goes, by class. The most
/// urgent is never owed anything. A ninth of a busy line is enough for alerts to move and costs codes
/// little; marketing has hours.
pub const SHARES: [u32; 3] = [0, 8, 32];

fn share_of(place: usize) -> i64 {
    SHARES.get(place).copied().map_or(0, i64::from)
}

/// What a line answers when it is its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Its first message has so many segments and may go.
    Ready(u32),
    /// Its first message may not go now; others may.
    Blocked,
    /// Neither this one nor any after it may go now.
    Shut,
    /// Nothing waits in it any more.
    Empty,
}

/// Why it is a line's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Nothing more urgent is ready.
    Usual,
    /// Its class was passed so often that it is owed one.
    Owed,
}

/// Lines that wait, by class. `K` names a line: a client, or a client under a short code.
#[derive(Clone, Debug)]
pub struct Fair<K> {
    classes: [Class<K>; 3],
}

impl<K> Default for Fair<K> {
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
            class.share.wait(line, weight);
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.classes.iter().all(|class| class.share.is_empty())
    }

    /// How many lines of a class wait.
    pub fn lines(&self, class: TrafficClass) -> usize {
        let class = self.classes.get(class.index());
        class.map_or(0, |class| class.share.len())
    }

    /// Gives the next turn, which is then paid for: the message must go. `front` is asked for the first
    /// message of a line, lines in the order of their turn, until one is ready.
    pub fn next(
        &mut self,
        mut front: impl FnMut(K, TrafficClass, Turn) -> Front,
    ) -> Option<(K, TrafficClass)> {
        for (class, turn) in self.turns() {
            let queue = self.classes.get_mut(class.index())?;
            if let Some((line, cost)) = queue.share.next(|line| front(line, class, turn)) {
                self.settle(class, cost);
                return Some((line, class));
            }
        }
        None
    }

    /// Says that something of a class went without a turn, since nothing was before it: the less urgent
    /// ones that wait were passed all the same.
    pub fn passed(&mut self, class: TrafficClass, segments: u32) {
        self.settle(class, segments);
    }

    /// The classes in the order of their turn: first those owed, the least urgent of them first since it
    /// waited longest, then all by urgency.
    fn turns(&self) -> impl Iterator<Item = (TrafficClass, Turn)> + use<K> {
        let owed = TrafficClass::ALL.map(|class| {
            let share = share_of(class.index());
            let queue = self.classes.get(class.index());
            share > 0 && queue.is_some_and(|queue| queue.owed >= share)
        });
        let is_owed = move |class: &TrafficClass| owed.get(class.index()).is_some_and(|owed| *owed);
        let first = TrafficClass::ALL.into_iter().rev().filter(is_owed);
        let usual = TrafficClass::ALL.map(|class| (class, Turn::Usual));
        first.map(|class| (class, Turn::Owed)).chain(usual)
    }

    /// What a turn means for the other classes: those that wait behind it are owed more.
    fn settle(&mut self, served: TrafficClass, cost: u32) {
        for (place, queue) in self.classes.iter_mut().enumerate() {
            let share = share_of(place);
            let cost = i64::from(cost);
            let change = match place.cmp(&served.index()) {
                Ordering::Less => 0,
                Ordering::Equal => -cost.saturating_mul(share),
                Ordering::Greater if queue.share.is_empty() => 0,
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

/// The lines of one class.
#[derive(Clone, Debug)]
struct Class<K> {
    share: Share<K>,
    /// Segments of more urgent classes since its last turn; below 0 when its last message was longer
    /// than its share.
    owed: i64,
}

impl<K> Default for Class<K> {
    fn default() -> Self {
        Self {
            share: Share::default(),
            owed: 0,
        }
    }
}

#[cfg(test)]
mod tests;
