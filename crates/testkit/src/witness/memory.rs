//! A witness without a wire: it cosigns whatever it is shown, or is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::Seat;
use engine::ports::Witness;
use engine::ports::witness::{Cosigning, Unreachable, WitnessAnswer};
use ledger::checkpoint::SignedCheckpoint;
use ledger::cosignature::Cosigner;
use ledger::note::key::KeyName;

/// When every cosignature of it was made, in POSIX seconds.
const MADE_AT: u64 = 1_764_064_800;

/// Such a witness.
#[derive(Debug)]
pub struct MemoryWitness {
    cosigner: Cosigner,
    is_away: AtomicBool,
}

impl MemoryWitness {
    /// The witness `witness.example/NAME`.
    pub fn new(name: &str) -> Arc<Self> {
        let name = KeyName::parse(&format!("witness.example/{name}")).expect("a name");
        Arc::new(Self {
            cosigner: Cosigner::from_seed(name, &[0x63; 32]).expect("a seed"),
            is_away: AtomicBool::new(false),
        })
    }

    /// Its seat in a gateway.
    pub fn seat(self: &Arc<Self>, name: &str) -> Seat {
        Seat {
            name: name.to_owned(),
            witness: self.clone(),
            keys: vec![self.cosigner.verifier_key().clone()],
        }
    }

    /// Answers nobody.
    pub fn go_away(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }

    /// Answers again.
    pub fn come_back(&self) {
        self.is_away.store(false, Ordering::Relaxed);
    }

    fn cosign(&self, body: &str) -> Result<WitnessAnswer, Unreachable> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(Unreachable("it is away".to_owned()));
        }
        let (_, note) = body.split_once("\n\n").expect("a checkpoint");
        let shown = SignedCheckpoint::parse(note.as_bytes()).expect("a checkpoint");
        let line = self.cosigner.cosign(shown.note().text(), MADE_AT);
        let body = format!("{}\n", line.expect("a cosignature")).into_bytes();
        Ok(WitnessAnswer { status: 200, body })
    }
}

impl Witness for MemoryWitness {
    fn add_checkpoint(&self, body: String) -> Cosigning<'_> {
        Box::pin(std::future::ready(self.cosign(&body)))
    }
}
