//! bind_transmitter, bind_receiver, bind_transceiver and their responses.

use super::id;
use super::malformed::Why;
use super::reader::Reader;
use super::tlv::{Tlvs, tag};
use super::writer::{EncodeError, Writer};

/// `interface_version` of SMPP 3.4.
pub const VERSION_3_4: u8 = 0x34;

/// What a bind is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindKind {
    /// The ESME submits.
    Transmitter,
    /// The ESME receives.
    Receiver,
    /// Both.
    Transceiver,
}

impl BindKind {
    /// The request's `command_id`.
    pub const fn id(self) -> u32 {
        match self {
            Self::Transmitter => id::BIND_TRANSMITTER,
            Self::Receiver => id::BIND_RECEIVER,
            Self::Transceiver => id::BIND_TRANSCEIVER,
        }
    }

    /// From a request's `command_id`.
    pub const fn from_id(command: u32) -> Option<Self> {
        match command {
            id::BIND_TRANSMITTER => Some(Self::Transmitter),
            id::BIND_RECEIVER => Some(Self::Receiver),
            id::BIND_TRANSCEIVER => Some(Self::Transceiver),
            _ => None,
        }
    }

    /// Whether the ESME may submit over it.
    pub const fn transmits(self) -> bool {
        !matches!(self, Self::Receiver)
    }

    /// Whether the SMSC may deliver over it.
    pub const fn receives(self) -> bool {
        !matches!(self, Self::Transmitter)
    }
}

/// The body of a bind request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    /// At most 15 octets.
    pub system_id: &'a [u8],
    /// At most 8 octets. Secret.
    pub password: &'a [u8],
    /// At most 12 octets; mostly empty.
    pub system_type: &'a [u8],
    /// 0x34 for SMPP 3.4.
    pub interface_version: u8,
    /// Type of number served.
    pub addr_ton: u8,
    /// Numbering plan served.
    pub addr_npi: u8,
    /// Addresses served, at most 40 octets; mostly empty.
    pub address_range: &'a [u8],
}

impl<'a> Bind<'a> {
    /// A bind of SMPP 3.4 that serves every address.
    pub const fn new(system_id: &'a [u8], password: &'a [u8], system_type: &'a [u8]) -> Self {
        Self {
            system_id,
            password,
            system_type,
            interface_version: VERSION_3_4,
            addr_ton: 0,
            addr_npi: 0,
            address_range: b"",
        }
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        Ok(Self {
            system_id: reader.c_string(16, "system_id")?,
            password: reader.c_string(9, "password")?,
            system_type: reader.c_string(13, "system_type")?,
            interface_version: reader.octet("interface_version")?,
            addr_ton: reader.octet("addr_ton")?,
            addr_npi: reader.octet("addr_npi")?,
            address_range: reader.c_string(41, "address_range")?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.c_string(self.system_id, 16, "system_id")?;
        writer.c_string(self.password, 9, "password")?;
        writer.c_string(self.system_type, 13, "system_type")?;
        writer.octet(self.interface_version);
        writer.octet(self.addr_ton);
        writer.octet(self.addr_npi);
        writer.c_string(self.address_range, 41, "address_range")
    }
}

impl std::fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bind")
            .field("system_id", &String::from_utf8_lossy(self.system_id))
            .field("password", &"…")
            .field("system_type", &String::from_utf8_lossy(self.system_type))
            .field("interface_version", &self.interface_version)
            .finish_non_exhaustive()
    }
}

/// The body of a bind response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BindResponse<'a> {
    /// The SMSC's name, at most 15 octets; `None` when the body is absent, as it may be in a refusal.
    pub system_id: Option<&'a [u8]>,
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

impl<'a> BindResponse<'a> {
    /// The SMSC's version of the protocol (TLV 0x0210), if it says so.
    pub fn version(&self) -> Option<u8> {
        match self.tlvs.get(tag::SC_INTERFACE_VERSION) {
            Some([version]) => Some(*version),
            _ => None,
        }
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        if reader.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self {
            system_id: Some(reader.c_string(16, "system_id")?),
            tlvs: Tlvs::read(reader)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        if self.system_id.is_none() && self.tlvs.is_empty() {
            return Ok(());
        }
        writer.c_string(self.system_id.unwrap_or_default(), 16, "system_id")?;
        self.tlvs.write(writer);
        Ok(())
    }
}
