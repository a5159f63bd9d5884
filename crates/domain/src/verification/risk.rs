//! The verdict of an outside check before a code is sent: whether the number's SIM was changed lately (CAMARA
//! SIM Swap; NIST SP 800-63B-4 section 3.1.3.3). Asking is the engine's; this decides what an
//! answer, or the lack of one, leads to.

use serde::{Deserialize, Serialize};

/// How far back a change of the SIM counts, in hours: 1 to 2,400, and 240 unless asked otherwise (CAMARA
/// `maxAge`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct MaxAgeHours(u16);

/// No such age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a change of the SIM counts for 1 to 2400 hours")]
pub struct MaxAgeError;

impl MaxAgeHours {
    /// Takes 1 to 2,400.
    pub const fn new(hours: u16) -> Result<Self, MaxAgeError> {
        match hours {
            1..=2_400 => Ok(Self(hours)),
            _ => Err(MaxAgeError),
        }
    }

    /// The hours.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Default for MaxAgeHours {
    fn default() -> Self {
        Self(240)
    }
}

impl TryFrom<u16> for MaxAgeHours {
    type Error = MaxAgeError;

    fn try_from(hours: u16) -> Result<Self, MaxAgeError> {
        Self::new(hours)
    }
}

impl From<MaxAgeHours> for u16 {
    fn from(age: MaxAgeHours) -> Self {
        age.0
    }
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimSwap {
    /// The SIM was not changed in the time asked for.
    Unchanged,
    /// It was.
    Changed,
    /// Nobody said.
    Unknown(Unknown),
}

/// Why nobody said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unknown {
    /// The service does not cover the number (422 `SERVICE_NOT_APPLICABLE`).
    NotCovered,
    /// The service refused or failed: any other error, and an answer that makes no sense.
    Failed,
    /// It did not answer in time.
    TimedOut,
}

impl Unknown {
    /// The stable code used in the ledger and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotCovered => "not-covered",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
        }
    }
}

/// What happens when nobody says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenUnknown {
    /// The code is sent: an outage of the service locks nobody out.
    FailOpen,
    /// The code is not sent: an outage of the service lets nobody in.
    #[default]
    FailClosed,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send. What was unknown belongs into the entry.
    Send(Option<Unknown>),
    /// Do not send; the person needs another channel.
    Refuse(SimRisk),
}

/// Why no code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SimRisk {
    /// The SIM was changed lately.
    SimChanged,
    /// Whether it was is unknown.
    SimUnknown(Unknown),
}

impl SimRisk {
    /// The stable code used in answers, the ledger and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SimChanged => "sim-changed",
            Self::SimUnknown(_) => "sim-unknown",
        }
    }
}

/// Decides on a verdict. A change of the SIM refuses under either setting.
pub const fn decide(verdict: SimSwap, when_unknown: WhenUnknown) -> Decision {
    match (verdict, when_unknown) {
        (SimSwap::Unchanged, _) => Decision::Send(None),
        (SimSwap::Changed, _) => Decision::Refuse(SimRisk::SimChanged),
        (SimSwap::Unknown(why), WhenUnknown::FailOpen) => Decision::Send(Some(why)),
        (SimSwap::Unknown(why), WhenUnknown::FailClosed) => {
            Decision::Refuse(SimRisk::SimUnknown(why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_sim_refuses_under_either_setting() {
        for setting in [WhenUnknown::FailOpen, WhenUnknown::FailClosed] {
            let refused = Decision::Refuse(SimRisk::SimChanged);
            assert_eq!(decide(SimSwap::Changed, setting), refused);
            assert_eq!(decide(SimSwap::Unchanged, setting), Decision::Send(None));
        }
    }

    #[test]
    fn the_setting_decides_on_the_unknown_and_refuses_by_default() {
        for why in [Unknown::NotCovered, Unknown::Failed, Unknown::TimedOut] {
            let verdict = SimSwap::Unknown(why);
            let open = decide(verdict, WhenUnknown::FailOpen);
            assert_eq!(open, Decision::Send(Some(why)));
            let closed = decide(verdict, WhenUnknown::default());
            assert_eq!(closed, Decision::Refuse(SimRisk::SimUnknown(why)));
        }
    }

    #[test]
    fn a_change_counts_for_1_to_2400_hours() {
        assert_eq!(MaxAgeHours::default().get(), 240);
        assert_eq!(MaxAgeHours::new(0), Err(MaxAgeError));
        assert_eq!(MaxAgeHours::new(2_401), Err(MaxAgeError));
        assert!(MaxAgeHours::new(2_400).is_ok());
        let word = serde_json::to_string(&WhenUnknown::FailClosed).unwrap();
        assert_eq!(word, "\"fail-closed\"");
    }
}
