//! Who may call: the key under its own name alone, by the rules that hold for it everywhere.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::id::{ClientId, Id};
use engine::rows::{AuthMode, CertificateRow, Thumbprint};
use engine::{NewClient, Scope};
use testkit::gateway::{everything, unknown_key};
use web::twilio::sid::{AccountSid, ApiKeySid, MessageSid, PublicKeySid};
use web::{Access, Dialect, ROUTES, RouteRow};

use super::account::{Account, basic, refusal};
use crate::site::Site;
use crate::wire::Heard;

fn routes() -> impl Iterator<Item = &'static RouteRow> {
    ROUTES.iter().filter(|row| row.dialect != Dialect::Own)
}

/// Calls a route with nothing in particular.
async fn call(account: &mut Account, row: &RouteRow) -> Heard {
    let sid = account.sid.clone();
    let path = row.path.replace("{account}", &sid);
    let path = path.replace("{service}", &sid.replace("AC", "VA"));
    let path = path.replace("{id}", &MessageSid::of(Id::new(7, 7)).to_string());
    match row.verb.as_str() {
        "POST" => account.post(&path, &[]).await,
        "DELETE" => account.delete(&path).await,
        _ => account.get(&path).await,
    }
}

#[tokio::test]
async fn a_key_opens_under_the_sid_of_its_account_and_its_own_and_under_no_other() {
    let site = Site::start().await;
    let (row, key) = site.test.add_client(everything("ours"));
    let (other, _) = site.test.add_client(everything("theirs"));
    let mut account = Account::of(&site, row.id, &key).await;
    let path = account.path("Messages/SM0.json");
    let own = [
        AccountSid::of(row.id).to_string(),
        ApiKeySid::of(row.keys[0].id).to_string(),
    ];
    for name in &own {
        account.authorization = basic(name, key.reveal());
        assert_eq!(account.get(&path).await.status, 404, "{name}");
    }
    let foreign = [
        AccountSid::of(other.id).to_string(),
        ApiKeySid::of(other.keys[0].id).to_string(),
        PublicKeySid::of(row.keys[0].id).to_string(),
        own[0].replace("AC", "SK"),
        own[1].replace("SK", "AC"),
        own[0].to_uppercase(),
        String::new(),
    ];
    let mut answers = BTreeSet::new();
    let mut wrong: Vec<String> = foreign
        .iter()
        .map(|name| basic(name, key.reveal()))
        .collect();
    for shown in [
        unknown_key().reveal(),
        "",
        "x",
        key.reveal().trim_end_matches('a'),
    ] {
        if shown != key.reveal() {
            wrong.push(basic(&own[0], shown));
        }
    }
    wrong.push(String::new());
    wrong.push(format!("Bearer {}", key.reveal()));
    wrong.push("Basic \u{e9}".to_owned());
    wrong.push(basic(&own[0], key.reveal()).replace("Basic ", "Basic  "));
    for authorization in wrong {
        account.authorization.clone_from(&authorization);
        for route in routes() {
            let heard = call(&mut account, route).await;
            let expected = (401, 20_003, "unauthorized".to_owned());
            assert_eq!(refusal(&heard), expected, "{authorization} {}", route.path);
            assert_eq!(
                heard.header("www-authenticate"),
                Some("basic realm=\"shortstop\"")
            );
            answers.insert(heard.body);
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_basic_key_opens_none_of_our_own_routes() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    assert_eq!(account.get("/v1/messages").await.status, 401);
}

#[tokio::test]
async fn a_path_of_another_account_is_answered_like_one_of_none() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    let theirs = Account::new(&site).await.sid;
    let unknown = AccountSid::of(ClientId::new(1, 1)).to_string();
    let mut answers = BTreeSet::new();
    let odd = account.sid.to_uppercase();
    for sid in [theirs, unknown, odd, "AC".to_owned(), "x".to_owned()] {
        for row in routes().filter(|row| row.path.contains("{account}")) {
            let own = std::mem::replace(&mut account.sid, sid.clone());
            let heard = call(&mut account, row).await;
            account.sid = own;
            assert_eq!(
                refusal(&heard),
                (404, 20_404, "not-found".to_owned()),
                "{sid} {}",
                row.path
            );
            answers.insert(heard.body);
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn each_scope_opens_its_routes_and_no_others() {
    let site = Site::start().await;
    for scope in Scope::ALL {
        let new = NewClient {
            scopes: vec![scope],
            ..everything("one scope")
        };
        let mut account = Account::with(&site, new).await;
        for row in routes() {
            let heard = call(&mut account, row).await;
            let refused = (heard.status == 403).then(|| refusal(&heard));
            let expected = match row.access {
                Access::Scoped(wanted) if wanted != scope => {
                    Some((403, 20_403, "scope-missing".to_owned()))
                }
                _ => None,
            };
            assert_eq!(refused, expected, "{scope} {} {heard:?}", row.path);
        }
    }
}

#[tokio::test]
async fn a_key_ends_with_its_time_its_revocation_and_outside_its_networks() {
    let site = Site::start().await;
    let test = &site.test;
    let end = test.clock.peek().saturating_add(Duration::from_mins(1));
    let mut expiring = Account::with(
        &site,
        NewClient {
            key_expires: Some(end),
            ..everything("short")
        },
    )
    .await;
    let (row, key) = test.add_client(everything("gone"));
    let mut revoked = Account::of(&site, row.id, &key).await;
    let mut elsewhere = Account::with(
        &site,
        NewClient {
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            ..everything("away")
        },
    )
    .await;
    let certificate = CertificateRow {
        sha256: Thumbprint::from_bytes([1; 32]),
        expires: end.saturating_add(Duration::from_hours(1)),
    };
    let mut bare = Account::with(
        &site,
        NewClient {
            auth: AuthMode::KeyAndCertificate,
            certificates: vec![certificate],
            ..everything("without its certificate")
        },
    )
    .await;
    for account in [&mut expiring, &mut revoked] {
        account.send("+447700900123", "It is time").await;
    }
    test.clock.advance(Duration::from_mins(2));
    test.gateway
        .revoke_client("tester", row.id, None)
        .await
        .unwrap();
    for (account, expected) in [
        (&mut expiring, (401, 20_003, "key-expired")),
        (&mut revoked, (401, 20_003, "key-revoked")),
        (&mut elsewhere, (403, 20_403, "network-not-allowed")),
        (&mut bare, (401, 20_003, "unauthorized")),
    ] {
        let path = account.path("Messages/SM0.json");
        let heard = account.get(&path).await;
        let (status, number, code) = refusal(&heard);
        assert_eq!((status, number, code.as_str()), expected);
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_told_in_the_same_words() {
    let site = Site::start().await;
    let mut account = Account::new(&site).await;
    for path in [
        account.path("Calls.json"),
        account.path("Messages"),
        "/2010-04-01/Accounts.json".to_owned(),
        "/v2/Nothing".to_owned(),
    ] {
        let expected = (404, 20_404, "not-found".to_owned());
        assert_eq!(refusal(&account.get(&path).await), expected, "{path}");
    }
    let path = account.path("Messages/SM0.json");
    let heard = account.call("PUT", &path, "", "").await;
    let expected = (405, 20_004, "method-not-allowed".to_owned());
    assert_eq!(refusal(&heard), expected);
    assert!(heard.header("allow").unwrap().contains("get"), "{heard:?}");
}
