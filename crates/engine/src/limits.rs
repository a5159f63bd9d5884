//! Limits at work: the one book of counts behind a lock of its own, and who is counted by it. Rules and
//! arithmetic are in `domain::limit`; what becomes of a refusal is said where each command is.

mod keeping;
mod metrics;
mod recent;
mod replaying;
mod shown;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::limit::book::{Book, Decision, Hold, Meter, Reloaded, Verdict};
use domain::limit::facts::{Event, Facts};
use domain::limit::key::Secret;
use domain::limit::policy::{LimitName, Mode, Policy, PolicyError};
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use ledger::Kind;

use crate::client::{AuthError, Caller};
use crate::coalesce::Who;
use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::steady::SteadyTime;
use recent::Recent;

pub use shown::{ExplainError, LimitAnswer, LimitQuestion, LimitView};

/// A request that limits refuse. Nothing of it was counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused by the limit {limit}")]
pub struct Throttled {
    limit: LimitName,
    violated: Arc<[Meter]>,
}

impl Throttled {
    /// The stable code used in answers, the ledger and metrics.
    pub const CODE: &'static str = "throttled";

    /// How it stands with every limit that refuses it, at least one.
    pub fn violated(&self) -> &[Meter] {
        &self.violated
    }

    /// The first of the limits that refuse it, by which it is counted.
    pub const fn limit(&self) -> &LimitName {
        &self.limit
    }

    fn of(decision: Decision) -> Option<Self> {
        let limit = decision.violated.first()?.name.clone();
        let violated = decision.violated.into();
        (decision.verdict == Verdict::Refused).then_some(Self { limit, violated })
    }
}

/// A client's request that is being answered. It holds its slots until it is dropped.
#[derive(Debug)]
pub struct Underway {
    gateway: Option<Arc<Gateway>>,
    holds: Vec<Hold>,
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(gateway) = &self.gateway {
            gateway.limits.release(self.holds.drain(..));
        }
    }
}

/// The counts of a gateway. Whoever holds its lock waits for nothing and takes no other.
#[derive(Debug)]
pub(crate) struct Limits {
    inside: Mutex<Inside>,
    /// One keeping at a time: a copy never takes the place of a later one.
    keeping: Mutex<()>,
}

#[derive(Debug)]
struct Inside {
    book: Book,
    recent: Recent,
    time: SteadyTime,
    unkept: Unkept,
}

/// What was counted since counts were kept.
#[derive(Clone, Copy, Debug, Default)]
struct Unkept {
    /// Messages: a start finds them in the store and counts them again.
    messages: u64,
    /// Anything else, which only these counts know of.
    others: u64,
    /// Whether a limit refused any of those others since.
    refused: Refused,
    /// How long the last copy held the lock.
    copy: Duration,
}

/// Whether something was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Refused {
    /// Nothing was.
    #[default]
    Nothing,
    /// Something was: a count is full that a crash should not give back.
    Something,
}

impl Default for Limits {
    /// Without limits, until the keys that counts are kept under are open.
    fn default() -> Self {
        let book = Book::empty(Secret::new([0; 16]));
        Self {
            inside: Mutex::new(Inside {
                book,
                recent: Recent::default(),
                time: SteadyTime::begin(None, Timestamp::EPOCH, Duration::ZERO),
                unkept: Unkept::default(),
            }),
            keeping: Mutex::default(),
        }
    }
}

impl Limits {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps others from keeping counts.
    fn keeping(&self) -> MutexGuard<'_, ()> {
        self.keeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts counts in place of those that are there.
    fn begin(&self, inside: Inside) {
        *self.inside() = inside;
    }

    /// Puts other policies in force; counts stay.
    pub(crate) fn reload(
        &self,
        policies: Vec<Policy>,
        uptime: Duration,
    ) -> Result<Reloaded, PolicyError> {
        let mut inside = self.inside();
        let now = inside.time.at(uptime);
        inside.book.reload(policies, now)
    }

    /// Asks every limit that counts a message, and takes from all of them when none refuses.
    pub(crate) fn take_message(
        &self,
        facts: &Facts<'_>,
        sequence: u64,
        uptime: Duration,
    ) -> Result<Option<Meter>, Throttled> {
        let mut inside = self.inside();
        let now = inside.time.at(uptime);
        let mut decision = inside.book.check_and_take(facts, now);
        if decision.verdict == Verdict::Granted {
            inside.recent.add(sequence, now);
            inside.unkept.messages += 1;
        }
        drop(inside);
        // What is left of a limit that clients share is no client's business.
        let own = decision.own.take();
        Throttled::of(decision).map_or(Ok(own), Err)
    }

    /// The same for whatever else is counted. The slots it then holds must be given back.
    pub(crate) fn take(&self, facts: &Facts<'_>, uptime: Duration) -> Result<Vec<Hold>, Throttled> {
        let mut inside = self.inside();
        let now = inside.time.at(uptime);
        let mut decision = inside.book.check_and_take(facts, now);
        inside.unkept.others += decision.lasting;
        if decision.verdict == Verdict::Refused {
            inside.unkept.refused = Refused::Something;
        }
        drop(inside);
        let holds = std::mem::take(&mut decision.holds);
        Throttled::of(decision).map_or(Ok(holds), Err)
    }

    /// Whether a limit would refuse this now. Takes nothing.
    pub(crate) fn is_spent(&self, facts: &Facts<'_>, uptime: Duration) -> bool {
        let inside = self.inside();
        let meters = inside.book.explain(facts, inside.time.at(uptime));
        let refuses =
            |meter: &Meter| meter.mode == Mode::Enforce && meter.wait != Some(Duration::ZERO);
        meters.iter().any(refuses)
    }

    /// Forgets what a number is, and goes on counting it.
    pub(crate) fn forget(&self, number: Msisdn) {
        let mut inside = self.inside();
        inside.book.forget(number);
        inside.unkept.messages += 1;
    }

    fn release(&self, holds: impl IntoIterator<Item = Hold>) {
        let mut holds = holds.into_iter().peekable();
        if holds.peek().is_none() {
            return;
        }
        let mut inside = self.inside();
        for hold in holds {
            inside.book.release(hold);
        }
    }
}

impl Gateway {
    /// Octets that the counts of all limits take at most. It changes with the policies alone.
    pub fn limits_held(&self) -> usize {
        let inside = self.limits.inside();
        let summaries = inside.book.summaries(inside.time.at(self.uptime()));
        summaries.iter().map(|summary| summary.octets).sum()
    }

    /// Begins a client's request. What it holds is given back when the answer is made or nobody waits for
    /// it any more. A no is counted.
    pub fn begin_request(&self, caller: &Caller) -> Result<Underway, Throttled> {
        let now = self.now();
        let settings = self.settings();
        let facts = Facts {
            client: Some(caller.client),
            group: settings.limits.group_of(Some(caller.client)),
            source: Some(caller.source),
            ..Facts::new(Event::Request)
        };
        match self.limits.take(&facts, self.uptime()) {
            Ok(holds) => Ok(Underway {
                gateway: self.myself(),
                holds,
            }),
            Err(throttled) => {
                let mut state = self.state();
                let who = Who::Client(caller.client);
                let limit = throttled.limit();
                state
                    .coalescer
                    .throttled(Kind::RequestRefused, who, limit, now);
                let counter = Counter::RequestsRefused;
                state.counters.add(counter, 1);
                Err(throttled)
            }
        }
    }

    /// Counts a credential that is not accepted, by where it came from. Only failures are counted, so
    /// that whoever has a good key is never shut out by those who guess from the same address.
    pub(crate) fn take_failed_login(&self, source: IpAddr) -> Result<(), Throttled> {
        let facts = Facts {
            source: Some(source),
            ..Facts::new(Event::Login)
        };
        let holds = self.limits.take(&facts, self.uptime())?;
        self.limits.release(holds);
        Ok(())
    }

    /// The answer to a credential that is not accepted, when too many from there were not.
    pub(crate) fn login_throttled(
        &self,
        source: IpAddr,
        throttled: Throttled,
        now: Timestamp,
    ) -> AuthError {
        let who = Who::network(source);
        let mut state = self.state();
        let limit = throttled.limit();
        state.coalescer.throttled(Kind::AuthFailed, who, limit, now);
        let counter = Counter::AuthFailed(Throttled::CODE);
        state.counters.add(counter, 1);
        throttled.into()
    }
}
