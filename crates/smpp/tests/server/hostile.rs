//! Those who mean harm, or speak something else: each costs little, ends soon, and takes nobody along.

use std::time::Duration;

use bytes::BytesMut;
use smpp::pdu::{Bind, BindKind, Body, Pdu, id};
use smpp::server::ServerSettings;
use smpp::status::Status;
use testkit::settings::ESME_PASSWORD;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::esme::{Esme, Reply, message};
use crate::stage::{PATIENCE, Stage};

fn quick() -> ServerSettings {
    ServerSettings {
        session_init_timeout: Duration::from_millis(300),
        pdu_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(200),
        response_timeout: Duration::from_millis(200),
        ..ServerSettings::default()
    }
}

/// Enough for a bind on a machine that is busy.
fn patient_at_first() -> ServerSettings {
    ServerSettings {
        session_init_timeout: Duration::from_secs(20),
        ..quick()
    }
}

#[tokio::test]
async fn another_protocol_is_told_so_at_once_and_counted() {
    let stage = Stage::start().await;
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    for octets in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        hello,
        b"\x00\x00\x00\x04",
    ] {
        let mut esme = Esme::connect(stage.address).await;
        esme.stream.write_all(octets).await.unwrap();
        let reply = esme.reply().await;
        assert_eq!(
            (reply.id, reply.status),
            (id::GENERIC_NACK, Status::INVALID_COMMAND_LENGTH)
        );
        esme.ended().await;
    }
    assert_eq!(stage.count("connections_foreign"), 3);
}

#[tokio::test]
async fn a_frame_that_is_too_long_ends_the_session_before_memory_is_taken_for_it() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let header = [0x7FFF_FFFF_u32, id::SUBMIT_SM, 0, 7].map(u32::to_be_bytes);
    esme.stream.write_all(header.as_flattened()).await.unwrap();
    let reply = esme.reply().await;
    assert_eq!(
        (reply.id, reply.status),
        (id::GENERIC_NACK, Status::INVALID_COMMAND_LENGTH)
    );
    esme.ended().await;
    assert_eq!(stage.count("connections_broken"), 1);
}

#[tokio::test]
async fn who_does_not_bind_in_time_is_left() {
    let stage = Stage::with(quick(), |_| {}).await;
    let mut esme = Esme::connect(stage.address).await;
    // What is said meanwhile gives no more time.
    esme.send(Body::EnquireLink).await;
    esme.ended().await;
    assert_eq!(stage.count("connections_timed_out"), 1);
}

#[tokio::test]
async fn a_pdu_that_comes_too_slowly_ends_the_session() {
    let stage = Stage::with(patient_at_first(), |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    esme.stream
        .write_all(b"\x00\x00\x00\x40\x00")
        .await
        .unwrap();
    // It answers what it is asked, which does not help it.
    esme.ended().await;
    assert_eq!(stage.count("connections_slow"), 1);
}

#[tokio::test]
async fn a_pdu_that_comes_in_drips_has_no_more_time() {
    let settings = ServerSettings {
        pdu_timeout: Duration::from_millis(300),
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    let header = [96_u32, id::SUBMIT_SM, 0, 7].map(u32::to_be_bytes);
    let mut has_ended = false;
    for octet in header.as_flattened().iter().chain(&[0; 16]) {
        if esme.stream.write_all(&[*octet]).await.is_err() {
            has_ended = true;
        } else if let Ok(next) = timeout(Duration::from_millis(100), esme.next()).await {
            has_ended = next.is_none();
        }
        if has_ended {
            break;
        }
    }
    assert!(has_ended, "each octet bought it more time");
    assert_eq!(stage.count("connections_slow"), 1);
}

#[tokio::test]
async fn while_the_gateway_does_not_read_nobody_is_late() {
    let settings = ServerSettings {
        pdu_timeout: Duration::from_millis(200),
        window_max: 1,
        ..ServerSettings::default()
    };
    let stage = Stage::queued(settings).await;
    let mut esme = Esme::connect(stage.address).await;
    let bind = Bind::new(b"esme1", ESME_PASSWORD.as_bytes(), b"");
    esme.send(Body::Bind(BindKind::Transmitter, bind)).await;
    assert_eq!(kept(&stage, &mut esme).await.status, Status::OK);
    let ask = [16_u32, id::ENQUIRE_LINK, 0, 9].map(u32::to_be_bytes);
    let (begun, rest) = ask.as_flattened().split_at(5);
    let mut octets = BytesMut::new();
    Pdu::request(2, Body::SubmitSm(message(b"hello")))
        .encode(&mut octets)
        .unwrap();
    octets.extend_from_slice(begun);
    esme.stream.write_all(&octets).await.unwrap();
    let early = timeout(Duration::from_millis(600), esme.next()).await;
    assert!(early.is_err(), "the window is full: {early:?}");
    kept(&stage, &mut esme).await.message_id();
    esme.stream.write_all(rest).await.unwrap();
    assert_eq!(esme.reply().await.id, id::ENQUIRE_LINK_RESP);
}

/// The next reply, once what it waits for is kept.
async fn kept(stage: &Stage, esme: &mut Esme) -> Reply {
    let keeping = async {
        loop {
            stage.test.store.sync();
            if let Ok(reply) = timeout(Duration::from_millis(10), esme.reply()).await {
                return reply;
            }
        }
    };
    timeout(PATIENCE, keeping).await.expect("nothing comes")
}

#[tokio::test]
async fn a_bind_that_does_not_answer_is_unbound() {
    let stage = Stage::with(patient_at_first(), |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    assert_eq!(esme.reply().await.id, id::ENQUIRE_LINK);
    assert_eq!(esme.reply().await.id, id::UNBIND);
    esme.ended().await;
}

#[tokio::test]
async fn what_is_unknown_is_refused_and_what_wants_no_answer_gets_none() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    esme.send_raw(id::OUTBIND, b"x\0y\0").await;
    esme.send_raw(id::ALERT_NOTIFICATION, b"").await;
    esme.send_raw(0x8000_0777, b"").await;
    for unknown in [0x0000_0103, 0x0000_0007, 0x0BAD_CAFE] {
        let sequence = esme.send_raw(unknown, b"anything").await;
        let reply = esme.reply().await;
        assert_eq!(
            (reply.id, reply.status, reply.sequence),
            (id::GENERIC_NACK, Status::INVALID_COMMAND_ID, sequence)
        );
    }
    esme.submit(message(b"hello")).await.message_id();
}

#[tokio::test]
async fn a_session_of_nothing_but_rubbish_ends() {
    let stage = Stage::start().await;
    let mut esme = Esme::bound(stage.address).await;
    let mut refused = 0;
    for _ in 0..11 {
        esme.send_raw(id::SUBMIT_SM, b"\0").await;
    }
    while let Some(reply) = esme.next().await {
        assert_eq!(reply.status, Status::INVALID_COMMAND_LENGTH);
        refused += 1;
    }
    assert_eq!(refused, 11);
    assert_eq!(stage.count("pdus_malformed"), 11);
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_no_more() {
    let settings = ServerSettings {
        connections_per_address_max: 2,
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let _first = Esme::bound(stage.address).await;
    let mut second = Esme::bound(stage.address).await;
    let mut third = Esme::connect(stage.address).await;
    third.ended().await;
    assert_eq!(stage.count("connections_refused_address"), 1);
    second.submit(message(b"hello")).await.message_id();
}

#[tokio::test]
async fn who_asks_and_never_reads_is_left() {
    let stage = Stage::with(patient_at_first(), |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    let ask = [16_u32, id::ENQUIRE_LINK, 0, 9].map(u32::to_be_bytes);
    let flood = ask.as_flattened().repeat(4_096);
    let flooding = async { while esme.stream.write_all(&flood).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flooding)
        .await
        .expect("it goes on for ever");
    assert_eq!(stage.count("connections_stalled"), 1);
}
