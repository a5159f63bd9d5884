//! `kill -9` under load, again and again: nothing accepted is lost, and nothing is sent twice but what
//! the ledger shows as dispatched and unanswered.

use std::collections::HashSet;

use shortstop::demo::load::Load;

use super::ground::{CODE, Carrier, Ground, reaches, until};
use super::ledger;

/// How often the gateway is killed.
const KILLS: u32 = 20;

/// Messages accepted between two kills.
const BETWEEN: u32 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_nothing() {
    let carrier = Carrier::start(&["--latency-milliseconds", "2-40"]).await;
    let ground = Ground::new();
    ground.configure(carrier.smpp);
    let mut gateway = ground.start().await;
    let api = ground.api(&ground.key().await);
    let (from, mark) = (CODE.to_owned(), "Crash".to_owned());
    let count = (KILLS + 1) * BETWEEN;
    let load = Load {
        api: api.clone(),
        from,
        mark,
        count,
    }
    .start();
    for kill in 1..=KILLS {
        until("the next messages", async || {
            (load.accepted() >= kill * BETWEEN).then_some(())
        })
        .await;
        gateway.kill().await.unwrap();
        gateway = ground.start().await;
    }
    let accepted = load.finish().await.unwrap();
    let mut client = api.client();
    for message in &accepted {
        reaches(&mut client, &message.id, "delivered").await;
    }
    gateway.stop().await.unwrap();

    let ids: HashSet<_> = accepted.iter().map(|message| &message.id).collect();
    assert_eq!(
        ids.len(),
        usize::try_from(count).unwrap(),
        "every message was accepted once"
    );
    let inbox: HashSet<_> = carrier
        .inbox()
        .await
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    let lost = accepted
        .iter()
        .filter(|message| !inbox.contains(&message.text))
        .count();
    assert_eq!(lost, 0);
    let entries = ledger::entries(&ground.data());
    let (duplicates, in_doubt) = (
        carrier.count("duplicates").await,
        ledger::in_doubt(&entries),
    );
    assert!(
        duplicates <= in_doubt,
        "{duplicates} duplicates, {in_doubt} in doubt"
    );
    assert!(
        in_doubt > 0,
        "the kills found nothing under way: the load was too light to show anything"
    );
    assert_eq!(
        ledger::count(&entries, "ledger.recovered"),
        usize::try_from(KILLS).unwrap()
    );
    assert_eq!(ledger::count(&entries, "message.accepted"), accepted.len());
}
