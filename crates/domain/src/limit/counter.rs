//! One limit with its counts: a policy, a table for the keys it tells apart and three smaller ones for
//! the coarser keys that newcomers share when that is full. Nothing here decides; [`super::book`] asks
//! all limits and then takes from all.
//!
//! Newcomers share rather than being refused, recipients too: refusing them all would let one client's
//! flood of numbers stop everybody's codes. Of messages to numbers a coarser key allows more than a number
//! of its own ([`Policy::factor`]), so that people are not refused for one another; of all else it allows
//! the same, so that whoever fills the table gains nothing by it. [`Tally::shared`] tells.
//!
//! A newcomer that finds room again begins with its part of what its coarser keys owe. Where those allow
//! no more than its own that is all of it: what counts against a key is never less than what it took.

mod reading;
mod rows;
mod store;

use super::dimension::Level;
use super::facts::Facts;
use super::gcra::Arrival;
use super::key::{Key, Secret};
use super::policy::{Method, Policy};
use super::recipe::{Asked, Recipe};
use super::table::Entry;
use super::window::Window;
use crate::time::Timestamp;

pub(super) use reading::{Reading, Standing};
pub(super) use rows::Rows;
use store::{Cells, Store};

/// How much smaller than the table of exact keys those of the coarser levels are.
const NEAR_SHARE: u32 = 8;
const FAR_SHARE: u32 = 64;
/// The fewest keys of a coarser level.
const COARSE_MIN: u32 = 64;

/// Counts since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that took from the limit.
    pub taken: u64,
    /// Requests it refused, alone or with others.
    pub refused: u64,
    /// Requests it would have refused, had it not only recorded.
    pub shadowed: u64,
    /// Requests of newcomers, granted or refused, that shared a coarser key because the table is full.
    pub shared: u64,
}

/// A limit and its counts.
#[derive(Debug)]
pub(super) struct Limit {
    policy: Policy,
    recipes: [Recipe; 4],
    stores: [Store; 4],
    /// When the last count of a coarser level comes to rest.
    spilled_until: Timestamp,
    /// Slots held at coarser levels.
    spilled_slots: u64,
    pub(super) tally: Tally,
}

impl Limit {
    pub(super) fn new(policy: Policy) -> Self {
        let keys = policy.draft().keys;
        let coarse = |share: u32| (keys / share).max(COARSE_MIN);
        Self {
            stores: [
                Store::new(keys, policy.cells(Level::Own)),
                Store::new(coarse(NEAR_SHARE), policy.cells(Level::Near)),
                Store::new(coarse(FAR_SHARE), policy.cells(Level::Far)),
                Store::new(1, policy.cells(Level::Last)),
            ],
            recipes: Level::ALL.map(|level| Recipe::new(policy.draft().dimensions, level)),
            policy,
            spilled_until: Timestamp::EPOCH,
            spilled_slots: 0,
            tally: Tally::default(),
        }
    }

    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Puts another policy in the place of one under which the counts mean the same.
    pub(super) fn replace_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// What the limit, which lies at `place` in its book, makes of a request at this moment; `None` when
    /// it does not count it.
    #[inline]
    pub(super) fn read(
        &self,
        place: usize,
        asked: &Asked<'_>,
        secret: &Secret,
        now: Timestamp,
    ) -> Option<Reading> {
        let facts = asked.facts;
        if !self.policy.applies_to(facts) {
            return None;
        }
        let amount = self.policy.draft().unit.amount(facts);
        let tier = self.policy.tier(facts.client);
        let mut reading = self.locate(asked, secret, now);
        reading.limit = place;
        reading.amount = amount;
        reading.entry.tier = tier;
        if reading.found.is_none() && (now < self.spilled_until || self.spilled_slots > 0) {
            self.inherit(&mut reading, asked, secret, now);
        }
        let (fits, left, most) = self.room(&reading, asked, secret, now);
        (reading.fits, reading.left, reading.most) = (fits || amount == 0, left, most);
        Some(reading)
    }

    /// Takes what a reading found, allowed or not; the moment must be the reading's.
    pub(super) fn take(&mut self, reading: &Reading, now: Timestamp) {
        let method = self.method(reading);
        self.tally.taken += 1;
        self.tally.shared += u64::from(reading.level != Level::Own);
        let Some(store) = self.stores.get_mut(reading.level.index()) else {
            return;
        };
        let live = |entry: &Entry| is_live(method, entry, now);
        let Some((place, mut entry)) = store.occupy(reading, live) else {
            debug_assert!(false, "a table that can grow has room");
            return;
        };
        let until = match method {
            Method::Rate(rate) => {
                let arrival =
                    Arrival::from_bits(entry.state).take(rate, count(reading.amount), now);
                entry.state = arrival.to_bits();
                arrival.rest_at()
            }
            Method::Quota(window) => {
                for [at, amount] in &reading.inherited {
                    store.push(window, &mut entry, *amount, Timestamp::from_micros(*at));
                }
                store.push(window, &mut entry, reading.amount, now);
                Timestamp::from_micros(entry.state)
            }
            Method::Held(_) => {
                entry.state = entry.state.saturating_add(reading.amount);
                now
            }
        };
        store.table.set(place, entry);
        self.note_spill(reading.level, until, reading.amount, method);
    }

    /// Gives held slots back.
    pub(super) fn release(&mut self, level: Level, key: Key, amount: u64) {
        // A slot whose key found no room after a change of policy lies with what all share.
        let held = self.held_at(level, key);
        let (level, key) = match held {
            Some(_) => (level, key),
            None => (Level::Last, Key::SHARED),
        };
        let Some((place, entry)) = held.or_else(|| self.held_at(level, key)) else {
            return;
        };
        let state = entry.state.saturating_sub(amount);
        if let Some(store) = self.stores.get_mut(level.index()) {
            store.table.set(place, Entry { state, ..entry });
        }
        if level != Level::Own {
            self.spilled_slots = self.spilled_slots.saturating_sub(entry.state - state);
        }
    }

    fn held_at(&self, level: Level, key: Key) -> Option<(usize, Entry)> {
        let table = &self.stores.get(level.index())?.table;
        let place = table.find(key)?;
        Some((place, table.get(place)?))
    }

    /// How many keys are live, and how many of those at coarser levels.
    pub(super) fn live(&self, now: Timestamp) -> (usize, usize) {
        let mut counts = self.stores.iter().map(|store| {
            let entries = store.table.entries();
            entries.filter(|entry| self.is_live(entry, now)).count()
        });
        (counts.next().unwrap_or(0), counts.sum())
    }

    pub(super) fn is_live(&self, entry: &Entry, now: Timestamp) -> bool {
        is_live(self.policy.method(entry.tier), entry, now)
    }

    /// The live entries of all levels.
    pub(super) fn unlabel(&mut self, label: u64) {
        for store in &mut self.stores {
            store.table.unlabel(label);
        }
    }

    pub(super) fn live_entries(&self, now: Timestamp) -> impl Iterator<Item = (Level, Entry)> {
        Level::ALL
            .into_iter()
            .zip(&self.stores)
            .flat_map(move |(level, store)| {
                let entries = store.table.entries();
                entries
                    .filter(move |entry| self.is_live(entry, now))
                    .map(move |entry| (level, entry))
            })
    }

    /// What counts against a key, and the most there is for it.
    pub(super) fn used(&self, level: Level, entry: &Entry, now: Timestamp) -> (u64, u64) {
        match self.policy.method_at(level, entry.tier) {
            Method::Rate(rate) => {
                let left = Arrival::from_bits(entry.state).available(rate, now);
                let burst = u64::from(rate.burst());
                (burst - u64::from(left.min(rate.burst())), burst)
            }
            Method::Quota(window) => {
                let store = self.stores.get(level.index());
                let used = store.map_or(0, |store| window.used(&store.cells(entry, window), now));
                (used, window.quota())
            }
            Method::Held(slots) => (entry.state, u64::from(slots.most())),
        }
    }

    /// Octets that the tables take at most.
    pub(super) fn octets(&self) -> usize {
        self.stores.iter().map(Store::octets_max).sum()
    }

    /// The first level that knows the request's key or has room for it.
    #[inline]
    fn locate(&self, asked: &Asked<'_>, secret: &Secret, now: Timestamp) -> Reading {
        let dimensions = self.policy.draft().dimensions;
        let live = |entry: &Entry| self.is_live(entry, now);
        let mut reading = Reading::default();
        for (level, (recipe, store)) in Level::ALL.into_iter().zip(self.levels()) {
            let key = recipe.key(asked, secret);
            let found = store.table.find(key);
            let entry = found.and_then(|place| store.table.get(place));
            reading.level = level;
            if let Some(entry) = entry.filter(live) {
                (reading.found, reading.entry) = (found, entry);
                return reading;
            }
            let is_last = level == Level::Last;
            if is_last || entry.is_some() || store.table.has_room(key, |entry| !live(entry)) {
                let label = match level {
                    Level::Own => dimensions.label(asked.facts),
                    _ => 0,
                };
                reading.entry = Entry {
                    key,
                    label,
                    ..Entry::default()
                };
                return reading;
            }
        }
        reading
    }

    /// Lets a newcomer begin with what its coarser keys owe.
    fn inherit(&self, reading: &mut Reading, asked: &Asked<'_>, secret: &Secret, now: Timestamp) {
        let level = reading.level.index();
        let coarser = Level::ALL.into_iter().zip(self.levels()).skip(level + 1);
        for (coarse, (recipe, store)) in coarser {
            let key = recipe.key(asked, secret);
            let entry = store
                .table
                .find(key)
                .and_then(|place| store.table.get(place));
            let Some(entry) = entry.filter(|entry| self.is_live(entry, now)) else {
                continue;
            };
            match self.policy.method_at(coarse, entry.tier) {
                Method::Rate(_) => {
                    let owed = Arrival::from_bits(reading.entry.state);
                    let both = owed.with(Arrival::from_bits(entry.state), now);
                    reading.entry.state = both.to_bits();
                }
                Method::Quota(window) => {
                    let more = self.policy.factor(coarse) / self.policy.factor(reading.level);
                    let part = window.part(&store.cells(&entry, window), more, now);
                    reading.inherited.extend(part);
                }
                Method::Held(_) => {}
            }
        }
        reading.inherited.sort_unstable();
    }

    /// Whether a reading's request fits, and how much would then be left, of how much.
    fn room(
        &self,
        reading: &Reading,
        asked: &Asked<'_>,
        secret: &Secret,
        now: Timestamp,
    ) -> (bool, u64, u64) {
        let (entry, amount) = (&reading.entry, reading.amount);
        match self.method(reading) {
            Method::Rate(rate) => Arrival::from_bits(entry.state).room(rate, count(amount), now),
            Method::Quota(window) => {
                let used = window.used(&self.counted(reading, window), now);
                let sum = used.saturating_add(amount);
                let quota = window.quota();
                (sum <= quota, quota.saturating_sub(sum), quota)
            }
            Method::Held(slots) => {
                let held = match self.spilled_slots {
                    0 => entry.state,
                    _ => self.held(asked, secret),
                };
                let left = slots.left(held);
                let fits = amount <= left;
                (fits, left.saturating_sub(amount), u64::from(slots.most()))
            }
        }
    }

    /// How a reading's key stands before anything is taken.
    pub(super) fn standing(&self, reading: &Reading, now: Timestamp) -> Standing {
        let (entry, amount) = (&reading.entry, reading.amount);
        match self.method(reading) {
            Method::Rate(rate) => {
                Standing::of_rate(rate, Arrival::from_bits(entry.state), count(amount), now)
            }
            Method::Quota(window) => {
                Standing::of_quota(window, &self.counted(reading, window), amount, now)
            }
            Method::Held(slots) => {
                let left = if reading.fits {
                    reading.left + amount
                } else {
                    reading.left
                };
                Standing::of_held(slots, left, amount)
            }
        }
    }

    /// How a reading's key stands after it was taken.
    pub(super) fn standing_after(&self, reading: &Reading, now: Timestamp) -> Standing {
        let (entry, amount) = (&reading.entry, reading.amount);
        match self.method(reading) {
            Method::Rate(rate) => {
                let arrival = Arrival::from_bits(entry.state).take(rate, count(amount), now);
                Standing::of_rate(rate, arrival, 0, now)
            }
            Method::Quota(window) => {
                let store = self.stores.get(reading.level.index());
                let cells = store.and_then(|store| {
                    let entry = store.table.get(store.table.find(entry.key)?)?;
                    Some(store.cells(&entry, window))
                });
                Standing::of_quota(window, &cells.unwrap_or_default(), 0, now)
            }
            Method::Held(slots) => Standing::of_held(slots, reading.left, 0),
        }
    }

    /// The rule that counts for a reading.
    #[inline]
    pub(super) fn method(&self, reading: &Reading) -> Method {
        self.policy.method_at(reading.level, reading.entry.tier)
    }

    /// The cells that count against a reading's key before anything is taken.
    fn counted<'a>(&'a self, reading: &'a Reading, window: Window) -> Cells<'a> {
        match (reading.found, self.stores.get(reading.level.index())) {
            (Some(_), Some(store)) => store.cells(&reading.entry, window),
            _ => Cells::Row(&reading.inherited),
        }
    }

    /// Slots held under the request's keys of all levels.
    fn held(&self, asked: &Asked<'_>, secret: &Secret) -> u64 {
        let held = self.levels().map(|(recipe, store)| {
            let place = store.table.find(recipe.key(asked, secret));
            let entry = place.and_then(|place| store.table.get(place));
            entry.map_or(0, |entry| entry.state)
        });
        held.fold(0, u64::saturating_add)
    }

    /// The key that a request has of its own.
    pub(super) fn own_key(&self, facts: &Facts<'_>, secret: &Secret) -> Key {
        let [own, ..] = &self.recipes;
        own.key(&Asked::new(facts), secret)
    }

    /// How keys are made and where they are kept, the most exact first.
    fn levels(&self) -> impl Iterator<Item = (&Recipe, &Store)> {
        self.recipes.iter().zip(&self.stores)
    }

    fn note_spill(&mut self, level: Level, until: Timestamp, amount: u64, method: Method) {
        if level == Level::Own {
            return;
        }
        self.spilled_until = self.spilled_until.max(until);
        if matches!(method, Method::Held(_)) {
            self.spilled_slots = self.spilled_slots.saturating_add(amount);
        }
    }
}

/// Whether anything the key took still counts.
fn is_live(method: Method, entry: &Entry, now: Timestamp) -> bool {
    match method {
        Method::Rate(_) => !Arrival::from_bits(entry.state).is_at_rest(now),
        Method::Quota(_) => entry.state > now.micros(),
        Method::Held(_) => entry.state > 0,
    }
}

fn count(amount: u64) -> u32 {
    u32::try_from(amount).unwrap_or(u32::MAX)
}
