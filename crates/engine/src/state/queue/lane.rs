//! The messages of one class under one short code: first in, first out for each client, and whose turn
//! it is of the clients.

use std::collections::{BTreeMap, VecDeque};

use domain::limit::fair::{Front, Share};

use super::{Key, Owner, Place};

/// Places of messages that have left that a line may always keep.
const LEFT_MIN: usize = 64;

/// Messages of one class under one short code.
#[derive(Debug, Default)]
pub(super) struct Lane {
    share: Share<Owner>,
    lines: BTreeMap<Owner, Line>,
    waiting: usize,
    /// Segments of more urgent classes that went without a turn since this one's last.
    passed: u32,
}

/// Messages of one client among them.
#[derive(Debug, Default)]
struct Line {
    keys: VecDeque<Key>,
    waiting: usize,
}

impl Lane {
    /// Puts a message into the line of its owner.
    pub(super) fn push(&mut self, (owner, weight): (Owner, u32), key: Key, place: Place) {
        let line = self.lines.entry(owner).or_default();
        match place {
            Place::Front => line.keys.push_front(key),
            Place::Back => line.keys.push_back(key),
        }
        line.waiting += 1;
        self.waiting += 1;
        self.share.wait(owner, weight);
    }

    /// How many messages wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many of one owner wait.
    pub(super) fn waiting_of(&self, owner: Owner) -> usize {
        self.lines.get(&owner).map_or(0, |line| line.waiting)
    }

    /// The weights of the owners of what waits.
    pub(super) fn weight(&self) -> u32 {
        self.share.weight()
    }

    /// The first message of an owner that still waits.
    pub(super) fn front(&mut self, owner: Owner, waits: impl Fn(&Key) -> bool) -> Option<u64> {
        let line = self.lines.get_mut(&owner)?;
        while let Some(key) = line.keys.front() {
            if waits(key) {
                return Some(key.1);
            }
            line.keys.pop_front();
        }
        None
    }

    /// Takes a message away from the front of its line.
    pub(super) fn pop(&mut self, owner: Owner, sequence: u64) {
        if let Some(line) = self.lines.get_mut(&owner)
            && line.keys.front().is_some_and(|key| key.1 == sequence)
        {
            line.keys.pop_front();
        }
    }

    /// Counts a message out; its place in the line goes when it comes to the front, or when there are
    /// more such places than messages that wait.
    pub(super) fn leave(&mut self, owner: Owner, waits: impl Fn(&Key) -> bool) {
        self.waiting = self.waiting.saturating_sub(1);
        let Some(line) = self.lines.get_mut(&owner) else {
            return;
        };
        line.waiting = line.waiting.saturating_sub(1);
        if line.waiting == 0 {
            self.lines.remove(&owner);
        } else if line.keys.len() > LEFT_MIN + line.waiting * 2 {
            line.keys.retain(waits);
        }
    }

    /// Counts segments of a more urgent class that went without a turn, if anything waits here.
    pub(super) fn pass(&mut self, segments: u32) {
        if self.waiting > 0 {
            self.passed = self.passed.saturating_add(segments);
        }
    }

    /// Whether it was passed so often that nothing may go without a turn.
    pub(super) fn is_owed(&self, share: u32) -> bool {
        self.waiting > 0 && self.passed >= share
    }

    /// Whose turn it is, for as long as it takes to find out: what is pushed meanwhile is not in it.
    pub(super) fn take_share(&mut self) -> Share<Owner> {
        std::mem::take(&mut self.share)
    }

    /// Puts back what [`Lane::take_share`] gave.
    pub(super) fn return_share(&mut self, share: Share<Owner>, turn: Option<u32>) -> Front {
        self.share = share;
        match turn {
            Some(segments) => {
                self.passed = 0;
                Front::Ready(segments)
            }
            None if self.share.is_empty() => Front::Empty,
            None => Front::Blocked,
        }
    }

    /// Places that its lines hold.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.lines.values().map(|line| line.keys.len()).sum()
    }
}
