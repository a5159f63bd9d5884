//! query_sm and cancel_sm, and the response to the first (SMPP 3.4 §4.8 and §4.9). That to the second has no
//! body.

use super::address::Address;
use super::malformed::Why;
use super::reader::Reader;
use super::writer::{EncodeError, Writer};

/// The most octets of a message id, NUL counted.
const MESSAGE_ID_MAX: usize = 65;

/// The most octets of a time field, NUL counted.
const TIME_MAX: usize = 17;

/// The body of query_sm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Query<'a> {
    /// The id that its submit brought, at most 64 octets.
    pub message_id: &'a [u8],
    /// The sender that it was submitted with.
    pub source: Address<'a>,
}

impl<'a> Query<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        Ok(Self {
            message_id: reader.c_string(MESSAGE_ID_MAX, "message_id")?,
            source: Address::read(reader, "source_addr")?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.c_string(self.message_id, MESSAGE_ID_MAX, "message_id")?;
        self.source.write(writer, "source_addr")
    }
}

/// Where a message stands, in the words of SMPP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing<'a> {
    /// The id that was asked for, at most 64 octets.
    pub message_id: &'a [u8],
    /// When it ended (the 16 characters of [`crate::time_format`]), or empty.
    pub final_date: &'a [u8],
    /// `message_state` (§5.2.28).
    pub state: u8,
    /// The network's error, or 0.
    pub error: u8,
}

/// The body of query_sm_resp; `None` when it is absent, as in a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueryResponse<'a>(pub Option<Standing<'a>>);

impl<'a> QueryResponse<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        if reader.is_empty() {
            return Ok(Self(None));
        }
        Ok(Self(Some(Standing {
            message_id: reader.c_string(MESSAGE_ID_MAX, "message_id")?,
            final_date: reader.c_string(TIME_MAX, "final_date")?,
            state: reader.octet("message_state")?,
            error: reader.octet("error_code")?,
        })))
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let Some(standing) = &self.0 else {
            return Ok(());
        };
        writer.c_string(standing.message_id, MESSAGE_ID_MAX, "message_id")?;
        writer.c_string(standing.final_date, TIME_MAX, "final_date")?;
        writer.octets(&[standing.state, standing.error]);
        Ok(())
    }
}

/// The body of cancel_sm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cancel<'a> {
    /// At most 5 octets.
    pub service_type: &'a [u8],
    /// The id that its submit brought, at most 64 octets; empty means all of source and destination.
    pub message_id: &'a [u8],
    /// The sender that it was submitted with.
    pub source: Address<'a>,
    /// Whom it is to.
    pub destination: Address<'a>,
}

impl<'a> Cancel<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        Ok(Self {
            service_type: reader.c_string(6, "service_type")?,
            message_id: reader.c_string(MESSAGE_ID_MAX, "message_id")?,
            source: Address::read(reader, "source_addr")?,
            destination: Address::read(reader, "destination_addr")?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.c_string(self.service_type, 6, "service_type")?;
        writer.c_string(self.message_id, MESSAGE_ID_MAX, "message_id")?;
        self.source.write(writer, "source_addr")?;
        self.destination.write(writer, "destination_addr")
    }
}
