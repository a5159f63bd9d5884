//! Numbers side by side: for each client and block of 100 numbers, which of them were sent a code lately and
//! have not succeeded since. Kept as bits in two halves of time, so that a window holds up to twice
//! what its name says.

use serde::{Deserialize, Serialize};

use super::Ask;
use super::policy::Adjacent;
use super::shared::{Counted, Harm, Shared};
use crate::id::ClientId;
use crate::msisdn::Msisdn;
use crate::time::Timestamp;

/// Numbers of a block.
const BLOCK: u64 = 100;

/// Numbers of a span.
const SPAN: u64 = 50;

/// The short window, in seconds.
const SHORT_SECONDS: u64 = 600;

/// The long window, in seconds.
const LONG_SECONDS: u64 = 86_400;

/// The most blocks that are watched. A row takes about 200 octets: about 4 MB.
pub(super) const BLOCKS_MAX: usize = 16_384;

/// The numbers of one block that were seen in two windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    short: Halves,
    long: Halves,
}

/// The bits of the window that has begun and of the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Halves {
    index: u64,
    current: u128,
    previous: u128,
}

impl Halves {
    fn seen(self, index: u64) -> u128 {
        match index.saturating_sub(self.index) {
            0 => self.current | self.previous,
            1 => self.current,
            _ => 0,
        }
    }

    fn add(&mut self, bit: u128, index: u64) {
        match index.saturating_sub(self.index) {
            0 => {}
            1 => (self.previous, self.current) = (self.current, 0),
            _ => (self.previous, self.current) = (0, 0),
        }
        self.index = self.index.max(index);
        self.current |= bit;
    }

    const fn clear(&mut self, bit: u128) {
        self.current &= !bit;
        self.previous &= !bit;
    }
}

impl Counted for Block {
    fn is_stale(&self, now: Timestamp) -> bool {
        self.long.seen(now.seconds() / LONG_SECONDS) == 0
    }

    /// Numbers that wait, in the long window: each of the short one is among them.
    fn harm(&self, now: Timestamp) -> Harm {
        Harm {
            unused: self.long.seen(now.seconds() / LONG_SECONDS).count_ones(),
            latest: self.short.index,
        }
    }
}

/// All blocks.
#[derive(Clone, Default)]
pub(super) struct Neighbours {
    blocks: Shared<(ClientId, u64), Block>,
}

impl Neighbours {
    /// How many numbers lie side by side, this one among them, if they are too many. A number that waits
    /// already adds nothing.
    pub(super) fn too_close(&self, ask: Ask, most: Adjacent, now: Timestamp) -> Option<u32> {
        let number = ask.to.reveal();
        let in_block = self.waiting_in_block(ask, now);
        if in_block >= most.in_block {
            return Some(in_block);
        }
        let near = self.waiting_near(ask, now);
        let windows = near.iter().filter(|first| **first <= number);
        let in_span = windows
            .map(|first| {
                let span = *first..first.saturating_add(SPAN);
                near.iter().filter(|other| span.contains(other)).count()
            })
            .max();
        let in_span = u32::try_from(in_span.unwrap_or(0)).unwrap_or(u32::MAX);
        (in_span >= most.in_span).then_some(in_span)
    }

    /// Numbers of the same block in the short window, this one among them; 0 if this one waits already.
    fn waiting_in_block(&self, ask: Ask, now: Timestamp) -> u32 {
        let (block, bit) = place(ask.to.reveal());
        let row = self.blocks.get(&(ask.client, block));
        let seen = row.map_or(0, |row| row.short.seen(now.seconds() / SHORT_SECONDS));
        if seen & bit == 0 {
            (seen | bit).count_ones()
        } else {
            0
        }
    }

    /// Numbers less than a span away in the long window, this one among them; none if this one waits
    /// already.
    fn waiting_near(&self, ask: Ask, now: Timestamp) -> Vec<u64> {
        let number = ask.to.reveal();
        let index = now.seconds() / LONG_SECONDS;
        let first = number.saturating_sub(SPAN - 1);
        let last = number.saturating_add(SPAN - 1);
        let seen = |block: u64| {
            let row = self.blocks.get(&(ask.client, block));
            row.map_or(0, |row| row.long.seen(index))
        };
        let blocks = first / BLOCK..=last / BLOCK;
        let all: Vec<(u64, u128)> = blocks.map(|block| (block, seen(block))).collect();
        let waits = |number: &u64| {
            let (block, bit) = place(*number);
            all.iter().any(|(at, seen)| *at == block && seen & bit != 0)
        };
        if waits(&number) {
            return Vec::new();
        }
        let near = first..=last;
        near.filter(|other| *other == number || waits(other))
            .collect()
    }

    pub(super) fn sent(&mut self, ask: Ask, now: Timestamp) {
        let (block, bit) = place(ask.to.reveal());
        let key = (ask.client, block);
        if let Some(row) = self.blocks.entry(key, BLOCKS_MAX, now) {
            row.short.add(bit, now.seconds() / SHORT_SECONDS);
            row.long.add(bit, now.seconds() / LONG_SECONDS);
        }
    }

    pub(super) fn verified(&mut self, ask: Ask) {
        let (block, bit) = place(ask.to.reveal());
        if let Some(row) = self.blocks.get_mut(&(ask.client, block)) {
            row.short.clear(bit);
            row.long.clear(bit);
        }
    }

    /// Forgets a number, for every client. Gives whether it waited for one.
    pub(super) fn forget(&mut self, number: Msisdn) -> bool {
        let (block, bit) = place(number.reveal());
        let mut waited = false;
        for ((_, of), row) in self.blocks.iter_mut() {
            if *of == block {
                waited |= row.long.current & bit != 0 || row.long.previous & bit != 0;
                row.short.clear(bit);
                row.long.clear(bit);
            }
        }
        waited
    }

    pub(super) const fn turned_away(&self) -> u64 {
        self.blocks.turned_away()
    }

    /// The blocks in which a number still waits.
    pub(super) fn to_rows(&self, now: Timestamp) -> Vec<((ClientId, u64), Block)> {
        self.blocks.to_rows(now)
    }

    pub(super) fn from_rows(rows: Vec<((ClientId, u64), Block)>) -> Self {
        Self {
            blocks: Shared::from_rows(rows, BLOCKS_MAX),
        }
    }
}

/// The block of a number, and its bit there.
fn place(number: u64) -> (u64, u128) {
    let bit = u32::try_from(number % BLOCK).unwrap_or(0);
    (number / BLOCK, 1_u128 << bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Adjacent = Adjacent {
        in_block: 8,
        in_span: 10,
    };

    fn ask(number: u64) -> Ask {
        Ask {
            client: ClientId::new(1, 1),
            to: Msisdn::from_digits(447_700_900_000 + number).unwrap(),
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(864_000_000 + seconds)
    }

    fn sent(numbers: impl IntoIterator<Item = u64>, apart: u64) -> Neighbours {
        let mut neighbours = Neighbours::default();
        for (place, number) in (0..).zip(numbers) {
            neighbours.sent(ask(number), at(place * apart));
        }
        neighbours
    }

    #[test]
    fn the_eighth_number_of_a_block_in_ten_minutes_is_too_close() {
        let neighbours = sent((0..7).map(|n| n * 14), 1);
        assert_eq!(neighbours.too_close(ask(99), MOST, at(10)), Some(8));
        assert_eq!(neighbours.too_close(ask(14), MOST, at(10)), None);
        assert_eq!(neighbours.too_close(ask(100), MOST, at(10)), None);
        assert_eq!(neighbours.too_close(ask(99), MOST, at(1_200)), None);
    }

    #[test]
    fn the_tenth_number_of_a_span_in_a_day_is_too_close_across_blocks() {
        let neighbours = sent(95..104, 3_600);
        assert_eq!(neighbours.too_close(ask(104), MOST, at(40_000)), Some(10));
        assert_eq!(neighbours.too_close(ask(144), MOST, at(40_000)), Some(10));
        assert_eq!(neighbours.too_close(ask(145), MOST, at(40_000)), None);
        assert_eq!(neighbours.too_close(ask(50), MOST, at(40_000)), None);
        assert_eq!(neighbours.too_close(ask(104), MOST, at(2 * 86_400)), None);
    }

    #[test]
    fn a_number_that_waits_already_adds_nothing() {
        let neighbours = sent(0..12, 1);
        assert_eq!(neighbours.too_close(ask(3), MOST, at(20)), None);
        assert_eq!(neighbours.too_close(ask(12), MOST, at(20)), Some(13));
    }

    #[test]
    fn a_forgotten_number_waits_for_no_client() {
        let mut neighbours = sent([3], 1);
        let other = Ask {
            client: ClientId::new(2, 2),
            ..ask(3)
        };
        neighbours.sent(other, at(1));
        assert!(neighbours.forget(ask(3).to) && !neighbours.forget(ask(3).to));
        assert!(neighbours.to_rows(at(2)).is_empty());
    }

    #[test]
    fn a_number_that_succeeded_and_other_clients_do_not_count() {
        let mut neighbours = sent(0..7, 1);
        let other = Ask {
            client: ClientId::new(2, 2),
            ..ask(8)
        };
        assert_eq!(neighbours.too_close(other, MOST, at(10)), None);
        neighbours.verified(ask(3));
        assert_eq!(neighbours.too_close(ask(8), MOST, at(10)), None);
        assert_eq!(neighbours.too_close(ask(3), MOST, at(10)), None);
    }
}
