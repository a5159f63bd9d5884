//! What a limit allows: what it counts, by which facts, how much, and whether it refuses or only
//! records. A [`Draft`] is what was written down; a [`Policy`] is one that was checked.

mod defaults;
mod name;

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::concurrency::Slots;
use super::dimension::{Dimension, Dimensions, Level};
use super::facts::{Event, Facts};
use super::gcra::Rate;
use super::window::Window;
use crate::class::ClassSet;
use crate::id::ClientId;

pub use defaults::defaults;
pub use name::{LimitName, LimitNameError};

/// The longest window and the longest refill of a burst.
pub const LONGEST: Duration = Duration::from_hours(366 * 24);

/// The most keys that one limit may keep, so that a slip of the pen does not ask for all memory.
pub const MOST_KEYS: u32 = 1 << 26;

/// The most overrides of one limit.
pub const MOST_OVERRIDES: usize = 10_000;

/// How many times the amount of one number the newcomers of a prefix share when the table is full. A table
/// is sized for what a firm sends, so that one number in some is a newcomer: of the 10,000 to 100,000 of a
/// prefix, of which a busy firm reaches a thousand in a window, one in thirty. Who fills the table (a million
/// numbers in an hour) can send a number so many times as much, and no more.
pub const NEAR_FACTOR: u32 = 32;

/// And those of a country, or all, when the table of prefixes is full too: again so many prefixes.
pub const FAR_FACTOR: u32 = NEAR_FACTOR * NEAR_FACTOR;

/// What one request counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// One.
    Requests,
    /// The segments of the message.
    Segments,
    /// What the message costs, in micro-units of the currency.
    Micros,
}

impl Unit {
    /// What a request counts for.
    pub const fn amount(self, facts: &Facts<'_>) -> u64 {
        match self {
            Self::Requests => 1,
            Self::Segments => {
                #[expect(
                    clippy::as_conversions,
                    reason = "u32 to u64 widens; From is not const"
                )]
                let segments = facts.segments as u64;
                segments
            }
            Self::Micros => facts.cost_micros,
        }
    }
}

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// GCRA: `count` in each `period`, of which `burst` at once.
    Rate {
        /// How many.
        count: u32,
        /// In which time.
        period: Duration,
        /// How many at once after a rest.
        burst: u32,
    },
    /// An exact sliding window: never more than `amount` in any `window`.
    Quota {
        /// How many.
        amount: u64,
        /// In which time.
        window: Duration,
    },
    /// At most `most` under way at once.
    Held {
        /// How many.
        most: u32,
    },
}

/// Whether a limit refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It refuses.
    Enforce,
    /// It tells what it would have refused (shadow), to try it on live traffic.
    Record,
}

/// A limit as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Its name.
    pub name: LimitName,
    /// What it counts.
    pub event: Event,
    /// What one counts for.
    pub unit: Unit,
    /// By which facts it counts.
    pub dimensions: Dimensions,
    /// Which classes of messages it counts; empty for all.
    pub classes: ClassSet,
    /// How much is allowed.
    pub rule: Rule,
    /// Whether it refuses.
    pub mode: Mode,
    /// Other numbers for some clients. Needs the client among the dimensions.
    pub overrides: Vec<(ClientId, Rule)>,
    /// How many keys it keeps apart at most: 1 to [`MOST_KEYS`]. Newcomers beyond share coarser ones.
    pub keys: u32,
}

/// Why a draft is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// An amount, a time or a number of keys is 0.
    #[error("limit {0}: amounts, times and keys are 1 or more")]
    Zero(LimitName),
    /// A window, or the time in which a burst comes back, is longer than [`LONGEST`].
    #[error("limit {0}: a window, or the time in which a burst comes back, is at most 366 days")]
    TooLong(LimitName),
    /// More keys than [`MOST_KEYS`].
    #[error("limit {0}: at most 67108864 keys")]
    TooManyKeys(LimitName),
    /// More overrides than [`MOST_OVERRIDES`], or two for one client.
    #[error("limit {0}: at most 10000 overrides, one a client")]
    Overrides(LimitName),
    /// An override, but the counts of clients are not kept apart.
    #[error("limit {0}: overrides need client among the dimensions, since others share its counts")]
    OverrideOfAll(LimitName),
    /// An override of another kind, or with another window.
    #[error("limit {0}: an override has the kind and the window of its limit; only amounts differ")]
    OverrideShape(LimitName),
    /// A rate of money, or held slots of anything but requests.
    #[error("limit {0}: money is limited by a quota, and only requests are held")]
    Unit(LimitName),
    /// Two limits of one name.
    #[error("limit {0}: there are two of this name")]
    Twice(LimitName),
}

/// A rule made ready to count with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Rate(Rate),
    Quota(Window),
    Held(Slots),
}

/// A checked limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Policy {
    draft: Draft,
    method: Method,
    /// Overrides by client.
    tiers: Vec<(ClientId, Method)>,
}

impl Policy {
    /// Checks a draft.
    pub fn new(draft: Draft) -> Result<Self, PolicyError> {
        let name = || draft.name.clone();
        check_sizes(&draft)?;
        for (_, rule) in &draft.overrides {
            if !draft.dimensions.contains(Dimension::Client) {
                return Err(PolicyError::OverrideOfAll(name()));
            }
            if !rule.is_shaped_as(draft.rule) {
                return Err(PolicyError::OverrideShape(name()));
            }
        }
        let mut tiers: Vec<(ClientId, Method)> = draft
            .overrides
            .iter()
            .map(|(client, rule)| (*client, rule.method()))
            .collect();
        tiers.sort_unstable_by_key(|(client, _)| *client);
        tiers.dedup_by_key(|(client, _)| *client);
        if tiers.len() != draft.overrides.len() || tiers.len() > MOST_OVERRIDES {
            return Err(PolicyError::Overrides(name()));
        }
        Ok(Self {
            method: draft.rule.method(),
            tiers,
            draft,
        })
    }

    /// What was written down.
    pub const fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Its name.
    pub const fn name(&self) -> &LimitName {
        &self.draft.name
    }

    /// Whether a request is counted at all.
    pub(super) fn applies_to(&self, facts: &Facts<'_>) -> bool {
        let classes = self.draft.classes;
        let by_class = match facts.class {
            Some(class) => classes.contains(class) || classes.iter().next().is_none(),
            None => true,
        };
        by_class && self.draft.dimensions.apply_to(facts)
    }

    /// Which numbers count for a client: 0 for the policy's own, otherwise an override.
    pub(super) fn tier(&self, client: Option<ClientId>) -> u16 {
        let found = client.and_then(|client| {
            let tiers = &self.tiers;
            tiers
                .binary_search_by_key(&client, |(client, _)| *client)
                .ok()
        });
        found.map_or(0, |place| u16::try_from(place + 1).unwrap_or(0))
    }

    /// Which client an override is for.
    pub(super) fn client_of(&self, tier: u16) -> Option<ClientId> {
        let place = usize::from(tier).checked_sub(1)?;
        Some(self.tiers.get(place)?.0)
    }

    /// The rule of a tier.
    pub(super) fn method(&self, tier: u16) -> Method {
        let place = usize::from(tier).checked_sub(1);
        let tier = place.and_then(|place| self.tiers.get(place));
        tier.map_or(self.method, |(_, method)| *method)
    }

    /// The rule of a tier at a level: what its coarser keys allow is more when many numbers share them.
    #[inline]
    pub(super) fn method_at(&self, level: Level, tier: u16) -> Method {
        match self.factor(level) {
            1 => self.method(tier),
            factor => self.method(tier).times(factor),
        }
    }

    /// How many times its own amount a key of a level allows. Only for messages to numbers: a person who
    /// never got one is not refused for those of others. Whoever guesses (keys, logins) would gain
    /// by it, and a coarser key of what has no prefix is as exact as its own.
    pub(super) fn factor(&self, level: Level) -> u32 {
        let dimensions = self.draft.dimensions;
        let numbers = self.draft.event == Event::Message
            && (dimensions.contains(Dimension::Recipient)
                || dimensions.contains(Dimension::Prefix))
            && !matches!(self.draft.rule, Rule::Held { .. });
        match level {
            Level::Near if numbers => NEAR_FACTOR,
            Level::Far | Level::Last if numbers => FAR_FACTOR,
            _ => 1,
        }
    }

    /// Cells of a key at a level: enough for the largest quota among the tiers.
    pub(super) fn cells(&self, level: Level) -> u16 {
        let tiers = 0..=u16::try_from(self.tiers.len()).unwrap_or(u16::MAX);
        let cells = tiers.map(|tier| self.method_at(level, tier).cells());
        cells.max().unwrap_or(0)
    }

    /// Whether counts under the other policy mean the same here, amounts aside.
    pub(super) fn is_shaped_as(&self, other: &Self) -> bool {
        let (a, b) = (&self.draft, &other.draft);
        a.name == b.name
            && a.event == b.event
            && a.unit == b.unit
            && a.dimensions == b.dimensions
            && a.rule.is_shaped_as(b.rule)
    }

    /// Whether counts of the other policy can stay as they lie: the same amounts and sizes.
    pub(super) fn counts_as(&self, other: &Self) -> bool {
        self.is_shaped_as(other)
            && self.method == other.method
            && self.tiers == other.tiers
            && self.draft.keys == other.draft.keys
    }
}

impl TryFrom<Draft> for Policy {
    type Error = PolicyError;

    fn try_from(draft: Draft) -> Result<Self, PolicyError> {
        Self::new(draft)
    }
}

impl From<Policy> for Draft {
    fn from(policy: Policy) -> Self {
        policy.draft
    }
}

impl Rule {
    fn method(self) -> Method {
        match self {
            Self::Rate {
                count,
                period,
                burst,
            } => Method::Rate(Rate::per(count, period, burst)),
            Self::Quota { amount, window } => Method::Quota(Window::new(amount, window)),
            Self::Held { most } => Method::Held(Slots::new(most)),
        }
    }

    fn is_shaped_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::Quota { window, .. }, Self::Quota { window: other, .. }) => window == other,
            (Self::Rate { .. }, Self::Rate { .. }) | (Self::Held { .. }, Self::Held { .. }) => true,
            _ => false,
        }
    }

    fn is_zero(self) -> bool {
        match self {
            Self::Rate {
                count,
                period,
                burst,
            } => count == 0 || period.as_micros() == 0 || burst == 0,
            Self::Quota { amount, window } => amount == 0 || window.as_micros() == 0,
            Self::Held { most } => most == 0,
        }
    }

    /// How long a spent key takes to come to rest.
    fn rest(self) -> Duration {
        match self.method() {
            Method::Rate(rate) => rate.refill(),
            Method::Quota(_) => match self {
                Self::Quota { window, .. } => window,
                _ => Duration::ZERO,
            },
            Method::Held(_) => Duration::ZERO,
        }
    }
}

impl Method {
    fn times(self, factor: u32) -> Self {
        match self {
            Self::Rate(rate) => Self::Rate(rate.times(factor)),
            Self::Quota(window) => Self::Quota(window.times(factor)),
            Self::Held(slots) => Self::Held(slots),
        }
    }

    fn cells(self) -> u16 {
        match self {
            Self::Quota(window) => window.cells(),
            Self::Rate(_) | Self::Held(_) => 0,
        }
    }
}

fn check_sizes(draft: &Draft) -> Result<(), PolicyError> {
    let rules = || {
        draft
            .overrides
            .iter()
            .map(|(_, rule)| *rule)
            .chain([draft.rule])
    };
    let name = || draft.name.clone();
    if draft.keys == 0 || rules().any(Rule::is_zero) {
        return Err(PolicyError::Zero(name()));
    }
    if draft.keys > MOST_KEYS {
        return Err(PolicyError::TooManyKeys(name()));
    }
    if rules().any(|rule| rule.rest() > LONGEST) {
        return Err(PolicyError::TooLong(name()));
    }
    match (draft.rule, draft.unit) {
        (Rule::Rate { .. }, Unit::Micros) | (Rule::Held { .. }, Unit::Micros | Unit::Segments) => {
            Err(PolicyError::Unit(name()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
