//! Whether codes are sent by SMS to numbers that surely are fixed lines. Hardly any shows a text, some read it
//! aloud to whoever picks up, and all of them cost.

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use crate::msisdn::{Line, Msisdn};

/// What is done for a number that is surely a fixed line: where a plan does not tell fixed from mobile
/// numbers, as in North America, a number is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixedLines {
    /// No code is sent to it.
    #[default]
    Refuse,
    /// It is like any other.
    Send,
}

impl FixedLines {
    /// Whether a code for this number is refused. Only codes that are sent ask; it looks the number up.
    pub fn refuse(self, channel: Channel, to: Msisdn) -> bool {
        self == Self::Refuse && channel == Channel::Sms && to.line() == Line::Fixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(number: u64) -> bool {
        FixedLines::Refuse.refuse(Channel::Sms, Msisdn::from_digits(number).unwrap())
    }

    #[test]
    fn a_number_that_is_surely_a_fixed_line_gets_no_code() {
        assert!(refused(442_079_460_018) && refused(493_012_345_678));
    }

    #[test]
    fn mobile_numbers_and_those_that_may_be_either_get_theirs() {
        assert!(!refused(447_400_123_456) && !refused(4_915_112_345_678));
        assert!(!refused(14_155_552_671), "North America does not tell");
    }

    #[test]
    fn a_code_that_the_handset_texts_and_an_operator_who_knows_better_are_left_alone() {
        let fixed = Msisdn::from_digits(442_079_460_018).unwrap();
        assert!(!FixedLines::Refuse.refuse(Channel::Mo, fixed));
        assert!(!FixedLines::Send.refuse(Channel::Sms, fixed));
    }
}
