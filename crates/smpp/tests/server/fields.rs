//! Fields of a submit: what is not on the account's lists, or not ours to take, has the status of its field.

use bytes::BytesMut;
use domain::class::TrafficClass;
use engine::settings::OtherParameters;
use smpp::pdu::{Address, ShortMessage, Tlvs, id, tag};
use smpp::server::{IDEMPOTENCY_KEY_TAG, ServerSettings};
use smpp::status::Status;

use crate::esme::{Esme, HANDSET, message};
use crate::stage::Stage;

async fn check(esme: &mut Esme, submit: ShortMessage<'_>, expected: Status) {
    let reply = esme.submit(submit).await;
    assert_eq!(reply.status, expected, "{submit:?}");
}

/// What is changed in a sound submit.
type Change = fn(&mut ShortMessage<'static>);

/// Changes that are refused, each with the status of its field.
const REFUSED: [(Change, Status); 17] = [
    (
        |m| m.source = Address::new(3, 0, b"54321"),
        Status::INVALID_SOURCE,
    ),
    (
        |m| m.source = Address::new(5, 0, b"INFO"),
        Status::INVALID_SOURCE,
    ),
    (|m| m.source = HANDSET, Status::INVALID_SOURCE),
    (|m| m.esm_class = 0x01, Status::INVALID_ESM_CLASS),
    (|m| m.esm_class = 0x04, Status::INVALID_ESM_CLASS),
    (|m| m.esm_class = 0x80, Status::INVALID_ESM_CLASS),
    (|m| m.protocol_id = 0x7F, Status::REJECTED_BY_APPLICATION),
    (|m| m.priority_flag = 4, Status::INVALID_PRIORITY),
    (|m| m.data_coding = 0xF6, Status::INVALID_DATA_CODING),
    (
        |m| m.registered_delivery = 3,
        Status::INVALID_REGISTERED_DELIVERY,
    ),
    (
        |m| m.registered_delivery = 4,
        Status::INVALID_REGISTERED_DELIVERY,
    ),
    (|m| m.replace_if_present = 1, Status::INVALID_REPLACE_FLAG),
    (
        |m| m.default_message_id = 1,
        Status::INVALID_DEFAULT_MESSAGE_ID,
    ),
    (|m| m.service_type = b"WAP", Status::INVALID_SERVICE_TYPE),
    (
        |m| m.schedule_delivery_time = b"000000001000000R",
        Status::INVALID_SCHEDULE,
    ),
    (|m| m.validity_period = b"tomorrow", Status::INVALID_EXPIRY),
    (
        |m| m.validity_period = b"990000000000000R",
        Status::INVALID_EXPIRY,
    ),
];

#[tokio::test]
async fn a_field_that_is_not_allowed_is_named_by_its_status() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    for (change, expected) in REFUSED {
        let mut submit = message(b"hello");
        change(&mut submit);
        check(&mut esme, submit, expected).await;
    }
    esme.submit(message(b"hello")).await.message_id();
}

#[tokio::test]
async fn a_number_that_can_be_read_in_more_ways_than_one_is_refused() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    for (ton, number, expected) in [
        (0, &b"447700900123"[..], Status::INVALID_DESTINATION_TON),
        (2, b"07700900123", Status::INVALID_DESTINATION_TON),
        (1, b"12345", Status::INVALID_DESTINATION),
        (1, b"44770090012x", Status::INVALID_DESTINATION),
        (1, b"", Status::INVALID_DESTINATION),
    ] {
        let destination = Address::new(ton, 1, number);
        let submit = ShortMessage {
            destination,
            ..message(b"hello")
        };
        check(&mut esme, submit, expected).await;
    }
}

#[tokio::test]
async fn the_service_type_says_the_class_and_never_more_than_the_client_may() {
    let stage = Stage::with(ServerSettings::default(), |account| {
        account
            .service_types
            .insert("MKT".into(), TrafficClass::Marketing);
    })
    .await;
    let mut esme = Esme::bound(stage.address).await;
    for (service_type, class) in [
        (&b""[..], TrafficClass::Alert),
        (b"OTP", TrafficClass::Otp),
        (b"MKT", TrafficClass::Marketing),
    ] {
        let submit = ShortMessage {
            service_type,
            ..message(b"hello")
        };
        let id = esme.submit(submit).await.message_id();
        let caller = stage.test.caller();
        let view = stage
            .test
            .gateway
            .message(&caller, id.parse().unwrap())
            .await;
        assert_eq!(view.unwrap().class, class);
    }
}

#[tokio::test]
async fn a_number_that_says_by_its_plus_that_it_is_international_is_taken() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    for ton in [0, 1] {
        let destination = Address::new(ton, 1, b"+447700900123");
        let submit = ShortMessage {
            destination,
            ..message(b"hello")
        };
        esme.submit(submit).await.message_id();
    }
}

#[tokio::test]
async fn parameters_that_are_not_listed_are_left_unread_or_refused() {
    let mut octets = BytesMut::new();
    Tlvs::push(&mut octets, 0x020A, &[0x15, 0xB3]);
    let submit = ShortMessage {
        tlvs: Tlvs::parse(&octets).unwrap(),
        ..message(b"hello")
    };
    let stage = Stage::start().await;
    Esme::bound(stage.address)
        .await
        .submit(submit)
        .await
        .message_id();
    let stage = Stage::with(ServerSettings::default(), |account| {
        account.allowed.other_parameters = OtherParameters::Refuse;
    })
    .await;
    let mut esme = Esme::bound(stage.address).await;
    check(&mut esme, submit, Status::OPTION_NOT_ALLOWED).await;
}

#[tokio::test]
async fn a_parameter_that_is_read_is_refused_when_it_is_there_twice() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let values: [(u16, &[u8]); 3] = [
        (tag::MESSAGE_PAYLOAD, b"one text"),
        (tag::USER_MESSAGE_REFERENCE, &[0, 7]),
        (IDEMPOTENCY_KEY_TAG, b"order-1"),
    ];
    for (tag, value) in values {
        let text: &[u8] = match tag {
            tag::MESSAGE_PAYLOAD => b"",
            _ => b"hello",
        };
        let mut tlvs = BytesMut::new();
        for expected in [Status::OK, Status::OPTION_NOT_ALLOWED] {
            Tlvs::push(&mut tlvs, tag, value);
            let submit = ShortMessage {
                tlvs: Tlvs::parse(&tlvs).unwrap(),
                ..message(text)
            };
            check(&mut esme, submit, expected).await;
        }
    }
}

#[tokio::test]
async fn a_header_may_only_number_parts() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    for octets in [
        // Ports, which would make something else of the text.
        &b"\x06\x05\x04\x0b\x84\x23\xf0hi"[..],
        // A length that reaches past the end.
        b"\xffhi",
        b"",
    ] {
        let submit = ShortMessage {
            esm_class: 0x40,
            ..message(octets)
        };
        check(&mut esme, submit, Status::INVALID_ESM_CLASS).await;
    }
}

#[tokio::test]
async fn a_field_that_is_too_long_is_named_by_its_status_and_the_session_goes_on() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let long = [b'1'; 30];
    let after = |field: &[u8], rest: &[u8]| [field, &long, b"\0", rest].concat();
    for (id, body, expected) in [
        (id::SUBMIT_SM, after(b"", b""), Status::INVALID_SERVICE_TYPE),
        (
            id::SUBMIT_SM,
            after(b"\0\x03\x00", b""),
            Status::INVALID_SOURCE,
        ),
        (
            id::SUBMIT_SM,
            after(b"\0\x03\x0012345\0\x01\x01", b""),
            Status::INVALID_DESTINATION,
        ),
        (
            id::SUBMIT_SM,
            b"\0\x03".to_vec(),
            Status::INVALID_COMMAND_LENGTH,
        ),
        (
            id::QUERY_SM,
            [b'a'; 80].to_vec(),
            Status::INVALID_MESSAGE_ID,
        ),
    ] {
        let sequence = esme.send_raw(id, &body).await;
        let reply = esme.reply().await;
        assert_eq!(
            (reply.id, reply.status, reply.sequence),
            (id | id::RESPONSE, expected, sequence)
        );
    }
    esme.submit(message(b"hello")).await.message_id();
}
