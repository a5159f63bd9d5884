//! The life of a message to a handset and of its segments. Dispatch, carrier id, receipt and
//! "unknown" are facts of a segment; the state of the message is the fold of its segments.
//!
//! ```text
//! accepted → dispatched → submitted → delivered | failed | expired | cancelled | unknown
//! ```

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

mod done;
mod segment;

pub use done::DoneDate;
pub use segment::{CarrierName, Event, Outcome, ReceiptState, Segment, SegmentState};

/// Where a message stands: the fold of its segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// Safe on disk, no segment has left.
    Accepted,
    /// A segment may have left; not every one is answered.
    Dispatched,
    /// The carrier took every segment.
    Submitted,
    /// A receipt says that every segment reached the handset.
    Delivered,
    /// The carrier or the network refused a segment for good.
    Failed,
    /// Its validity ended first.
    Expired,
    /// Its sender took it back before any segment left.
    Cancelled,
    /// A segment may or may not have arrived, and nobody will tell.
    Unknown,
}

impl MessageState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Dispatched,
        Self::Submitted,
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// The word used in the API, the ledger and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Dispatched => "dispatched",
            Self::Submitted => "submitted",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more is expected to happen (a late receipt can still settle `unknown`).
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Accepted | Self::Dispatched | Self::Submitted)
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no message state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a message state; use accepted, dispatched, submitted, delivered, failed, expired, cancelled or unknown"
)]
pub struct UnknownState;

impl FromStr for MessageState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

/// Folds the segments of one message into its state. No segment at all reads as accepted.
pub fn fold(segments: &[Segment]) -> MessageState {
    let any = |state: SegmentState| segments.iter().any(|segment| segment.state() == state);
    if any(SegmentState::Failed) {
        return MessageState::Failed;
    }
    if any(SegmentState::Expired) {
        return MessageState::Expired;
    }
    if any(SegmentState::Cancelled) {
        return MessageState::Cancelled;
    }
    if segments
        .iter()
        .all(|segment| segment.state() == SegmentState::Pending)
    {
        return MessageState::Accepted;
    }
    if any(SegmentState::Pending) || any(SegmentState::Dispatched) {
        return MessageState::Dispatched;
    }
    if any(SegmentState::Submitted) {
        return MessageState::Submitted;
    }
    if any(SegmentState::Unknown) {
        return MessageState::Unknown;
    }
    MessageState::Delivered
}

/// What to do after a crash or a lost link with a segment that may have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AmbiguityPolicy {
    /// Send the ambiguous segment again: a duplicate is better than a lost code.
    Resend,
    /// Never risk a duplicate: the message ends `unknown`, and a late receipt may still settle it.
    Hold,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(states: &[SegmentState]) -> Vec<Segment> {
        states
            .iter()
            .map(|state| Segment::in_state(*state))
            .collect()
    }

    #[test]
    fn state_of_a_message_is_the_fold_of_its_segments() {
        use MessageState as M;
        use SegmentState as S;
        let check = |states: &[S], expected: M| assert_eq!(fold(&segments(states)), expected);
        check(&[S::Pending, S::Pending], M::Accepted);
        check(&[S::Dispatched, S::Pending], M::Dispatched);
        check(&[S::Submitted, S::Pending], M::Dispatched);
        check(&[S::Submitted, S::Submitted], M::Submitted);
        check(&[S::Delivered, S::Submitted], M::Submitted);
        check(&[S::Delivered, S::Delivered], M::Delivered);
        check(&[S::Delivered, S::Failed], M::Failed);
        check(&[S::Submitted, S::Failed], M::Failed);
        check(&[S::Delivered, S::Expired], M::Expired);
        check(&[S::Delivered, S::Unknown], M::Unknown);
        check(&[S::Submitted, S::Unknown], M::Submitted);
        check(&[S::Cancelled], M::Cancelled);
    }

    #[test]
    fn words_and_states_are_one_to_one() {
        for state in MessageState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
        }
    }
}
