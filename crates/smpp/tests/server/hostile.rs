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
async fn whoever_says_nothing_but_what_is_no_work_is_heard_at_a_bounded_rate() {
    let settings = ServerSettings {
        chatter_per_second_max: 100,
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    for (kind, command) in [
        (BindKind::Transceiver, id::ENQUIRE_LINK),
        (BindKind::Transceiver, id::GENERIC_NACK),
        (BindKind::Transceiver, id::DELIVER_SM_RESP),
        (BindKind::Transceiver, 0x0BAD_CAFE),
        (BindKind::Receiver, id::SUBMIT_SM),
    ] {
        let mut esme = Esme::bound_as(stage.address, kind).await;
        let mut submit = BytesMut::new();
        Pdu::request(1, Body::SubmitSm(message(b"hello")))
            .encode(&mut submit)
            .unwrap();
        let body = match command {
            id::SUBMIT_SM => &submit[16..],
            id::DELIVER_SM_RESP => b"\0",
            _ => b"",
        };
        let start = tokio::time::Instant::now();
        for _ in 0..150 {
            esme.send_raw(command, body).await;
        }
        let last = esme.send(Body::EnquireLink).await;
        while esme.reply().await.sequence != last {}
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(400), "{command:#x}: {took:?}");
        assert!(stage.count("chatter_held") > 0);
        // It is heard all the same.
        if kind.transmits() {
            esme.submit(message(b"hello")).await.message_id();
        }
    }
}

#[tokio::test]
async fn submits_and_their_answers_are_no_chatter() {
    let settings = ServerSettings {
        chatter_per_second_max: 1,
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    for _ in 0..100 {
        esme.submit(message(b"hello")).await.message_id();
    }
    assert_eq!(stage.count("chatter_held"), 0);
}

#[tokio::test]
async fn of_two_hundred_that_bind_from_one_address_as_many_stay_as_may() {
    let stage = Stage::with(ServerSettings::default(), |account| {
        account.binds_max = 200;
        account.binds_per_minute_max = 200;
    })
    .await;
    let mut esmes = Vec::new();
    for _ in 0..200 {
        esmes.push(Esme::connect(stage.address).await);
    }
    let mut bound = 0;
    for esme in &mut esmes {
        let bind = Bind::new(b"esme1", ESME_PASSWORD.as_bytes(), b"");
        let mut octets = BytesMut::new();
        Pdu::request(1, Body::Bind(BindKind::Transceiver, bind))
            .encode(&mut octets)
            .unwrap();
        // Those that were closed cannot be written to.
        if esme.stream.write_all(&octets).await.is_ok()
            && let Some(reply) = esme.next().await
        {
            assert_eq!(reply.status, Status::OK);
            bound += 1;
        }
    }
    assert_eq!(bound, ServerSettings::default().connections_per_address_max);
    assert_eq!(stage.count("connections_refused_address"), 136);
    // Another address has places of its own.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = Esme::over(socket.connect(stage.address).await.unwrap());
    let reply = other
        .bind(BindKind::Transceiver, "esme1", ESME_PASSWORD)
        .await;
    assert_eq!(reply.status, Status::OK);
}

#[tokio::test]
async fn who_is_not_read_since_it_does_not_read_is_not_late_with_a_pdu() {
    let settings = ServerSettings {
        pdu_timeout: Duration::from_millis(300),
        response_timeout: Duration::from_secs(2),
        chatter_per_second_max: u32::MAX,
        ..ServerSettings::default()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    // 23 octets, so that what is read ends within a PDU.
    let mut unknown = [23_u32, 0x0BAD_CAFE, 0, 9].map(u32::to_be_bytes).concat();
    unknown.extend_from_slice(b"7octets");
    let flood = unknown.repeat(4_096);
    let flooding = async { while esme.stream.write_all(&flood).await.is_ok() {} };
    timeout(PATIENCE, flooding)
        .await
        .expect("it goes on for ever");
    let ends = ["connections_stalled", "connections_slow"].map(|name| stage.count(name));
    assert_eq!(ends, [1, 0]);
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
    let settings = ServerSettings {
        chatter_per_second_max: u32::MAX,
        ..patient_at_first()
    };
    let stage = Stage::with(settings, |_| {}).await;
    let mut esme = Esme::bound(stage.address).await;
    let ask = [16_u32, id::ENQUIRE_LINK, 0, 9].map(u32::to_be_bytes);
    let flood = ask.as_flattened().repeat(4_096);
    let flooding = async { while esme.stream.write_all(&flood).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, flooding)
        .await
        .expect("it goes on for ever");
    assert_eq!(stage.count("connections_stalled"), 1);
}
