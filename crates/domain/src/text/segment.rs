//! Cuts a text into the segments that a carrier is given and bills. GSM-7 when the alphabet has every
//! character, else UCS-2; never in between a pair that belongs together. The header that joins the
//! segments again is made at dispatch, since only then is its reference known.

use core::fmt;

use super::udh::{Concatenation, Header};
use super::{Encoding, gsm7};

pub use super::udh::ReferenceWidth;

/// Octets of a lone segment: 160 septets, or 70 units of 16 bits.
const fn lone_octets(encoding: Encoding) -> usize {
    match encoding {
        Encoding::Gsm7 => 160,
        Encoding::Ucs2 => 140,
    }
}

/// Octets of one of several segments: 153 or 152 septets, 67 or 66 units of 16 bits.
const fn part_octets(encoding: Encoding, width: ReferenceWidth) -> usize {
    match (encoding, width) {
        (Encoding::Gsm7, ReferenceWidth::Eight) => 153,
        (Encoding::Gsm7, ReferenceWidth::Sixteen) => 152,
        (Encoding::Ucs2, ReferenceWidth::Eight) => 134,
        (Encoding::Ucs2, ReferenceWidth::Sixteen) => 132,
    }
}

/// A text as segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segmented {
    /// How the octets are written, in every segment alike.
    pub encoding: Encoding,
    /// 1 to 255 segments, in order.
    pub segments: Vec<Segment>,
}

/// One segment. `Debug` shows its place and length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Segment {
    octets: Box<[u8]>,
    ordinal: u8,
    total: u8,
}

impl Segment {
    /// The octets of `short_message`, without a user data header: one septet an octet, or big-endian
    /// 16-bit units.
    pub fn reveal(&self) -> &[u8] {
        &self.octets
    }

    /// Which segment this is: 1 to `total`.
    pub const fn ordinal(&self) -> u8 {
        self.ordinal
    }

    /// How many segments the text has: 1 to 255.
    pub const fn total(&self) -> u8 {
        self.total
    }

    /// The user data header; `None` for a lone segment, which has none. `width` must be the one that
    /// the text was cut for, and `reference` the same for all its segments.
    pub const fn header(&self, reference: u16, width: ReferenceWidth) -> Option<Header> {
        if self.total == 1 {
            return None;
        }
        match Concatenation::new(reference, width, self.total, self.ordinal) {
            Some(concatenation) => Some(concatenation.header()),
            None => None,
        }
    }
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ordinal, total, octets) = (self.ordinal, self.total, self.octets.len());
        write!(f, "Segment({ordinal} of {total}, {octets} octets)")
    }
}

/// Why a text cannot be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// More segments than a header can count. It does not happen to a [`super::MessageText`].
    #[error("the text needs more than 255 segments")]
    TooMany,
}

/// Cuts a text. An empty text is one empty segment.
pub fn segments(text: &str, width: ReferenceWidth) -> Result<Segmented, SegmentError> {
    let (encoding, octets) = match gsm7::encode(text) {
        Some(octets) => (Encoding::Gsm7, octets),
        None => (Encoding::Ucs2, ucs2(text)),
    };
    let segments = if octets.len() <= lone_octets(encoding) {
        vec![Segment {
            octets: octets.into_boxed_slice(),
            ordinal: 1,
            total: 1,
        }]
    } else {
        number(&cut(&octets, encoding, width))?
    };
    Ok(Segmented { encoding, segments })
}

/// Big-endian 16-bit units.
fn ucs2(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len().saturating_mul(2));
    for unit in text.encode_utf16() {
        octets.extend(unit.to_be_bytes());
    }
    octets
}

/// The octets of each part.
fn cut(mut octets: &[u8], encoding: Encoding, width: ReferenceWidth) -> Vec<&[u8]> {
    let size = part_octets(encoding, width);
    let mut parts = Vec::with_capacity(octets.len() / size + 1);
    while let Some((full, _)) = octets.split_at_checked(size) {
        let (part, rest) = octets.split_at(size - half_a_pair(full, encoding));
        parts.push(part);
        octets = rest;
    }
    if !octets.is_empty() {
        parts.push(octets);
    }
    parts
}

/// How many octets at the end of a part belong to the next: an escape whose septet comes after, or the
/// first half of a surrogate pair.
fn half_a_pair(part: &[u8], encoding: Encoding) -> usize {
    match (encoding, part) {
        (Encoding::Gsm7, [.., gsm7::ESCAPE]) => 1,
        (Encoding::Ucs2, [.., 0xD8..=0xDB, _]) => 2,
        _ => 0,
    }
}

/// Gives each part its place.
fn number(parts: &[&[u8]]) -> Result<Vec<Segment>, SegmentError> {
    let total = u8::try_from(parts.len()).map_err(|_| SegmentError::TooMany)?;
    let segment = |(ordinal, part): (u8, &&[u8])| Segment {
        octets: Box::from(*part),
        ordinal,
        total,
    };
    Ok((1..=total).zip(parts).map(segment).collect())
}

/// What a text will cost, without its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentCount {
    /// How the text will be written.
    pub encoding: Encoding,
    /// How many segments: 1 to 255.
    pub segments: u8,
}

/// Counts the segments of a text without cutting it: the same answer as [`segments`], no allocation.
pub fn count_segments(text: &str, width: ReferenceWidth) -> Result<SegmentCount, SegmentError> {
    let septets = text.chars().map(gsm7::septets).sum::<Option<usize>>();
    let (encoding, octets) = match septets {
        Some(octets) => (Encoding::Gsm7, octets),
        None => (Encoding::Ucs2, text.chars().map(ucs2_octets).sum()),
    };
    let count = if octets <= lone_octets(encoding) {
        1
    } else {
        count_parts(text, encoding, part_octets(encoding, width))
    };
    let segments = u8::try_from(count).map_err(|_| SegmentError::TooMany)?;
    Ok(SegmentCount { encoding, segments })
}

/// How many octets a character has in UCS-2: 2 or 4.
const fn ucs2_octets(character: char) -> usize {
    character.len_utf16() * 2
}

/// Fills parts with whole characters, one after the other.
fn count_parts(text: &str, encoding: Encoding, size: usize) -> usize {
    let (mut parts, mut used) = (1_usize, 0_usize);
    for character in text.chars() {
        let cost = match encoding {
            Encoding::Gsm7 => gsm7::septets(character).unwrap_or(0),
            Encoding::Ucs2 => ucs2_octets(character),
        };
        if used + cost > size {
            (parts, used) = (parts + 1, 0);
        }
        used += cost;
    }
    parts
}

#[cfg(test)]
mod tests;
