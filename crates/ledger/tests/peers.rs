//! Our trees and notes against implementations that others wrote: `ct-merkle` and `signed_note`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use ledger::note::Note;
use ledger::note::signer::NoteSigner;
use ledger::tree::{consistency, inclusion};
use ledger::{Checkpoint, Frontier, Hash, KeyName, SignedCheckpoint, VerifierKey, leaf_hash};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use sha2::Sha256;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};

type Peer = MemoryBackedTree<Sha256, Vec<u8>>;

/// One tree, kept by both.
struct Both {
    peer: Peer,
    ours: Frontier,
    levels: Vec<Vec<Hash>>,
    roots: Vec<Hash>,
}

impl Both {
    fn new(size: u64) -> Self {
        let ours = Frontier::new();
        let (levels, roots) = (vec![Vec::new(); 64], vec![ours.root()]);
        let mut both = Self {
            peer: Peer::new(),
            ours,
            levels,
            roots,
        };
        (0..size).for_each(|_| both.grow());
        both
    }

    fn grow(&mut self) {
        let entry = self.ours.size().to_be_bytes().to_vec();
        let levels = &mut self.levels;
        self.ours.append_with(leaf_hash(&entry), |level, _, hash| {
            levels[usize::from(level)].push(hash);
        });
        self.roots.push(self.ours.root());
        self.peer.push(entry);
    }

    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let level = self.levels.get(usize::from(level))?;
        level.get(usize::try_from(index).ok()?).copied()
    }

    fn size(&self) -> usize {
        usize::try_from(self.ours.size()).unwrap()
    }

    fn check_root(&self) {
        assert_eq!(
            octets(&self.ours.root()),
            self.peer.root().as_bytes().to_vec()
        );
    }

    fn check_inclusion(&self, index: usize) {
        let nodes = |level, index| self.node(level, index);
        let at = u64::try_from(index).unwrap();
        let proof = inclusion::prove(&nodes, at, self.ours.size()).unwrap();
        let proof: Vec<u8> = proof.iter().flat_map(octets).collect();
        assert_eq!(proof, self.peer.prove_inclusion(index).as_bytes());
        let theirs = InclusionProof::<Sha256>::try_from_bytes(proof).unwrap();
        let root = RootHash::<Sha256>::new((*self.ours.root().as_bytes()).into(), self.ours.size());
        let entry = at.to_be_bytes();
        root.verify_inclusion(&entry, at, &theirs).unwrap();
    }

    fn check_consistency(&self, older: usize) {
        let nodes = |level, index| self.node(level, index);
        let old = u64::try_from(older).unwrap();
        let proof = consistency::prove(&nodes, old, self.ours.size()).unwrap();
        let proof: Vec<u8> = proof.iter().flat_map(octets).collect();
        let added = self.size() - older;
        assert_eq!(
            proof,
            self.peer.prove_consistency(added).as_bytes(),
            "{older}"
        );
        let theirs = ConsistencyProof::<Sha256>::try_from_bytes(proof).unwrap();
        let root = |size: usize, hash: &Hash| {
            RootHash::<Sha256>::new((*hash.as_bytes()).into(), u64::try_from(size).unwrap())
        };
        let newer = root(self.size(), &self.ours.root());
        newer
            .verify_consistency(&root(older, &self.roots[older]), &theirs)
            .unwrap();
    }
}

fn octets(hash: &Hash) -> Vec<u8> {
    hash.as_bytes().to_vec()
}

#[test]
fn another_tree_has_the_same_root_and_proofs_at_every_size() {
    let mut both = Both::new(0);
    for _ in 1..=300 {
        both.grow();
        both.check_root();
        // Every proof of small trees, and a spread of those of larger ones.
        let step = if both.size() <= 70 { 1 } else { 13 };
        for at in (0..both.size()).step_by(step).chain([both.size() - 1]) {
            both.check_inclusion(at);
            if at > 0 {
                both.check_consistency(at);
            }
        }
    }
}

#[test]
fn another_tree_agrees_around_a_full_second_level() {
    let mut both = Both::new(65_534);
    for _ in 0..3 {
        both.grow();
        both.check_root();
        for at in [0, 1, 255, 256, 32_767, 32_768, 65_280, both.size() - 1] {
            both.check_inclusion(at);
            both.check_consistency(at.max(1));
        }
    }
}

fn signer(octet: u8) -> NoteSigner {
    NoteSigner::from_seed(KeyName::parse("log.example/x").unwrap(), &[octet; 32]).unwrap()
}

fn verifiers(vkey: &str) -> VerifierList {
    VerifierList::new(vec![Box::new(StandardVerifier::new(vkey).unwrap())])
}

#[test]
fn another_reader_verifies_our_checkpoints_and_nobody_elses() {
    let checkpoint = Checkpoint::new(
        &KeyName::parse("log.example/x").unwrap(),
        5,
        leaf_hash(b"a"),
    );
    let signed = checkpoint.sign(&signer(1)).unwrap().to_string();
    let theirs = signed_note::Note::from_bytes(signed.as_bytes()).unwrap();
    assert_eq!(theirs.text(), checkpoint.text().as_bytes());
    assert_eq!(theirs.to_bytes(), signed.as_bytes());
    let ours = signer(1).verifier_key().to_string();
    assert_eq!(theirs.verify(&verifiers(&ours)).unwrap().0.len(), 1);
    let other = signer(2).verifier_key().to_string();
    assert!(theirs.verify(&verifiers(&other)).is_err());
    let changed = signed.replacen("\n5\n", "\n6\n", 1);
    let changed = signed_note::Note::from_bytes(changed.as_bytes()).unwrap();
    assert!(changed.verify(&verifiers(&ours)).is_err());
}

#[test]
fn a_note_that_another_signer_signed_is_ours_to_the_octet() {
    // Go's form of a private key: name, key id, and the base64 of 0x01 and the seed.
    let vkey = signer(1).verifier_key().clone();
    let id = format!("{:08x}", vkey.id());
    let private =
        format!("PRIVATE+KEY+log.example/x+{id}+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB");
    let theirs = StandardSigner::new(&private).unwrap();
    let text = "One line.\n\nAnother \u{2014} with more.\n";
    let mut note = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    note.add_sigs(&[&theirs]).unwrap();
    let mut ours = Note::unsigned(text.to_owned()).unwrap();
    ours.sign(signer(1).sign(text).unwrap());
    assert_eq!(note.to_bytes(), ours.to_string().into_bytes());
    assert!(
        Note::parse(&note.to_bytes())
            .unwrap()
            .verify(&[vkey])
            .is_ok()
    );
}

proptest! {
    #[test]
    fn both_readers_take_the_same_notes(
        bytes in "[a\n\u{e9}\t]{0,6}\n\n?(\u{2014} ?[ax+ ]{1,3} [A-Za-z+/]{8}[A-Za-z]{0,4}=?=?\n?){0,3}"
    ) {
        let ours = Note::parse(bytes.as_bytes());
        let theirs = signed_note::Note::from_bytes(bytes.as_bytes());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}", bytes);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            prop_assert_eq!(ours.text().as_bytes(), theirs.text());
        }
    }

    #[test]
    fn both_readers_take_the_same_keys(name in "[a-c+ ]{1,3}", octet in 1..9_u8, bent in 0..60_usize) {
        if let Ok(name) = KeyName::parse(&name) {
            let key = NoteSigner::from_seed(name, &[octet; 32]).unwrap().verifier_key().to_string();
            prop_assert!(StandardVerifier::new(&key).is_ok());
            let mut bytes = key.into_bytes();
            let at = bent % bytes.len();
            bytes[at] ^= 1;
            if let Ok(key) = String::from_utf8(bytes) {
                let ours = VerifierKey::parse(&key).is_ok();
                // They read the key id in either case; we read the one that the format says.
                prop_assert!(!ours || StandardVerifier::new(&key).is_ok(), "{}", key);
            }
        }
    }

    #[test]
    fn a_bent_checkpoint_is_void_for_both(place in 0..250_usize, bit in 0..8_u32) {
        let checkpoint = Checkpoint::new(&KeyName::parse("log.example/x").unwrap(), 5, leaf_hash(b"a"));
        let mut bytes = checkpoint.sign(&signer(1)).unwrap().to_string().into_bytes();
        let at = place % bytes.len();
        bytes[at] ^= 1 << bit;
        let vkey = signer(1).verifier_key().clone();
        let theirs = signed_note::Note::from_bytes(&bytes)
            .is_ok_and(|note| note.verify(&verifiers(&vkey.to_string())).is_ok());
        let ours = SignedCheckpoint::parse(&bytes).is_ok_and(|signed| signed.note().verify(&[vkey]).is_ok());
        prop_assert!(!ours && !theirs);
    }
}
