//! What carriers write into receipts, in the field's variety.

use super::*;
use crate::pdu::{Address, Tlvs};
use bytes::BytesMut;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, proptest};

const USUAL: &[u8] = b"id:0A1B2C3D sub:001 dlvrd:001 submit date:2611221000 done date:2611221001 \
                       stat:DELIVRD err:000 text:Your code is 48";

fn check(text: &[u8], id: &[u8], state: State, error: Option<u32>) {
    let receipt = parse_text(text).unwrap();
    let shown = String::from_utf8_lossy(text);
    assert_eq!(
        (receipt.id, receipt.state, receipt.error),
        (id, state, error),
        "{shown}"
    );
}

fn deliver<'a>(text: &'a [u8], tlvs: &'a BytesMut) -> ShortMessage<'a> {
    ShortMessage {
        source: Address::new(1, 1, b"447700900123"),
        destination: Address::new(3, 0, b"12345"),
        esm_class: esm_class::RECEIPT,
        short_message: text,
        tlvs: Tlvs::parse(tlvs).unwrap(),
        ..ShortMessage::default()
    }
}

#[test]
fn the_text_of_the_specification_is_read() {
    let receipt = parse_text(USUAL).unwrap();
    assert_eq!(receipt.id, b"0A1B2C3D");
    assert_eq!(receipt.state, State::Delivered);
    assert_eq!(receipt.error, None);
    assert_eq!(receipt.done_at, Some(1_795_341_660));
}

#[test]
fn variants_of_the_field_are_read() {
    check(
        b"id:7 stat:UNDELIV err:034 Text:hi",
        b"7",
        State::Undeliverable,
        Some(34),
    );
    check(b"stat:EXPIRED id:7", b"7", State::Expired, None);
    check(b"ID:7 STAT:deleted ERR:1", b"7", State::Deleted, Some(1));
    check(
        b"id:7 foo:bar stat:REJECTD err:E69 text:",
        b"7",
        State::Rejected,
        None,
    );
    check(b"id:7", b"7", State::Unknown, None);
    check(b"id:7 stat:WHATEVER", b"7", State::Unknown, None);
    check(
        b"id:7 done date:261122100101 stat:ACCEPTD",
        b"7",
        State::Accepted,
        None,
    );
    check(b"id:7 stat:DELIVERED\0", b"7", State::Delivered, None);
    check(b"\r\nid:7\r\nstat:ENROUTE\r\n", b"7", State::Enroute, None);
}

#[test]
fn a_receipt_without_an_id_is_none() {
    for text in [
        b"".as_slice(),
        b"id:",
        b"id: stat:DELIVRD",
        b"grid:7 stat:DELIVRD",
        b"hello",
    ] {
        assert_eq!(parse_text(text), None);
    }
}

#[test]
fn the_message_cannot_overrule_the_fields_before_it() {
    check(
        b"id:7 stat:UNDELIV text:id:8 stat:DELIVRD",
        b"7",
        State::Undeliverable,
        None,
    );
}

#[test]
fn fields_behind_the_text_count_when_there_are_none_before() {
    check(b"text:hi id:7 stat:DELIVRD", b"7", State::Delivered, None);
    check(
        b"id:7 text:text:hi stat:DELIVRD",
        b"7",
        State::Delivered,
        None,
    );
}

#[test]
fn optional_parameters_count_before_the_text() {
    let mut tlvs = BytesMut::new();
    Tlvs::push(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"FFFF\0");
    Tlvs::push(&mut tlvs, tag::MESSAGE_STATE, &[5]);
    Tlvs::push(&mut tlvs, tag::NETWORK_ERROR_CODE, &[3, 1, 2]);
    let receipt = parse(&deliver(USUAL, &tlvs)).unwrap();
    assert_eq!(receipt.id, b"FFFF");
    assert_eq!(
        (receipt.state, receipt.error),
        (State::Undeliverable, Some(0x102))
    );
    let alone = parse(&deliver(b"", &tlvs)).unwrap();
    assert_eq!((alone.id, alone.done_at), (b"FFFF".as_slice(), None));
}

#[test]
fn parameters_of_a_wrong_length_leave_it_to_the_text() {
    let mut tlvs = BytesMut::new();
    Tlvs::push(&mut tlvs, tag::RECEIPTED_MESSAGE_ID, b"\0");
    Tlvs::push(&mut tlvs, tag::MESSAGE_STATE, &[5, 5]);
    Tlvs::push(&mut tlvs, tag::NETWORK_ERROR_CODE, &[3]);
    let receipt = parse(&deliver(USUAL, &tlvs)).unwrap();
    assert_eq!(
        (receipt.id, receipt.state),
        (b"0A1B2C3D".as_slice(), State::Delivered)
    );
}

#[test]
fn a_receipt_is_told_from_a_message() {
    let none = BytesMut::new();
    let mut both = BytesMut::new();
    Tlvs::push(&mut both, tag::RECEIPTED_MESSAGE_ID, b"1\0");
    Tlvs::push(&mut both, tag::MESSAGE_STATE, &[2]);
    for (class, tlvs, expected) in [
        (0x04, &none, true),
        (0x20, &none, true),
        (0x00, &none, false),
        (0x40, &none, false),
        (0x08, &none, false),
        (0x00, &both, true),
    ] {
        let message = ShortMessage {
            esm_class: class,
            ..deliver(USUAL, tlvs)
        };
        assert_eq!(is_receipt(&message), expected, "{class:#x}");
    }
}

#[test]
fn states_map_to_what_matters_to_a_segment() {
    for (word, expected) in [
        ("ENROUTE", ReceiptState::Enroute),
        ("ACCEPTD", ReceiptState::Enroute),
        ("DELIVRD", ReceiptState::Delivered),
        ("EXPIRED", ReceiptState::Expired),
        ("DELETED", ReceiptState::Failed),
        ("UNDELIV", ReceiptState::Failed),
        ("REJECTD", ReceiptState::Failed),
        ("UNKNOWN", ReceiptState::Unknown),
    ] {
        let state = State::from_word(word.as_bytes());
        assert_eq!(ReceiptState::from(state), expected);
        assert_eq!(
            (state.word(), State::from_code(state.code())),
            (word, state)
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text: Vec<u8>, class in any::<u8>()) {
        let tlvs = BytesMut::new();
        let message = ShortMessage { esm_class: class, ..deliver(&text, &tlvs) };
        let _ = (is_receipt(&message), parse(&message));
        if let Some(receipt) = parse_text(&text) {
            prop_assert!(!receipt.id.is_empty());
        }
    }

    #[test]
    fn fields_are_found_in_any_order(order in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle()) {
        let parts = ["id:7F", "stat:EXPIRED", "err:012", "sub:001", "done date:2611221001"];
        let text = order.iter().map(|part| parts[*part]).collect::<Vec<_>>().join(" ");
        let receipt = parse_text(text.as_bytes()).unwrap();
        prop_assert_eq!((receipt.id, receipt.state, receipt.error), (b"7F".as_slice(), State::Expired, Some(12)));
        prop_assert!(receipt.done_at.is_some());
    }
}
