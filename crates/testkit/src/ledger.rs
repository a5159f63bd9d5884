//! What makes the ledger of a test's gateway a public log, and how an outsider checks a receipt of it.

use std::sync::{Arc, Mutex};

use engine::ports::Guard;
use engine::ports::guard::{GuardError, Signed, may_follow};
use engine::{LedgerParts, Seat, WitnessPolicy};
use ledger::note::key::KeyName;
use ledger::note::signer::NoteSigner;
use ledger::proof::Proven;
use ledger::{Commitment, CommitmentKey, Entry, LogProof, Policy};

use crate::gateway::TestGateway;

/// The origin of every test's log.
pub const ORIGIN: &str = "log.example/ledger";

/// The log's key of every test.
pub fn log_signer() -> NoteSigner {
    let name = KeyName::parse(ORIGIN).expect("a name");
    NoteSigner::from_seed(name, &[1; 32]).expect("a seed")
}

/// A guard that remembers for as long as it lives.
#[derive(Debug, Default)]
pub struct MemoryGuard(Mutex<Option<Signed>>);

impl Guard for MemoryGuard {
    fn last(&self) -> Result<Option<Signed>, GuardError> {
        Ok(*self.0.lock().unwrap())
    }

    fn advance(&self, to: Signed) -> Result<(), GuardError> {
        let mut last = self.0.lock().unwrap();
        may_follow(*last, to)?;
        *last = Some(to);
        Ok(())
    }
}

impl TestGateway {
    /// Makes the ledger a public log, shown to these witnesses.
    pub fn sign_ledger(&self, witnesses: Vec<Seat>, policy: WitnessPolicy) {
        let parts = LedgerParts {
            log: self.store.clone(),
            signer: log_signer(),
            second: None,
            guard: Arc::new(MemoryGuard::default()),
            witnesses,
            policy,
        };
        self.gateway
            .attach_ledger(parts)
            .expect("it is one history");
    }
}

/// What an outsider finds in a receipt, who has the log's public key and nothing else.
///
/// It panics unless the proof holds, and each opening opens the commitment of its field.
pub fn prove(entry: &str, proof: &str, openings: &[[&str; 3]]) -> Proven {
    let policy = Policy::of_log(log_signer().verifier_key().clone());
    let proof = LogProof::parse(proof.as_bytes()).expect("a proof");
    let proven = proof.verify(entry.as_bytes(), &policy).expect("it holds");
    let entry = Entry::parse(entry.as_bytes()).expect("an entry");
    for [field, key, value] in openings {
        // A commitment's hex is that of any 32 octets.
        let key = Commitment::from_hex(key).expect("a key in hex");
        let key = CommitmentKey::from_bytes(*key.as_bytes());
        let committed = entry.private.iter().find(|(name, _)| name == field);
        let (_, commitment) = committed.expect("a commitment of that field");
        assert!(
            commitment.opens(&key, field, value.as_bytes()),
            "{field} does not open"
        );
    }
    proven
}
