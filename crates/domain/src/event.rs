//! Events: what the gateway tells others of, each by a word that never changes its meaning, and sets of
//! them, for those who want to hear of some only.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::message::MessageState;
use crate::verification::state::State;

/// What happened, as others are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// The carrier took every segment of a message.
    MessageSubmitted,
    /// A message reached its handset.
    MessageDelivered,
    /// The carrier or the network refused a message for good.
    MessageFailed,
    /// The validity of a message ended first.
    MessageExpired,
    /// A message was taken back before it left.
    MessageCancelled,
    /// Nobody will tell whether a message arrived.
    MessageUnknown,
    /// A message came from a handset.
    InboundReceived,
    /// A number opted out of a short code.
    OptOutRecorded,
    /// An opt-out was taken back.
    OptOutRemoved,
    /// The code of a verification was right.
    VerificationVerified,
    /// Every check of a verification was used and none was right.
    VerificationFailed,
    /// The time of a verification ran out.
    VerificationExpired,
    /// A verification was taken back.
    VerificationCancelled,
    /// A message was taken on. It is told to the URL that came with the message alone, so that it is in no family
    /// and can be asked for by nobody.
    MessageAccepted,
}

impl EventType {
    /// Every type that can be asked for, in the order of their places in a set.
    pub const ALL: [Self; 13] = [
        Self::MessageSubmitted,
        Self::MessageDelivered,
        Self::MessageFailed,
        Self::MessageExpired,
        Self::MessageCancelled,
        Self::MessageUnknown,
        Self::InboundReceived,
        Self::OptOutRecorded,
        Self::OptOutRemoved,
        Self::VerificationVerified,
        Self::VerificationFailed,
        Self::VerificationExpired,
        Self::VerificationCancelled,
    ];

    /// The word used in payloads, on the command line and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageSubmitted => "message.submitted",
            Self::MessageDelivered => "message.delivered",
            Self::MessageFailed => "message.failed",
            Self::MessageExpired => "message.expired",
            Self::MessageCancelled => "message.cancelled",
            Self::MessageUnknown => "message.unknown",
            Self::InboundReceived => "inbound.received",
            Self::OptOutRecorded => "optout.recorded",
            Self::OptOutRemoved => "optout.removed",
            Self::VerificationVerified => "verification.verified",
            Self::VerificationFailed => "verification.failed",
            Self::VerificationExpired => "verification.expired",
            Self::VerificationCancelled => "verification.cancelled",
            Self::MessageAccepted => "message.accepted",
        }
    }

    /// What others are told when a message comes to stand so; nothing of its first steps.
    pub const fn of_message(state: MessageState) -> Option<Self> {
        match state {
            MessageState::Accepted | MessageState::Dispatched => None,
            MessageState::Submitted => Some(Self::MessageSubmitted),
            MessageState::Delivered => Some(Self::MessageDelivered),
            MessageState::Failed => Some(Self::MessageFailed),
            MessageState::Expired => Some(Self::MessageExpired),
            MessageState::Cancelled => Some(Self::MessageCancelled),
            MessageState::Unknown => Some(Self::MessageUnknown),
        }
    }

    /// What others are told when a verification comes to stand so; nothing of its beginning.
    pub const fn of_verification(state: State) -> Option<Self> {
        match state {
            State::Pending => None,
            State::Verified => Some(Self::VerificationVerified),
            State::Failed => Some(Self::VerificationFailed),
            State::Expired => Some(Self::VerificationExpired),
            State::Cancelled => Some(Self::VerificationCancelled),
        }
    }

    /// Its bit in a set.
    const fn bit(self) -> u16 {
        match self {
            Self::MessageSubmitted => 1,
            Self::MessageDelivered => 1 << 1,
            Self::MessageFailed => 1 << 2,
            Self::MessageExpired => 1 << 3,
            Self::MessageCancelled => 1 << 4,
            Self::MessageUnknown => 1 << 5,
            Self::InboundReceived => 1 << 6,
            Self::OptOutRecorded => 1 << 7,
            Self::OptOutRemoved => 1 << 8,
            Self::VerificationVerified => 1 << 9,
            Self::VerificationFailed => 1 << 10,
            Self::VerificationExpired => 1 << 11,
            Self::VerificationCancelled => 1 << 12,
            Self::MessageAccepted => 1 << 13,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "names no event; use one such as message.delivered, or a family: message, inbound, optout, verification"
)]
pub struct UnknownEvent;

/// A set of event types. Stored as the list of their words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
pub struct EventTypes(u16);

impl From<EventTypes> for Vec<String> {
    fn from(events: EventTypes) -> Self {
        events.words()
    }
}

impl TryFrom<Vec<String>> for EventTypes {
    type Error = UnknownEvent;

    fn try_from(words: Vec<String>) -> Result<Self, UnknownEvent> {
        let mut named = words.iter().map(|word| Self::named(word));
        named.try_fold(Self::default(), |all, events| Ok(all.and(events?)))
    }
}

impl EventTypes {
    /// Every type.
    pub fn all() -> Self {
        EventType::ALL.into_iter().collect()
    }

    /// Those that a word names: one of them, or a family such as `message`.
    pub fn named(word: &str) -> Result<Self, UnknownEvent> {
        let is_meant = |event: &EventType| {
            let name = event.as_str();
            name == word
                || name
                    .split_once('.')
                    .is_some_and(|(family, _)| family == word)
        };
        let found: Self = EventType::ALL.into_iter().filter(is_meant).collect();
        if found.is_empty() {
            return Err(UnknownEvent);
        }
        Ok(found)
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it holds this one.
    pub const fn has(self, event: EventType) -> bool {
        self.0 & event.bit() != 0
    }

    /// Whether it holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that it holds.
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL
            .into_iter()
            .filter(move |event| self.has(*event))
    }

    /// The words of those that it holds.
    pub fn words(self) -> Vec<String> {
        self.iter().map(|event| event.as_str().to_owned()).collect()
    }
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(events: I) -> Self {
        let bits = events.into_iter().fold(0, |bits, event| bits | event.bit());
        Self(bits)
    }
}

impl FromStr for EventTypes {
    type Err = UnknownEvent;

    fn from_str(word: &str) -> Result<Self, UnknownEvent> {
        Self::named(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_a_bit_and_a_word_of_its_own() {
        for event in EventType::ALL {
            let only: EventTypes = [event].into_iter().collect();
            assert_eq!(only.iter().collect::<Vec<_>>(), [event]);
            assert_eq!(EventTypes::named(event.as_str()), Ok(only));
        }
        assert_eq!(EventTypes::all().iter().count(), EventType::ALL.len());
    }

    #[test]
    fn a_family_is_all_of_its_events_and_a_part_of_a_word_is_nothing() {
        let messages = EventTypes::named("message").unwrap();
        assert_eq!(messages.iter().count(), 6);
        assert!(messages.has(EventType::MessageFailed));
        assert!(!messages.has(EventType::VerificationFailed));
        for wrong in ["", "mess", "message.", "*", "Message", "message.accepted"] {
            assert_eq!(EventTypes::named(wrong), Err(UnknownEvent), "{wrong}");
        }
    }

    #[test]
    fn that_a_message_was_taken_on_is_in_no_set_unless_it_was_put_there() {
        assert!(!EventTypes::all().has(EventType::MessageAccepted));
        let only: EventTypes = [EventType::MessageAccepted].into_iter().collect();
        assert!(only.has(EventType::MessageAccepted) && only.words().is_empty());
    }

    #[test]
    fn every_end_is_told_and_no_first_step() {
        for state in MessageState::ALL {
            let told = EventType::of_message(state);
            let is_told = state.is_final() || state == MessageState::Submitted;
            assert_eq!(told.is_some(), is_told, "{state}");
            if let Some(told) = told {
                assert_eq!(told.as_str(), format!("message.{state}"));
            }
        }
    }
}
