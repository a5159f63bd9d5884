//! The example of the specification with real keys, every fault of a file, and every subset of
//! witnesses against the rule.

use proptest::prelude::{any, proptest};

use super::*;
use crate::checkpoint::Checkpoint;
use crate::cosignature::Cosigner;
use crate::leaf::empty_root;
use crate::note::key::KeyName;
use crate::note::signer::NoteSigner;

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn log() -> NoteSigner {
    NoteSigner::from_seed(name("log.example"), &[1; 32]).unwrap()
}

fn witness(number: u8) -> Cosigner {
    Cosigner::from_seed(name(&format!("witness.example/{number}")), &[number; 32]).unwrap()
}

fn two_levels() -> String {
    let mut text = format!("# two levels\nlog {}\n\n", log().verifier_key());
    for (number, label) in [
        (11, "X1"),
        (12, "X2"),
        (13, "X3"),
        (21, "Y1"),
        (22, "Y2"),
        (23, "Y3"),
    ] {
        let key = witness(number).verifier_key().to_string();
        text = format!("{text} witness\t{label}  {key} https://w.example/{number} \n");
    }
    text + "group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\ngroup X-and-Y all X Y\nquorum X-and-Y\n"
}

fn signed(witnesses: &[u8]) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(&name("log.example"), 0, empty_root());
    let mut signed = checkpoint.sign(&log()).unwrap();
    for number in witnesses {
        signed.add(
            witness(*number)
                .cosign(&checkpoint.text(), 1_000 + u64::from(*number))
                .unwrap(),
        );
    }
    signed
}

#[test]
fn the_quorum_of_two_levels_is_met_by_exactly_the_right_subsets() {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    assert_eq!(
        policy.witnesses()[0].url.as_deref(),
        Some("https://w.example/11")
    );
    let all = [11, 12, 13, 21, 22, 23];
    for subset in 0..64_u32 {
        let chosen: Vec<u8> = (0..6)
            .filter(|bit| subset >> bit & 1 == 1)
            .map(|bit| all[bit])
            .collect();
        let of_x = chosen.iter().filter(|number| **number < 20).count();
        let enough = of_x >= 2 && chosen.len() > of_x;
        let judged = policy.judge(&signed(&chosen));
        assert_eq!(judged.is_ok(), enough, "{chosen:?}");
        if let Ok(cosigned) = judged {
            let times: Vec<u64> = cosigned.iter().map(|one| one.at).collect();
            let expected: Vec<u64> = chosen
                .iter()
                .map(|number| 1_000 + u64::from(*number))
                .collect();
            assert_eq!(times, expected);
        }
    }
}

#[test]
fn a_checkpoint_of_another_log_or_key_is_named() {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    let other = |origin: &str, octet: u8| {
        let key = NoteSigner::from_seed(name(origin), &[octet; 32]).unwrap();
        let signed = Checkpoint::new(&name(origin), 0, empty_root())
            .sign(&key)
            .unwrap();
        (
            policy.judge(&signed).unwrap_err(),
            key.verifier_key().clone(),
        )
    };
    let (error, _) = other("lag.example", 1);
    let found = "lag.example".to_owned();
    assert_eq!(
        error,
        Distrust::Origin {
            found,
            trusted: vec!["log.example".into()]
        }
    );
    let (error, key) = other("log.example", 2);
    let found = vec![format!("log.example+{:08x}", key.id())];
    let trusted = vec![log().verifier_key().to_string()];
    assert_eq!(error, Distrust::UntrustedKey { found, trusted });
}

#[test]
fn one_bad_line_of_a_known_witness_voids_the_checkpoint() {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    let mut forged = signed(&[11, 12, 21]);
    let elsewhere = Checkpoint::new(&name("log.example"), 1, empty_root()).text();
    forged.add(witness(22).cosign(&elsewhere, 5).unwrap());
    let bad = Distrust::BadSignature {
        name: "witness.example/22".into(),
    };
    assert_eq!(policy.judge(&forged), Err(bad));
}

#[test]
fn without_the_log_no_number_of_witnesses_is_enough() {
    let policy = Policy::parse(two_levels().as_bytes()).unwrap();
    let text = signed(&[11, 12, 21]).to_string();
    let lines: Vec<&str> = text.lines().collect();
    let without: String = [&lines[..4], &lines[5..]]
        .concat()
        .iter()
        .flat_map(|line| [line, "\n"])
        .collect();
    let signed = SignedCheckpoint::parse(without.as_bytes()).unwrap();
    assert!(matches!(
        policy.judge(&signed),
        Err(Distrust::UntrustedKey { .. })
    ));
}

#[test]
fn no_witness_is_needed_where_the_policy_says_none() {
    let policy =
        Policy::parse(format!("log {}\nquorum none\n", log().verifier_key()).as_bytes()).unwrap();
    assert_eq!(policy.judge(&signed(&[])), Ok(Vec::new()));
    assert_eq!(policy, Policy::of_log(log().verifier_key().clone()));
    assert!(!policy.needs_witness());
    assert!(
        Policy::parse(b"quorum none\n")
            .unwrap()
            .judge(&signed(&[]))
            .is_err()
    );
}

#[test]
fn every_fault_of_a_file_is_named_with_its_line() {
    let w1 = witness(1).verifier_key().to_string();
    let w2 = witness(2).verifier_key().to_string();
    let head = format!("witness a {w1}\nwitness b {w2}\n");
    let check = |rest: &str, line: usize, fault: PolicyFault| {
        let text = head.clone() + rest;
        assert_eq!(
            Policy::parse(text.as_bytes()),
            Err(PolicyError { line, fault }),
            "{rest}"
        );
    };
    check("", 2, PolicyFault::NoQuorum);
    check("quorum none", 3, PolicyFault::End);
    check("quorum c\n", 3, PolicyFault::UnknownName);
    check("quorum\n", 3, PolicyFault::Items);
    check("quorum a b\n", 3, PolicyFault::Items);
    check("quorum a\nquorum a\n", 4, PolicyFault::RepeatedQuorum);
    check("quota a\n", 3, PolicyFault::Word);
    check("group g any\n", 3, PolicyFault::Threshold);
    check("group g all\n", 3, PolicyFault::Threshold);
    check("group g\n", 3, PolicyFault::Items);
    check("group g 0 a\n", 3, PolicyFault::Threshold);
    check("group g 2 a\n", 3, PolicyFault::Threshold);
    check("group g 01 a\n", 3, PolicyFault::Threshold);
    check("group g any a a\n", 3, PolicyFault::Claimed);
    check("group g any a\ngroup h any a\n", 4, PolicyFault::Claimed);
    check("group g any c\n", 3, PolicyFault::UnknownName);
    check("group g any g\n", 3, PolicyFault::UnknownName);
    check("group g any none\n", 3, PolicyFault::UnknownName);
    check("group a any b\n", 3, PolicyFault::NameTaken);
    check("group none any b\n", 3, PolicyFault::NameTaken);
    check(&format!("witness a {w1}\n"), 3, PolicyFault::NameTaken);
    check(&format!("witness c {w1}\n"), 3, PolicyFault::RepeatedKey);
    check(&format!("witness c {w1} u v\n"), 3, PolicyFault::Items);
    check(&format!("log {w1}\n"), 3, PolicyFault::KeyType);
    check(
        &format!("witness c {}\n", log().verifier_key()),
        3,
        PolicyFault::KeyType,
    );
    check(
        "log x\n",
        3,
        PolicyFault::Key(crate::note::key::KeyError::Form),
    );
    check("# \r\n", 3, PolicyFault::Control);
    check("\u{b}quorum a\n", 3, PolicyFault::Control);
}

#[test]
fn names_are_octets_of_any_kind() {
    let key = witness(1).verifier_key().to_string();
    let mut text = b"witness \xff\xe2\x84\xaa ".to_vec();
    text.extend_from_slice(key.as_bytes());
    text.extend_from_slice(b"\nquorum \xff\xe2\x84\xaa\n");
    assert!(Policy::parse(&text).unwrap().needs_witness());
}

proptest! {
    #[test]
    fn reading_never_panics(bytes in any::<Vec<u8>>(), text in "(log|witness|group|quorum|#)?[ \ta-c0-3+\n]{0,30}\n") {
        let _ = Policy::parse(&bytes);
        let _ = Policy::parse(text.as_bytes());
    }
}
