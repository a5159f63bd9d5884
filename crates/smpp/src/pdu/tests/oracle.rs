//! An independent codec as the judge: what we write it reads alike, and what it reads of an exact
//! frame, to the last octet, we read alike.

use bytes::BytesMut;
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use rusmpp_core::command::owned::Command;
use rusmpp_core::decode::owned::DecodeWithLength;
use rusmpp_core::encode::{Encode, Length};
use rusmpp_core::pdus::owned::Pdu as Judged;

use super::super::{Bind, BindKind, Body, Malformed, MessageResponse, Pdu, Why};
use super::properties::{c_string, fields};
use super::{decode, encode};
use crate::status::Status;

/// What the judge makes of one exact frame, if it consumes all of it.
fn judge(octets: &[u8]) -> Option<Command> {
    let mut rest = BytesMut::from(&octets[4..]);
    let length = rest.len();
    let (command, _) = Command::decode(&mut rest, length).ok()?;
    rest.is_empty().then_some(command)
}

/// The judge's own octets of what it read.
fn rewritten(command: &Command) -> Vec<u8> {
    let mut out = vec![0; command.length()];
    let written = command.encode(&mut out);
    out.truncate(written);
    out
}

/// Whether the judge may differ: we hold short_message to 254 octets and allow one text only.
fn stricter(error: Malformed) -> bool {
    matches!(
        error.why,
        Why::TooLong {
            field: "short_message"
        } | Why::TwoPayloads
    )
}

proptest! {
    #[test]
    fn the_judge_reads_what_we_write(fields in fields(), sequence in 1_u32..0x7FFF_FFFF) {
        let octets = encode(&Pdu::request(sequence, Body::SubmitSm(fields.message())));
        let command = judge(&octets).expect("the judge must take it");
        prop_assert_eq!(rewritten(&command), &octets[4..]);
        prop_assert_eq!(command.sequence_number(), sequence);
        let Some(Judged::SubmitSm(judged)) = command.pdu() else {
            panic!("the judge read another command")
        };
        let ours = fields.message();
        prop_assert_eq!(judged.source_addr.as_str().as_bytes(), ours.source.reveal());
        prop_assert_eq!(judged.destination_addr.as_str().as_bytes(), ours.destination.reveal());
        prop_assert_eq!(judged.short_message().as_ref(), ours.short_message);
        prop_assert_eq!(u8::from(judged.data_coding), ours.data_coding);
    }

    #[test]
    fn the_judge_reads_our_binds_and_responses(id in c_string(15), password in c_string(8), status: u32) {
        let bind = Bind::new(&id, &password, b"");
        for body in [
            Body::Bind(BindKind::Transceiver, bind),
            Body::SubmitSmResponse(MessageResponse::with_id(&id)),
            Body::DeliverSmResponse(MessageResponse::with_id(b"")),
            Body::EnquireLink,
            Body::Unbind,
        ] {
            let octets = encode(&Pdu { status: Status(status), sequence: 7, body });
            let command = judge(&octets).expect("the judge must take it");
            prop_assert_eq!(rewritten(&command), &octets[4..]);
        }
    }

    #[test]
    fn what_the_judge_takes_whole_we_take_alike(
        fields in fields(), place: proptest::sample::Index, octet: u8,
    ) {
        let mut octets = encode(&Pdu::request(1, Body::DeliverSm(fields.message()))).to_vec();
        let place = place.index(octets.len() - 16) + 16;
        octets[place] = octet;
        if judge(&octets).is_some() {
            match decode(&octets) {
                Ok(pdu) => prop_assert_eq!(encode(&pdu), octets),
                Err(error) => prop_assert!(stricter(error), "{}", error),
            }
        }
    }
}
