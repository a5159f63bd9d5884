//! What was sent and used of each prefix, by client: whether codes to it pile up that nobody uses, at one door
//! or at several.

use core::ops::RangeInclusive;

use super::finding::{Prefix, PrefixStats};
use super::history::{Count, Event, HOUR, HOURS, History, QUARTER, Window};
use super::policy::PumpingPolicy;
use super::shared::{Owned, Shared};
use crate::id::ClientId;
use crate::time::Timestamp;

/// The most pairs of prefix and client that are counted. A row takes 500 octets when it is new and 1,100 at
/// most: about 16 MB, and as much again while the whole is kept anew.
pub(super) const PLACES_MAX: usize = 16_384;

/// A prefix as one client meets it.
type Of = (Prefix, ClientId);

impl Owned for Of {
    fn owner(&self) -> ClientId {
        self.1
    }
}

/// Too many unused codes to one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pile {
    /// The client of whom they are; several where none is named.
    pub(super) client: Option<ClientId>,
    /// The window that they were counted in.
    pub(super) window: Window,
    /// What was sent and used in it.
    pub(super) used: Count,
    /// How many unused ones it allows.
    pub(super) allowed: u32,
    /// Whether it would be too much without those that can still be typed in.
    pub(super) proof: Proof,
}

/// Whether codes are known to go unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Enough of them have ended.
    Ended,
    /// They may still be typed in.
    Open,
}

/// All prefixes.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    rows: Shared<Of, History>,
}

impl Places {
    pub(super) fn note(&mut self, place: Of, event: Event, now: Timestamp) {
        if let Some(history) = self.rows.entry(place, PLACES_MAX, now) {
            history.add(event, now);
        }
    }

    /// What all clients sent and used.
    pub(super) fn over(&self, prefix: Prefix, window: Window, now: Timestamp) -> Count {
        sum(self.histories(prefix), |history| history.over(window, now))
    }

    /// What one client sent and used.
    pub(super) fn own(&self, place: Of, window: Window, now: Timestamp) -> Count {
        let history = self.rows.get(&place);
        history.map_or(Count::default(), |history| history.over(window, now))
    }

    /// Too much of this client that nobody uses, in a quarter, an hour or a day; or of several together, none
    /// of which has more than half of it, so that no client shuts a prefix for the others.
    pub(super) fn piled(&self, place: Of, policy: &PumpingPolicy, now: Timestamp) -> Option<Pile> {
        let own: Vec<&History> = self.rows.get(&place).into_iter().collect();
        let own = pile(&own, policy, now).map(|pile| Pile {
            client: Some(place.1),
            ..pile
        });
        own.or_else(|| {
            let all: Vec<&History> = self.histories(place.0).collect();
            let pile = pile(&all, policy, now)?;
            let unused = |history: &&History| history.over(pile.window, now).unverified();
            let most = all.iter().map(unused).max()?;
            (most <= pile.used.unverified() / 2).then_some(pile)
        })
    }

    fn histories(&self, prefix: Prefix) -> impl Iterator<Item = &History> {
        self.rows.range(every(prefix)).map(|(_, history)| history)
    }

    /// What is counted for each prefix, over all clients.
    pub(super) fn stats(&self, now: Timestamp) -> Vec<PrefixStats> {
        let mut sums: Vec<PrefixStats> = Vec::new();
        for ((prefix, _), history) in self.rows.iter() {
            let (hour, day) = (history.over(HOUR, now), history.over(HOURS, now));
            match sums.last_mut().filter(|last| last.prefix == *prefix) {
                Some(last) => (last.hour, last.day) = (last.hour.plus(hour), last.day.plus(day)),
                None => sums.push(PrefixStats {
                    prefix: *prefix,
                    hour,
                    day,
                }),
            }
        }
        sums
    }

    /// Forgets what is held against a prefix.
    pub(super) fn release(&mut self, prefix: Prefix) {
        self.rows.forget(every(prefix));
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) const fn turned_away(&self) -> u64 {
        self.rows.turned_away()
    }

    pub(super) fn to_rows(&self, now: Timestamp) -> Vec<(Of, History)> {
        self.rows.to_rows(now)
    }

    pub(super) fn from_rows(rows: Vec<(Of, History)>) -> Self {
        Self {
            rows: Shared::from_rows(rows, PLACES_MAX),
        }
    }
}

/// A prefix as every client meets it.
const fn every(prefix: Prefix) -> RangeInclusive<Of> {
    (prefix, ClientId::new(0, 0))..=(prefix, ClientId::new(u64::MAX, u64::MAX))
}

/// The first window in which too many codes have ended unused, or else the first with too many that may.
fn pile(histories: &[&History], policy: &PumpingPolicy, now: Timestamp) -> Option<Pile> {
    let add = |of: &dyn Fn(&History) -> Count| sum(histories.iter().copied(), of);
    let best = histories.iter().map(|history| {
        let today = history.over(HOURS, now).verified;
        history.most_verified(now).max(today)
    });
    let baseline = best.fold(0, u32::saturating_add);
    let windows = [
        (QUARTER, policy.prefix_quarter),
        (HOUR, policy.prefix_hour),
        (HOURS, policy.prefix_day),
    ];
    let mut open = None;
    for (window, threshold) in windows {
        let used = add(&|history| history.over(window, now));
        let allowed = threshold.allowed(baseline);
        let pile = |proof| Pile {
            client: None,
            window,
            used,
            allowed,
            proof,
        };
        if threshold.is_exceeded(add(&|history| history.ended(window, now)), allowed) {
            return Some(pile(Proof::Ended));
        }
        if open.is_none() && threshold.is_exceeded(used, allowed) {
            open = Some(pile(Proof::Open));
        }
    }
    open
}

fn sum<'h>(histories: impl Iterator<Item = &'h History>, of: impl Fn(&History) -> Count) -> Count {
    histories.fold(Count::default(), |sum, history| sum.plus(of(history)))
}
