//! What comes of a request: the answer with all that a 429 needs to tell.

use core::time::Duration;

use super::{Key, Level, Limit, Method, Mode, Reading};
use crate::limit::counter::Standing;
use crate::limit::dimension::Dimension;
use crate::limit::policy::{LimitName, Policy, Rule, Unit};
use crate::time::Timestamp;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a refusal must be told, and held slots must be given back"]
pub struct Decision {
    /// Whether it may go on.
    pub verdict: Verdict,
    /// Every limit that refuses it.
    pub violated: Vec<Meter>,
    /// Every limit that would refuse it, but only records.
    pub shadowed: Vec<Meter>,
    /// Of the limits that enforce and took, the one with the least left, after the take.
    pub tightest: Option<Meter>,
    /// The same of those that count by client: what that client may be told.
    pub own: Option<Meter>,
    /// How many of the counts it was taken from outlive a restart: all but slots.
    pub lasting: u64,
    /// The slots it holds now. Give each back with [`super::Book::release`] when it is done.
    pub holds: Vec<Hold>,
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and was counted.
    Granted,
    /// It may not, and was not counted.
    Refused,
}

/// Whose traffic a count is made of, and so whom it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// One client's: the limit counts by client.
    Client,
    /// That of several clients: what is left would tell one of them what another did.
    Operator,
}

/// How a request stands with one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// The limit.
    pub name: LimitName,
    /// Whether it refuses or records.
    pub mode: Mode,
    /// What it counts.
    pub unit: Unit,
    /// The most there is: burst, amount of the window, or slots. With the override for the client.
    pub quota: u64,
    /// In which time; for a rate that in which a spent burst comes back, for slots zero.
    pub window: Duration,
    /// What is left: before this request, or for [`Decision::tightest`] after it.
    pub remaining: u64,
    /// How long until there is more than that; zero when all is there.
    pub reset: Duration,
    /// Whether others count there too.
    pub audience: Audience,
    /// How long until this request fits: zero when it does, `None` when it is more than there ever is.
    pub wait: Option<Duration>,
    /// Whose count it was: its own, or one that newcomers share because the table is full.
    pub level: Level,
    /// The key of the count.
    pub key: Key,
}

/// A slot held. It counts until it is given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub(super) name: LimitName,
    pub(super) level: Level,
    pub(super) key: Key,
    pub(super) amount: u64,
}

impl Decision {
    pub(super) const fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            violated: Vec::new(),
            shadowed: Vec::new(),
            tightest: None,
            own: None,
            lasting: 0,
            holds: Vec::new(),
        }
    }

    /// How long until no limit refuses this request any more, others aside. `None` when it may never
    /// go as it is: it is more than a limit ever allows at once.
    pub fn retry_after(&self) -> Option<Duration> {
        let mut longest = Duration::ZERO;
        for meter in &self.violated {
            longest = longest.max(meter.wait?);
        }
        Some(longest)
    }
}

impl Meter {
    /// How a request stands that was not taken.
    pub(super) fn of(limit: &Limit, reading: &Reading, now: Timestamp) -> Self {
        let mut standing = limit.standing(reading, now);
        if reading.fits {
            standing.wait = Some(Duration::ZERO);
        }
        Self::new(limit, reading, standing)
    }

    /// How a request stands that was taken.
    pub(super) fn after(limit: &Limit, reading: &Reading, now: Timestamp) -> Self {
        Self::new(limit, reading, limit.standing_after(reading, now))
    }

    fn new(limit: &Limit, reading: &Reading, standing: Standing) -> Self {
        let draft = limit.policy().draft();
        let method = limit.method(reading);
        Self {
            name: draft.name.clone(),
            mode: draft.mode,
            unit: draft.unit,
            quota: quota_of(method),
            window: window_of(method, draft.rule),
            remaining: standing.remaining,
            reset: standing.reset,
            wait: standing.wait,
            audience: Audience::of(limit.policy()),
            level: reading.level,
            key: reading.entry.key,
        }
    }

    /// Whether the request fits.
    pub fn fits(&self) -> bool {
        self.wait == Some(Duration::ZERO)
    }
}

impl Audience {
    /// Who may be told of the counts of a limit.
    pub(super) fn of(policy: &Policy) -> Self {
        if policy.draft().dimensions.contains(Dimension::Client) {
            Self::Client
        } else {
            Self::Operator
        }
    }
}

fn quota_of(method: Method) -> u64 {
    match method {
        Method::Rate(rate) => u64::from(rate.burst()),
        Method::Quota(window) => window.quota(),
        Method::Held(slots) => u64::from(slots.most()),
    }
}

fn window_of(method: Method, rule: Rule) -> Duration {
    match (method, rule) {
        (Method::Rate(rate), _) => rate.refill(),
        (Method::Quota(_), Rule::Quota { window, .. }) => window,
        _ => Duration::ZERO,
    }
}
