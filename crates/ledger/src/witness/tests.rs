//! Both sides against each other: a log that grows, a witness that remembers, and every way in which
//! one of them may be wrong.

use proptest::prelude::{any, prop_assert_eq, proptest};

use super::exchange::{Ahead, Exchange, Next, WitnessFault};
use super::review::{KnownLog, Refusal, Review, review};
use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature::Cosigner;
use crate::leaf::leaf_hash;
use crate::note::key::{KeyName, VerifierKey};
use crate::note::signer::NoteSigner;
use crate::tree::consistency::TreeHead;
use crate::tree::{consistency, node_of, root_of};

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn log() -> NoteSigner {
    NoteSigner::from_seed(name("log.example"), &[1; 32]).unwrap()
}

fn leaves(size: u64, salt: u8) -> Vec<Hash> {
    (0..size)
        .map(|index| leaf_hash(&[&index.to_be_bytes()[..], &[salt]].concat()))
        .collect()
}

fn checkpoint(leaves: &[Hash]) -> SignedCheckpoint {
    let size = u64::try_from(leaves.len()).unwrap();
    Checkpoint::new(&name("log.example"), size, root_of(leaves))
        .sign(&log())
        .unwrap()
}

/// A witness in memory.
struct Witness {
    signer: Cosigner,
    last: Option<TreeHead>,
}

impl Witness {
    fn new(last: Option<TreeHead>) -> Self {
        let signer = Cosigner::from_seed(name("witness.example"), &[9; 32]).unwrap();
        Self { signer, last }
    }

    fn keys(&self) -> Vec<VerifierKey> {
        vec![self.signer.verifier_key().clone()]
    }

    fn post(&mut self, body: &str) -> (u16, String) {
        let last = self.last;
        let known = || KnownLog {
            keys: vec![log().verifier_key().clone()],
            last,
        };
        let answer = review(body.as_bytes(), |origin| {
            (origin == "log.example").then(known)
        });
        let text = match &answer {
            Review::Cosign { checkpoint, text } => {
                self.last = Some(checkpoint.head());
                format!("{}\n", self.signer.cosign(text, 1_700_000_000).unwrap())
            }
            Review::Conflict { size } => format!("{size}\n"),
            Review::Refuse(refusal) => refusal.to_string(),
        };
        (answer.status(), text)
    }
}

/// Asks once, and once more if told to.
fn ask(witness: &mut Witness, leaves: &[Hash], remembered: u64) -> Next {
    let begin = Exchange::begin(checkpoint(leaves), witness.keys(), remembered);
    let mut exchange = begin.unwrap();
    loop {
        let nodes = |level, index| node_of(leaves, level, index);
        let size = u64::try_from(leaves.len()).unwrap();
        let proof = consistency::prove(&nodes, exchange.old(), size).unwrap();
        let body = exchange.request(proof).to_string();
        let (status, answer) = witness.post(&body);
        match exchange.answer(status, answer.as_bytes()) {
            Next::Again(next) => exchange = next,
            end => return end,
        }
    }
}

#[test]
fn a_growing_log_is_cosigned_from_whatever_size_is_remembered() {
    for old in 0..20_u64 {
        for new in old..20 {
            for remembered in 0..=new {
                let mut witness = Witness::new(None);
                assert!(matches!(
                    ask(&mut witness, &leaves(old, 0), 0),
                    Next::Cosigned { .. }
                ));
                let next = ask(&mut witness, &leaves(new, 0), remembered);
                let Next::Cosigned { lines, by } = next else {
                    panic!("{old} to {new}, remembering {remembered}: {next:?}");
                };
                let mut signed = checkpoint(&leaves(new, 0));
                for line in lines {
                    signed.add(line);
                }
                assert!(signed.note().verify(&witness.keys()).is_ok());
                assert_eq!(by[0].at, 1_700_000_000);
            }
        }
    }
}

#[test]
fn a_witness_that_is_ahead_stops_the_log() {
    let mut witness = Witness::new(Some(checkpoint(&leaves(9, 0)).checkpoint().head()));
    let Next::Ahead(ahead) = ask(&mut witness, &leaves(5, 0), 5) else {
        panic!("the log went on");
    };
    assert_eq!(
        ahead,
        Ahead {
            witness: 9,
            ours: 5
        }
    );
    let begin = Exchange::begin(checkpoint(&leaves(5, 0)), witness.keys(), 9);
    assert_eq!(begin.unwrap_err(), ahead);
}

#[test]
fn a_fork_is_refused_at_the_same_size_and_at_a_larger_one() {
    for size in [5, 9] {
        let mut witness = Witness::new(Some(checkpoint(&leaves(5, 0)).checkpoint().head()));
        let next = ask(&mut witness, &leaves(size, 1), 5);
        assert!(
            matches!(next, Next::Failed(WitnessFault::Inconsistent)),
            "{next:?}"
        );
    }
}

#[test]
fn one_conflict_is_followed_and_no_more() {
    let exchange = |remembered| {
        let keys = Witness::new(None).keys();
        Exchange::begin(checkpoint(&leaves(5, 0)), keys, remembered).unwrap()
    };
    let Next::Again(again) = exchange(3).answer(409, b"2\n") else {
        panic!("the conflict was not followed");
    };
    assert_eq!(again.old(), 2);
    assert!(matches!(
        again.answer(409, b"1\n"),
        Next::Failed(WitnessFault::Moved)
    ));
    assert!(matches!(
        exchange(3).answer(409, b"3\n"),
        Next::Failed(WitnessFault::Moved)
    ));
    for body in [b"2".as_slice(), b"02\n", b"", b"2\n\n", b"\xff\n", b"-1\n"] {
        assert!(matches!(
            exchange(3).answer(409, body),
            Next::Failed(WitnessFault::Body)
        ));
    }
}

#[test]
fn no_cosignature_is_taken_unverified() {
    let answer = |body: String| {
        let keys = Witness::new(None).keys();
        let exchange = Exchange::begin(checkpoint(&leaves(5, 0)), keys, 0).unwrap();
        exchange.answer(200, body.as_bytes())
    };
    let line = |signer: &Cosigner, size| {
        let text = checkpoint(&leaves(size, 0)).checkpoint().text();
        format!("{}\n", signer.cosign(&text, 7).unwrap())
    };
    let witness = Witness::new(None).signer;
    let stranger = Cosigner::from_seed(name("other.example"), &[8; 32]).unwrap();
    let failed = |next: Next| match next {
        Next::Failed(fault) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        failed(answer(line(&witness, 4))),
        WitnessFault::BadCosignature
    );
    assert_eq!(
        failed(answer(line(&stranger, 5))),
        WitnessFault::NoCosignature
    );
    assert_eq!(
        failed(answer(line(&witness, 5) + "x\n")),
        WitnessFault::Body
    );
    assert_eq!(
        failed(answer(line(&witness, 5).trim_end().to_owned())),
        WitnessFault::Body
    );
    assert_eq!(failed(answer(String::new())), WitnessFault::Body);
    let both = line(&stranger, 5) + &line(&witness, 5);
    assert!(matches!(answer(both), Next::Cosigned { lines, .. } if lines.len() == 1));
}

#[test]
fn every_status_has_its_meaning() {
    let fault = |status| {
        let exchange = Exchange::begin(checkpoint(&leaves(5, 0)), Vec::new(), 0).unwrap();
        match exchange.answer(status, b"") {
            Next::Failed(fault) => fault,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(fault(403), WitnessFault::UntrustedKey);
    assert_eq!(fault(404), WitnessFault::UnknownLog);
    assert_eq!(fault(422), WitnessFault::Inconsistent);
    assert_eq!(fault(500), WitnessFault::Status { status: 500 });
}

#[test]
fn a_witness_answers_by_the_table_of_the_specification() {
    let last = checkpoint(&leaves(5, 0)).checkpoint().head();
    let status = |body: &str| Witness::new(Some(last)).post(body).0;
    let ours = leaves(8, 0);
    let proof = consistency::prove(&|level, index| node_of(&ours, level, index), 5, 8).unwrap();
    let request = AddCheckpoint {
        old: 5,
        proof,
        checkpoint: checkpoint(&ours),
    };
    let body = request.to_string();
    assert_eq!(status(&body), 200);
    assert_eq!(status(&body.replacen("old 5", "old 05", 1)), 400);
    assert_eq!(status(&body.replacen("old 5", "old 9", 1)), 400);
    assert_eq!(status(&body.replacen("old 5", "old 4", 1)), 409);
    assert_eq!(status(&body.replace("log.example", "lag.example")), 404);
    assert_eq!(status(&body.replacen("\n8\n", "\n7\n", 1)), 403);
    let short = AddCheckpoint {
        proof: request.proof[1..].to_vec(),
        ..request.clone()
    };
    assert_eq!(status(&short.to_string()), 422);
    let long = vec![Hash::from_bytes([0; 32]); 64];
    assert_eq!(
        status(
            &AddCheckpoint {
                proof: long,
                ..request.clone()
            }
            .to_string()
        ),
        400
    );
    let fresh = AddCheckpoint { old: 0, ..request };
    assert_eq!(Witness::new(None).post(&fresh.to_string()).0, 422);
    let hollow = Checkpoint::new(&name("log.example"), 0, Hash::from_bytes([0; 32]));
    let hollow = AddCheckpoint {
        old: 0,
        proof: Vec::new(),
        checkpoint: hollow.sign(&log()).unwrap(),
    };
    assert_eq!(Witness::new(None).post(&hollow.to_string()).0, 422);
}

#[test]
fn a_refusal_says_why() {
    let refused = review(b"old 0\n", |_| None);
    let why = RequestError::Hash { line: 1 };
    assert_eq!(refused, Review::Refuse(Refusal::Malformed(why)));
}

#[test]
fn the_monitoring_path_is_the_hash_of_the_origin() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/checkpoint";
    assert_eq!(monitoring_path(""), empty);
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in any::<Vec<u8>>(), text in "old [0-9]{1,2}\n([A-E=]{40,44}\n){0,2}\n[a-z0-9\n]{0,20}") {
        let _ = AddCheckpoint::parse(&bytes);
        let _ = parse_size(&bytes);
        if let Ok(request) = AddCheckpoint::parse(text.as_bytes()) {
            prop_assert_eq!(request.to_string(), text);
        }
    }
}
