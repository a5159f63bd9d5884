//! All limits and all counts. A request is one step: every limit that counts it is asked, and only when
//! none that enforces refuses does any take. A refusal takes nothing.
//!
//! Counts live in steady time ([`super::steady`]) and in memory; a [`snapshot::Snapshot`] and the
//! requests since ([`Book::replay`]) bring them back after a restart.

mod decision;
mod reload;
pub mod snapshot;
mod view;

use core::mem;

use super::counter::{Limit, Reading};
use super::dimension::Level;
use super::facts::{Event, Facts};
use super::key::{Key, Secret};
use super::policy::{Method, Mode, Policy, PolicyError};
use super::recipe::Asked;
use super::steady::Steady;
use crate::time::Timestamp;

pub use super::counter::Tally;
pub use decision::{Audience, Decision, Hold, Meter, Verdict};
pub use reload::Reloaded;
pub use view::{Summary, TopKey};

/// The limits of a gateway.
#[derive(Debug)]
pub struct Book {
    secret: Secret,
    clock: Steady,
    limits: Vec<Limit>,
    /// Which limits count an event.
    by_event: [Vec<usize>; Event::ALL.len()],
    /// What the limits made of the last request; kept for its memory.
    readings: Vec<Reading>,
}

impl Book {
    /// A book without counts. The names must differ. Its tables grow as they are used, to the sizes that the policies name.
    pub fn new(policies: Vec<Policy>, secret: Secret) -> Result<Self, PolicyError> {
        reload::check_names(&policies)?;
        let mut book = Self::empty(secret);
        book.limits = policies.into_iter().map(Limit::new).collect();
        book.sort_by_event();
        Ok(book)
    }

    /// A book without limits.
    pub fn empty(secret: Secret) -> Self {
        Self {
            secret,
            clock: Steady::default(),
            limits: Vec::new(),
            by_event: Default::default(),
            readings: Vec::new(),
        }
    }

    /// Asks every limit that counts this request and, when none refuses, takes from all of them.
    pub fn check_and_take(&mut self, facts: &Facts<'_>, now: Timestamp) -> Decision {
        let now = self.clock.tell(now);
        let mut readings = mem::take(&mut self.readings);
        readings.clear();
        self.read(facts, now, &mut readings);
        let refused = readings.iter().any(|reading| self.refuses(reading));
        let mut decision = Decision::new(if refused {
            Verdict::Refused
        } else {
            Verdict::Granted
        });
        let (mut tightest, mut own): (Option<&Reading>, Option<&Reading>) = (None, None);
        for reading in &readings {
            if self.settle(reading, &mut decision, now) != Mode::Enforce {
                continue;
            }
            if tightest.is_none_or(|other| reading.is_tighter_than(other)) {
                tightest = Some(reading);
            }
            if own.is_none_or(|other| reading.is_tighter_than(other)) && self.is_of_client(reading)
            {
                own = Some(reading);
            }
        }
        if !refused {
            decision.tightest = tightest.and_then(|reading| self.after(reading, now));
            decision.own = own.and_then(|reading| self.after(reading, now));
        }
        self.readings = readings;
        decision
    }

    /// Counts a request that was granted at `at`, before a restart, whatever is left. Requests come in
    /// their order. Held slots are not taken: what held them is gone.
    pub fn replay(&mut self, facts: &Facts<'_>, at: Timestamp) {
        let now = self.clock.tell(at);
        let mut readings = Vec::new();
        self.read(facts, now, &mut readings);
        for reading in readings.iter().filter(|reading| reading.amount > 0) {
            if let Some(limit) = self.limits.get_mut(reading.limit)
                && !matches!(limit.policy().method(0), Method::Held(_))
                && (limit.policy().draft().mode == Mode::Enforce || reading.fits)
            {
                limit.take(reading, now);
            }
        }
    }

    /// Gives a held slot back.
    pub fn release(&mut self, hold: Hold) {
        let Hold {
            name,
            level,
            key,
            amount,
        } = hold;
        let mut limits = self.limits.iter_mut();
        if let Some(limit) = limits.find(|limit| *limit.policy().name() == name) {
            limit.release(level, key, amount);
        }
    }

    #[inline]
    fn read(&self, facts: &Facts<'_>, now: Timestamp, readings: &mut Vec<Reading>) {
        let counting = self.by_event.get(facts.event.index());
        let asked = Asked::new(facts);
        for place in counting.into_iter().flatten().copied() {
            let limit = self.limits.get(place);
            readings.extend(limit.and_then(|limit| limit.read(place, &asked, &self.secret, now)));
        }
    }

    fn after(&self, reading: &Reading, now: Timestamp) -> Option<Meter> {
        let limit = self.limits.get(reading.limit)?;
        Some(Meter::after(limit, reading, now))
    }

    /// Whether what a limit counts is one client's alone.
    fn is_of_client(&self, reading: &Reading) -> bool {
        let limit = self.limits.get(reading.limit);
        limit.is_some_and(|limit| Audience::of(limit.policy()) == Audience::Client)
    }

    fn refuses(&self, reading: &Reading) -> bool {
        let limit = self.limits.get(reading.limit);
        !reading.fits && limit.is_some_and(|limit| limit.policy().draft().mode == Mode::Enforce)
    }

    /// Takes from one limit, or tells that it is violated; tells its mode, or record when the request is
    /// nothing to it.
    fn settle(&mut self, reading: &Reading, decision: &mut Decision, now: Timestamp) -> Mode {
        let Some(limit) = self.limits.get_mut(reading.limit) else {
            return Mode::Record;
        };
        let mode = limit.policy().draft().mode;
        match (reading.fits, mode) {
            (false, Mode::Enforce) => {
                limit.tally.refused += 1;
                limit.tally.shared += u64::from(reading.level != Level::Own);
                decision.violated.push(Meter::of(limit, reading, now));
            }
            (false, Mode::Record) => {
                limit.tally.shadowed += 1;
                decision.shadowed.push(Meter::of(limit, reading, now));
            }
            (true, _) if reading.amount == 0 => return Mode::Record,
            (true, _) if decision.verdict == Verdict::Refused => {}
            (true, _) => {
                limit.take(reading, now);
                if matches!(limit.policy().method(0), Method::Held(_)) {
                    decision.holds.push(Hold::of(limit, reading));
                } else {
                    decision.lasting += 1;
                }
            }
        }
        mode
    }

    fn sort_by_event(&mut self) {
        self.by_event = Event::ALL.map(|event| {
            let limits = self.limits.iter().enumerate();
            let counting = limits.filter(|(_, limit)| limit.policy().draft().event == event);
            counting.map(|(place, _)| place).collect()
        });
    }
}

impl Hold {
    fn of(limit: &Limit, reading: &Reading) -> Self {
        Self {
            name: limit.policy().name().clone(),
            level: reading.level,
            key: reading.entry.key,
            amount: reading.amount,
        }
    }
}

#[cfg(test)]
mod tests;
