//! A whole small log with fixed keys, whose every octet was worked out by other implementations.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use ledger::cosignature::Cosigner;
use ledger::note::signer::NoteSigner;
use ledger::tree::{inclusion, node_of, root_of};
use ledger::{Checkpoint, Hash, KeyName, LogProof, Policy, SignedCheckpoint, leaf_hash};

const LOG_KEY: &str = "log.example/ledger+74834815+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
const WITNESS_KEY: &str =
    "witness.example/w1+416975db+BKf236+POLibqM5km1lPkeTQH9xX+clJPfQ7XlCpmHNn";
const ENTRIES: [&str; 3] = [
    r#"{"seq":0,"kind":"message.accepted","pad":""}"#,
    r#"{"seq":1,"kind":"message.accepted","pad":"bbbbbbb"}"#,
    r#"{"seq":2,"kind":"message.accepted","pad":"cccccccccccccc"}"#,
];
const CHECKPOINT: &str = "log.example/ledger
3
tO/24ShDk7jGA4l/Bl8ysXPkQo9iFm0Zx+foyqSo5To=

\u{2014} log.example/ledger dINIFVGJafz8ieEmMddMDOIBZkpxikaTzKE6GiRP/k8iNNYwfmB9jDBwMxDP0yECirtvaAvzO3U17C8T1M7ajniAKgI=
\u{2014} witness.example/w1 QWl12wAAAABlU/EAayrxJ9MpCEaTZLfN30WcmPLgaqsHHGFMC8aEtMkFiYVVL2GgV+3At7NjMiO3WtghQzzWubjcDi4SWHukX+LlDQ==
";

fn leaves() -> Vec<Hash> {
    ENTRIES
        .iter()
        .map(|entry| leaf_hash(entry.as_bytes()))
        .collect()
}

fn signed() -> SignedCheckpoint {
    let origin = KeyName::parse("log.example/ledger").unwrap();
    let log = NoteSigner::from_seed(origin.clone(), &[0x01; 32]).unwrap();
    let name = KeyName::parse("witness.example/w1").unwrap();
    let witness = Cosigner::from_seed(name, &[0x63; 32]).unwrap();
    assert_eq!(log.verifier_key().to_string(), LOG_KEY);
    assert_eq!(witness.verifier_key().to_string(), WITNESS_KEY);
    let checkpoint = Checkpoint::new(&origin, 3, root_of(&leaves()));
    let mut signed = checkpoint.sign(&log).unwrap();
    signed.add(witness.cosign(&checkpoint.text(), 1_700_000_000).unwrap());
    signed
}

fn policy() -> Policy {
    let text = format!("log {LOG_KEY}\nwitness w1 {WITNESS_KEY}\nquorum w1\n");
    Policy::parse(text.as_bytes()).unwrap()
}

#[test]
fn the_checkpoint_comes_out_to_the_octet() {
    assert_eq!(signed().to_string(), CHECKPOINT);
    assert_eq!(SignedCheckpoint::parse(CHECKPOINT.as_bytes()), Ok(signed()));
}

#[test]
fn the_policy_believes_it_and_says_when_it_was_witnessed() {
    let cosigned = policy().judge(&signed()).unwrap();
    assert_eq!(cosigned[0].key.to_string(), WITNESS_KEY);
    assert_eq!(cosigned[0].at, 1_700_000_000);
}

#[test]
fn a_receipt_of_each_entry_proves_it() {
    for (index, entry) in (0..).zip(ENTRIES) {
        let leaves = leaves();
        let nodes = |level, index| node_of(&leaves, level, index);
        let hashes = inclusion::prove(&nodes, index, 3).unwrap();
        let proof = LogProof {
            extra: None,
            index,
            hashes,
            checkpoint: signed(),
        };
        let text = proof.to_string();
        assert!(text.ends_with(&format!("\n\n{CHECKPOINT}")));
        let proof = LogProof::parse(text.as_bytes()).unwrap();
        let proven = proof.verify(entry.as_bytes(), &policy()).unwrap();
        assert_eq!(
            (proven.index, proven.head.size, proven.cosigned.len()),
            (index, 3, 1)
        );
    }
}
