//! The date on which a carrier says that a segment came to its end.

use core::fmt;

/// `YYMMDDhhmm` by the carrier's clock and in its zone, which a receipt does not tell (SMPP 3.4, Appendix B).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DoneDate([u8; 10]);

impl DoneDate {
    /// Reads ten digits that can be a date; seconds behind them are passed over. `None` for anything else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let digits: [u8; 10] = match text.len() {
            10 | 12 => *text.first_chunk()?,
            _ => return None,
        };
        let [_, _, month, month2, day, day2, hour, hour2, minute, minute2] = digits;
        let fits = (1..=12).contains(&pair(month, month2)?)
            && (1..=31).contains(&pair(day, day2)?)
            && pair(hour, hour2)? < 24
            && pair(minute, minute2)? < 60;
        (fits && text.iter().all(u8::is_ascii_digit)).then_some(Self(digits))
    }

    /// The ten digits.
    pub fn as_str(&self) -> &str {
        // They are digits, so that they are text.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn pair(tens: u8, ones: u8) -> Option<u8> {
    let digit = |octet: u8| octet.is_ascii_digit().then(|| octet - b'0');
    Some(digit(tens)? * 10 + digit(ones)?)
}

impl fmt::Debug for DoneDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DoneDate({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_ten_digits_that_can_be_one_and_seconds_are_passed_over() {
        for (text, read) in [
            ("2611260941", Some("2611260941")),
            ("261126094159", Some("2611260941")),
            ("2600260941", None),
            ("2613260941", None),
            ("2611320941", None),
            ("2611262441", None),
            ("2611260960", None),
            ("26112609415", None),
            ("+611260941", None),
            ("2611260941xx", None),
            ("2611260941\u{0}\u{0}", None),
            ("", None),
        ] {
            let found = DoneDate::parse(text.as_bytes());
            assert_eq!(found.as_ref().map(DoneDate::as_str), read, "{text}");
        }
    }
}
