//! The ledger as outsiders read it: checkpoint, tiles, entries, and the receipt of a message.

use engine::{Scope, WitnessPolicy};
use testkit::ledger::{ORIGIN, prove};

use crate::site::{Role, Site, text};
use crate::wire::Heard;

/// A site whose ledger is signed, and its client.
async fn signed() -> (Site, Role) {
    let site = Site::start().await;
    site.test.sign_ledger(Vec::new(), WitnessPolicy::BestEffort);
    let client = site.client().await;
    (site, client)
}

/// The size that a checkpoint states.
fn size_of(note: &str) -> usize {
    note.lines().nth(1).unwrap().parse().unwrap()
}

/// Checks a receipt as somebody who has the log's public key alone.
fn check(receipt: &Heard) -> (u64, Vec<String>) {
    assert_eq!(receipt.status, 200, "{receipt:?}");
    let receipt = receipt.json();
    let listed = receipt["openings"].as_array().unwrap();
    let openings: Vec<[&str; 3]> = listed
        .iter()
        .map(|opening| ["field", "key", "value"].map(|name| opening[name].as_str().unwrap()))
        .collect();
    let (entry, proof) = (text(&receipt["entry"]), text(&receipt["proof"]));
    let proven = prove(&entry, &proof, &openings);
    let opened = openings
        .iter()
        .map(|[field, _, value]| format!("{field} {value}"));
    (proven.index, opened.collect())
}

#[tokio::test]
async fn a_receipt_is_pending_until_a_checkpoint_covers_it_and_then_proves_the_message() {
    let (site, mut client) = signed().await;
    let id = client.send().await;
    let path = format!("/v1/messages/{id}/receipt");
    let pending = client.get(&path).await;
    assert_eq!(pending.problem(), (409, "receipt-pending".to_owned()));
    assert_eq!(pending.header("retry-after"), Some("1"));
    assert!(site.test.gateway.make_checkpoint().await.unwrap());
    let heard = client.get(&path).await;
    assert_eq!(heard.header("cache-control"), Some("no-store"));
    let (index, mut opened) = check(&heard);
    opened.sort();
    assert_eq!(
        opened,
        ["number +447700900123", "text Your code is 482913"],
        "{heard:?}"
    );
    assert!(text(&heard.json()["entry"]).contains(&id), "{heard:?}");
    let later = client.send().await;
    site.test.gateway.make_checkpoint().await.unwrap();
    let (after, _) = check(&client.get(&format!("/v1/messages/{later}/receipt")).await);
    assert!(after > index);
}

#[tokio::test]
async fn a_receipt_is_its_clients_alone() {
    let (site, mut client) = signed().await;
    let id = client.send().await;
    site.test.gateway.make_checkpoint().await.unwrap();
    let mut stranger = site.another(&Scope::ALL).await;
    for id in [id.as_str(), "msg_adgt2kc5thpzuzq3iu5bwr2v6m", "msg_x"] {
        let heard = stranger.get(&format!("/v1/messages/{id}/receipt")).await;
        assert_eq!(heard.problem(), (404, "not-found".to_owned()), "{id}");
    }
    let heard = client.get(&format!("/v1/messages/{id}/receipt?to=1")).await;
    assert_eq!(heard.problem(), (400, "invalid-request".to_owned()));
}

#[tokio::test]
async fn a_checkpoint_is_served_as_it_was_signed() {
    let (site, mut client) = signed().await;
    let heard = client.get("/ledger/checkpoint").await;
    assert_eq!(heard.problem(), (404, "not-found".to_owned()));
    assert_eq!(heard.header("cache-control"), Some("no-store"));
    client.send().await;
    site.test.gateway.make_checkpoint().await.unwrap();
    let heard = client.get("/ledger/checkpoint").await;
    assert_eq!(heard.status, 200);
    assert_eq!(
        heard.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(heard.header("cache-control"), Some("private, max-age=1"));
    assert!(heard.body.starts_with(&format!("{ORIGIN}\n")), "{heard:?}");
    assert!(
        heard.body.contains(&format!("\n\n\u{2014} {ORIGIN} ")),
        "{heard:?}"
    );
    let mut reader = site.another(&[Scope::LedgerRead]).await;
    assert_eq!(reader.get("/ledger/checkpoint").await.body, heard.body);
}

#[tokio::test]
async fn tiles_and_entries_are_exactly_those_of_the_checkpoint() {
    let (site, mut client) = signed().await;
    for _ in 0..3 {
        client.send().await;
    }
    site.test.gateway.make_checkpoint().await.unwrap();
    let covered = size_of(&client.get("/ledger/checkpoint").await.body);
    // Not in the checkpoint, and therefore in no tile.
    client.send().await;
    let tile = client.get(&format!("/ledger/tile/0/000.p/{covered}")).await;
    assert_eq!(tile.status, 200, "{tile:?}");
    assert_eq!(
        tile.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(
        tile.header("cache-control"),
        Some("private, max-age=31536000, immutable")
    );
    let entries = client
        .get(&format!("/ledger/tile/entries/000.p/{covered}"))
        .await;
    let (mut leaves, mut bundle) = (Vec::new(), Vec::new());
    site.test.store.with_image(|image| {
        assert!(image.entries().len() > covered);
        for entry in &image.entries()[..covered] {
            leaves.extend_from_slice(entry.leaf.as_bytes());
            let length = u16::try_from(entry.bytes.len()).unwrap();
            bundle.extend_from_slice(&length.to_be_bytes());
            bundle.extend_from_slice(&entry.bytes);
        }
    });
    assert_eq!(tile.octets, leaves);
    assert_eq!(entries.octets, bundle);
}

#[tokio::test]
async fn no_tile_has_a_second_spelling_and_none_is_served_early() {
    let (site, mut client) = signed().await;
    client.send().await;
    site.test.gateway.make_checkpoint().await.unwrap();
    let covered = size_of(&client.get("/ledger/checkpoint").await.body);
    let good = client.get(&format!("/ledger/tile/0/000.p/{covered}")).await;
    assert_eq!(good.status, 200);
    for path in [
        format!("0/000.p/{}", covered + 1),
        format!("entries/000.p/{}", covered + 1),
        "0/000".to_owned(),
        "0/001.p/1".to_owned(),
        "1/000.p/1".to_owned(),
        "entries/000".to_owned(),
        "0/0.p/1".to_owned(),
        "0/x000/000.p/1".to_owned(),
        "00/000.p/1".to_owned(),
        "+0/000.p/1".to_owned(),
        "64/000.p/1".to_owned(),
        "0/000.p/0".to_owned(),
        "0/000.p/01".to_owned(),
        "0/000.p/256".to_owned(),
        "0/000.P/1".to_owned(),
        "0/%30%30%30.p/1".to_owned(),
        "0//000.p/1".to_owned(),
        "0/000.p/1/".to_owned(),
        "0/../0/000.p/1".to_owned(),
        "data/000.p/1".to_owned(),
        "entries".to_owned(),
        format!("0/{}000.p/1", "x999/".repeat(40)),
    ] {
        let heard = client.get(&format!("/ledger/tile/{path}")).await;
        assert_eq!(heard.problem(), (404, "not-found".to_owned()), "{path}");
        assert_eq!(heard.header("cache-control"), Some("no-store"), "{path}");
    }
    let heard = client.get("/ledger/tile/0/000.p/1?a").await;
    assert_eq!(heard.problem(), (400, "invalid-request".to_owned()));
}

#[tokio::test]
async fn a_gateway_whose_ledger_is_not_signed_has_nothing_to_show() {
    let site = Site::start().await;
    let mut client = site.client().await;
    let id = client.send().await;
    for path in [
        "/ledger/checkpoint",
        "/ledger/tile/0/000.p/1",
        "/ledger/tile/entries/000.p/1",
        &format!("/v1/messages/{id}/receipt"),
    ] {
        let heard = client.get(path).await;
        assert_eq!(heard.problem(), (404, "not-found".to_owned()), "{path}");
    }
}
