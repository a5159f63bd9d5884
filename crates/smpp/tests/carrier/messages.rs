//! Messages, receipts and messages from handsets over links that work.

use std::collections::HashMap;

use domain::carrier_id::IdForm as DomainIdForm;
use domain::carrier_id::candidates;
use domain::message::ReceiptState;
use domain::msisdn::Msisdn;
use domain::text::decode::{Decoded, decode_text};
use domain::text::udh;
use engine::ports::carrier::{Answer, Carriers, Delivery, Direction};
use smpp::link::{LinkConfig, Security};
use smpp::sim::{Behaviour, IdForm, ReceiptForm, ReceiptOrder, ReceiptPlan};
use std::time::Duration;

use crate::gateway::{
    Gateway, Told, behaviour, bind, bound_to, config, segments_of, simulator, submission, token,
};

#[tokio::test]
async fn each_submit_gets_its_own_id_and_its_receipt_names_it() {
    let (mut gateway, sim) = bound_to(Behaviour::default()).await;
    sim.behave(behaviour());
    gateway.submit(500);
    let mut ids = HashMap::new();
    let mut receipts = Vec::new();
    while ids.len() < 500 || receipts.len() < 500 {
        match gateway.next().await {
            Told::Answered(answers) => {
                ids.extend(answers.into_iter().map(|(token, answer)| match answer {
                    Answer::Accepted(id) => (id, token),
                    other => panic!("{other:?}"),
                }));
            }
            Told::Delivered(_, batch) => receipts.extend(batch),
            _ => panic!("the link was lost"),
        }
    }
    for receipt in receipts {
        let Delivery::Receipt(receipt) = receipt else {
            panic!("a message, not a receipt")
        };
        let token = ids
            .remove(&receipt.carrier_id)
            .expect("the receipt of a submit");
        assert_eq!(
            (receipt.state, receipt.error),
            (ReceiptState::Delivered, None)
        );
        let expected = 447_700_900_000 + token.message % 1_000;
        assert_eq!(receipt.recipient.map(Msisdn::reveal), Some(expected));
    }
    gateway.links.stop(Duration::from_secs(5)).await;
    let stats = sim.stats();
    assert_eq!(
        (stats.submits, stats.unique, stats.duplicates),
        (500, 500, 0)
    );
    assert_eq!(
        (stats.receipts_sent, stats.receipts_acked, stats.waiting),
        (500, 500, 0)
    );
}

#[tokio::test]
async fn a_handset_reads_what_was_sent() {
    let (mut gateway, sim) = bound_to(behaviour()).await;
    let long = "Ваш код 482913. ".repeat(12);
    gateway.links.submit(&bind(0), segments_of(1, &long));
    gateway.links.submit(&bind(0), segments_of(2, "code {12}€"));
    gateway.answers(4).await;
    let inbox = sim.inbox();
    assert_eq!(inbox.len(), 2);
    assert_eq!((inbox[0].text.as_str(), inbox[0].parts), (long.as_str(), 3));
    assert_eq!((inbox[1].text.as_str(), inbox[1].parts), ("code {12}€", 1));
    assert_eq!(
        (inbox[0].to.as_str(), inbox[0].from.as_str()),
        ("447700900001", "12345")
    );
    assert_eq!(inbox[0].at_unix_micros, 1_764_064_800_000_000);
}

#[tokio::test]
async fn the_same_message_again_counts_as_a_duplicate() {
    let (mut gateway, sim) = bound_to(behaviour()).await;
    for _ in 0..2 {
        gateway.links.submit(
            &bind(0),
            vec![submission(1, "hello"), submission(2, "hello")],
        );
        gateway.answers(2).await;
    }
    let stats = sim.stats();
    assert_eq!((stats.submits, stats.unique, stats.duplicates), (4, 2, 2));
}

#[tokio::test]
async fn transmitter_and_receiver_share_the_work() {
    let sim = simulator(behaviour()).await;
    let pair = [Direction::Transmit, Direction::Receive]
        .into_iter()
        .zip(0..);
    let configs = pair.map(|(direction, index)| LinkConfig {
        bind: bind(index),
        direction,
        ..config(&sim, Security::PlainLoopback)
    });
    let mut gateway = Gateway::start(configs.collect());
    let mut bound = [gateway.bound().await, gateway.bound().await];
    bound.sort_by_key(|(bind, _)| bind.index);
    assert_eq!(
        bound,
        [
            (bind(0), Direction::Transmit),
            (bind(1), Direction::Receive)
        ]
    );
    gateway.submit(1);
    let (over, _receipt) = gateway.delivery().await;
    assert_eq!(over, bind(1));
}

#[tokio::test]
async fn receipts_in_every_form_find_their_segment() {
    let forms = [
        (
            IdForm::Hex,
            IdForm::Decimal,
            ReceiptForm::Text,
            DomainIdForm::HexInSubmit,
        ),
        (
            IdForm::Decimal,
            IdForm::HexLower,
            ReceiptForm::Both,
            DomainIdForm::DecimalInSubmit,
        ),
        (
            IdForm::HexLower,
            IdForm::HexPadded,
            ReceiptForm::Tlv,
            DomainIdForm::Auto,
        ),
        (
            IdForm::Hex,
            IdForm::Hex,
            ReceiptForm::Tlv,
            DomainIdForm::Exact,
        ),
    ];
    let (mut gateway, sim) = bound_to(behaviour()).await;
    for (submitted, receipted, form, domain_form) in forms {
        let receipts = ReceiptPlan {
            id_form: receipted,
            form,
            ..behaviour().receipts
        };
        sim.behave(Behaviour {
            id_form: submitted,
            receipts,
            ..behaviour()
        });
        gateway.submit(1);
        let mut id = None;
        let mut receipt = None;
        while id.is_none() || receipt.is_none() {
            match gateway.next().await {
                Told::Answered(answers) => id = Some(answers[0].1.clone()),
                Told::Delivered(_, mut batch) => receipt = batch.pop(),
                _ => panic!("the link was lost"),
            }
        }
        let (Some(Answer::Accepted(id)), Some(Delivery::Receipt(receipt))) = (id, receipt) else {
            panic!("no id or no receipt")
        };
        let found = candidates(&receipt.carrier_id, domain_form);
        let known = [id.clone(), id.folded()];
        assert!(
            found.iter().any(|candidate| known.contains(&candidate.id)),
            "{submitted:?}"
        );
    }
}

#[tokio::test]
async fn undelivered_and_repeated_receipts_say_so() {
    let plan = ReceiptPlan {
        undelivered_rate: 1.0,
        duplicate_rate: 1.0,
        ..behaviour().receipts
    };
    let (mut gateway, _sim) = bound_to(Behaviour {
        receipts: plan,
        ..behaviour()
    })
    .await;
    gateway.submit(1);
    let receipts = gateway.receipts(2).await;
    assert_eq!(receipts[0].carrier_id, receipts[1].carrier_id);
    assert_eq!(
        (receipts[0].state, receipts[0].error),
        (ReceiptState::Failed, Some(27))
    );
}

#[tokio::test]
async fn a_receipt_may_overtake_its_answer() {
    let plan = ReceiptPlan {
        order: ReceiptOrder::BeforeResponse,
        ..behaviour().receipts
    };
    let slow = smpp::sim::Span::millis(50, 50);
    let (mut gateway, _sim) = bound_to(Behaviour {
        receipts: plan,
        latency: slow,
        ..behaviour()
    })
    .await;
    gateway.submit(1);
    assert!(matches!(gateway.next().await, Told::Delivered(..)));
    assert_eq!(gateway.answers(1).await[0].0, token(0));
}

#[tokio::test]
async fn a_long_message_from_a_handset_comes_in_parts_with_headers() {
    let (mut gateway, sim) = bound_to(behaviour()).await;
    let text = "Здравствуйте! ".repeat(20);
    let parts = sim.inject_mo("+447700900123", "12345", &text).unwrap();
    let mobiles = gateway.mobiles(parts).await;
    let mut whole = String::new();
    for (place, mobile) in mobiles.iter().enumerate() {
        assert_eq!(
            (mobile.from.reveal(), mobile.to.number()),
            (447_700_900_123, 12_345)
        );
        let header = udh::parse(&mobile.udh).unwrap().concatenation.unwrap();
        assert_eq!(usize::from(header.ordinal()), place + 1);
        let Decoded::Text(part) = decode_text(mobile.data_coding, &mobile.payload) else {
            panic!("not a text")
        };
        whole.push_str(part.reveal());
    }
    assert_eq!(whole, text);
    gateway.links.stop(Duration::from_secs(5)).await;
    assert_eq!(sim.stats().mo_acked, u64::try_from(parts).unwrap());
}

#[tokio::test]
async fn a_message_from_a_handset_waits_for_a_receiver() {
    let sim = simulator(behaviour()).await;
    sim.inject_mo("447700900123", "12345", "STOP").unwrap();
    let mut gateway = Gateway::start(vec![config(&sim, Security::PlainLoopback)]);
    let mobile = gateway.mobiles(1).await.remove(0);
    assert_eq!(
        (mobile.payload.as_slice(), mobile.udh.len()),
        (b"STOP".as_slice(), 0)
    );
}
