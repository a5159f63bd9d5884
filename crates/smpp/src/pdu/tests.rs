//! The samples of the reference to the octet, properties over any octets, and an independent codec
//! as the judge.

use bytes::BytesMut;

use super::Pdu;
use crate::frame::{FRAME_LIMIT_OCTETS, take};

mod oracle;
mod properties;
mod samples;

/// The one frame in `octets`.
fn decode(octets: &[u8]) -> Result<Pdu<'_>, super::Malformed> {
    let mut input = octets;
    let frame = take(&mut input, FRAME_LIMIT_OCTETS).unwrap().unwrap();
    assert!(input.is_empty());
    Pdu::decode(frame)
}

fn encode(pdu: &Pdu<'_>) -> BytesMut {
    let mut out = BytesMut::new();
    pdu.encode(&mut out).unwrap();
    out
}

/// Sets `command_length` to what is there.
fn with_length(mut octets: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(octets.len()).unwrap();
    octets[..4].copy_from_slice(&length.to_be_bytes());
    octets
}
