//! Answers as they are written: the response of each kind of request, with its status.

use bytes::BytesMut;

use crate::pdu::{
    BindKind, BindResponse, Body, MessageResponse, MultiResponse, Pdu, QueryResponse, Tlvs, id, tag,
};
use crate::status::Status;

/// Answers a bind: with our name, or with a status.
pub(super) fn bind_response(
    out: &mut BytesMut,
    (sequence, kind): (u32, BindKind),
    outcome: Result<&[u8], Status>,
) {
    let mut tlvs = BytesMut::new();
    let (status, response) = match outcome {
        Ok(name) => {
            Tlvs::push(&mut tlvs, tag::SC_INTERFACE_VERSION, &[0x34]);
            let response = BindResponse {
                system_id: Some(name),
                tlvs: Tlvs::parse(&tlvs).unwrap_or_default(),
            };
            (Status::OK, response)
        }
        Err(status) => (status, BindResponse::default()),
    };
    write(
        out,
        Pdu::response(sequence, status, Body::BindResponse(kind, response)),
    );
}

/// Answers a submit: with the message's id, or with a status.
pub(super) fn submit_response(out: &mut BytesMut, sequence: u32, outcome: Result<&[u8], Status>) {
    let (status, response) = match outcome {
        Ok(id) => (Status::OK, MessageResponse::with_id(id)),
        Err(status) => (status, MessageResponse::default()),
    };
    write(
        out,
        Pdu::response(sequence, status, Body::SubmitSmResponse(response)),
    );
}

/// Refuses a request by the response of its kind.
pub(super) fn refuse(out: &mut BytesMut, id: u32, sequence: u32, status: Status) {
    let body = match id {
        id::SUBMIT_SM => Body::SubmitSmResponse(MessageResponse::default()),
        id::SUBMIT_MULTI => Body::SubmitMultiResponse(MultiResponse::default()),
        id::QUERY_SM => Body::QueryResponse(QueryResponse::default()),
        id::CANCEL_SM => Body::CancelResponse,
        id::UNBIND => Body::UnbindResponse,
        _ => match BindKind::from_id(id) {
            Some(kind) => Body::BindResponse(kind, BindResponse::default()),
            None => Body::GenericNack,
        },
    };
    write(out, Pdu::response(sequence, status, body));
}

/// Answers what is no request of any kind.
pub(super) fn nack(out: &mut BytesMut, sequence: u32, status: Status) {
    write(out, Pdu::response(sequence, status, Body::GenericNack));
}

/// Writes a PDU whose fields are all within their limits.
pub(super) fn write(out: &mut BytesMut, pdu: Pdu<'_>) {
    if let Err(error) = pdu.encode(out) {
        tracing::error!(%error, "a PDU cannot be written");
    }
}
