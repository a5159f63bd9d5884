//! What a search is asked with in words: the id of a thing, and where a page ended.

use std::fmt;
use std::str::FromStr;

/// An id by which entries are looked for. It stands in the ledger and in URLs, so that it must not be
/// a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectTerm(Box<str>);

/// Why a text is no id to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectTermError {
    /// Empty, too long, or with other characters than printable ASCII.
    #[error("must be an id such as msg_…: 1 to 128 printable ASCII characters without spaces")]
    Form,
    /// It holds as many digits in a row as a number does.
    #[error(
        "looks like a number, which must not stand in a ledger, a log or a URL: look for it as a number"
    )]
    Number,
}

/// Characters of an id at most.
const LENGTH_MAX: usize = 128;
/// No number that can be dialled from abroad has fewer digits.
const DIGITS: usize = 7;
/// Characters of our own ids behind their prefix.
const ID_LENGTH: usize = 26;

impl ObjectTerm {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectTerm {
    type Err = ObjectTermError;

    fn from_str(text: &str) -> Result<Self, ObjectTermError> {
        let is_printable = text.bytes().all(|octet| octet.is_ascii_graphic());
        if text.is_empty() || text.len() > LENGTH_MAX || !is_printable {
            return Err(ObjectTermError::Form);
        }
        if !is_own_id(text) && holds_number(text) {
            return Err(ObjectTermError::Number);
        }
        Ok(Self(text.into()))
    }
}

/// Whether a text is a word, `_`, and 26 characters of base-32, in which digits mean nothing.
fn is_own_id(text: &str) -> bool {
    let Some((prefix, rest)) = text.split_once('_') else {
        return false;
    };
    let is_base32 = |octet: u8| matches!(octet, b'a'..=b'z' | b'2'..=b'7');
    !prefix.is_empty()
        && prefix.bytes().all(|octet| octet.is_ascii_lowercase())
        && rest.len() == ID_LENGTH
        && rest.bytes().all(is_base32)
        // A number in digits only, padded to that length, is none either.
        && rest.bytes().any(|octet| octet.is_ascii_lowercase())
}

/// Whether there are as many digits in a row, whatever separates them.
pub(crate) fn holds_number(text: &str) -> bool {
    let mut run = 0;
    for octet in text.bytes() {
        match octet {
            b'0'..=b'9' => run += 1,
            b'+' | b'-' | b'.' | b'(' | b')' | b'/' | b'_' => {}
            _ => run = 0,
        }
        if run >= DIGITS {
            return true;
        }
    }
    false
}

/// Where a page ended; opaque to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchCursor {
    /// Entries below this index are left.
    Entries {
        /// The index.
        below: u64,
    },
    /// By number: messages below this sequence are left.
    Messages {
        /// The sequence.
        below: u64,
    },
    /// By number: of the message of this sequence the entries below this index are left, and all
    /// messages below it.
    Within {
        /// The sequence.
        message: u64,
        /// The index.
        below: u64,
    },
}

/// The text is no cursor of this gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor; hand back `next` of the page before unchanged")]
pub struct SearchCursorError;

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entries { below } => write!(f, "e{below:x}"),
            Self::Messages { below } => write!(f, "m{below:x}"),
            Self::Within { message, below } => write!(f, "w{message:x}.{below:x}"),
        }
    }
}

impl FromStr for SearchCursor {
    type Err = SearchCursorError;

    fn from_str(text: &str) -> Result<Self, SearchCursorError> {
        let (sort, digits) = text.split_at_checked(1).ok_or(SearchCursorError)?;
        match (sort, digits.split_once('.')) {
            ("e", None) => Ok(Self::Entries {
                below: number(digits)?,
            }),
            ("m", None) => Ok(Self::Messages {
                below: number(digits)?,
            }),
            ("w", Some((message, below))) => Ok(Self::Within {
                message: number(message)?,
                below: number(below)?,
            }),
            _ => Err(SearchCursorError),
        }
    }
}

fn number(digits: &str) -> Result<u64, SearchCursorError> {
    let plain = digits.bytes().all(|octet| octet.is_ascii_hexdigit());
    if digits.is_empty() || digits.len() > 16 || !plain {
        return Err(SearchCursorError);
    }
    u64::from_str_radix(digits, 16).map_err(|_| SearchCursorError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_text_and_nothing_else_is_one() {
        let below = u64::MAX;
        for cursor in [
            SearchCursor::Entries { below },
            SearchCursor::Messages { below },
            SearchCursor::Within { message: 0, below },
        ] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for wrong in [
            "",
            "e",
            "12",
            "e+1",
            "effffffffffffffff0",
            "w1",
            "e1.2",
            "w.",
            "é",
        ] {
            assert_eq!(
                wrong.parse::<SearchCursor>(),
                Err(SearchCursorError),
                "{wrong}"
            );
        }
    }

    #[test]
    fn ids_are_looked_for_and_numbers_are_not() {
        for id in [
            "msg_agndkyl7d372uyvqzzj5t4vv3y",
            "msg_agndkyl7d3722222222222vv3y",
            "acme/0",
            "12345",
            "text/2917",
            "req_7f3k2m",
            "-",
        ] {
            assert_eq!(id.parse::<ObjectTerm>().unwrap().as_str(), id);
        }
        for number in [
            "+447700900123",
            "447700900123",
            "0770-0900-123",
            "msg_447700900123",
            "x447700900123",
            "tel_22222222222222222222222222",
            "(07700)900123",
        ] {
            let refused = number.parse::<ObjectTerm>();
            assert_eq!(refused, Err(ObjectTermError::Number), "{number}");
        }
        for wrong in ["", "a b", "é", &"x".repeat(129)] {
            assert_eq!(wrong.parse::<ObjectTerm>(), Err(ObjectTermError::Form));
        }
    }
}
