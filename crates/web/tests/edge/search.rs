//! Searching the ledger over HTTPS: filters, pages, proofs, numbers, and who may.

use engine::{Scope, WitnessPolicy};
use serde_json::Value;
use testkit::ledger::prove;

use crate::site::{Role, Site, text};

/// A site whose ledger is signed, and its client, who has sent some messages.
async fn busy() -> (Site, Role, Vec<String>) {
    let site = Site::start().await;
    site.test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
    let mut client = site.client().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(client.send().await);
    }
    (site, client, ids)
}

fn entries(page: &Value) -> Vec<Value> {
    let rows = page["entries"].as_array().unwrap().iter();
    rows.map(|row| serde_json::from_str(&text(&row["entry"])).unwrap())
        .collect()
}

#[tokio::test]
async fn entries_are_found_by_their_filters_and_page_by_page() {
    let (site, _, ids) = busy().await;
    let mut reader = site.another(&[Scope::LedgerRead]).await;
    let base = "/v1/ledger/entries?kind=message.accepted,client.created&limit=2";
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = reader.get(&format!("{base}{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
        found.extend(entries(&page.json()));
        let next = page.json()["next"].clone();
        if next.is_null() {
            break;
        }
        cursor = format!("&cursor={}", text(&next));
    }
    let accepted = found.iter().filter(|it| it["kind"] == "message.accepted");
    let objects: Vec<String> = accepted.map(|it| text(&it["object"]["id"])).collect();
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(objects, newest_first);
    assert!(found.iter().any(|it| it["kind"] == "client.created"));
    let one = format!("/v1/ledger/entries?message={}&outcome=accepted", ids[2]);
    let page = reader.get(&one).await.json();
    assert_eq!(entries(&page)[0]["object"]["id"], ids[2].as_str());
    assert!(page["entries"][0].get("proof").is_none());
}

#[tokio::test]
async fn a_row_brings_its_proof_once_a_checkpoint_covers_it() {
    let (site, mut client, ids) = busy().await;
    let path = format!("/v1/ledger/entries?message={}&proof=true", ids[0]);
    let pending = client.get(&path).await.json();
    assert!(pending["entries"][0]["proof"].is_null());
    site.test.gateway.make_checkpoint().await.unwrap();
    let page = client.get(&path).await.json();
    let row = &page["entries"][0];
    let proven = prove(&text(&row["entry"]), &text(&row["proof"]), &[]);
    assert_eq!(Some(proven.index), row["index"].as_u64());
}

#[tokio::test]
async fn a_number_is_looked_for_in_a_body_with_a_scope_of_its_own_and_leaves_an_entry() {
    let (site, mut client, ids) = busy().await;
    let body = r#"{"number":"+447700900123","kind":"message.accepted","limit":3}"#;
    let page = client.post("/v1/ledger/search", body).await;
    let found: Vec<String> = entries(&page.json())
        .iter()
        .map(|it| text(&it["object"]["id"]))
        .collect();
    assert_eq!(found, [&*ids[4], &*ids[3], &*ids[2]]);
    let more = format!(
        r#"{{"number":"+447700900123","kind":["message.accepted"],"cursor":"{}"}}"#,
        text(&page.json()["next"])
    );
    let rest = client.post("/v1/ledger/search", &more).await.json();
    assert_eq!(entries(&rest).len(), 2);
    assert!(rest["next"].is_null());
    let searches = client.get("/v1/ledger/entries?kind=ledger.searched").await;
    let searches = entries(&searches.json());
    assert_eq!(searches.len(), 2);
    assert!(searches[0]["private"]["number"].is_string());
    assert!(!searches[0].to_string().contains("7700900123"));
    let mut reader = site.another(&[Scope::LedgerRead]).await;
    let heard = reader.post("/v1/ledger/search", body).await;
    assert_eq!(heard.problem(), (403, "scope-missing".to_owned()));
    let mut other = site.another(&[Scope::LedgerSearch]).await;
    let heard = other.get("/v1/ledger/entries").await;
    assert_eq!(heard.problem(), (403, "scope-missing".to_owned()));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_no_number_is_taken_from_a_url_or_given_back() {
    let (_site, mut client, _) = busy().await;
    for (query, parameter) in [
        ("kind=message.sent", "kind"),
        ("number=%2B447700900888", "number"),
        ("object=%2B447700900888", "object"),
        ("client=acme", "client"),
        ("since=yesterday", "since"),
        ("limit=1001", "limit"),
        ("cursor=c12", "cursor"),
        ("cursor=m12", "cursor"),
        ("proof=yes", "proof"),
        ("colour=red", "colour"),
    ] {
        let heard = client.get(&format!("/v1/ledger/entries?{query}")).await;
        assert_eq!(heard.problem(), (400, "invalid-request".to_owned()));
        assert_eq!(heard.json()["errors"][0]["parameter"], parameter, "{query}");
        assert!(!heard.body.contains("900888"), "{heard:?}");
    }
    for (body, pointer) in [
        (r#"{"kind":["message.accepted",7]}"#, "/kind"),
        (r#"{"kind":{}}"#, "/kind"),
        (r#"{"number":"12"}"#, "/number"),
        (r#"{"object":"447700900888"}"#, "/object"),
        (r#"{"proof":"true"}"#, "/proof"),
        (r#"{"number":"+447700900888","cursor":"e12"}"#, "/cursor"),
    ] {
        let heard = client.post("/v1/ledger/search", body).await;
        assert_eq!(
            heard.problem(),
            (400, "invalid-request".to_owned()),
            "{body}"
        );
        assert_eq!(
            heard.json()["errors"][0]["pointer"],
            format!("#{pointer}"),
            "{body}"
        );
        assert!(!heard.body.contains("900888"), "{heard:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let (site, mut client, _) = busy().await;
    site.test.store.poison();
    let heard = client
        .post("/v1/ledger/search", r#"{"number":"+447700900123"}"#)
        .await;
    assert_eq!(heard.problem(), (503, "unavailable".to_owned()));
}
