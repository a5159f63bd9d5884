//! Every sample PDU of the reference, decoded, compared field by field and encoded back.

use super::super::{
    Address, Bind, BindKind, Body, EncodeError, MessageResponse, Pdu, ShortMessage, Why, esm_class,
    id,
};
use super::{decode, encode, with_length};
use crate::status::Status;
use bytes::BytesMut;

const BIND: &str = "00000024 00000009 00000000 00000001
    65736d653100 736563726574313200 00 34 00 00 00";
const BIND_RESPONSE: &str = "0000001d 80000009 00000000 00000001 4c4142534d534300 0210000134";
const SUBMIT: &str = "00000055 00000004 00000000 00000002
    00 03 00 313233343500 01 01 34343737303039303031323300 00 00 00 00
    30303030303030303130303030303052 00 01 00 00 00 13 596f757220636f646520697320343832393133";
const SUBMIT_RESPONSE: &str = "00000019 80000004 00000000 00000002 304131423243334400";
const THROTTLED: &str = "00000010 80000004 00000058 00000002";
const PART: &str = "00000044 00000004 00000000 00000003
    00 03 00 313233343500 01 01 34343737303039303031323300 40 00 00 00 00 00 00 08 00 12
    050003a70201 041f04400438043204350442";
const RECEIPT: &str = "000000be 00000005 00000000 00000007
    00 01 01 34343737303039303031323300 03 00 313233343500 04 00 00 00 00 00 00 00 00 73
    69643a3041314232433344207375623a30303120646c7672643a303031207375626d697420646174653a
    3236313132323130303020646f6e6520646174653a
    3236313132323130303120737461743a44454c49565244206572723a30303020746578743a596f757220
    636f6465206973203438
    001e 0009 304131423243334400 0427 0001 02 0423 0003 030000";
const OTHERS: [(&str, Body<'static>); 5] = [
    (
        "0000001180000005000000000000000700",
        Body::DeliverSmResponse(MessageResponse::with_id(b"")),
    ),
    ("00000010000000150000000000000009", Body::EnquireLink),
    (
        "00000010800000150000000000000009",
        Body::EnquireLinkResponse,
    ),
    ("0000001000000006000000000000000a", Body::Unbind),
    ("00000010800000000000000200000000", Body::GenericNack),
];

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_ascii_whitespace().collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Decodes, encodes back to the very octets, and hands the decoded form to `look`.
fn check(sample: &str, look: impl FnOnce(Pdu<'_>)) {
    let octets = hex(sample);
    let pdu = decode(&octets).unwrap();
    assert_eq!(encode(&pdu), octets);
    look(pdu);
}

#[test]
fn bind_and_its_response_round_trip() {
    check(BIND, |pdu| {
        let bind = Bind::new(b"esme1", b"secret12", b"");
        assert_eq!(
            pdu,
            Pdu::request(1, Body::Bind(BindKind::Transceiver, bind))
        );
    });
    check(BIND_RESPONSE, |pdu| {
        let Body::BindResponse(BindKind::Transceiver, response) = pdu.body else {
            panic!("not a bind response: {pdu:?}");
        };
        assert_eq!(response.system_id, Some(b"LABSMSC".as_slice()));
        assert_eq!(response.version(), Some(0x34));
    });
}

#[test]
fn submit_and_its_responses_round_trip() {
    check(SUBMIT, |pdu| {
        let message = ShortMessage {
            source: Address::new(3, 0, b"12345"),
            destination: Address::new(1, 1, b"447700900123"),
            validity_period: b"000000001000000R",
            registered_delivery: 1,
            short_message: b"Your code is 482913",
            ..ShortMessage::default()
        };
        assert_eq!(pdu, Pdu::request(2, Body::SubmitSm(message)));
    });
    check(PART, |pdu| {
        let Body::SubmitSm(message) = pdu.body else {
            panic!("not a submit_sm: {pdu:?}")
        };
        assert_eq!(
            (message.esm_class, message.data_coding),
            (esm_class::UDHI, 8)
        );
        assert_eq!(message.payload()[..6], [5, 0, 3, 0xA7, 2, 1]);
    });
    check(SUBMIT_RESPONSE, |pdu| {
        let body = Body::SubmitSmResponse(MessageResponse::with_id(b"0A1B2C3D"));
        assert_eq!(pdu, Pdu::response(2, Status::OK, body));
    });
    check(THROTTLED, |pdu| {
        let body = Body::SubmitSmResponse(MessageResponse::default());
        assert_eq!(pdu, Pdu::response(2, Status::THROTTLED, body));
    });
}

#[test]
fn receipt_round_trips_and_is_read() {
    check(RECEIPT, |pdu| {
        let Body::DeliverSm(message) = pdu.body else {
            panic!("not a deliver_sm: {pdu:?}")
        };
        assert!(crate::receipt::is_receipt(&message));
        let receipt = crate::receipt::parse(&message).unwrap();
        assert_eq!((receipt.id, receipt.error), (b"0A1B2C3D".as_slice(), None));
        assert_eq!(receipt.state, crate::receipt::State::Delivered);
    });
}

#[test]
fn session_commands_round_trip() {
    for (sample, body) in OTHERS {
        check(sample, |pdu| assert_eq!(pdu.body, body));
    }
}

#[test]
fn octets_behind_the_last_field_are_malformed() {
    for sample in [BIND, "00000010000000150000000000000009"] {
        let mut octets = hex(sample);
        octets.extend_from_slice(&[0; 4]);
        let error = decode(&with_length(octets)).unwrap_err();
        assert_eq!(error.why, Why::TrailingOctets { octets: 4 });
    }
}

#[test]
fn a_cut_body_keeps_id_and_sequence_number() {
    let whole = hex(SUBMIT);
    for cut in 16..whole.len() {
        let error = decode(&with_length(whole[..cut].to_vec())).unwrap_err();
        assert_eq!((error.id, error.sequence), (id::SUBMIT_SM, 2));
    }
}

#[test]
fn a_password_of_twelve_characters_is_malformed_and_can_be_answered() {
    let mut octets = hex(BIND)[..22].to_vec();
    octets.extend_from_slice(b"secret123456\0\0\x34\0\0\0");
    let error = decode(&with_length(octets)).unwrap_err();
    assert_eq!(
        (error.sequence, error.why),
        (1, Why::TooLong { field: "password" })
    );
    assert_eq!(error.why.status(), Status::INVALID_PARAMETER_LENGTH);
}

#[test]
fn a_lying_text_length_is_malformed() {
    let mut octets = hex(SUBMIT);
    let place = octets.len() - 20;
    octets[place] = 0x14;
    assert_eq!(
        decode(&octets).unwrap_err().why,
        Why::Truncated {
            field: "short_message"
        }
    );
    octets[place] = 0xFF;
    assert_eq!(
        decode(&octets).unwrap_err().why,
        Why::TooLong {
            field: "short_message"
        }
    );
}

#[test]
fn an_optional_parameter_past_the_end_is_malformed() {
    let mut octets = hex(SUBMIT);
    octets.extend_from_slice(&[0x14, 0x00, 0x00, 0x05, 1, 2]);
    assert_eq!(
        decode(&with_length(octets)).unwrap_err().why,
        Why::TlvPastEnd
    );
}

#[test]
fn unknown_optional_parameters_and_commands_are_carried_along() {
    let mut octets = hex(SUBMIT);
    octets.extend_from_slice(&[0x14, 0x00, 0x00, 0x02, 1, 2]);
    let octets = with_length(octets);
    assert_eq!(encode(&decode(&octets).unwrap()), octets);
    let mut strange = hex("00000012000001030000000000000005 0102");
    assert!(matches!(
        decode(&strange).unwrap().body,
        Body::Unknown { id: 0x103, .. }
    ));
    strange[7] = 0x15;
    strange[6] = 0;
    assert!(decode(&strange).is_err());
}

#[test]
fn two_texts_in_one_message_are_malformed() {
    let mut octets = hex(SUBMIT);
    octets.extend_from_slice(&[0x04, 0x24, 0x00, 0x02, b'h', b'i']);
    assert_eq!(
        decode(&with_length(octets)).unwrap_err().why,
        Why::TwoPayloads
    );
}

#[test]
fn debug_shows_neither_password_nor_text_nor_number() {
    for sample in [BIND, SUBMIT, RECEIPT] {
        let octets = hex(sample);
        let shown = format!("{:?}", decode(&octets).unwrap());
        for secret in ["secret12", "code", "447700900123"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let long = [b'1'; 21];
    for (bind, error) in [
        (
            Bind::new(b"esme1", b"secret123", b""),
            EncodeError::TooLong { field: "password" },
        ),
        (
            Bind::new(b"es\0me1", b"x", b""),
            EncodeError::InnerNul { field: "system_id" },
        ),
    ] {
        let mut out = BytesMut::from(&b"before"[..]);
        let pdu = Pdu::request(1, Body::Bind(BindKind::Receiver, bind));
        assert_eq!(pdu.encode(&mut out), Err(error));
        assert_eq!(&out[..], b"before");
    }
    let message = ShortMessage {
        source: Address::new(0, 0, &long),
        ..ShortMessage::default()
    };
    let mut out = BytesMut::new();
    assert!(
        Pdu::request(1, Body::SubmitSm(message))
            .encode(&mut out)
            .is_err()
    );
    assert!(out.is_empty());
}
