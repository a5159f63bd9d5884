//! Our link to an SMSC of the npm package `smpp`, over TLS.

use std::time::Duration;

use domain::carrier_id::{CarrierMessageId, IdForm, candidates};
use domain::message::ReceiptState;
use domain::msisdn::Msisdn;
use domain::text::decode::{Decoded, decode_text};
use domain::text::udh;
use engine::ports::carrier::{Answer, Carriers, Delivery, Direction, Mobile, Receipt, Token};
use serde_json::{Value, json};
use smpp::link::{LinkConfig, Password, Timers};

use crate::certificate::Certificate;
use crate::gateway::{Gateway, Told, bind, config_to, segments_of};
use crate::peer::{Peer, octets};

const PASSWORD: &str = "secret12";

/// Every character of the default alphabet and of its extension table, in one segment.
const ALPHABET: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\u{C}^{}\\[~]|€";

/// The SMSC, listening with a certificate of its own.
struct Smsc {
    peer: Peer,
    certificate: Certificate,
    port: u16,
}

impl Smsc {
    async fn start(password: &str) -> Self {
        let certificate = Certificate::new();
        let settings = json!({
            "password": password,
            "key": certificate.key(),
            "certificate": certificate.chain(),
        });
        let mut peer = Peer::node("smsc.js", &settings);
        let port = peer.event("listening").await["port"].as_u64().unwrap();
        Self {
            peer,
            certificate,
            port: u16::try_from(port).unwrap(),
        }
    }

    fn config(&self) -> LinkConfig {
        LinkConfig {
            password: Password::new(PASSWORD.to_owned()),
            ..config_to(self.port, self.certificate.security())
        }
    }

    /// A transceiver bound to it.
    async fn bound(&mut self) -> Gateway {
        let mut gateway = Gateway::start(vec![self.config()]);
        assert_eq!(gateway.bound().await, (bind(0), Direction::Both));
        let bind = self.peer.event("bind").await;
        assert_eq!(
            (&bind["kind"], &bind["system_id"], &bind["version"]),
            (&"bind_transceiver".into(), &"esme1".into(), &0x34.into())
        );
        gateway
    }
}

/// What comes back for submits: an id for each, and a receipt for each, in whatever order.
async fn outcome(
    gateway: &mut Gateway,
    count: usize,
) -> (Vec<(Token, CarrierMessageId)>, Vec<Receipt>) {
    let (mut ids, mut receipts) = (Vec::new(), Vec::new());
    while ids.len() < count || receipts.len() < count {
        match gateway.next().await {
            Told::Answered(answers) => ids.extend(answers.into_iter().map(|(token, answer)| {
                let Answer::Accepted(id) = answer else {
                    panic!("{answer:?}")
                };
                (token, id)
            })),
            Told::Delivered(_, batch) => receipts.extend(batch.into_iter().map(|delivery| {
                let Delivery::Receipt(receipt) = delivery else {
                    panic!("a message, not a receipt")
                };
                receipt
            })),
            Told::Bound(..) | Told::Lost(_) => panic!("the link was lost"),
        }
    }
    (ids, receipts)
}

/// The texts of submits as the SMSC read them, long ones put together.
fn read_by_smsc(submits: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for submit in submits {
        let part = submit["text"].as_str().unwrap();
        let ordinal = submit["udh"].as_str().unwrap().get(8..10).unwrap_or("01");
        match texts.last_mut() {
            Some(text) if ordinal != "01" => text.push_str(part),
            _ => texts.push(part.to_owned()),
        }
    }
    texts
}

#[tokio::test]
async fn an_smsc_of_npm_reads_our_submits_and_we_find_its_receipts() {
    let texts = [
        ALPHABET.to_owned(),
        "Ваш код 482913 🔑".to_owned(),
        "Your code is {482913}. ".repeat(12),
        "Код подтверждения 482913. 🔑 ".repeat(6),
    ];
    let mut smsc = Smsc::start(PASSWORD).await;
    let mut gateway = smsc.bound().await;
    let segments: Vec<_> = texts
        .iter()
        .zip(0..)
        .flat_map(|(text, message)| segments_of(message, text))
        .collect();
    let count = segments.len();
    gateway.links.submit(&bind(0), segments.clone());

    let submits = smsc.peer.events("submit", count).await;
    assert_eq!(read_by_smsc(&submits), texts);
    for (submit, segment) in submits.iter().zip(&segments) {
        assert_eq!(submit["from"], json!([3, 0, "12345"]));
        let handset = segment.to.reveal().to_string();
        assert_eq!(submit["to"], json!([1, 1, handset]));
        let header = if segment.udh.is_empty() { 0 } else { 0x40 };
        assert_eq!(submit["esm_class"], header);
        assert_eq!(submit["data_coding"], segment.data_coding);
        // The SMSC shows a header's elements without its length.
        assert_eq!(
            octets(&submit["udh"]),
            segment.udh.get(1..).unwrap_or_default()
        );
        assert_eq!(submit["priority"], 1);
        assert_eq!(submit["registered_delivery"], 1);
        let valid = submit["valid_for_seconds"].as_i64().unwrap();
        assert!((590..=600).contains(&valid), "{valid} seconds");
    }

    let (ids, receipts) = outcome(&mut gateway, count).await;
    for (((_, id), submit), segment) in ids.iter().zip(&submits).zip(&segments) {
        assert_eq!(id.as_str(), submit["id"]);
        let named = receipts.iter().filter(|receipt| names(receipt, id));
        let named: Vec<_> = named.collect();
        assert_eq!(named.len(), 1, "receipts of {id}");
        assert_eq!(
            named[0].recipient.map(Msisdn::reveal),
            Some(segment.to.reveal())
        );
    }
    check_states(&receipts);
    for answer in smsc.peer.events("delivered", count).await {
        assert_eq!(answer["status"], 0, "{answer}");
    }
}

/// Every fourth receipt says that the handset was absent.
fn check_states(receipts: &[Receipt]) {
    for (place, receipt) in receipts.iter().enumerate() {
        let expected = match place % 4 {
            3 => (ReceiptState::Failed, Some(27)),
            _ => (ReceiptState::Delivered, None),
        };
        assert_eq!((receipt.state, receipt.error), expected, "receipt {place}");
    }
}

/// Whether a receipt is this segment's, its id being written in any of the ways.
fn names(receipt: &Receipt, id: &CarrierMessageId) -> bool {
    let known = [id.clone(), id.folded()];
    candidates(&receipt.carrier_id, IdForm::Auto)
        .iter()
        .any(|candidate| known.contains(&candidate.id))
}

#[tokio::test]
async fn messages_that_an_smsc_of_npm_writes_are_read_whole() {
    let cases = [
        ("STOP".to_owned(), 0, 160),
        (ALPHABET.to_owned(), 0, 160),
        ("Хватит 🔑".to_owned(), 8, 70),
        ("Please tell me more about it. ".repeat(12), 0, 153),
        ("Расскажите подробнее. ".repeat(9), 8, 67),
    ];
    let mut smsc = Smsc::start(PASSWORD).await;
    let mut gateway = smsc.bound().await;
    for (text, data_coding, part_characters) in cases {
        let parts = text.encode_utf16().count().div_ceil(part_characters);
        smsc.peer
            .tell(&json!({
                "order": "mo",
                "from": "447700900123",
                "to": "12345",
                "text": text,
                "data_coding": data_coding,
                "part_characters": part_characters,
            }))
            .await;
        let mobiles = gateway.mobiles(parts).await;
        assert_eq!(mobiles.len(), parts);
        assert_eq!(read_by_us(&mobiles), text);
        for answer in smsc.peer.events("delivered", parts).await {
            assert_eq!(answer["status"], 0, "{answer}");
        }
    }
}

/// The text of a message from a handset whose parts came in order.
fn read_by_us(mobiles: &[Mobile]) -> String {
    let mut text = String::new();
    for (place, mobile) in mobiles.iter().enumerate() {
        assert_eq!(
            (mobile.from.reveal(), mobile.to.number()),
            (447_700_900_123, 12_345)
        );
        if mobiles.len() > 1 {
            let header = udh::parse(&mobile.udh).unwrap().concatenation.unwrap();
            assert_eq!(usize::from(header.ordinal()), place + 1);
            assert_eq!(usize::from(header.total()), mobiles.len());
        }
        let Decoded::Text(part) = decode_text(mobile.data_coding, &mobile.payload) else {
            panic!("not a text")
        };
        text.push_str(part.reveal());
    }
    text
}

#[tokio::test]
async fn both_ends_ask_whether_the_other_lives() {
    let mut smsc = Smsc::start(PASSWORD).await;
    let asking = Timers {
        enquire: Duration::from_millis(50),
        ..Timers::default()
    };
    let config = LinkConfig {
        timers: asking,
        ..smsc.config()
    };
    let mut gateway = Gateway::start(vec![config]);
    gateway.bound().await;
    smsc.peer.events("enquired", 3).await;
    smsc.peer.tell(&json!({ "order": "enquire" })).await;
    assert_eq!(smsc.peer.event("lives").await["status"], 0);
}

#[tokio::test]
async fn unbind_is_understood_in_both_directions() {
    let mut smsc = Smsc::start(PASSWORD).await;
    let mut gateway = smsc.bound().await;
    smsc.peer.tell(&json!({ "order": "unbind" })).await;
    assert_eq!(smsc.peer.event("let go").await["status"], 0);
    assert_eq!(gateway.lost().await, "the carrier unbound");
    gateway.bound().await;
    smsc.peer.event("bind").await;
    gateway.links.stop(Duration::from_secs(10)).await;
    smsc.peer.event("unbound").await;
    assert_eq!(gateway.lost().await, "the gateway stops");
    smsc.peer.end().await;
}

#[tokio::test]
async fn a_transmitter_and_a_receiver_share_an_account_of_npm() {
    let mut smsc = Smsc::start(PASSWORD).await;
    let configs = [Direction::Transmit, Direction::Receive]
        .into_iter()
        .zip(0..)
        .map(|(direction, index)| LinkConfig {
            bind: bind(index),
            direction,
            ..smsc.config()
        });
    let mut gateway = Gateway::start(configs.collect());
    gateway.bound().await;
    gateway.bound().await;
    let binds = smsc.peer.events("bind", 2).await;
    let mut kinds: Vec<_> = binds.iter().map(|bind| bind["kind"].as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [Some("bind_receiver"), Some("bind_transmitter")]);
    gateway.submit(1);
    let (over, delivery) = gateway.delivery().await;
    assert_eq!(over, bind(1));
    assert!(matches!(delivery, Delivery::Receipt(_)));
}

#[tokio::test]
async fn an_smsc_of_npm_that_knows_another_password_is_not_bound() {
    let mut smsc = Smsc::start("another").await;
    let gateway = Gateway::start(vec![smsc.config()]);
    smsc.peer.event("refused").await;
    let reason = gateway.down().await;
    assert_eq!(
        reason,
        "the carrier refused the bind with ESME_RINVPASWD (0xe)"
    );
}
