//! The ledger's ports over a store in memory, so that a test's gateway can sign, publish and prove. The
//! checkpoints of [`MemoryLog`] and the memory of [`MemoryGuard`] live as long as they do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use domain::id::MessageId;
use engine::ports::guard::{GuardError, Signed, may_follow};
use engine::ports::log::{Node, Published};
use engine::ports::store::ReadError;
use engine::ports::{Guard, Log};
use engine::{LedgerParts, Seat, WitnessPolicy};
use ledger::note::key::KeyName;
use ledger::note::signer::NoteSigner;
use ledger::proof::Proven;
use ledger::{Commitment, CommitmentKey, Entry, Hash, LogProof, Policy};

use crate::gateway::TestGateway;
use crate::memory::{Logged, MemoryStore};

/// The origin of every test's log.
pub const ORIGIN: &str = "log.example/ledger";

/// The log's key of every test.
pub fn log_signer() -> NoteSigner {
    let name = KeyName::parse(ORIGIN).expect("a name");
    NoteSigner::from_seed(name, &[1; 32]).expect("a seed")
}

/// The log over a store's entries.
#[derive(Debug)]
pub struct MemoryLog {
    store: Arc<MemoryStore>,
    nodes: Mutex<BTreeMap<(u8, u64), Hash>>,
    latest: Mutex<Option<Published>>,
}

impl MemoryLog {
    /// With nothing published yet.
    pub fn new(store: Arc<MemoryStore>) -> Self {
        Self {
            store,
            nodes: Mutex::default(),
            latest: Mutex::default(),
        }
    }

    fn some<T>(&self, from: u64, most: usize, part: impl Fn(&Logged) -> T) -> Vec<T> {
        self.store.with_image(|image| {
            let from = usize::try_from(from).unwrap();
            image
                .entries()
                .iter()
                .skip(from)
                .take(most)
                .map(part)
                .collect()
        })
    }
}

impl Log for MemoryLog {
    fn size(&self) -> Result<u64, ReadError> {
        let size = self.store.with_image(|image| image.entries().len());
        Ok(u64::try_from(size).unwrap())
    }

    fn leaves(&self, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        Ok(self.some(from, most, |entry| entry.leaf))
    }

    fn entries(&self, from: u64, most: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        Ok(self.some(from, most, |entry| entry.bytes.clone()))
    }

    fn nodes(&self, level: u8, from: u64, most: usize) -> Result<Vec<Hash>, ReadError> {
        let nodes = self.nodes.lock().unwrap();
        let found = (from..).map_while(|index| nodes.get(&(level, index)).copied());
        Ok(found.take(most).collect())
    }

    fn publish(&self, nodes: &[Node], checkpoint: &Published) -> Result<(), ReadError> {
        let mut latest = self.latest.lock().unwrap();
        if latest
            .as_ref()
            .is_some_and(|latest| latest.size > checkpoint.size)
        {
            return Err(ReadError::Failed("a smaller checkpoint".to_owned()));
        }
        let placed = nodes
            .iter()
            .map(|node| ((node.level, node.index), node.hash));
        self.nodes.lock().unwrap().extend(placed);
        *latest = Some(checkpoint.clone());
        Ok(())
    }

    fn latest(&self) -> Result<Option<Published>, ReadError> {
        Ok(self.latest.lock().unwrap().clone())
    }

    fn entry_of(&self, sequence: u64) -> Result<Option<u64>, ReadError> {
        Ok(self.store.with_image(|image| {
            let entries = image.entries();
            let commit = entries
                .iter()
                .find(|entry| is_about(entry, sequence))?
                .commit;
            let first = entries.iter().position(|entry| entry.commit == commit)?;
            u64::try_from(first).ok()
        }))
    }
}

/// Whether an entry's object is the message or inbound message of this sequence.
fn is_about(entry: &Logged, sequence: u64) -> bool {
    let object = Entry::parse(&entry.bytes)
        .ok()
        .and_then(|entry| entry.object);
    object.is_some_and(|object| {
        let message = object.id.parse::<MessageId>().map(MessageId::sequence);
        let inbound = object.id.parse::<domain::id::InboundId>();
        let inbound = inbound.map(domain::id::InboundId::sequence);
        message == Ok(sequence) || inbound == Ok(sequence)
    })
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
            log: Arc::new(MemoryLog::new(Arc::clone(&self.store))),
            signer: log_signer(),
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
