//! The body of submit_sm_resp and deliver_sm_resp: a message id, and whatever a carrier appends.

use super::malformed::Why;
use super::reader::Reader;
use super::tlv::Tlvs;
use super::writer::{EncodeError, Writer};

/// The most octets of a message id, NUL counted.
const MESSAGE_ID_MAX: usize = 65;

/// A message id and optional parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageResponse<'a> {
    /// At most 64 octets. `None` when the body is absent, which is common with a status other than
    /// 0. In deliver_sm_resp it is empty; some peers repeat an id there, which is tolerated.
    pub message_id: Option<&'a [u8]>,
    /// Optional parameters (SMPP 5.0 and vendors); ignored.
    pub tlvs: Tlvs<'a>,
}

impl<'a> MessageResponse<'a> {
    /// A body with this id and nothing else.
    pub const fn with_id(message_id: &'a [u8]) -> Self {
        Self {
            message_id: Some(message_id),
            tlvs: Tlvs::EMPTY,
        }
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Why> {
        if reader.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self {
            message_id: Some(reader.c_string(MESSAGE_ID_MAX, "message_id")?),
            tlvs: Tlvs::read(reader)?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        if self.message_id.is_none() && self.tlvs.is_empty() {
            return Ok(());
        }
        writer.c_string(
            self.message_id.unwrap_or_default(),
            MESSAGE_ID_MAX,
            "message_id",
        )?;
        self.tlvs.write(writer);
        Ok(())
    }
}
