//! Submits and what belongs to them: whole, in parts, to several; asked for and taken back.

use std::time::Duration;

use bytes::BytesMut;
use domain::message::MessageState;
use smpp::pdu::{
    Address, Body, Cancel, Destinations, Multi, Pdu, Query, ShortMessage, Tlvs, id, tag,
};
use smpp::server::rehearsal::{RehearsedPhase, rehearse};
use smpp::server::{IDEMPOTENCY_KEY_TAG, ServerSettings};
use smpp::status::Status;

use crate::esme::{CODE, Esme, HANDSET, message};
use crate::stage::Stage;

/// The message of an id, as its client reads it over HTTPS: its state, and how many segments it takes.
async fn read(stage: &Stage, id: &str) -> (MessageState, usize) {
    let caller = stage.test.caller();
    let view = stage
        .test
        .gateway
        .message(&caller, id.parse().unwrap())
        .await;
    let view = view.unwrap();
    (view.state, view.segments.len())
}

fn tlvs(list: &[(u16, &[u8])]) -> BytesMut {
    let mut out = BytesMut::new();
    for (tag, value) in list {
        Tlvs::push(&mut out, *tag, value);
    }
    out
}

#[tokio::test]
async fn a_submit_is_answered_with_the_id_that_it_has_over_https_too() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let id = esme
        .submit(message(b"Your code is 482913"))
        .await
        .message_id();
    assert!(id.starts_with("msg_") && id.len() <= 64, "{id}");
    assert_eq!(read(&stage, &id).await, (MessageState::Accepted, 1));
    assert_eq!(stage.count("submits"), 1);
}

#[tokio::test]
async fn each_coding_is_read_as_it_is_named() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    for (data_coding, octets) in [
        (0, &b"\x00 price"[..]),
        (1, b"@ price"),
        (3, b"\xE9t\xE9"),
        (8, b"\x04\x1f\x04\x40"),
    ] {
        let submit = ShortMessage {
            data_coding,
            ..message(octets)
        };
        esme.submit(submit).await.message_id();
    }
    for (data_coding, octets, expected) in [
        (8, &b"\x04"[..], Status::SUBMIT_FAILED),
        (1, b"\x80", Status::SUBMIT_FAILED),
        (4, b"\x80", Status::INVALID_DATA_CODING),
        (0xF0, b"hi", Status::INVALID_DATA_CODING),
        (0, b"", Status::INVALID_MESSAGE_LENGTH),
    ] {
        let submit = ShortMessage {
            data_coding,
            ..message(octets)
        };
        assert_eq!(esme.submit(submit).await.status, expected, "{data_coding}");
    }
}

#[tokio::test]
async fn parts_by_header_or_by_parameters_are_one_message_with_one_id() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let texts = [[b'a'; 150], [b'b'; 150]];
    for (part, text) in [2_u8, 1].into_iter().zip(&texts) {
        let octets = [&[5, 0, 3, 0xA7, 2, part], &text[..]].concat();
        let submit = ShortMessage {
            esm_class: 0x40,
            ..message(&octets)
        };
        esme.send(Body::SubmitSm(submit)).await;
    }
    let ids = [
        esme.reply().await.message_id(),
        esme.reply().await.message_id(),
    ];
    assert_eq!(ids[0], ids[1]);
    assert_eq!(read(&stage, &ids[0]).await, (MessageState::Accepted, 2));
    for (part, text) in [1_u8, 2].into_iter().zip(&texts) {
        let tlvs = tlvs(&[
            (tag::SAR_MSG_REF_NUM, &[0, 7]),
            (tag::SAR_TOTAL_SEGMENTS, &[2]),
            (tag::SAR_SEGMENT_SEQNUM, &[part]),
        ]);
        let submit = ShortMessage {
            tlvs: Tlvs::parse(&tlvs).unwrap(),
            ..message(text)
        };
        esme.send(Body::SubmitSm(submit)).await;
    }
    let ids = [
        esme.reply().await.message_id(),
        esme.reply().await.message_id(),
    ];
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_payload_carries_a_long_text_at_once() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let tlvs = tlvs(&[(tag::MESSAGE_PAYLOAD, &[b'x'; 400])]);
    let submit = ShortMessage {
        tlvs: Tlvs::parse(&tlvs).unwrap(),
        ..message(b"")
    };
    let id = esme.submit(submit).await.message_id();
    assert_eq!(read(&stage, &id).await, (MessageState::Accepted, 3));
}

#[tokio::test]
async fn a_part_whose_fellows_never_come_is_refused_for_a_time_and_blocks_nothing() {
    let settings = ServerSettings {
        window_max: 2,
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    let mut sequences = Vec::new();
    for reference in 0..3_u8 {
        let octets = [5, 0, 3, reference, 2, 1, b'x'];
        let submit = ShortMessage {
            esm_class: 0x40,
            ..message(&octets)
        };
        sequences.push(esme.send(Body::SubmitSm(submit)).await);
    }
    let reply = esme.reply().await;
    assert_eq!(
        (reply.sequence, reply.status),
        (sequences[0], Status::TEMPORARY_APPLICATION_ERROR)
    );
}

#[tokio::test]
async fn a_part_that_has_waited_for_its_fellows_as_long_as_it_may_is_refused_for_a_time() {
    let settings = ServerSettings {
        parts_timeout: Duration::from_millis(200),
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    let octets = [5, 0, 3, 7, 2, 1, b'x'];
    let submit = ShortMessage {
        esm_class: 0x40,
        ..message(&octets)
    };
    let sequence = esme.send(Body::SubmitSm(submit)).await;
    let reply = esme.reply().await;
    assert_eq!(
        (reply.id, reply.sequence, reply.status),
        (
            id::SUBMIT_SM_RESP,
            sequence,
            Status::TEMPORARY_APPLICATION_ERROR
        )
    );
    assert_eq!(stage.count("submits_refused"), 1);
}

#[tokio::test]
async fn a_window_full_of_parts_stops_nothing_else() {
    let settings = ServerSettings {
        window_max: 2,
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    for (reference, part) in [(1_u8, 1_u8), (2, 1)] {
        let octets = [5, 0, 3, reference, 2, part, b'x'];
        let submit = ShortMessage {
            esm_class: 0x40,
            ..message(&octets)
        };
        esme.send(Body::SubmitSm(submit)).await;
        // By then it has been read.
        esme.send(Body::EnquireLink).await;
        assert_eq!(esme.reply().await.id, id::ENQUIRE_LINK_RESP);
    }
    let octets = [5, 0, 3, 2, 2, 2, b'y'];
    let submit = ShortMessage {
        esm_class: 0x40,
        ..message(&octets)
    };
    esme.send(Body::SubmitSm(submit)).await;
    let ids = [
        esme.reply().await.message_id(),
        esme.reply().await.message_id(),
    ];
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn the_same_idempotency_key_brings_the_same_id() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let tlvs = tlvs(&[(IDEMPOTENCY_KEY_TAG, b"order-1")]);
    let submit = ShortMessage {
        tlvs: Tlvs::parse(&tlvs).unwrap(),
        ..message(b"hello")
    };
    let first = esme.submit(submit).await.message_id();
    assert_eq!(esme.submit(submit).await.message_id(), first);
    let other = ShortMessage {
        short_message: b"another",
        ..submit
    };
    assert_eq!(
        esme.submit(other).await.status,
        Status::INVALID_OPTION_VALUE
    );
}

#[tokio::test]
async fn a_message_is_asked_for_and_taken_back_by_its_id() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let message_id = esme.submit(message(b"hello")).await.message_id();
    let query = Query {
        message_id: message_id.as_bytes(),
        source: CODE,
    };
    esme.send(Body::Query(query)).await;
    let reply = esme.reply().await;
    assert_eq!((reply.id, reply.status), (id::QUERY_SM_RESP, Status::OK));
    assert_eq!(reply.body, [message_id.as_bytes(), b"\0\0\x06\0"].concat());
    let cancel = Cancel {
        message_id: message_id.as_bytes(),
        source: CODE,
        destination: HANDSET,
        ..Cancel::default()
    };
    esme.send(Body::Cancel(cancel)).await;
    let reply = esme.reply().await;
    assert_eq!((reply.id, reply.status), (id::CANCEL_SM_RESP, Status::OK));
    esme.send(Body::Cancel(cancel)).await;
    assert_eq!(esme.reply().await.status, Status::CANCEL_FAILED);
    for unknown in [&b"1234"[..], b"msg_00000000000000000000000000"] {
        let query = Query {
            message_id: unknown,
            source: CODE,
        };
        esme.send(Body::Query(query)).await;
        assert_eq!(esme.reply().await.status, Status::INVALID_MESSAGE_ID);
    }
    assert_eq!(read(&stage, &message_id).await.0, MessageState::Cancelled);
}

/// The body of a submit_multi to these.
fn multi_to(destinations: &[&[u8]]) -> Vec<u8> {
    let mut body = b"\0\x03\x0012345\0".to_vec();
    body.push(u8::try_from(destinations.len()).unwrap());
    for destination in destinations {
        body.extend_from_slice(destination);
    }
    body.extend_from_slice(b"\0\0\0\0\0\0\0\0\0\x05hello");
    body
}

#[tokio::test]
async fn one_submit_goes_to_several_and_says_who_gets_none() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let body = multi_to(&[
        b"\x01\x01\x01447700900123\0",
        b"\x01\x01\x01999\0",
        b"\x01\x01\x01447700900124\0",
    ]);
    esme.send_raw(id::SUBMIT_MULTI, &body).await;
    let reply = esme.reply().await;
    assert_eq!(
        (reply.id, reply.status),
        (id::SUBMIT_MULTI_RESP, Status::OK)
    );
    assert!(reply.body.starts_with(b"msg_"));
    assert!(
        reply.body.ends_with(b"\0\x01\x01\x01999\0\0\0\0\x0b"),
        "{reply:?}"
    );
    for (destinations, expected) in [
        (&[][..], Status::INVALID_DESTINATION_COUNT),
        (&[&b"\x02friends\0"[..]][..], Status::CANNOT_SUBMIT_TO_LIST),
        (
            &[&b"\x01\x01\x01999\0"[..]][..],
            Status::INVALID_DESTINATION,
        ),
        (&[&b"\x07"[..]][..], Status::INVALID_DESTINATION_FLAG),
    ] {
        esme.send_raw(id::SUBMIT_MULTI, &multi_to(destinations))
            .await;
        assert_eq!(esme.reply().await.status, expected);
    }
    assert_eq!(stage.count("submits"), 1);
    assert_eq!(stage.count("submits_refused"), 3, "one cannot be read");
    let _ = Multi {
        destinations: Destinations::default(),
        message: ShortMessage::default(),
    };
}

#[test]
fn no_more_is_taken_at_once_than_the_window_allows_and_a_submit_multi_is_one() {
    let window = ServerSettings::default().window_max;
    let mut submit = BytesMut::new();
    Pdu::request(1, Body::SubmitSm(message(b"hello")))
        .encode(&mut submit)
        .unwrap();
    let body = multi_to(&[b"\x01\x01\x01447700900123\0", b"\x01\x01\x01447700900124\0"]);
    let length = u32::try_from(body.len() + 16).unwrap();
    let header = [length, id::SUBMIT_MULTI, 0, 1].map(u32::to_be_bytes);
    for octets in [submit.to_vec(), [header.as_flattened(), &body].concat()] {
        let heard = rehearse(&octets.repeat(window + 50), RehearsedPhase::Bound);
        assert_eq!((heard.work, heard.taken), (window, window * octets.len()));
    }
}

#[tokio::test]
async fn many_submits_at_once_are_each_answered_once() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let mut waiting = std::collections::BTreeSet::new();
    for count in 0..500_u16 {
        let number = format!("447700900{:03}", count % 1_000);
        let submit = ShortMessage {
            destination: Address::new(1, 1, number.as_bytes()),
            ..message(b"hello")
        };
        waiting.insert(esme.send(Body::SubmitSm(submit)).await);
    }
    while !waiting.is_empty() {
        let reply = esme.reply().await;
        reply.message_id();
        assert!(waiting.remove(&reply.sequence));
    }
}
