//! Whatever octets an ESME sends, before it bound and after: no panic, no more octets taken than came, and all
//! that is said in answer is whole PDUs, each of which is a response or a request of ours.

use smpp::frame::{FRAME_LIMIT_OCTETS, take};
use smpp::pdu::{Pdu, id};
use smpp::server::rehearsal::{RehearsedPhase, rehearse};

pub fn check(octets: &[u8]) {
    for phase in [RehearsedPhase::Open, RehearsedPhase::Bound] {
        let rehearsed = rehearse(octets, phase);
        assert!(rehearsed.taken <= octets.len());
        assert!(phase == RehearsedPhase::Bound || rehearsed.work <= 1);
        let mut said = &rehearsed.said[..];
        while !said.is_empty() {
            let frame = take(&mut said, FRAME_LIMIT_OCTETS).expect("a frame of ours");
            let pdu = Pdu::decode(frame.expect("a whole frame")).expect("a PDU of ours");
            let command = pdu.body.id();
            assert!(command & id::RESPONSE != 0 || command == id::ENQUIRE_LINK);
        }
    }
}
