//! Who may do what: keys, scopes, other clients' things.

use std::time::Duration;

use engine::{NewClient, Scope};
use testkit::gateway::{everything, unknown_key};
use web::{Access, Dialect, ROUTES, RouteRow};

use crate::site::{MESSAGE, Role, Site};

const ID: &str = "msg_adgt2kc5thpzuzq3iu5bwr2v6m";

/// The routes of the gateway's own dialect; the others have tests of their own.
fn own() -> impl Iterator<Item = &'static RouteRow> {
    ROUTES.iter().filter(|row| row.dialect == Dialect::Own)
}

/// Calls a route with nothing in particular.
async fn call(role: &mut Role, row: &RouteRow) -> crate::wire::Heard {
    let path = row.path.replace("{id}", ID).replace("{tile}", "0/000");
    match row.verb.as_str() {
        "GET" => role.get(&path).await,
        "DELETE" => role.delete(&path).await,
        _ => role.post(&path, "{}").await,
    }
}

#[tokio::test]
async fn no_route_but_the_public_pages_answers_without_a_good_key() {
    let site = Site::start().await;
    let good = site.test.key.reveal().to_owned();
    let flipped = good.replace(
        &good[10..12],
        if &good[10..12] == "aa" { "bb" } else { "aa" },
    );
    let bad = [
        None,
        Some(unknown_key().reveal().to_owned()),
        Some(good[..good.len() - 1].to_owned()),
        Some(good.to_uppercase()),
        Some(flipped),
        Some(format!("{good} x")),
        Some(String::new()),
    ];
    let mut bodies = std::collections::BTreeSet::new();
    for key in bad {
        let mut role = site.role(key.as_deref()).await;
        for row in own().filter(|row| matches!(row.access, Access::Scoped(_))) {
            let heard = call(&mut role, row).await;
            assert_eq!(
                heard.problem(),
                (401, "unauthorized".to_owned()),
                "{}",
                row.path
            );
            assert_eq!(
                heard.header("www-authenticate"),
                Some("bearer realm=\"shortstop\"")
            );
            let mut body = heard.json();
            body["request_id"].take();
            bodies.insert(body.to_string());
        }
    }
    assert_eq!(bodies.len(), 1, "the reason of a 401 shows: {bodies:?}");
    let mut anonymous = site.anonymous().await;
    assert_eq!(
        anonymous.get("/openapi.json").await.json()["openapi"],
        "3.1.0"
    );
    assert!(
        anonymous
            .get("/docs/errors")
            .await
            .body
            .contains("## opted-out")
    );
}

#[tokio::test]
async fn a_key_in_the_url_is_no_key() {
    let site = Site::start().await;
    let key = site.test.key.reveal().to_owned();
    let mut anonymous = site.anonymous().await;
    for query in ["api_key", "token", "access_token"] {
        let heard = anonymous.get(&format!("/v1/messages?{query}={key}")).await;
        assert_eq!(heard.status, 401);
    }
    let heard = site
        .client()
        .await
        .get(&format!("/v1/messages?{key}"))
        .await;
    assert_eq!(heard.problem(), (400, "invalid-request".to_owned()));
    assert!(!heard.body.contains("ssk_"), "{heard:?}");
}

#[tokio::test]
async fn each_scope_opens_its_routes_and_no_others() {
    let site = Site::start().await;
    for scope in Scope::ALL {
        let mut role = site.another(&[scope]).await;
        for row in own() {
            let heard = call(&mut role, row).await;
            let refused = (heard.status == 403).then(|| heard.problem().1);
            let expected = match row.access {
                Access::Scoped(wanted) if wanted != scope => Some("scope-missing".to_owned()),
                _ => None,
            };
            assert_eq!(refused, expected, "{scope} {} {heard:?}", row.path);
        }
    }
}

#[tokio::test]
async fn another_clients_message_is_answered_like_none_at_all() {
    let site = Site::start().await;
    let id = site.client().await.send().await;
    let mut stranger = site.another(&Scope::ALL).await;
    let mut seen = std::collections::BTreeSet::new();
    for id in [id.as_str(), ID, "msg_x", "7"] {
        for heard in [
            stranger.get(&format!("/v1/messages/{id}")).await,
            stranger
                .post(&format!("/v1/messages/{id}/cancel"), "")
                .await,
        ] {
            assert_eq!(heard.status, 404);
            let mut body = heard.json();
            body["request_id"].take();
            seen.insert(body.to_string());
        }
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(
        stranger.get("/v1/messages").await.json()["messages"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn grants_of_short_code_and_class_are_held() {
    let site = Site::start().await;
    let otp = [domain::class::TrafficClass::Otp].into_iter().collect();
    let (_, key) = site.test.add_client(NewClient {
        classes: otp,
        ..everything("otp only")
    });
    let mut role = site.role(Some(key.reveal())).await;
    assert_eq!(role.post("/v1/messages", MESSAGE).await.status, 202);
    let marketing = MESSAGE.replace("\"otp\"", "\"marketing\"");
    let heard = role.post("/v1/messages", &marketing).await;
    assert_eq!(heard.problem(), (403, "class-not-granted".to_owned()));
    let foreign = MESSAGE.replace("12345", "54321");
    let heard = role.post("/v1/messages", &foreign).await;
    assert_eq!(heard.problem(), (403, "short-code-not-granted".to_owned()));
}

#[tokio::test]
async fn a_key_ends_with_its_time_its_revocation_and_outside_its_networks() {
    let site = Site::start().await;
    let test = &site.test;
    let end = test.clock.peek().saturating_add(Duration::from_mins(1));
    let (_, expiring) = test.add_client(NewClient {
        key_expires: Some(end),
        ..everything("short")
    });
    let (row, revoked) = test.add_client(everything("gone"));
    let network = vec!["192.0.2.0/24".parse().unwrap()];
    let (_, elsewhere) = test.add_client(NewClient {
        networks: network,
        ..everything("away")
    });
    for (key, before) in [(&expiring, 202), (&revoked, 202), (&elsewhere, 403)] {
        let mut role = site.role(Some(key.reveal())).await;
        assert_eq!(role.post("/v1/messages", MESSAGE).await.status, before);
    }
    test.clock.advance(Duration::from_mins(2));
    test.gateway
        .revoke_client("tester", row.id, None)
        .await
        .unwrap();
    for (key, code) in [
        (&expiring, (401, "key-expired")),
        (&revoked, (401, "key-revoked")),
        (&elsewhere, (403, "network-not-allowed")),
    ] {
        let mut role = site.role(Some(key.reveal())).await;
        let (status, word) = role.post("/v1/messages", MESSAGE).await.problem();
        assert_eq!((status, word.as_str()), code);
    }
}
