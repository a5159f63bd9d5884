//! Lists of messages of both ways, page by page.

use domain::msisdn::Msisdn;
use engine::ports::CarrierEvents;
use engine::ports::carrier::{Delivery, Mobile};
use engine::{NewClient, Scope};
use serde_json::{Value, json};
use testkit::gateway::everything;
use testkit::settings;
use web::twilio::sid::InboundSid;

use super::account::{Account, refusal};
use crate::site::{Site, text};

const ONE: &str = "+447700900123";
const OTHER: &str = "+447700900456";

/// A handset writes to 12345.
async fn written(site: &Site, from: &str, says: &str) {
    let mobile = Mobile {
        from: Msisdn::parse(from).unwrap(),
        to: settings::short_code(),
        data_coding: 0,
        udh: Vec::new(),
        payload: says.as_bytes().to_vec(),
        id: None,
    };
    let (durable, done) = tokio::sync::oneshot::channel();
    let verdicts = Box::new(move |verdicts| drop(durable.send(verdicts)));
    let batch = vec![Delivery::Mobile(mobile)];
    site.test
        .gateway
        .delivered(&settings::primary(0), batch, verdicts);
    done.await.unwrap();
}

/// Five messages of both ways, oldest first.
async fn talked(site: &Site, account: &mut Account) {
    account.send(ONE, "1").await;
    written(site, ONE, "2").await;
    account.send(OTHER, "3").await;
    written(site, OTHER, "4").await;
    account.send(ONE, "5").await;
}

fn bodies(page: &Value) -> String {
    let rows = page["messages"].as_array().unwrap();
    rows.iter().map(|row| text(&row["body"])).collect()
}

#[tokio::test]
async fn messages_of_both_ways_come_newest_first_and_page_by_page() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    talked(&site, &mut account).await;
    let list = account.path("Messages.json");
    let whole = account.get(&list).await.json();
    assert_eq!(bodies(&whole), "54321");
    assert_eq!(whole["next_page_uri"], Value::Null);
    assert_eq!(
        (&whole["page"], &whole["page_size"]),
        (&json!(0), &json!(50))
    );
    for size in 1..=5 {
        let mut next = Some(format!("{list}?PageSize={size}"));
        let (mut seen, mut pages) = (String::new(), 0);
        while let Some(path) = next {
            let page = account.get(&path).await.json();
            assert_eq!(page["page"], pages, "{page}");
            assert_eq!(page["start"], pages * size);
            pages += 1;
            assert!(pages < 10, "{page}");
            seen += &bodies(&page);
            next = page["next_page_uri"].as_str().map(str::to_owned);
        }
        assert_eq!(seen, "54321", "{size} a page");
    }
}

#[tokio::test]
async fn filters_choose_by_either_side_and_by_day() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    talked(&site, &mut account).await;
    let now = site.test.clock.peek().to_string();
    let today = &now[..10];
    let list = account.path("Messages.json");
    for (query, expected) in [
        ("To=%2B447700900123", "51"),
        ("From=%2B447700900123", "2"),
        ("To=12345", "42"),
        ("From=12345", "531"),
        ("From=12345&To=%2B447700900456", "3"),
        ("From=%2B447700900456&To=12345", "4"),
        ("From=%2B447700900456&To=%2B447700900123", ""),
        ("To=54321", ""),
        (&format!("DateSent={today}"), "54321"),
        (&format!("DateSent%3E={today}"), "54321"),
        (&format!("DateSent%3C={today}"), "54321"),
        ("DateSent=2001-01-01", ""),
        ("DateSent%3C=2001-01-01", ""),
        ("DateSent%3E=2201-01-01", ""),
        ("To=%2B447700900123&PageSize=1", "5"),
    ] {
        let page = account.get(&format!("{list}?{query}")).await;
        assert_eq!(page.status, 200, "{query} {page:?}");
        assert_eq!(bodies(&page.json()), expected, "{query}");
    }
    let next = account
        .get(&format!("{list}?To=%2B447700900123&PageSize=1"))
        .await;
    let next = text(&next.json()["next_page_uri"]);
    assert_eq!(bodies(&account.get(&next).await.json()), "1", "{next}");
}

#[tokio::test]
async fn what_handsets_wrote_is_there_for_keys_that_may_read_it() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    talked(&site, &mut account).await;
    let list = account.path("Messages.json");
    let page = account.get(&list).await.json();
    let inbound = &page["messages"][1];
    assert_eq!(
        json!([
            inbound["direction"],
            inbound["status"],
            inbound["from"],
            inbound["to"],
            inbound["body"],
            inbound["num_segments"],
            inbound["error_code"],
        ]),
        json!(["inbound", "received", OTHER, "12345", "4", "1", null])
    );
    let sid: InboundSid = text(&inbound["sid"]).parse().unwrap();
    let uri = text(&inbound["uri"]);
    assert!(uri.contains(&sid.to_string()));
    assert_eq!(&account.get(&uri).await.json(), inbound);
    for refused in [
        account.delete(&uri).await,
        account.post(&uri, &[("Body", "")]).await,
    ] {
        assert_eq!(refusal(&refused).0, 404, "nobody's own");
    }
    let (row, key) = site.test.add_client(NewClient {
        scopes: vec![Scope::MessagesRead],
        ..everything("reads its own")
    });
    let mut narrow = Account::of(&site, row.id, &key).await;
    let list = narrow.path("Messages.json");
    assert_eq!(bodies(&narrow.get(&list).await.json()), "");
    let theirs = uri.replace(&account.sid, &narrow.sid);
    let heard = narrow.get(&theirs).await;
    assert_eq!(refusal(&heard), (404, 20_404, "not-found".to_owned()));
}

#[tokio::test]
async fn another_accounts_token_leads_to_nothing_of_it() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    talked(&site, &mut account).await;
    let list = account.path("Messages.json?PageSize=1");
    let next = text(&account.get(&list).await.json()["next_page_uri"]);
    let (row, key) = site.test.add_client(NewClient {
        scopes: vec![Scope::MessagesRead],
        ..everything("stranger")
    });
    let mut stranger = Account::of(&site, row.id, &key).await;
    let theirs = next.replace(&account.sid, &stranger.sid);
    assert_eq!(bodies(&stranger.get(&theirs).await.json()), "");
    let list = account.path("Messages.json");
    for token in [
        "PageToken=x",
        "PageToken=c",
        "PageToken=cfffffffffffffffff",
        "Page=1",
    ] {
        let heard = account.get(&format!("{list}?{token}")).await;
        assert_eq!(refusal(&heard).0, 400, "{token}");
    }
    let heard = account.get(&format!("{list}?PageSize=1001")).await;
    assert_eq!(refusal(&heard), (400, 20_007, "invalid-request".to_owned()));
}
