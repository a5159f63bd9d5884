//! Delivery receipts: what a deliver_sm says about an earlier submit_sm. Optional parameters come
//! first; the text is read only for what they leave open, because its form is each carrier's own.
//! Finding the segment that the id belongs to is not done here.

mod text;

use domain::message::ReceiptState;

use crate::pdu::{ShortMessage, esm_class, tag};

/// What a receipt says. The id is not judged: it is as the carrier wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The carrier's id of the segment, not empty.
    pub id: &'a [u8],
    /// What became of it. A state that cannot be read is [`State::Unknown`].
    pub state: State,
    /// The network's error number, if there is one that is not zero.
    pub error: Option<u32>,
    /// When it happened by the carrier's clock and in its zone, in seconds since 1970.
    pub done_at: Option<i64>,
}

/// `message_state` (SMPP 3.4 §5.2.28) and its words in the text of receipts (Appendix B).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// On its way: ENROUTE (1), and SCHEDULED (0) of SMPP 5.0.
    Enroute,
    /// DELIVRD (2).
    Delivered,
    /// EXPIRED (3).
    Expired,
    /// DELETED (4).
    Deleted,
    /// UNDELIV (5).
    Undeliverable,
    /// ACCEPTD (6): taken by someone, not delivered.
    Accepted,
    /// UNKNOWN (7), and everything that is no state.
    Unknown,
    /// REJECTD (8), and SKIPPED (9) of SMPP 5.0.
    Rejected,
}

impl State {
    /// From the value of the TLV message_state.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 | 1 => Self::Enroute,
            2 => Self::Delivered,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Undeliverable,
            6 => Self::Accepted,
            8 | 9 => Self::Rejected,
            _ => Self::Unknown,
        }
    }

    /// The value of the TLV message_state.
    pub const fn code(self) -> u8 {
        match self {
            Self::Enroute => 1,
            Self::Delivered => 2,
            Self::Expired => 3,
            Self::Deleted => 4,
            Self::Undeliverable => 5,
            Self::Accepted => 6,
            Self::Unknown => 7,
            Self::Rejected => 8,
        }
    }

    /// From the word after `stat:`. Five letters tell the words apart and forgive how carriers
    /// shorten them.
    pub fn from_word(word: &[u8]) -> Self {
        const WORDS: [(&[u8; 5], State); 7] = [
            (b"deliv", State::Delivered),
            (b"expir", State::Expired),
            (b"delet", State::Deleted),
            (b"undel", State::Undeliverable),
            (b"accep", State::Accepted),
            (b"rejec", State::Rejected),
            (b"enrou", State::Enroute),
        ];
        let Some(head) = word.first_chunk::<5>() else {
            return Self::Unknown;
        };
        let known = WORDS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(head));
        known.map_or(Self::Unknown, |(_, state)| *state)
    }

    /// The word after `stat:`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enroute => "ENROUTE",
            Self::Delivered => "DELIVRD",
            Self::Expired => "EXPIRED",
            Self::Deleted => "DELETED",
            Self::Undeliverable => "UNDELIV",
            Self::Accepted => "ACCEPTD",
            Self::Unknown => "UNKNOWN",
            Self::Rejected => "REJECTD",
        }
    }
}

impl From<State> for ReceiptState {
    fn from(state: State) -> Self {
        match state {
            State::Enroute | State::Accepted => Self::Enroute,
            State::Delivered => Self::Delivered,
            State::Expired => Self::Expired,
            State::Deleted | State::Undeliverable | State::Rejected => Self::Failed,
            State::Unknown => Self::Unknown,
        }
    }
}

/// Whether a deliver_sm is a receipt and no message from a handset: by its type, or by the two
/// parameters that only receipts have.
pub fn is_receipt(message: &ShortMessage<'_>) -> bool {
    match message.esm_class & esm_class::TYPE_MASK {
        esm_class::RECEIPT | esm_class::INTERMEDIATE => true,
        0 if message.tlvs.is_empty() => false,
        0 => {
            message.tlvs.get(tag::RECEIPTED_MESSAGE_ID).is_some()
                && message.tlvs.get(tag::MESSAGE_STATE).is_some()
        }
        _ => false,
    }
}

/// Reads a receipt; `None` when it names no message, so that nothing can be done with it.
pub fn parse<'a>(message: &ShortMessage<'a>) -> Option<Receipt<'a>> {
    let text = text::Fields::parse(text_of(message));
    let id = message.tlvs.get(tag::RECEIPTED_MESSAGE_ID).map(without_nul);
    let state = match message.tlvs.get(tag::MESSAGE_STATE) {
        Some([code]) => Some(State::from_code(*code)),
        _ => text.state,
    };
    let error = match message.tlvs.get(tag::NETWORK_ERROR_CODE) {
        Some([_network, high, low]) => Some(u32::from(u16::from_be_bytes([*high, *low]))),
        _ => text.error,
    };
    Some(Receipt {
        id: id.filter(|id| !id.is_empty()).or(text.id)?,
        state: state.unwrap_or(State::Unknown),
        error: error.filter(|code| *code != 0),
        done_at: text.done_at,
    })
}

/// Reads the text of a receipt alone; `None` when it names no message. It never panics.
pub fn parse_text(text: &[u8]) -> Option<Receipt<'_>> {
    let fields = text::Fields::parse(text);
    Some(Receipt {
        id: fields.id?,
        state: fields.state.unwrap_or(State::Unknown),
        error: fields.error.filter(|code| *code != 0),
        done_at: fields.done_at,
    })
}

/// The text without a user data header.
fn text_of<'a>(message: &ShortMessage<'a>) -> &'a [u8] {
    let payload = message.payload();
    if message.esm_class & esm_class::UDHI == 0 {
        return payload;
    }
    let header = payload.first().map_or(0, |length| usize::from(*length) + 1);
    payload.get(header..).unwrap_or_default()
}

/// A C-octet string in a TLV, with or without its NUL.
fn without_nul(value: &[u8]) -> &[u8] {
    value.split(|octet| *octet == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
