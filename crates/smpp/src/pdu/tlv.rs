//! Optional parameters: `tag u16, length u16, value`. They are kept as they came, checked once to
//! lie inside the body, and looked up by tag. Unknown ones are carried along and never fatal.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::malformed::Why;
use super::reader::Reader;
use super::writer::Writer;

/// Tags that this product reads or writes (SMPP 3.4 §5.3.2).
pub mod tag {
    /// A text that explains a refusal.
    pub const ADDITIONAL_STATUS_INFO_TEXT: u16 = 0x001D;
    /// The id of the message that a receipt is about: a C-octet string of at most 65 octets.
    pub const RECEIPTED_MESSAGE_ID: u16 = 0x001E;
    /// The sender's own number for a message: a `u16`.
    pub const USER_MESSAGE_REFERENCE: u16 = 0x0204;
    /// The SMSC's version: 1 octet.
    pub const SC_INTERFACE_VERSION: u16 = 0x0210;
    /// Network type and error: 1 octet and a `u16`.
    pub const NETWORK_ERROR_CODE: u16 = 0x0423;
    /// A text that is not in short_message.
    pub const MESSAGE_PAYLOAD: u16 = 0x0424;
    /// What became of a message: 1 octet.
    pub const MESSAGE_STATE: u16 = 0x0427;
    /// Reference of a segmented message: a `u16`.
    pub const SAR_MSG_REF_NUM: u16 = 0x020C;
    /// Segments of a segmented message: 1 octet.
    pub const SAR_TOTAL_SEGMENTS: u16 = 0x020E;
    /// Place of a segment, from 1: 1 octet.
    pub const SAR_SEGMENT_SEQNUM: u16 = 0x020F;
}

/// The optional parameters of one PDU. Values may hold personal data, so only tags and lengths show.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Tlvs<'a>(&'a [u8]);

/// The octets are no sequence of optional parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the octets are no sequence of optional parameters")]
pub struct TlvsError;

impl<'a> Tlvs<'a> {
    /// None at all.
    pub const EMPTY: Self = Self(&[]);

    /// Takes octets that are whole optional parameters, one after the other.
    pub fn parse(octets: &'a [u8]) -> Result<Self, TlvsError> {
        let mut rest = octets;
        while !rest.is_empty() {
            rest = split(rest).ok_or(TlvsError)?.2;
        }
        Ok(Self(octets))
    }

    /// Appends one parameter to octets that [`Tlvs::parse`] will take. A value of more than 65,535
    /// octets is cut, which no value written here comes near.
    pub fn push(out: &mut BytesMut, tag: u16, value: &[u8]) {
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        out.put_u16(tag);
        out.put_u16(length);
        out.put_slice(value.get(..usize::from(length)).unwrap_or(value));
    }

    /// The value of the first parameter with this tag.
    pub fn get(&self, tag: u16) -> Option<&'a [u8]> {
        self.iter()
            .find_map(|(found, value)| (found == tag).then_some(value))
    }

    /// Every parameter in its order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (tag, value, behind) = split(rest)?;
            rest = behind;
            Some((tag, value))
        })
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        Self::parse(reader.take_rest()).map_err(|TlvsError| Why::TlvPastEnd)
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.octets(self.0);
    }
}

/// Tag, value, and what follows.
fn split(octets: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (tag, rest) = octets.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((u16::from_be_bytes(*tag), value, rest))
}

impl std::fmt::Debug for Tlvs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(
                self.iter()
                    .map(|(tag, value)| (format!("{tag:#06x}"), value.len())),
            )
            .finish()
    }
}
