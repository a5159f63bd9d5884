//! Deliveries to ESMEs: receipts of their messages and what handsets write, at least once and in order.

use std::sync::Arc;

use domain::message::ReceiptState;
use engine::ports::CarrierEvents;
use engine::ports::carrier::{Answer, Delivery, Mobile, Receipt};
use smpp::frame::{Frame, Header};
use smpp::pdu::{BindKind, Body, MessageResponse, Pdu, ShortMessage, id, tag};
use smpp::server::ServerSettings;
use smpp::status::Status;
use testkit::carriers::id_of;
use testkit::gateway::handset;
use testkit::settings::{primary, short_code};

use crate::esme::{Esme, Reply, message};
use crate::stage::{PATIENCE, Stage};

impl Stage {
    /// With events for ESMEs, and with binds to carriers.
    async fn telling(settings: ServerSettings) -> Self {
        let stage = Self::with(settings, |_| {}).await;
        stage.test.gateway.attach_events(stage.test.store.clone());
        let gateway = Arc::clone(&stage.test.gateway);
        tokio::task::spawn_blocking(move || gateway.open_esme_queues())
            .await
            .unwrap();
        stage
            .test
            .gateway
            .bound(&primary(0), engine::ports::carrier::Direction::Both);
        stage
    }

    /// The carrier takes what it was handed, and says how it ended.
    async fn ends(&self, state: ReceiptState) {
        let handed = self.handed().await;
        let token = handed.submission.token;
        let answer = Answer::Accepted(id_of(token));
        self.test
            .gateway
            .answered(&handed.bind, vec![(token, answer)]);
        let receipt = Receipt {
            carrier_id: id_of(token),
            state,
            error: (state == ReceiptState::Failed).then_some(27),
            recipient: None,
            done: None,
        };
        self.hears(Delivery::Receipt(receipt)).await;
    }

    async fn handed(&self) -> testkit::carriers::Handed {
        let watch = async {
            loop {
                self.test.gateway.dispatch();
                if let Some(handed) = self.test.carriers.take().pop() {
                    return handed;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, watch)
            .await
            .expect("nothing is handed over")
    }

    /// The carrier delivers something to us.
    async fn hears(&self, delivery: Delivery) {
        let (told, verdict) = tokio::sync::oneshot::channel();
        let verdicts = Box::new(move |verdicts| {
            let _ = told.send(verdicts);
        });
        self.test
            .gateway
            .delivered(&primary(0), vec![delivery], verdicts);
        verdict.await.unwrap();
    }

    async fn writes(&self, text: &[u8]) {
        let mobile = Mobile {
            id: None,
            from: handset(1),
            to: short_code(),
            data_coding: 0,
            udh: Vec::new(),
            payload: text.to_vec(),
        };
        self.hears(Delivery::Mobile(mobile)).await;
    }
}

/// Reads a delivery, and has a look at it.
fn look<T>(reply: &Reply, look: impl FnOnce(&ShortMessage<'_>) -> T) -> T {
    assert_eq!(reply.id, id::DELIVER_SM);
    let header = Header {
        length: 0,
        id: reply.id,
        status: 0,
        sequence: reply.sequence,
    };
    let body = &reply.body;
    let pdu = Pdu::decode(Frame { header, body }).unwrap();
    let Body::DeliverSm(message) = pdu.body else {
        panic!("a delivery")
    };
    look(&message)
}

async fn acknowledge(esme: &mut Esme, reply: &Reply, status: Status) {
    let body = Body::DeliverSmResponse(MessageResponse::with_id(b""));
    let mut out = bytes::BytesMut::new();
    Pdu::response(reply.sequence, status, body)
        .encode(&mut out)
        .unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut esme.stream, &out)
        .await
        .unwrap();
}

fn asking(text: &[u8]) -> ShortMessage<'_> {
    ShortMessage {
        registered_delivery: 1,
        ..message(text)
    }
}

#[tokio::test]
async fn a_receipt_names_the_message_by_our_id_and_says_nothing_of_its_text() {
    let stage = Stage::telling(ServerSettings::default()).await;
    let mut esme = Esme::bound(stage.address).await;
    let message_id = esme.submit(asking(b"secret words")).await.message_id();
    stage.ends(ReceiptState::Failed).await;
    let reply = esme.reply().await;
    look(&reply, |delivery| {
        assert_eq!(delivery.esm_class, 0x04);
        assert_eq!(delivery.source.reveal(), b"447700900123");
        assert_eq!(delivery.destination.reveal(), b"12345");
        let text = String::from_utf8(delivery.short_message.to_vec()).unwrap();
        assert!(
            text.starts_with(&format!("id:{message_id} sub:001 dlvrd:000 ")),
            "{text}"
        );
        assert!(text.ends_with(" stat:UNDELIV err:027 text:"), "{text}");
        let named = delivery.tlvs.get(tag::RECEIPTED_MESSAGE_ID).unwrap();
        assert_eq!(named, [message_id.as_bytes(), b"\0"].concat());
        assert_eq!(delivery.tlvs.get(tag::MESSAGE_STATE), Some(&[5][..]));
    });
    acknowledge(&mut esme, &reply, Status::OK).await;
}

#[tokio::test]
async fn who_asked_for_no_receipt_gets_none_and_who_asked_for_failures_gets_those() {
    let stage = Stage::telling(ServerSettings::default()).await;
    let mut esme = Esme::bound(stage.address).await;
    let failures = ShortMessage {
        registered_delivery: 2,
        ..message(b"hello")
    };
    esme.submit(message(b"hello")).await.message_id();
    stage.ends(ReceiptState::Failed).await;
    esme.submit(failures).await.message_id();
    stage.ends(ReceiptState::Delivered).await;
    let last = esme.submit(failures).await.message_id();
    stage.ends(ReceiptState::Failed).await;
    let reply = esme.reply().await;
    let text = look(&reply, |delivery| {
        String::from_utf8_lossy(delivery.short_message).into_owned()
    });
    assert!(text.contains(&last), "{text}");
}

#[tokio::test]
async fn what_happens_while_an_esme_is_away_waits_for_it() {
    let stage = Stage::telling(ServerSettings::default()).await;
    let mut esme = Esme::bound_as(stage.address, BindKind::Transmitter).await;
    let message_id = esme.submit(asking(b"hello")).await.message_id();
    stage.ends(ReceiptState::Delivered).await;
    stage.writes(b"HELLO").await;
    esme.send(Body::Unbind).await;
    esme.ended().await;
    let mut esme = Esme::bound_as(stage.address, BindKind::Receiver).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let reply = esme.reply().await;
        told.push(look(&reply, |delivery| {
            String::from_utf8_lossy(delivery.short_message).into_owned()
        }));
        acknowledge(&mut esme, &reply, Status::OK).await;
    }
    assert!(
        told[0].contains(&message_id) && told[0].contains("stat:DELIVRD"),
        "{told:?}"
    );
    assert_eq!(told[1], "HELLO");
}

#[tokio::test]
async fn what_was_not_answered_comes_again_and_what_was_does_not() {
    let stage = Stage::telling(ServerSettings::default()).await;
    let mut esme = Esme::bound(stage.address).await;
    stage.writes(b"ONE").await;
    let reply = esme.reply().await;
    acknowledge(&mut esme, &reply, Status::OK).await;
    stage.writes(b"TWO").await;
    let reply = esme.reply().await;
    assert_eq!(
        look(&reply, |delivery| delivery.short_message.to_vec()),
        b"TWO"
    );
    drop(esme);
    let mut esme = Esme::bound(stage.address).await;
    let reply = esme.reply().await;
    assert_eq!(
        look(&reply, |delivery| delivery.short_message.to_vec()),
        b"TWO"
    );
    acknowledge(&mut esme, &reply, Status::OK).await;
}

#[tokio::test]
async fn what_was_refused_comes_again_later() {
    let stage = Stage::telling(ServerSettings::default()).await;
    let mut esme = Esme::bound(stage.address).await;
    stage.writes(b"ONE").await;
    let reply = esme.reply().await;
    acknowledge(&mut esme, &reply, Status::TEMPORARY_APPLICATION_ERROR).await;
    stage.writes(b"TWO").await;
    let reply = esme.reply().await;
    assert_eq!(
        look(&reply, |delivery| delivery.short_message.to_vec()),
        b"TWO"
    );
    acknowledge(&mut esme, &reply, Status::OK).await;
    stage.test.clock.advance(std::time::Duration::from_secs(6));
    let reply = esme.reply().await;
    assert_eq!(
        look(&reply, |delivery| delivery.short_message.to_vec()),
        b"ONE"
    );
}

#[tokio::test]
async fn a_text_of_any_alphabet_and_length_is_delivered_whole() {
    let stage = Stage::telling(ServerSettings::default()).await;
    let mut esme = Esme::bound(stage.address).await;
    stage.writes(&[b'x'; 255]).await;
    let reply = esme.reply().await;
    look(&reply, |delivery| {
        assert!(delivery.short_message.is_empty());
        assert_eq!(
            delivery.tlvs.get(tag::MESSAGE_PAYLOAD),
            Some(&[b'x'; 255][..])
        );
    });
    acknowledge(&mut esme, &reply, Status::OK).await;
    let mobile = Mobile {
        id: None,
        from: handset(1),
        to: short_code(),
        data_coding: 8,
        udh: Vec::new(),
        payload: b"\x04\x1f\xd8\x3d\xdd\x11".to_vec(),
    };
    stage.hears(Delivery::Mobile(mobile)).await;
    let reply = esme.reply().await;
    look(&reply, |delivery| {
        assert_eq!(delivery.data_coding, 8);
        assert_eq!(delivery.short_message, b"\x04\x1f\xd8\x3d\xdd\x11");
    });
}

#[tokio::test]
async fn no_more_are_on_their_way_than_the_window_allows() {
    let settings = ServerSettings {
        delivery_window_max: 2,
        ..ServerSettings::default()
    };
    let stage = Stage::telling(settings).await;
    for text in [&b"1"[..], b"2", b"3"] {
        stage.writes(text).await;
    }
    let mut esme = Esme::bound(stage.address).await;
    let first = esme.reply().await;
    let _second = esme.reply().await;
    // The answer to something else comes before the third delivery.
    esme.send(Body::EnquireLink).await;
    assert_eq!(esme.reply().await.id, id::ENQUIRE_LINK_RESP);
    acknowledge(&mut esme, &first, Status::OK).await;
    let third = esme.reply().await;
    assert_eq!(
        look(&third, |delivery| delivery.short_message.to_vec()),
        b"3"
    );
}
