//! Any octets are read without panic, and encoding is undone by decoding.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::super::{
    Address, Bind, BindKind, BindResponse, Body, MessageResponse, Pdu, ShortMessage, Tlvs,
};
use super::{decode, encode, with_length};
use crate::status::Status;

/// Text without NUL of at most `max` octets, ASCII so that the judging codec takes it too.
pub(super) fn c_string(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(1_u8..=127, 0..=max)
}

/// Owned fields of a short message.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    service_type: Vec<u8>,
    source: (u8, u8, Vec<u8>),
    destination: (u8, u8, Vec<u8>),
    octets: [u8; 7],
    validity: Vec<u8>,
    text: Vec<u8>,
    tlvs: BytesMut,
}

impl Fields {
    pub(super) fn message(&self) -> ShortMessage<'_> {
        let [
            esm_class,
            protocol_id,
            priority_flag,
            delivery,
            replace,
            coding,
            default,
        ] = self.octets;
        ShortMessage {
            service_type: &self.service_type,
            source: Address::new(self.source.0, self.source.1, &self.source.2),
            destination: Address::new(self.destination.0, self.destination.1, &self.destination.2),
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time: b"",
            validity_period: &self.validity,
            registered_delivery: delivery,
            replace_if_present: replace,
            data_coding: coding,
            default_message_id: default,
            short_message: &self.text,
            tlvs: Tlvs::parse(&self.tlvs).unwrap(),
        }
    }
}

fn tlvs() -> impl Strategy<Value = BytesMut> {
    // Vendor tags: their values are free.
    vec((0x1400_u16..=0x3FFF, vec(any::<u8>(), 0..40)), 0..4).prop_map(|list| {
        let mut out = BytesMut::new();
        for (tag, value) in list {
            Tlvs::push(&mut out, tag, &value);
        }
        out
    })
}

pub(super) fn fields() -> impl Strategy<Value = Fields> {
    let address = || (any::<u8>(), any::<u8>(), c_string(20));
    let validity = prop_oneof![vec(b'0'..=b'9', 16), vec(b'0'..=b'9', 0)];
    let text = vec(any::<u8>(), 0..=254);
    (
        c_string(5),
        address(),
        address(),
        any::<[u8; 7]>(),
        validity,
        text,
        tlvs(),
    )
        .prop_map(
            |(service_type, source, destination, octets, validity, text, tlvs)| Fields {
                service_type,
                source,
                destination,
                octets,
                validity,
                text,
                tlvs,
            },
        )
}

proptest! {
    #[test]
    fn any_body_of_any_command_is_read_without_panic(
        command in prop_oneof![0_u32..=0x20, 0x8000_0000_u32..=0x8000_0020, any::<u32>()],
        status: u32,
        sequence: u32,
        body in vec(prop_oneof![any::<u8>(), proptest::prelude::Just(0_u8)], 0..200),
    ) {
        let mut octets = vec![0; 4];
        for number in [command, status, sequence] {
            octets.extend_from_slice(&number.to_be_bytes());
        }
        octets.extend_from_slice(&body);
        let octets = with_length(octets);
        match decode(&octets) {
            // Nothing is dropped: what was read is written back to the octet.
            Ok(pdu) => prop_assert_eq!(encode(&pdu), octets),
            Err(error) => prop_assert_eq!((error.id, error.sequence), (command, sequence)),
        }
    }

    #[test]
    fn a_short_message_reads_back_as_written(fields in fields(), sequence: u32) {
        for body in [Body::SubmitSm(fields.message()), Body::DeliverSm(fields.message())] {
            let pdu = Pdu::request(sequence, body);
            let octets = encode(&pdu);
            prop_assert_eq!(decode(&octets), Ok(pdu));
        }
    }

    #[test]
    fn a_changed_octet_never_panics_and_never_reads_past_the_end(
        fields in fields(), place: proptest::sample::Index, octet: u8,
    ) {
        let mut octets = encode(&Pdu::request(1, Body::DeliverSm(fields.message()))).to_vec();
        let place = place.index(octets.len() - 16) + 16;
        octets[place] = octet;
        if let Ok(pdu) = decode(&octets) {
            prop_assert_eq!(&encode(&pdu)[..], &octets[..]);
            prop_assert!(matches!(pdu.body, Body::DeliverSm(_)));
        }
    }

    #[test]
    fn binds_read_back_as_written(
        system_id in c_string(15), password in c_string(8), system_type in c_string(12), sequence: u32,
    ) {
        let bind = Bind::new(&system_id, &password, &system_type);
        for kind in [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver] {
            let pdu = Pdu::request(sequence, Body::Bind(kind, bind));
            let octets = encode(&pdu);
            prop_assert_eq!(decode(&octets), Ok(pdu));
        }
    }

    #[test]
    fn responses_read_back_as_written(id in c_string(64), status: u32, sequence: u32, tlvs in tlvs()) {
        let tlvs = Tlvs::parse(&tlvs).unwrap();
        let response = MessageResponse { message_id: Some(&id), tlvs };
        let bind = BindResponse { system_id: Some(&id[..id.len().min(15)]), tlvs };
        for body in [
            Body::SubmitSmResponse(response),
            Body::DeliverSmResponse(response),
            Body::BindResponse(BindKind::Receiver, bind),
            Body::SubmitSmResponse(MessageResponse::default()),
        ] {
            let pdu = Pdu::response(sequence, Status(status), body);
            let octets = encode(&pdu);
            prop_assert_eq!(decode(&octets), Ok(pdu));
        }
    }
}
