//! Opt-outs and what a keyword from a handset leads to. A STOP blocks every class on that short code
//! unless the short code exempts one-time codes; it is confirmed once and no more (47 CFR
//! 64.1200(a)(12)).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::class::TrafficClass;
use crate::keyword::Keyword;

/// Why an opt-out, or its removal, was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The handset sent a keyword.
    Keyword,
    /// The person asked by another way (mail, call, form).
    Request,
    /// A complaint reached the firm or the carrier.
    Complaint,
    /// A carrier or a regulator ordered it.
    Order,
}

impl Basis {
    const ALL: [Self; 4] = [Self::Keyword, Self::Request, Self::Complaint, Self::Order];

    /// The word used in the API and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Request => "request",
            Self::Complaint => "complaint",
            Self::Order => "order",
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no basis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a basis; use keyword, request, complaint or order")]
pub struct UnknownBasis;

impl FromStr for Basis {
    type Err = UnknownBasis;

    fn from_str(text: &str) -> Result<Self, UnknownBasis> {
        Self::ALL
            .into_iter()
            .find(|basis| basis.as_str() == text)
            .ok_or(UnknownBasis)
    }
}

/// Whether a number takes messages from a short code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No opt-out is on record.
    Open,
    /// The number opted out.
    OptedOut,
}

/// Whether a short code's one-time codes still go to numbers that opted out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptOutScope {
    /// A STOP blocks every class.
    #[default]
    EveryClass,
    /// A STOP blocks everything but `otp`, which the person asks for each time.
    AllButOtp,
}

impl OptOutScope {
    /// Whether an opt-out on this short code blocks that class.
    pub fn blocks(self, class: TrafficClass) -> bool {
        !(self == Self::AllButOtp && class == TrafficClass::Otp)
    }
}

/// A change to the record of opt-outs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentChange {
    /// Record an opt-out.
    OptOut,
    /// Remove the opt-out.
    OptIn,
}

/// Which configured text goes back to the handset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Confirms the opt-out.
    Stopped,
    /// Tells who sends, how to get help and how to stop.
    Help,
    /// Confirms the opt-in.
    Started,
}

/// What a keyword leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The change to record, when there is one.
    pub change: Option<ConsentChange>,
    /// The text to send back, when there is one.
    pub reply: Option<Reply>,
}

/// Decides what a keyword leads to. A second STOP changes nothing and is not confirmed again; HELP is
/// answered even for those who opted out.
pub const fn react(keyword: Keyword, standing: Standing) -> Reaction {
    let (change, reply) = match (keyword, standing) {
        (Keyword::Stop, Standing::Open) => (Some(ConsentChange::OptOut), Some(Reply::Stopped)),
        (Keyword::Start, Standing::OptedOut) => (Some(ConsentChange::OptIn), Some(Reply::Started)),
        (Keyword::Stop, Standing::OptedOut) | (Keyword::Start, Standing::Open) => (None, None),
        (Keyword::Help, _) => (None, Some(Reply::Help)),
    };
    Reaction { change, reply }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_is_confirmed_once_and_no_more() {
        let first = react(Keyword::Stop, Standing::Open);
        assert_eq!(first.change, Some(ConsentChange::OptOut));
        assert_eq!(first.reply, Some(Reply::Stopped));
        let second = react(Keyword::Stop, Standing::OptedOut);
        assert_eq!(
            second,
            Reaction {
                change: None,
                reply: None
            }
        );
    }

    #[test]
    fn help_is_answered_even_after_a_stop() {
        assert_eq!(
            react(Keyword::Help, Standing::OptedOut).reply,
            Some(Reply::Help)
        );
    }

    #[test]
    fn stop_blocks_every_class_unless_otp_is_exempt() {
        for class in TrafficClass::ALL {
            assert!(OptOutScope::EveryClass.blocks(class));
            assert_eq!(
                OptOutScope::AllButOtp.blocks(class),
                class != TrafficClass::Otp
            );
        }
    }
}
