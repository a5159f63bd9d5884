//! The body of submit_sm and deliver_sm, which is one and the same (SMPP 3.4 §4.4.1 and §4.6.1).

use super::address::Address;
use super::malformed::Why;
use super::reader::Reader;
use super::tlv::{Tlvs, tag};
use super::writer::{EncodeError, Writer};

/// The most octets of short_message (§5.2.22).
const SHORT_MESSAGE_MAX: usize = 254;

/// The most octets of a time field, NUL counted.
const TIME_MAX: usize = 17;

/// Bits of `esm_class` (§5.2.12).
pub mod esm_class {
    /// The bits that hold the message's type.
    pub const TYPE_MASK: u8 = 0x3C;
    /// Type: a delivery receipt.
    pub const RECEIPT: u8 = 0x04;
    /// Type: an intermediate delivery notification.
    pub const INTERMEDIATE: u8 = 0x20;
    /// The text begins with a user data header.
    pub const UDHI: u8 = 0x40;
}

/// A message to or from a handset, or a delivery receipt.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct ShortMessage<'a> {
    /// At most 5 octets; mostly empty.
    pub service_type: &'a [u8],
    /// Whom it is from.
    pub source: Address<'a>,
    /// Whom it is to.
    pub destination: Address<'a>,
    /// Mode, type and features: see [`esm_class`].
    pub esm_class: u8,
    /// GSM protocol identifier.
    pub protocol_id: u8,
    /// 0 to 3.
    pub priority_flag: u8,
    /// Empty, or the 16 characters of [`crate::time_format`]; a peer's shorter one is tolerated.
    pub schedule_delivery_time: &'a [u8],
    /// Empty, or the 16 characters of [`crate::time_format`]; a peer's shorter one is tolerated.
    pub validity_period: &'a [u8],
    /// Which receipts are asked for: 0 none, 1 success or failure, 2 failure.
    pub registered_delivery: u8,
    /// Whether it replaces an earlier one.
    pub replace_if_present: u8,
    /// How the text is encoded: 0 SMSC default, 8 UCS-2.
    pub data_coding: u8,
    /// A text stored at the SMSC.
    pub default_message_id: u8,
    /// The text with its header, at most 254 octets. Personal data.
    pub short_message: &'a [u8],
    /// Optional parameters.
    pub tlvs: Tlvs<'a>,
}

impl<'a> ShortMessage<'a> {
    /// The text with its header, wherever it is: short_message, or else the TLV message_payload.
    pub fn payload(&self) -> &'a [u8] {
        if self.short_message.is_empty() {
            self.tlvs.get(tag::MESSAGE_PAYLOAD).unwrap_or_default()
        } else {
            self.short_message
        }
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        let service_type = reader.c_string(6, "service_type")?;
        let source = Address::read(reader, "source_addr")?;
        let destination = Address::read(reader, "destination_addr")?;
        Ok(Self {
            service_type,
            source,
            destination,
            ..Self::read_behind_addresses(reader)?
        })
    }

    /// Everything from esm_class on.
    pub(super) fn read_behind_addresses(reader: &mut Reader<'a>) -> Result<Self, Why> {
        let message = Self {
            esm_class: reader.octet("esm_class")?,
            protocol_id: reader.octet("protocol_id")?,
            priority_flag: reader.octet("priority_flag")?,
            schedule_delivery_time: reader.c_string(TIME_MAX, "schedule_delivery_time")?,
            validity_period: reader.c_string(TIME_MAX, "validity_period")?,
            registered_delivery: reader.octet("registered_delivery")?,
            replace_if_present: reader.octet("replace_if_present_flag")?,
            data_coding: reader.octet("data_coding")?,
            default_message_id: reader.octet("sm_default_msg_id")?,
            short_message: read_text(reader)?,
            tlvs: Tlvs::read(reader)?,
            ..Self::default()
        };
        message.require_one_payload()?;
        Ok(message)
    }

    fn require_one_payload(&self) -> Result<(), Why> {
        if self.short_message.is_empty() || self.tlvs.is_empty() {
            return Ok(());
        }
        match self.tlvs.get(tag::MESSAGE_PAYLOAD) {
            Some([_, ..]) => Err(Why::TwoPayloads),
            _ => Ok(()),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.c_string(self.service_type, 6, "service_type")?;
        self.source.write(writer, "source_addr")?;
        self.destination.write(writer, "destination_addr")?;
        self.write_behind_addresses(writer)
    }

    /// Everything from esm_class on.
    pub(super) fn write_behind_addresses(
        &self,
        writer: &mut Writer<'_>,
    ) -> Result<(), EncodeError> {
        let length = u8::try_from(self.short_message.len())
            .ok()
            .filter(|length| usize::from(*length) <= SHORT_MESSAGE_MAX)
            .ok_or(EncodeError::TooLong {
                field: "short_message",
            })?;
        writer.octets(&[self.esm_class, self.protocol_id, self.priority_flag]);
        writer.c_string(
            self.schedule_delivery_time,
            TIME_MAX,
            "schedule_delivery_time",
        )?;
        writer.c_string(self.validity_period, TIME_MAX, "validity_period")?;
        writer.octets(&[
            self.registered_delivery,
            self.replace_if_present,
            self.data_coding,
            self.default_message_id,
            length,
        ]);
        writer.octets(self.short_message);
        self.tlvs.write(writer);
        Ok(())
    }
}

/// `sm_length` and as many octets; the length is a wall.
fn read_text<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Why> {
    let length = usize::from(reader.octet("sm_length")?);
    if length > SHORT_MESSAGE_MAX {
        return Err(Why::TooLong {
            field: "short_message",
        });
    }
    reader.octets(length, "short_message")
}

impl std::fmt::Debug for ShortMessage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShortMessage")
            .field("source", &self.source)
            .field("destination", &self.destination)
            .field("esm_class", &self.esm_class)
            .field("data_coding", &self.data_coding)
            .field("short_message_octets", &self.short_message.len())
            .field("tlvs", &self.tlvs)
            .finish_non_exhaustive()
    }
}
