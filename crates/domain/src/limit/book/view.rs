//! Looking without touching: what a request would meet, how full each limit is, who uses it most.

use super::{Book, Key, Level, Limit, Meter, Tally};
use crate::limit::dimension::Label;
use crate::limit::facts::Facts;
use crate::limit::policy::{LimitName, Mode, Policy};
use crate::msisdn::Msisdn;
use crate::time::Timestamp;

/// How full a limit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The limit.
    pub name: LimitName,
    /// Whether it refuses or records.
    pub mode: Mode,
    /// Keys that are live.
    pub keys: usize,
    /// Keys it keeps apart at most.
    pub capacity: u32,
    /// Coarser keys that are live: above 0 the table was full of late, and newcomers share.
    pub shared_keys: usize,
    /// Octets that its tables take at most.
    pub octets: usize,
    /// What happened since the start.
    pub tally: Tally,
}

/// One of the most used keys of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopKey {
    /// What it is, as far as that is known.
    pub label: Label,
    /// Its own, or one that newcomers share.
    pub level: Level,
    /// The key.
    pub key: Key,
    /// How much counts against it now.
    pub used: u64,
    /// The most there is for it.
    pub quota: u64,
}

impl Book {
    /// What a request would meet at every limit that counts it, taking nothing.
    pub fn explain(&self, facts: &Facts<'_>, now: Timestamp) -> Vec<Meter> {
        let now = self.clock.peek(now);
        let mut readings = Vec::new();
        self.read(facts, now, &mut readings);
        let meters = readings.iter().filter_map(|reading| {
            let limit = self.limits.get(reading.limit)?;
            Some(Meter::of(limit, reading, now))
        });
        meters.collect()
    }

    /// How full every limit is. Walks all tables.
    pub fn summaries(&self, now: Timestamp) -> Vec<Summary> {
        let now = self.clock.peek(now);
        let summaries = self.limits.iter().map(|limit| {
            let draft = limit.policy().draft();
            let (keys, shared_keys) = limit.live(now);
            Summary {
                name: draft.name.clone(),
                mode: draft.mode,
                keys,
                capacity: draft.keys,
                shared_keys,
                octets: limit.octets(),
                tally: limit.tally,
            }
        });
        summaries.collect()
    }

    /// What happened at every limit since the start. Walks nothing.
    pub fn tallies(&self) -> impl Iterator<Item = (&LimitName, Tally)> {
        let limits = self.limits.iter();
        limits.map(|limit| (limit.policy().name(), limit.tally))
    }

    /// The policies in force, in their order.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.limits.iter().map(Limit::policy)
    }

    /// The `most` most used keys of a limit, the most used first. Walks its tables. `None` when there is
    /// no such limit.
    pub fn top(&self, name: &str, most: usize, now: Timestamp) -> Option<Vec<TopKey>> {
        let now = self.clock.peek(now);
        let mut limits = self.limits.iter();
        let limit = limits.find(|limit| limit.policy().name().as_str() == name)?;
        let mut top: Vec<TopKey> = Vec::new();
        for (level, entry) in limit.live_entries(now) {
            let (used, quota) = limit.used(level, &entry, now);
            let place = top.partition_point(|key| key.used >= used);
            if place < most {
                let label = match level {
                    Level::Own => limit.policy().draft().dimensions.read_label(entry.label),
                    _ => Label::Hidden,
                };
                top.truncate(most - 1);
                top.insert(
                    place,
                    TopKey {
                        label,
                        level,
                        key: entry.key,
                        used,
                        quota,
                    },
                );
            }
        }
        Some(top)
    }

    /// Forgets what a number is, wherever it is known, and goes on counting it: a keyed hash is left.
    pub fn forget(&mut self, number: Msisdn) {
        let of_numbers = |limit: &&mut Limit| limit.policy().draft().dimensions.label_is_number();
        for limit in self.limits.iter_mut().filter(of_numbers) {
            limit.unlabel(number.reveal());
        }
    }

    /// The key of a request at a limit, to find in a list of the most used what carries no label.
    pub fn key_of(&self, name: &str, facts: &Facts<'_>) -> Option<Key> {
        let mut limits = self.limits.iter();
        let limit = limits.find(|limit| limit.policy().name().as_str() == name)?;
        Some(limit.own_key(facts, &self.secret))
    }
}
