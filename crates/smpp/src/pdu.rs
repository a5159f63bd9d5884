//! The PDUs that this product speaks, as borrowed views of one exact frame, and their encoding.
//!
//! Decoding copies nothing: every field is a slice of the frame, so whoever keeps a field must copy
//! it. A body must be consumed to its last octet. Commands outside this set are kept whole as
//! [`Body::Unknown`]; nothing here judges texts, numbers or session state.

mod address;
mod bind;
mod malformed;
mod multi;
mod query;
mod reader;
mod response;
mod short_message;
mod tlv;
mod writer;

pub mod id;

use bytes::BytesMut;

use crate::frame::Frame;
use crate::status::Status;

pub use address::Address;
pub use bind::{Bind, BindKind, BindResponse};
pub use malformed::{Malformed, Why};
pub use multi::{Destination, Destinations, Multi, MultiResponse};
pub use query::{Cancel, Query, QueryResponse, Standing};
pub use response::MessageResponse;
pub use short_message::{ShortMessage, esm_class};
pub use tlv::{Tlvs, TlvsError, tag};
pub use writer::EncodeError;

use reader::Reader;
use writer::Writer;

/// One PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// `command_status`; [`Status::OK`] in requests.
    pub status: Status,
    /// `sequence_number`.
    pub sequence: u32,
    /// The command and its fields.
    pub body: Body<'a>,
}

/// The command of a PDU and its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// bind_transmitter, bind_receiver or bind_transceiver.
    Bind(BindKind, Bind<'a>),
    /// The response to one of them.
    BindResponse(BindKind, BindResponse<'a>),
    /// submit_sm.
    SubmitSm(ShortMessage<'a>),
    /// submit_sm_resp.
    SubmitSmResponse(MessageResponse<'a>),
    /// deliver_sm.
    DeliverSm(ShortMessage<'a>),
    /// deliver_sm_resp.
    DeliverSmResponse(MessageResponse<'a>),
    /// query_sm.
    Query(Query<'a>),
    /// query_sm_resp.
    QueryResponse(QueryResponse<'a>),
    /// cancel_sm.
    Cancel(Cancel<'a>),
    /// cancel_sm_resp.
    CancelResponse,
    /// submit_multi.
    SubmitMulti(Multi<'a>),
    /// submit_multi_resp.
    SubmitMultiResponse(MultiResponse<'a>),
    /// enquire_link.
    EnquireLink,
    /// enquire_link_resp.
    EnquireLinkResponse,
    /// unbind.
    Unbind,
    /// unbind_resp.
    UnbindResponse,
    /// generic_nack.
    GenericNack,
    /// A command that this product does not speak, kept as it came.
    Unknown {
        /// `command_id`.
        id: u32,
        /// The undecoded body.
        body: UnknownBody<'a>,
    },
}

/// The octets of a command that this product does not speak. They may hold personal data, so only
/// their number is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UnknownBody<'a>(pub &'a [u8]);

/// The sequence number after `current`: 1 to 0x7FFFFFFF, then from 1 again (§3.2).
pub const fn next_sequence(current: u32) -> u32 {
    match current {
        0..0x7FFF_FFFF => current + 1,
        _ => 1,
    }
}

impl<'a> Pdu<'a> {
    /// A request.
    pub const fn request(sequence: u32, body: Body<'a>) -> Self {
        Self {
            status: Status::OK,
            sequence,
            body,
        }
    }

    /// A response to the request `sequence`.
    pub const fn response(sequence: u32, status: Status, body: Body<'a>) -> Self {
        Self {
            status,
            sequence,
            body,
        }
    }

    /// Decodes one exact frame. On failure id and sequence number are kept, so that it can be
    /// answered.
    pub fn decode(frame: Frame<'a>) -> Result<Self, Malformed> {
        let header = frame.header;
        let body = Body::decode(header.id, frame.body).map_err(|why| Malformed {
            id: header.id,
            sequence: header.sequence,
            why,
        })?;
        Ok(Self {
            status: Status(header.status),
            sequence: header.sequence,
            body,
        })
    }

    /// Appends the PDU to `out`. On failure `out` is as it was.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let mut writer = Writer::begin(out, self.body.id(), self.status.0, self.sequence);
        match self.body.encode(&mut writer) {
            Ok(()) => writer.finish(),
            Err(error) => {
                writer.abandon();
                Err(error)
            }
        }
    }
}

impl<'a> Body<'a> {
    /// The `command_id`.
    pub const fn id(&self) -> u32 {
        match self {
            Self::Bind(kind, _) => kind.id(),
            Self::BindResponse(kind, _) => kind.id() | id::RESPONSE,
            Self::SubmitSm(_) => id::SUBMIT_SM,
            Self::SubmitSmResponse(_) => id::SUBMIT_SM | id::RESPONSE,
            Self::DeliverSm(_) => id::DELIVER_SM,
            Self::DeliverSmResponse(_) => id::DELIVER_SM | id::RESPONSE,
            Self::Query(_) => id::QUERY_SM,
            Self::QueryResponse(_) => id::QUERY_SM_RESP,
            Self::Cancel(_) => id::CANCEL_SM,
            Self::CancelResponse => id::CANCEL_SM_RESP,
            Self::SubmitMulti(_) => id::SUBMIT_MULTI,
            Self::SubmitMultiResponse(_) => id::SUBMIT_MULTI_RESP,
            Self::EnquireLink => id::ENQUIRE_LINK,
            Self::EnquireLinkResponse => id::ENQUIRE_LINK | id::RESPONSE,
            Self::Unbind => id::UNBIND,
            Self::UnbindResponse => id::UNBIND | id::RESPONSE,
            Self::GenericNack => id::GENERIC_NACK,
            Self::Unknown { id, .. } => *id,
        }
    }

    fn decode(command: u32, octets: &'a [u8]) -> Result<Self, Why> {
        let mut reader = Reader::new(octets);
        let body = match command {
            id::SUBMIT_SM_RESP => Self::SubmitSmResponse(MessageResponse::read(&mut reader)?),
            id::DELIVER_SM => Self::DeliverSm(ShortMessage::read(&mut reader)?),
            id::SUBMIT_SM => Self::SubmitSm(ShortMessage::read(&mut reader)?),
            id::DELIVER_SM_RESP => Self::DeliverSmResponse(MessageResponse::read(&mut reader)?),
            id::QUERY_SM => Self::Query(Query::read(&mut reader)?),
            id::QUERY_SM_RESP => Self::QueryResponse(QueryResponse::read(&mut reader)?),
            id::CANCEL_SM => Self::Cancel(Cancel::read(&mut reader)?),
            id::CANCEL_SM_RESP => Self::CancelResponse,
            id::SUBMIT_MULTI => Self::SubmitMulti(Multi::read(&mut reader)?),
            id::SUBMIT_MULTI_RESP => Self::SubmitMultiResponse(MultiResponse::read(&mut reader)?),
            id::ENQUIRE_LINK => Self::EnquireLink,
            id::ENQUIRE_LINK_RESP => Self::EnquireLinkResponse,
            id::UNBIND => Self::Unbind,
            id::UNBIND_RESP => Self::UnbindResponse,
            id::GENERIC_NACK => Self::GenericNack,
            _ => match BindKind::from_id(command & !id::RESPONSE) {
                Some(kind) if command & id::RESPONSE == 0 => {
                    Self::Bind(kind, Bind::read(&mut reader)?)
                }
                Some(kind) => Self::BindResponse(kind, BindResponse::read(&mut reader)?),
                None => {
                    return Ok(Self::Unknown {
                        id: command,
                        body: UnknownBody(octets),
                    });
                }
            },
        };
        reader.finish()?;
        Ok(body)
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Bind(_, bind) => bind.write(writer),
            Self::BindResponse(_, response) => response.write(writer),
            Self::SubmitSm(message) | Self::DeliverSm(message) => message.write(writer),
            Self::SubmitSmResponse(response) | Self::DeliverSmResponse(response) => {
                response.write(writer)
            }
            Self::Query(query) => query.write(writer),
            Self::QueryResponse(response) => response.write(writer),
            Self::Cancel(cancel) => cancel.write(writer),
            Self::SubmitMulti(multi) => multi.write(writer),
            Self::SubmitMultiResponse(response) => response.write(writer),
            Self::CancelResponse
            | Self::EnquireLink
            | Self::EnquireLinkResponse
            | Self::Unbind
            | Self::UnbindResponse
            | Self::GenericNack => Ok(()),
            Self::Unknown { body, .. } => {
                writer.octets(body.0);
                Ok(())
            }
        }
    }
}

impl std::fmt::Debug for UnknownBody<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} octets", self.0.len())
    }
}

#[cfg(test)]
mod tests;
