//! An SME address: type of number, numbering plan, octets. It may be a person's number, so it masks
//! itself; what the octets mean is for `domain` to say.

use super::malformed::Why;
use super::reader::Reader;
use super::writer::{EncodeError, Writer};

/// The most octets of an address in submit_sm and deliver_sm, NUL counted.
const ADDRESS_MAX: usize = 21;

/// One end of a message.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Address<'a> {
    /// Type of number: 0 unknown, 1 international, 2 national, 3 network specific, 4 subscriber,
    /// 5 alphanumeric, 6 abbreviated.
    pub ton: u8,
    /// Numbering plan: 0 unknown, 1 E.164.
    pub npi: u8,
    octets: &'a [u8],
}

impl<'a> Address<'a> {
    /// An address of at most 20 octets; a longer one fails when it is encoded.
    pub const fn new(ton: u8, npi: u8, octets: &'a [u8]) -> Self {
        Self { ton, npi, octets }
    }

    /// The address in clear: the one way to it.
    pub const fn reveal(&self) -> &'a [u8] {
        self.octets
    }

    pub(super) fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Self, Why> {
        Ok(Self {
            ton: reader.octet(field)?,
            npi: reader.octet(field)?,
            octets: reader.c_string(ADDRESS_MAX, field)?,
        })
    }

    pub(super) fn write(
        &self,
        writer: &mut Writer<'_>,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        writer.octet(self.ton);
        writer.octet(self.npi);
        writer.c_string(self.octets, ADDRESS_MAX, field)
    }
}

impl std::fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/…({})", self.ton, self.npi, self.octets.len())
    }
}
