//! Whatever octets an ESME sends, before it bound and after: no panic, no more octets taken than came, and all
//! that is said in answer is whole PDUs, each of which is a response or a request of ours. A whole session says
//! the same however its octets are cut into pieces.

use smpp::frame::{FRAME_LIMIT_OCTETS, take};
use smpp::pdu::{Pdu, id};
use smpp::server::rehearsal::{RehearsedPhase, rehearse, rehearse_session};

pub fn check(octets: &[u8]) {
    for phase in [RehearsedPhase::Open, RehearsedPhase::Bound] {
        let rehearsed = rehearse(octets, phase);
        assert!(rehearsed.taken <= octets.len());
        assert!(phase == RehearsedPhase::Bound || rehearsed.work <= 1);
        pdus(&rehearsed.said);
    }
    let whole = rehearse_session(octets, octets.len());
    assert!(whole.taken <= octets.len());
    for piece in [1, 7] {
        let cut = rehearse_session(octets, piece);
        assert_eq!((cut.taken, cut.work), (whole.taken, whole.work), "{piece}");
        assert_eq!(pdus(&cut.said), pdus(&whole.said), "{piece}");
    }
}

/// The PDUs that were said, in an order that does not tell when the engine answered.
fn pdus(mut said: &[u8]) -> Vec<Vec<u8>> {
    let mut pdus = Vec::new();
    while !said.is_empty() {
        let before = said;
        let frame = take(&mut said, FRAME_LIMIT_OCTETS).expect("a frame of ours");
        let pdu = Pdu::decode(frame.expect("a whole frame")).expect("a PDU of ours");
        let command = pdu.body.id();
        assert!(command & id::RESPONSE != 0 || command == id::ENQUIRE_LINK);
        let mut pdu = before[..before.len() - said.len()].to_vec();
        if command == id::GENERIC_NACK {
            // A length out of bounds is refused as soon as it is there, perhaps before its sequence number is.
            pdu[12..].fill(0);
        }
        pdus.push(pdu);
    }
    pdus.sort();
    pdus
}
