//! Messages taken back, redacted and deleted.

use engine::{NewClient, Scope};
use testkit::gateway::everything;

use super::account::{Account, refusal};
use crate::site::{Site, text};

const TO: &str = "+447700900123";

/// A message of the account, and its path. No carrier is there, so that it waits.
async fn waiting(account: &mut Account) -> String {
    let sid = account.send(TO, "Your code is 482913").await;
    account.path(&format!("Messages/{sid}.json"))
}

#[tokio::test]
async fn a_message_is_taken_back_once() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = waiting(&mut account).await;
    let cancelled = account.post(&path, &[("Status", "canceled")]).await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
    assert_eq!(cancelled.json()["status"], "canceled");
    assert_eq!(cancelled.json()["date_sent"], serde_json::Value::Null);
    assert_eq!(account.get(&path).await.json()["status"], "canceled");
    let again = account.post(&path, &[("Status", "canceled")]).await;
    assert_eq!(refusal(&again), (409, 20_409, "not-cancellable".to_owned()));
}

#[tokio::test]
async fn an_emptied_body_destroys_the_text_and_a_deleted_message_is_gone() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = waiting(&mut account).await;
    for refused in [
        account.post(&path, &[("Body", "")]).await,
        account.delete(&path).await,
    ] {
        assert_eq!(refusal(&refused), (409, 20_009, "not-settled".to_owned()));
    }
    account.post(&path, &[("Status", "canceled")]).await;
    assert_eq!(
        account.get(&path).await.json()["body"],
        "Your code is 482913"
    );
    for _ in 0..2 {
        let redacted = account.post(&path, &[("Body", "")]).await;
        assert_eq!(redacted.status, 200, "{redacted:?}");
        assert_eq!(redacted.json()["body"], "");
    }
    let read = account.get(&path).await.json();
    assert_eq!(
        (text(&read["body"]), text(&read["to"])),
        (String::new(), TO.to_owned())
    );
    let deleted = account.delete(&path).await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    for gone in [
        account.get(&path).await,
        account.delete(&path).await,
        account.post(&path, &[("Body", "")]).await,
    ] {
        assert_eq!(refusal(&gone), (404, 20_404, "not-found".to_owned()));
    }
    let list = account.path("Messages.json");
    let listed = account.get(&list).await.json();
    assert_eq!(listed["messages"], serde_json::json!([]));
}

#[tokio::test]
async fn only_one_thing_is_asked_of_a_message_at_a_time() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = waiting(&mut account).await;
    for asked in [
        &[][..],
        &[("Body", "another text 482913")],
        &[("Status", "sent")],
        &[("Status", "canceled"), ("Body", "")],
        &[("Status", "canceled"), ("Status", "canceled")],
        &[("Status", "canceled"), ("To", TO)],
    ] {
        let heard = account.post(&path, asked).await;
        assert_eq!(refusal(&heard).0, 400, "{asked:?}");
        assert!(!heard.body.contains("482913"), "{heard:?}");
    }
    assert_eq!(account.get(&path).await.json()["status"], "queued");
}

#[tokio::test]
async fn whoever_changes_a_message_without_reading_sees_no_text() {
    let site = Site::start().await;
    let (row, key) = site.test.add_client(NewClient {
        scopes: vec![Scope::MessagesSend],
        ..everything("writes only")
    });
    let mut account = Account::of(&site, row.id, &key).await;
    let path = waiting(&mut account).await;
    assert_eq!(account.get(&path).await.status, 403);
    let cancelled = account.post(&path, &[("Status", "canceled")]).await;
    assert_eq!(cancelled.json()["body"], "");
}

#[tokio::test]
async fn what_is_kept_of_a_message_is_destroyed_by_those_alone_who_may_do_that() {
    let site = Site::start().await;
    let sends = NewClient {
        scopes: vec![Scope::MessagesSend, Scope::MessagesRead],
        ..everything("sends")
    };
    let mut account = Account::with(&site, sends).await;
    let path = waiting(&mut account).await;
    account.post(&path, &[("Status", "canceled")]).await;
    for refused in [
        account.post(&path, &[("Body", "")]).await,
        account.delete(&path).await,
    ] {
        assert_eq!(refusal(&refused), (403, 20_403, "scope-missing".to_owned()));
        let says = text(&refused.json()["message"]);
        assert!(says.contains("messages:redact"), "{says}");
    }
    assert_eq!(
        account.get(&path).await.json()["body"],
        "Your code is 482913"
    );
}

#[tokio::test]
async fn another_accounts_message_is_neither_changed_nor_known() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let path = waiting(&mut account).await;
    let mut stranger = Account::new(&site).await;
    let theirs = path.replace(&account.sid, &stranger.sid);
    let none = stranger.path(&format!("Messages/SM{:032x}.json", 7));
    let mut answers = std::collections::BTreeSet::new();
    for heard in [
        stranger.post(&theirs, &[("Status", "canceled")]).await,
        stranger.post(&theirs, &[("Body", "")]).await,
        stranger.delete(&theirs).await,
        stranger.delete(&path).await,
        stranger.post(&none, &[("Status", "canceled")]).await,
        stranger.post(&none, &[("Body", "")]).await,
        stranger.delete(&none).await,
    ] {
        assert_eq!(refusal(&heard), (404, 20_404, "not-found".to_owned()));
        answers.insert(heard.body);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(account.get(&path).await.json()["status"], "queued");
}
