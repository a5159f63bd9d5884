//! Any stream of octets is framed and decoded without panic, and what was decoded is written back to
//! the octet.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use smpp::frame::{FRAME_LIMIT_OCTETS, take};
use smpp::pdu::Pdu;

fuzz_target!(|octets: &[u8]| {
    let mut input = octets;
    loop {
        let before = input;
        let Ok(Some(frame)) = take(&mut input, FRAME_LIMIT_OCTETS) else { break };
        let whole = &before[..before.len() - input.len()];
        if let Ok(pdu) = Pdu::decode(frame) {
            let mut out = BytesMut::new();
            pdu.encode(&mut out).expect("what was read can be written");
            assert_eq!(&out[..], whole);
            let _ = format!("{pdu:?}");
        }
    }
});
