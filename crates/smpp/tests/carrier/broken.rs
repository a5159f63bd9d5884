//! Carriers that break the protocol, played octet by octet.

use std::time::Duration;

use smpp::link::Timers;
use smpp::pdu::id;

use crate::script::{Carrier, Seen, gateway_at, pdu};

/// What the link does with these octets after its bind: the PDUs it answers, and why it closes.
async fn check_closes(octets: &[u8], answer: Option<Seen>, why: &str) {
    let (mut gateway, listener) = gateway_at(Timers::default()).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    carrier.raw(octets).await;
    if answer.is_some() {
        assert_eq!(carrier.read().await, answer);
    }
    assert_eq!(carrier.read().await, None);
    let reason = gateway.lost().await;
    assert!(reason.contains(why), "{reason}");
    // It tries again.
    Carrier::bound(&listener).await;
    gateway.bound().await;
}

#[tokio::test]
async fn octets_that_are_no_smpp_close_the_link() {
    let nack = |sequence| Some((id::GENERIC_NACK, 2, sequence));
    check_closes(
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        nack(u32::from_be_bytes(*b" Bad")),
        "no frame",
    )
    .await;
    check_closes(
        &[0x7F, 0xFF, 0xFF, 0xFF],
        nack(0),
        "command_length 2147483647",
    )
    .await;
    check_closes(&[0, 0, 0, 4], nack(0), "command_length 4").await;
}

#[tokio::test]
async fn a_malformed_delivery_is_refused_by_its_number_and_closes_the_link() {
    let cut = pdu(id::DELIVER_SM, 77, b"\0\x01\x01447700900123\0\x03\x00123");
    check_closes(&cut, Some((id::GENERIC_NACK, 0x02, 77)), "destination_addr").await;
    let long = pdu(id::DELIVER_SM, 78, &[b'1'; 100]);
    check_closes(&long, Some((id::GENERIC_NACK, 0xC2, 78)), "service_type").await;
    let trailing = pdu(id::ENQUIRE_LINK, 79, b"more");
    check_closes(
        &trailing,
        Some((id::GENERIC_NACK, 0x02, 79)),
        "4 octets are left",
    )
    .await;
}

#[tokio::test]
async fn a_malformed_response_closes_the_link_without_an_answer() {
    let long = pdu(id::SUBMIT_SM_RESP, 2, &[b'1'; 80]);
    check_closes(&long, None, "message_id").await;
}

#[tokio::test]
async fn unbind_is_answered_and_the_link_comes_back() {
    let unbind = pdu(id::UNBIND, 5, b"");
    check_closes(
        &unbind,
        Some((id::UNBIND_RESP, 0, 5)),
        "the carrier unbound",
    )
    .await;
}

#[tokio::test]
async fn outbind_is_ignored_and_unknown_commands_are_refused() {
    let (mut gateway, listener) = gateway_at(Timers::default()).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    carrier.write(id::OUTBIND, 0, 3, b"CARRIER\0secret\0").await;
    carrier.write(0x103, 0, 4, b"data_sm, say").await;
    assert_eq!(carrier.read().await, Some((id::GENERIC_NACK, 3, 4)));
    carrier.write(id::ENQUIRE_LINK, 0, 5, b"").await;
    assert_eq!(carrier.read().await, Some((id::ENQUIRE_LINK_RESP, 0, 5)));
}

#[tokio::test]
async fn a_carrier_that_gives_no_sign_of_life_is_left() {
    let quick = Duration::from_millis(100);
    let timers = Timers {
        enquire: quick,
        response: quick,
        ..Timers::default()
    };
    let (mut gateway, listener) = gateway_at(timers).await;
    let mut carrier = Carrier::bound(&listener).await;
    gateway.bound().await;
    let (id, _, sequence) = carrier.read().await.unwrap();
    assert_eq!(id, id::ENQUIRE_LINK);
    carrier.write(id::ENQUIRE_LINK_RESP, 0, sequence, b"").await;
    assert_eq!(
        carrier.read().await.map(|(id, ..)| id),
        Some(id::ENQUIRE_LINK)
    );
    assert_eq!(
        gateway.lost().await,
        "enquire_link was not answered in time"
    );
}

#[tokio::test]
async fn a_bind_without_an_answer_is_given_up() {
    let timers = Timers {
        bind: Duration::from_millis(100),
        ..Timers::default()
    };
    let (gateway, listener) = gateway_at(timers).await;
    let _silent = Carrier::accept(&listener).await;
    assert_eq!(gateway.down().await, "the bind was not answered in time");
}

#[tokio::test]
async fn a_delivery_right_behind_the_bind_response_is_not_missed() {
    let (mut gateway, listener) = gateway_at(Timers::default()).await;
    let mut carrier = Carrier::accept(&listener).await;
    let (_, _, sequence) = carrier.read().await.unwrap();
    let response = pdu(id::BIND_TRANSCEIVER | id::RESPONSE, sequence, b"CARRIER\0");
    let body = b"\0\x01\x01447700900123\0\x03\x0012345\0\0\0\0\0\0\0\0\0\0\x02hi";
    carrier
        .raw(&[response, pdu(id::DELIVER_SM, 9, body)].concat())
        .await;
    gateway.bound().await;
    assert_eq!(gateway.mobiles(1).await[0].payload, b"hi");
    assert_eq!(carrier.read().await, Some((id::DELIVER_SM_RESP, 0, 9)));
}
