//! The user data header (3GPP TS 23.040 section 9.2.3.24), as far as it says how the parts of one text
//! belong together. Written when a segment is dispatched, read when a handset's part comes in. Other
//! information elements are skipped.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Element of concatenation with an 8-bit reference, and its length.
const CONCATENATION_8: (u8, u8) = (0x00, 3);
/// Element of concatenation with a 16-bit reference, and its length.
const CONCATENATION_16: (u8, u8) = (0x08, 4);

/// How wide the reference is that the parts of one text share.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum ReferenceWidth {
    /// 8 bits, which every handset understands: a header of 6 octets.
    #[default]
    #[serde(rename = "8-bit")]
    Eight,
    /// 16 bits, so that references repeat later: a header of 7 octets, one character less a part.
    #[serde(rename = "16-bit")]
    Sixteen,
}

/// Which part of which text this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Concatenation {
    reference: u16,
    width: ReferenceWidth,
    total: u8,
    ordinal: u8,
}

impl Concatenation {
    /// Part `ordinal` of `total`; `None` unless 1 ≤ `ordinal` ≤ `total`. Of an 8-bit reference only
    /// the low octet counts.
    pub const fn new(
        reference: u16,
        width: ReferenceWidth,
        total: u8,
        ordinal: u8,
    ) -> Option<Self> {
        if ordinal == 0 || ordinal > total {
            return None;
        }
        let reference = match width {
            ReferenceWidth::Eight => reference & 0xFF,
            ReferenceWidth::Sixteen => reference,
        };
        Some(Self {
            reference,
            width,
            total,
            ordinal,
        })
    }

    /// The reference that all parts share.
    pub const fn reference(self) -> u16 {
        self.reference
    }

    /// How wide the reference is.
    pub const fn width(self) -> ReferenceWidth {
        self.width
    }

    /// How many parts the text has: 1 to 255.
    pub const fn total(self) -> u8 {
        self.total
    }

    /// Which part this is: 1 to `total`.
    pub const fn ordinal(self) -> u8 {
        self.ordinal
    }

    /// The whole header, its own length first.
    pub const fn header(self) -> Header {
        let [high, low] = self.reference.to_be_bytes();
        let (total, ordinal) = (self.total, self.ordinal);
        match self.width {
            ReferenceWidth::Eight => {
                let (element, length) = CONCATENATION_8;
                Header::Six([length + 2, element, length, low, total, ordinal])
            }
            ReferenceWidth::Sixteen => {
                let (element, length) = CONCATENATION_16;
                Header::Seven([length + 2, element, length, high, low, total, ordinal])
            }
        }
    }

    /// Reads an element. `None` for counts that make no sense, which a receiver must ignore.
    fn read(element: u8, data: &[u8]) -> Result<Option<Self>, UdhError> {
        match (element, data) {
            (0x00, [low, total, ordinal]) => Ok(Self::new(
                u16::from(*low),
                ReferenceWidth::Eight,
                *total,
                *ordinal,
            )),
            (0x08, [high, low, total, ordinal]) => {
                let reference = u16::from_be_bytes([*high, *low]);
                Ok(Self::new(
                    reference,
                    ReferenceWidth::Sixteen,
                    *total,
                    *ordinal,
                ))
            }
            (0x00 | 0x08, _) => Err(UdhError::ConcatenationLength),
            _ => Ok(None),
        }
    }
}

/// A header ready to be put before a segment's octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// With an 8-bit reference.
    Six([u8; 6]),
    /// With a 16-bit reference.
    Seven([u8; 7]),
}

impl Header {
    /// The octets.
    pub const fn as_octets(&self) -> &[u8] {
        match self {
            Self::Six(octets) => octets,
            Self::Seven(octets) => octets,
        }
    }
}

/// A header that was read, and the octets after it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Udh<'a> {
    /// How the parts belong together, when the header says so. Said twice, the last counts.
    pub concatenation: Option<Concatenation>,
    /// The octets after the header: personal data.
    pub payload: &'a [u8],
}

impl fmt::Debug for Udh<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Udh")
            .field("concatenation", &self.concatenation)
            .field("payload_octets", &self.payload.len())
            .finish()
    }
}

/// Why octets do not begin with a header, although the PDU says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UdhError {
    /// There is no octet at all.
    #[error("the user data header is missing")]
    Missing,
    /// The header's length reaches past the message.
    #[error("the user data header is longer than the message")]
    HeaderPastEnd,
    /// An element's length reaches past the header, or the header ends inside an element.
    #[error("an element of the user data header is longer than the header")]
    ElementPastEnd,
    /// An element of concatenation that has not the length of its kind.
    #[error("a concatenation element has the wrong length")]
    ConcatenationLength,
}

/// Reads the header that a message begins with (UDHI set). Lengths are walls: nothing is read past one.
pub fn parse(message: &[u8]) -> Result<Udh<'_>, UdhError> {
    let (length, rest) = message.split_first().ok_or(UdhError::Missing)?;
    let (mut elements, payload) = rest
        .split_at_checked(usize::from(*length))
        .ok_or(UdhError::HeaderPastEnd)?;
    let mut concatenation = None;
    while let [element, tail @ ..] = elements {
        let (length, tail) = tail.split_first().ok_or(UdhError::ElementPastEnd)?;
        let (data, tail) = tail
            .split_at_checked(usize::from(*length))
            .ok_or(UdhError::ElementPastEnd)?;
        concatenation = Concatenation::read(*element, data)?.or(concatenation);
        elements = tail;
    }
    Ok(Udh {
        concatenation,
        payload,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn part(reference: u16, width: ReferenceWidth, total: u8, ordinal: u8) -> Concatenation {
        Concatenation::new(reference, width, total, ordinal).unwrap()
    }

    fn check(message: &[u8], expected: Result<(Option<Concatenation>, &[u8]), UdhError>) {
        let read = parse(message).map(|udh| (udh.concatenation, udh.payload));
        assert_eq!(read, expected, "{message:02X?}");
    }

    #[test]
    fn a_header_is_written_as_the_specification_has_it() {
        let eight = part(0x12A7, ReferenceWidth::Eight, 2, 1);
        assert_eq!(
            eight.header().as_octets(),
            [0x05, 0x00, 0x03, 0xA7, 0x02, 0x01]
        );
        let sixteen = part(0x12A7, ReferenceWidth::Sixteen, 2, 1);
        assert_eq!(
            sixteen.header().as_octets(),
            [0x06, 0x08, 0x04, 0x12, 0xA7, 0x02, 0x01]
        );
    }

    #[test]
    fn a_part_lies_between_one_and_its_total() {
        assert_eq!(Concatenation::new(1, ReferenceWidth::Eight, 2, 0), None);
        assert_eq!(Concatenation::new(1, ReferenceWidth::Eight, 2, 3), None);
        assert_eq!(Concatenation::new(1, ReferenceWidth::Eight, 0, 0), None);
        assert!(Concatenation::new(1, ReferenceWidth::Eight, 255, 255).is_some());
    }

    #[test]
    fn both_kinds_of_concatenation_are_read() {
        let eight = part(0xA7, ReferenceWidth::Eight, 2, 1);
        check(
            b"\x05\x00\x03\xA7\x02\x01\x04\x1F",
            Ok((Some(eight), b"\x04\x1F")),
        );
        let sixteen = part(0x12A7, ReferenceWidth::Sixteen, 3, 3);
        check(b"\x06\x08\x04\x12\xA7\x03\x03", Ok((Some(sixteen), b"")));
    }

    #[test]
    fn other_elements_are_skipped() {
        check(b"\x00hello", Ok((None, b"hello")));
        check(b"\x04\x24\x02\x01\x02x", Ok((None, b"x")));
        check(b"\x02\x24\x00x", Ok((None, b"x")));
        let eight = part(7, ReferenceWidth::Eight, 2, 2);
        check(
            b"\x0B\x05\x04\x0B\x84\x0B\x84\x00\x03\x07\x02\x02x",
            Ok((Some(eight), b"x")),
        );
    }

    #[test]
    fn counts_that_make_no_sense_are_ignored() {
        check(b"\x05\x00\x03\xA7\x00\x00x", Ok((None, b"x")));
        check(b"\x05\x00\x03\xA7\x02\x03x", Ok((None, b"x")));
        check(b"\x05\x00\x03\xA7\x02\x00x", Ok((None, b"x")));
    }

    #[test]
    fn the_last_of_two_concatenations_counts() {
        let last = part(9, ReferenceWidth::Eight, 3, 2);
        check(
            b"\x0A\x00\x03\x08\x02\x01\x00\x03\x09\x03\x02",
            Ok((Some(last), b"")),
        );
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        check(b"", Err(UdhError::Missing));
        check(b"\x05", Err(UdhError::HeaderPastEnd));
        check(b"\x06\x00\x03\xA7\x02\x01", Err(UdhError::HeaderPastEnd));
        check(b"\x01\x00", Err(UdhError::ElementPastEnd));
        check(
            b"\x05\x00\x04\xA7\x02\x01\x01",
            Err(UdhError::ElementPastEnd),
        );
        check(
            b"\x06\x00\x03\xA7\x02\x01\x00",
            Err(UdhError::ElementPastEnd),
        );
        check(b"\x04\x00\x02\xA7\x02", Err(UdhError::ConcatenationLength));
        check(
            b"\x05\x08\x03\xA7\x02\x01",
            Err(UdhError::ConcatenationLength),
        );
    }

    #[test]
    fn the_octets_after_a_header_are_not_shown() {
        let shown = format!("{:?}", parse(b"\x00secret").unwrap());
        assert_eq!(shown, "Udh { concatenation: None, payload_octets: 6 }");
    }

    #[test]
    fn a_width_is_set_by_its_bits() {
        let width: ReferenceWidth = serde_json::from_str("\"16-bit\"").unwrap();
        assert_eq!(width, ReferenceWidth::Sixteen);
        assert_eq!(
            serde_json::to_string(&ReferenceWidth::default()).unwrap(),
            "\"8-bit\""
        );
    }

    proptest! {
        #[test]
        fn a_written_header_reads_back(
            reference in any::<u16>(), wide in any::<bool>(), total in 1_u8.., more in any::<u8>(),
            payload in any::<Vec<u8>>(),
        ) {
            let width = if wide { ReferenceWidth::Sixteen } else { ReferenceWidth::Eight };
            let written = part(reference, width, total, more % total + 1);
            let message = [written.header().as_octets(), &payload].concat();
            let udh = parse(&message).unwrap();
            prop_assert_eq!(udh.concatenation, Some(written));
            prop_assert_eq!(udh.payload, &payload[..]);
        }

        #[test]
        fn any_octets_are_read_or_refused(message in any::<Vec<u8>>()) {
            if let Ok(udh) = parse(&message) {
                prop_assert!(message.ends_with(udh.payload));
                prop_assert_eq!(message.len(), 1 + usize::from(message[0]) + udh.payload.len());
            }
        }
    }
}
