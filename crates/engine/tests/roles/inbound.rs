//! Messages from handsets, whole and in parts.

use std::time::Duration;

use domain::carrier_id::CarrierMessageId;
use domain::text::udh::{Concatenation, ReferenceWidth};
use engine::InboundQuery;
use engine::ports::carrier::{Delivery, Verdict};
use testkit::TestGateway;
use testkit::settings::{backup, usual};

use super::stage::{deliver, deliver_over, mobile, running};

fn part(ordinal: u8, total: u8, text: &str) -> Delivery {
    let Delivery::Mobile(mut mobile) = mobile(1, text) else {
        unreachable!("a message from a handset")
    };
    let part = Concatenation::new(7, ReferenceWidth::Eight, total, ordinal).unwrap();
    mobile.udh = part.header().as_octets().to_vec();
    Delivery::Mobile(mobile)
}

fn texts(test: &TestGateway) -> Vec<String> {
    let caller = test.caller();
    let query = InboundQuery {
        limit: 10,
        ..InboundQuery::default()
    };
    let page = test.settle(test.gateway.inbound(&caller, query)).unwrap();
    let text = |view: engine::InboundView| view.text.unwrap().reveal().to_owned();
    page.rows.into_iter().map(text).collect()
}

#[test]
fn parts_make_one_text_whatever_their_order() {
    let test = running();
    assert_eq!(deliver(&test, vec![part(2, 2, "world")]), [Verdict::Taken]);
    assert!(texts(&test).is_empty());
    deliver(&test, vec![part(1, 2, "hello ")]);
    assert_eq!(texts(&test), ["hello world"]);
    assert_eq!(test.store.with_image(|image| image.parts().count()), 0);
}

/// A message that its carrier names.
fn named(id: &str, text: &str) -> Delivery {
    let Delivery::Mobile(mut mobile) = mobile(1, text) else {
        unreachable!("a message from a handset")
    };
    mobile.id = Some(CarrierMessageId::parse(id.as_bytes()).unwrap());
    Delivery::Mobile(mobile)
}

#[test]
fn a_message_that_its_carrier_names_is_taken_once_over_a_crash() {
    let test = running();
    for _ in 0..2 {
        assert_eq!(
            deliver(&test, vec![named("SM1", "hello")]),
            [Verdict::Taken]
        );
    }
    assert_eq!(texts(&test), ["hello"]);
    let test = test.crash_and_restart(usual(), 2);
    deliver(&test, vec![named("SM1", "hello")]);
    assert_eq!(texts(&test), ["hello"]);
    deliver(&test, vec![named("SM2", "hello")]);
    assert_eq!(texts(&test).len(), 2);
    // Of another carrier it is another message.
    deliver_over(&test, &backup(), vec![named("SM1", "hello")]);
    test.store.sync();
    assert_eq!(texts(&test).len(), 3);
}

#[test]
fn parts_survive_a_crash_between_them() {
    let test = running();
    deliver(&test, vec![part(1, 2, "hello ")]);
    let test = test.crash_and_restart(usual(), 2);
    deliver(&test, vec![part(2, 2, "world")]);
    assert_eq!(texts(&test), ["hello world"]);
}

#[test]
fn a_part_that_never_comes_does_not_lose_the_others() {
    let test = running();
    deliver(&test, vec![part(1, 3, "hello "), part(1, 3, "hello ")]);
    test.clock.advance(Duration::from_hours(1));
    assert_eq!(test.gateway.expire_parts(), 1);
    test.store.sync();
    assert_eq!(texts(&test), ["hello "]);
    assert_eq!(test.store.with_image(|image| image.parts().count()), 0);
}

#[test]
fn nothing_of_a_handset_is_stored_in_clear() {
    let test = running();
    deliver(&test, vec![mobile(1, "a secret text")]);
    test.store.with_image(|image| {
        let shown = image.entries().iter().flat_map(|entry| entry.bytes.clone());
        let sealed = image.vault().flat_map(|row| row.sealed.clone());
        let octets: Vec<u8> = shown.chain(sealed).collect();
        let holds = |text: &[u8]| octets.windows(text.len()).any(|window| window == text);
        assert!(!holds(b"secret") && !holds(b"447700900001"));
    });
}
