//! What a message's URL is told and what whoever asks for it reads are the same, however it ends.

use std::time::Duration;

use domain::message::ReceiptState;
use engine::ports::CarrierEvents;
use engine::ports::carrier::{Answer, Delivery, Receipt};
use serde_json::Value;
use testkit::carriers::{Handed, id_of};
use testkit::{MemoryWebhook, TestGateway};

use super::account::{Account, form, refusal};
use crate::site::{Site, text};

/// A commit is durable soon after; no test looks so often in vain.
const LOOKS_MAX: usize = 1_000;

/// How a message goes on.
#[derive(Clone, Copy, Debug)]
enum Way {
    Waits,
    Overdue,
    TakenBack,
    Refused,
    Taken,
    Told(ReceiptState),
}

async fn goes(test: &TestGateway, way: Way) {
    if matches!(way, Way::Waits | Way::TakenBack) {
        return;
    }
    if matches!(way, Way::Overdue) {
        test.clock.advance(Duration::from_mins(2));
        test.gateway.expire();
        return;
    }
    test.bind_all();
    let handed = loop {
        test.gateway.dispatch();
        if let Some(handed) = test.carriers.take().pop() {
            break handed;
        }
        tokio::task::yield_now().await;
    };
    ends(test, &handed, way).await;
}

async fn ends(test: &TestGateway, handed: &Handed, way: Way) {
    let token = handed.submission.token;
    let answer = match way {
        Way::Refused => Answer::Rejected(11),
        _ => Answer::Accepted(id_of(token)),
    };
    test.gateway.answered(&handed.bind, vec![(token, answer)]);
    let Way::Told(state) = way else { return };
    let told = Delivery::Receipt(Receipt {
        carrier_id: id_of(token),
        state,
        error: None,
        recipient: None,
        done: None,
    });
    let (durable, done) = tokio::sync::oneshot::channel();
    let verdicts = Box::new(move |verdicts| drop(durable.send(verdicts)));
    test.gateway.delivered(&handed.bind, vec![told], verdicts);
    done.await.unwrap();
}

/// The message as soon as it stands so.
async fn reads(account: &mut Account, path: &str, expected: (&str, Option<u64>)) -> Value {
    for _ in 0..LOOKS_MAX {
        let read = account.get(path).await.json();
        if (text(&read["status"]).as_str(), read["error_code"].as_u64()) == expected {
            return read;
        }
    }
    panic!("it never is {expected:?}");
}

/// The status and the error that the URL was told last.
async fn told(site: &Site, receiver: &MemoryWebhook) -> Option<(String, Option<String>)> {
    let mut all = Vec::new();
    loop {
        site.test.gateway.call_webhooks().await;
        let heard = receiver.heard();
        if heard.is_empty() {
            break;
        }
        all.extend(heard);
    }
    let last = all.pop()?;
    let body = String::from_utf8(last.body.0.clone()).unwrap();
    let pairs: Vec<_> = body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let value = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| (*value).to_owned())
    };
    Some((value("MessageStatus")?, value("ErrorCode")))
}

#[tokio::test]
async fn the_url_of_a_message_and_whoever_asks_for_it_hear_the_same_of_each_end() {
    use ReceiptState as R;
    for (way, status, error, is_told) in [
        (Way::Waits, "queued", None, true),
        (Way::TakenBack, "canceled", None, true),
        (Way::Overdue, "failed", Some(30_036), true),
        (Way::Refused, "failed", Some(30_008), true),
        (Way::Taken, "sent", None, true),
        (Way::Told(R::Delivered), "delivered", None, true),
        (Way::Told(R::Failed), "undelivered", Some(30_008), true),
        (Way::Told(R::Expired), "undelivered", Some(30_036), true),
        (Way::Told(R::Unknown), "sent", Some(30_008), false),
    ] {
        let site = Site::start().await;
        let receiver = MemoryWebhook::taking();
        site.test.gateway.attach_events(site.test.store.clone());
        site.test.gateway.attach_webhooks(receiver.clone());
        let mut account = Account::new(&site).await;
        let asked = [
            ("To", "+447700900123"),
            ("From", "12345"),
            ("Body", "Hello"),
            ("ValidityPeriod", "60"),
            ("StatusCallback", "https://hooks.example/status"),
        ];
        let path = account.path("Messages.json");
        let key = "Idempotency-Key: once\r\n";
        let sent = account.post_with(&path, key, &form(&asked)).await;
        assert_eq!(sent.status, 201, "{sent:?}");
        let own = account.path(&format!("Messages/{}.json", text(&sent.json()["sid"])));
        if matches!(way, Way::TakenBack) {
            account.post(&own, &[("Status", "canceled")]).await;
        }
        goes(&site.test, way).await;
        let read = reads(&mut account, &own, (status, error)).await;
        let listed = account.get(&path).await.json();
        let again = account.post_with(&path, key, &form(&asked)).await.json();
        for shown in [&listed["messages"][0], &again] {
            for name in ["status", "error_code", "error_message"] {
                assert_eq!(shown[name], read[name], "{way:?} {name}");
            }
        }
        let expected = (status.to_owned(), error.map(|number| number.to_string()));
        let heard = told(&site, &receiver).await.unwrap();
        assert_eq!(heard == expected, is_told, "{way:?} {heard:?}");
    }
}

#[tokio::test]
async fn what_left_or_ended_is_not_taken_back() {
    for (way, status, error) in [
        (Way::Overdue, "failed", Some(30_036)),
        (Way::Refused, "failed", Some(30_008)),
        (Way::Taken, "sent", None),
        (Way::Told(ReceiptState::Delivered), "delivered", None),
        (Way::Told(ReceiptState::Failed), "undelivered", Some(30_008)),
    ] {
        let site = Site::start().await;
        let mut account = Account::new(&site).await;
        let sid = account.send("+447700900123", "Hello").await;
        let own = account.path(&format!("Messages/{sid}.json"));
        if matches!(way, Way::Overdue) {
            site.test.clock.advance(Duration::from_hours(24 * 7));
        }
        goes(&site.test, way).await;
        let before = reads(&mut account, &own, (status, error)).await;
        let refused = account.post(&own, &[("Status", "canceled")]).await;
        let expected = (409, 20_409, "not-cancellable".to_owned());
        assert_eq!(refusal(&refused), expected, "{way:?}");
        assert_eq!(account.get(&own).await.json(), before, "{way:?}");
    }
}
