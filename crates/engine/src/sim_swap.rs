//! The question before a code is sent: was the SIM of this number changed lately? It is asked outside
//! every lock, and decides nothing by itself; the rule is in `domain`.

use std::fmt;
use std::sync::Arc;

use domain::msisdn::Msisdn;
use domain::verification::risk::{Decision, MaxAgeHours, SimRisk, SimSwap, WhenUnknown, decide};

use crate::gateway::Gateway;
use crate::metrics::Counter;
use crate::ports::Risk;
use crate::ports::risk::Told;

/// Who is asked about SIMs, and what follows.
#[derive(Clone)]
pub struct RiskParts {
    /// Whom to ask.
    pub risk: Arc<dyn Risk>,
    /// How far back a change counts.
    pub max_age: MaxAgeHours,
    /// What happens when nobody says.
    pub when_unknown: WhenUnknown,
}

impl fmt::Debug for RiskParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, when) = (self.max_age.get(), self.when_unknown);
        write!(f, "RiskParts({hours} hours, {when:?})")
    }
}

/// The SIM of a number does not stand in the way of a code. It has no other constructor than the
/// question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct SimCleared(Option<&'static str>);

impl SimCleared {
    /// Nobody is asked, since no code goes to a handset.
    pub(crate) const UNASKED: Self = Self(None);

    /// What the answer was, for the entry of the start: `unchanged`, `not-covered`, `failed` or
    /// `timed-out`; `None` when nobody was asked.
    pub const fn word(self) -> Option<&'static str> {
        self.0
    }
}

impl Gateway {
    /// Has SIMs asked about from now on. The first call counts.
    pub fn attach_risk(&self, parts: RiskParts) {
        let _first = self.risk.set(parts);
    }

    /// Asks about the SIM of a number before a code is sent to it. It may take as long as the time limit
    /// of whoever is asked, and may be dropped.
    pub async fn ask_about_sim(&self, to: Msisdn) -> Result<SimCleared, SimRisk> {
        let Some(parts) = self.risk.get() else {
            return Ok(SimCleared(None));
        };
        let verdict = match parts.risk.sim_swap(to, parts.max_age).await {
            Told::NotAsked => return Ok(SimCleared(None)),
            Told::Answered(verdict) => verdict,
        };
        let answer = word(verdict);
        self.state().counters.add(Counter::SimChecks(answer), 1);
        match decide(verdict, parts.when_unknown) {
            Decision::Send(_) => Ok(SimCleared(Some(answer))),
            Decision::Refuse(risk) => Err(risk),
        }
    }
}

const fn word(verdict: SimSwap) -> &'static str {
    match verdict {
        SimSwap::Unchanged => "unchanged",
        SimSwap::Changed => "changed",
        SimSwap::Unknown(why) => why.code(),
    }
}
