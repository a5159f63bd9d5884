//! Witnesses that stop and come back: each change is one entry, and a policy that requires them publishes
//! nothing meanwhile.

use std::sync::Arc;

use engine::WitnessPolicy;
use testkit::gateway::everything;
use testkit::witness::MemoryWitness;
use testkit::{Image, TestGateway};

/// Makes something new and a checkpoint of it. Gives whether one was published.
async fn round(test: &TestGateway) -> bool {
    let adding = test.gateway.add_client("root", everything("another"));
    adding.await.unwrap();
    test.gateway.make_checkpoint().await.unwrap()
}

/// Everything that was committed before is durable: commits keep their order.
async fn recorded(test: &TestGateway) {
    let adding = test.gateway.add_client("root", everything("the last"));
    adding.await.unwrap();
}

fn entries(test: &TestGateway, kind: &str) -> Vec<serde_json::Value> {
    let parse = |image: &Image| -> Vec<serde_json::Value> {
        let entries = image.entries().iter();
        entries
            .map(|entry| serde_json::from_slice(&entry.bytes).unwrap())
            .collect()
    };
    let mut found = test.store.with_image(parse);
    found.retain(|entry| entry["kind"] == kind);
    found
}

fn metric(test: &TestGateway, name: &str) -> u64 {
    let rows = test.gateway.metrics().rows;
    rows.iter().find(|row| row.name == name).unwrap().value
}

fn signed(policy: WitnessPolicy) -> (TestGateway, Arc<MemoryWitness>) {
    let test = TestGateway::immediate();
    let witness = MemoryWitness::new("w1");
    test.sign_ledger(vec![witness.seat("w1")], policy);
    (test, witness)
}

#[tokio::test]
async fn a_witness_that_stops_is_lost_once_and_regained_once() {
    let (test, witness) = signed(WitnessPolicy::BestEffort);
    assert!(round(&test).await);
    witness.go_away();
    for _ in 0..6 {
        assert!(round(&test).await, "best effort publishes all the same");
    }
    recorded(&test).await;
    let lost = entries(&test, "witness.lost");
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0]["data"]["witness"], "w1");
    assert_eq!(lost[0]["reason"], "no-answer");
    assert_eq!(metric(&test, "shortstop_witness_up"), 0);
    witness.come_back();
    for _ in 0..3 {
        round(&test).await;
    }
    assert_eq!(entries(&test, "witness.regained").len(), 1);
    assert_eq!(entries(&test, "witness.lost").len(), 1);
    assert_eq!(metric(&test, "shortstop_witness_up"), 1);
}

#[tokio::test]
async fn without_a_required_witness_nothing_is_published_and_it_is_asked_again() {
    let (test, witness) = signed(WitnessPolicy::Required(1));
    witness.go_away();
    for _ in 0..3 {
        assert!(!round(&test).await);
    }
    assert!(test.gateway.checkpoint(&test.caller()).is_none());
    recorded(&test).await;
    assert_eq!(entries(&test, "witness.lost").len(), 1);
    witness.come_back();
    assert!(test.gateway.make_checkpoint().await.unwrap());
    assert!(test.gateway.checkpoint(&test.caller()).is_some());
    recorded(&test).await;
    assert_eq!(entries(&test, "witness.regained").len(), 1);
}
