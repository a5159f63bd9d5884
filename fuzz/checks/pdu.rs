//! Any stream of octets is framed and decoded without panic, what was decoded is written back to the
//! octet, and a delivery is read as a receipt or not without panic.

use bytes::BytesMut;
use smpp::frame::{FRAME_LIMIT_OCTETS, take};
use smpp::pdu::{Body, Pdu};
use smpp::receipt;

pub fn check(octets: &[u8]) {
    let mut input = octets;
    loop {
        let before = input;
        let Ok(Some(frame)) = take(&mut input, FRAME_LIMIT_OCTETS) else {
            return;
        };
        let whole = &before[..before.len() - input.len()];
        let Ok(pdu) = Pdu::decode(frame) else {
            continue;
        };
        let mut out = BytesMut::new();
        pdu.encode(&mut out).expect("what was read can be written");
        assert_eq!(&out[..], whole);
        assert!(!format!("{pdu:?}").is_empty());
        if let Body::DeliverSm(message) = pdu.body
            && receipt::is_receipt(&message)
            && let Some(found) = receipt::parse(&message)
        {
            assert!(!found.id.is_empty());
        }
    }
}
