//! Hand-overs that carriers name back. A carrier that takes whole messages is told with each of them how to name it
//! (`HandOver`). When its answer was lost, over a crash too, what it tells later settles the message all the same.

use core::fmt;
use core::str::FromStr;
use std::collections::hash_map::Entry;

use domain::carrier_id::CarrierMessageId;
use domain::id::MessageId;
use domain::message::{Segment, SegmentState};

use crate::gateway::Gateway;
use crate::ports::carrier::{Answer, BindId, Token, Verdict};

/// One hand-over of a message, written as the message's id and the count of the dispatch: nobody can guess it, it
/// says nothing of whom the message is for, and it lets its bearer do nothing by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// The message.
    pub message: MessageId,
    /// The dispatch of its segments, from 1.
    pub attempt: u16,
}

impl fmt::Display for HandOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.message, self.attempt)
    }
}

/// The text names no hand-over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no hand-over as this gateway writes them")]
pub struct NoHandOver;

impl FromStr for HandOver {
    type Err = NoHandOver;

    fn from_str(text: &str) -> Result<Self, NoHandOver> {
        let (message, attempt) = text.split_once('-').ok_or(NoHandOver)?;
        let read = Self {
            message: message.parse().map_err(|_| NoHandOver)?,
            attempt: attempt.parse().map_err(|_| NoHandOver)?,
        };
        // One spelling each.
        (read.to_string() == text).then_some(read).ok_or(NoHandOver)
    }
}

impl HandOver {
    /// The segments of it that were handed to this carrier then, and are not answered: their fate is unknown, or they
    /// are on their way.
    fn unanswered(self, segments: &[Segment], bind: &BindId) -> Vec<Token> {
        let placed = (0..=u8::MAX).zip(segments);
        let unanswered = placed.filter(|(_, segment)| {
            matches!(
                segment.state(),
                SegmentState::Dispatched | SegmentState::Unknown
            ) && segment.carrier_id().is_none()
                && segment.carrier() == Some(&bind.carrier)
                && segment.attempts() == self.attempt
        });
        let token = |segment| Token {
            message: self.message.sequence(),
            segment,
            attempt: self.attempt,
        };
        unanswered.map(|(place, _)| token(place)).collect()
    }
}

impl Gateway {
    /// A carrier names a hand-over, and the id under which it took it. If that was never answered, it is as if the
    /// answer had come; otherwise nothing happens. Gives what to answer once whatever comes of it is durable.
    pub async fn take_hand_over(
        &self,
        bind: &BindId,
        named: HandOver,
        id: &CarrierMessageId,
    ) -> Verdict {
        // Two who bring the same message back would both begin with what is stored: one at a time, to its end.
        let mut _alone = None;
        if !self.is_in_memory(named) {
            _alone = Some(self.hand_overs.lock().await);
        }
        if !self.is_in_memory(named) {
            let (row, vault) = match self.store.message(named.message).await {
                Ok(Some(stored)) => stored,
                Ok(None) => return Verdict::Taken,
                Err(_) => return Verdict::Again,
            };
            if named.unanswered(&row.segments, bind).is_empty() {
                return Verdict::Taken;
            }
            let mut state = self.state();
            if let Entry::Vacant(place) = state.messages.entry(named.message.sequence()) {
                let open = self.reopen_message(row, &vault);
                // What moves is in memory: it has ended since, and that is not durable yet.
                if open.moves() {
                    return Verdict::Again;
                }
                place.insert(open);
            }
        }
        let tokens = self.tokens_of(bind, named);
        if tokens.is_empty() {
            return Verdict::Taken;
        }
        let answers = tokens.into_iter();
        let answers = answers.map(|token| (token, Answer::Accepted(id.clone())));
        self.take_told(bind, answers.collect()).await
    }

    fn is_in_memory(&self, named: HandOver) -> bool {
        let sequence = named.message.sequence();
        self.state().messages.contains_key(&sequence)
    }

    fn tokens_of(&self, bind: &BindId, named: HandOver) -> Vec<Token> {
        let mut state = self.state();
        let sequence = named.message.sequence();
        let open = state.messages.get(&sequence);
        let open = open.filter(|open| open.id == named.message);
        let tokens = open.map(|open| named.unanswered(&open.segments, bind));
        let tokens = tokens.unwrap_or_default();
        if tokens.is_empty() {
            state.settle(sequence);
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_over_has_one_spelling() {
        let named = HandOver {
            message: MessageId::new(77, 1),
            attempt: 3,
        };
        let text = named.to_string();
        assert_eq!(text.parse(), Ok(named));
        let id = named.message.to_string();
        for text in [
            "",
            "-",
            &id,
            &format!("{id}-"),
            &format!("{id}-03"),
            &format!("{id}-+3"),
            &format!("{id}-3-3"),
            &format!("{id}-65536"),
            &format!("{}-3", id.to_uppercase()),
        ] {
            assert_eq!(text.parse::<HandOver>(), Err(NoHandOver), "{text}");
        }
    }
}
