//! Forward-secure seals: when an epoch is over, its entries are sealed under a key that is then gone.
//! Every epoch is sealed once, those in which the gateway did not run as well. A chain that is not
//! what it was is never gone on with: sealing stops, and says so.

mod ahead;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use ledger::seal::{SealKey, SealStart, Sealer};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::gateway::Gateway;
use crate::metrics::{MetricRow, gauge};
use crate::ports::sealing::{Kept, SealsError};
use crate::ports::store::ReadError;
use crate::ports::{Entropy, Log, Seals};
use ahead::Ahead;

/// How often it is looked for epochs that are over.
const ROUND: Duration = Duration::from_secs(1);
/// How long after its end an epoch is sealed: what began in it is durable by then, as a rule.
const GRACE: Duration = Duration::from_secs(2);
/// Epochs sealed before anything is written: a day of them at 10 s. A year is then 365 writes.
const EPOCHS_AT_ONCE: u64 = 8_640;

/// What sealing takes.
pub struct SealParts {
    /// The ledger.
    pub log: Arc<dyn Log>,
    /// Where the seals are kept.
    pub seals: Arc<dyn Seals>,
    /// The log's name.
    pub origin: String,
    /// How long an epoch of a new chain is; at least a microsecond. A chain keeps its own.
    pub epoch: Duration,
}

/// Why nothing could be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The ledger cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The seals cannot be read or kept.
    #[error(transparent)]
    Seals(#[from] SealsError),
    /// An entry is none.
    #[error("entry {0} cannot be read")]
    Entry(u64),
    /// Fewer entries are there than were sealed.
    #[error("{sealed} entries are sealed, the ledger has only {size}: it was rolled back")]
    RolledBack {
        /// How many were sealed.
        sealed: u64,
        /// How many there are.
        size: u64,
    },
    /// A seal that was kept before a crash is not that of the entries.
    #[error("the seal of epoch {0} is not that of the entries")]
    Departed(u64),
    /// The chain is of another log.
    #[error("the seals are those of the log {0}")]
    OtherLog(String),
    /// The job that did the work ended badly.
    #[error("the work was cut off")]
    CutOff,
}

impl SealingError {
    /// Whether it may be over by itself.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Read(_) | Self::Seals(SealsError::Failed(_)))
    }
}

/// How sealing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealStatus {
    /// Whether seals are made.
    pub is_up: bool,
    /// How many epochs are sealed since this start was able to look; `None` until then.
    pub sealed: Option<u64>,
    /// Up to when.
    pub until: Timestamp,
}

/// Sealing, attached to a gateway.
pub(crate) struct Sealing {
    parts: SealParts,
    /// `None` until what is kept was read, and again after anything failed.
    chain: Mutex<Option<Chain>>,
    is_up: AtomicBool,
    sealed: AtomicU64,
    until: AtomicU64,
}

/// The chain as this process goes on with it.
struct Chain {
    start: SealStart,
    sealer: Sealer,
    ahead: Ahead,
}

impl Sealing {
    /// Seals what is over, up to a bound, and gives how many epochs that were. After an error the chain is
    /// read again: what was kept of the work is known there alone.
    fn seal(
        &self,
        entropy: &dyn Entropy,
        now: Timestamp,
        over: Timestamp,
    ) -> Result<u64, SealingError> {
        let mut kept = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        let mut chain = match kept.take() {
            Some(chain) => chain,
            None => self.open(entropy, now)?,
        };
        let sealed = chain.seal(&self.parts, over)?;
        let until = chain.start.begin_of(chain.sealer.next_epoch());
        self.until.store(until, Ordering::Relaxed);
        self.sealed
            .store(chain.sealer.next_epoch(), Ordering::Relaxed);
        *kept = Some(chain);
        Ok(sealed)
    }

    fn open(&self, entropy: &dyn Entropy, now: Timestamp) -> Result<Chain, SealingError> {
        match self.parts.seals.read()? {
            Some(kept) => self.resume(&kept),
            None => self.begin(entropy, now),
        }
    }

    fn begin(&self, entropy: &dyn Entropy, now: Timestamp) -> Result<Chain, SealingError> {
        let start = SealStart {
            origin: self.parts.origin.clone(),
            began_micros: now.micros(),
            epoch_micros: micros(self.parts.epoch),
            first: self.parts.log.size()?,
        };
        let mut octets = [0; 32];
        entropy.fill(&mut octets);
        let first = SealKey::from_bytes(octets);
        zeroize::Zeroize::zeroize(&mut octets);
        let sealer = Sealer::begin(start.clone(), first.clone());
        self.parts.seals.begin(&start, &first, &sealer.state())?;
        tracing::warn!(
            "seals of the ledger begin: move the file keys/seal.first to whoever will check them, and \
             destroy it here; whoever has it can forge every seal"
        );
        Ok(Chain::new(start, sealer))
    }

    /// Goes on with a chain. Seals that a crash kept without their state are made again and must be the
    /// same.
    fn resume(&self, kept: &Kept) -> Result<Chain, SealingError> {
        let start = kept.start.clone();
        if start.origin != self.parts.origin {
            return Err(SealingError::OtherLog(start.origin));
        }
        if start.epoch_micros != micros(self.parts.epoch) {
            let seconds = start.epoch_micros / 1_000_000;
            tracing::warn!(
                seconds,
                "ledger.seal_seconds is for a new chain of seals; this one keeps its own"
            );
        }
        let sealer = Sealer::resume(start.clone(), kept.state.reveal())
            .ok_or_else(|| SealsError::Damaged("its state is none".to_owned()))?;
        let (log, size) = (self.parts.log.as_ref(), self.parts.log.size()?);
        let covered = sealer.next_index();
        if covered > size {
            return Err(SealingError::RolledBack {
                sealed: covered,
                size,
            });
        }
        let mut chain = Chain::new(start, sealer);
        for seal in &kept.ahead {
            let leaves = chain.ahead.take(seal.count, (log, size))?;
            if chain.sealer.seal(&leaves) != *seal {
                return Err(SealingError::Departed(seal.epoch));
            }
        }
        if !kept.ahead.is_empty() {
            self.parts.seals.append(&[], &chain.sealer.state())?;
        }
        Ok(chain)
    }

    /// What is told in metrics.
    pub(crate) fn rows(&self) -> [MetricRow; 2] {
        let status = self.status();
        let up = "Whether seals of the ledger are made (1) or not (0).";
        let until = "When the last sealed epoch ended, in seconds since 1970.";
        let seconds = usize::try_from(status.until.seconds()).unwrap_or(usize::MAX);
        [
            gauge("shortstop_seals_up", up, vec![], usize::from(status.is_up)),
            gauge("shortstop_sealed_until_seconds", until, vec![], seconds),
        ]
    }

    fn status(&self) -> SealStatus {
        let sealed = self.sealed.load(Ordering::Relaxed);
        let until = self.until.load(Ordering::Relaxed);
        SealStatus {
            is_up: self.is_up.load(Ordering::Relaxed),
            sealed: (until > 0).then_some(sealed),
            until: Timestamp::from_micros(until),
        }
    }

    /// Takes note of how a round went, and tells a change for the worse.
    fn note(&self, went: &Result<u64, SealingError>) {
        let was_up = self.is_up.swap(went.is_ok(), Ordering::Relaxed);
        match went {
            Err(error) if !error.may_pass() => tracing::error!(
                %error,
                "the ledger is not sealed any more: a person has to look; no new chain is begun"
            ),
            Err(error) if was_up => {
                tracing::warn!(%error, "the ledger cannot be sealed; it is tried again each second");
            }
            Ok(_) if !was_up => tracing::info!("the ledger is sealed again"),
            _ => {}
        }
    }
}

impl Chain {
    fn new(start: SealStart, sealer: Sealer) -> Self {
        Self {
            start,
            ahead: Ahead::from(sealer.next_index()),
            sealer,
        }
    }

    fn seal(&mut self, parts: &SealParts, over: Timestamp) -> Result<u64, SealingError> {
        let (log, size) = (parts.log.as_ref(), parts.log.size()?);
        self.ahead.read_on((log, size))?;
        let due = self.sealer.due(over.micros()).min(EPOCHS_AT_ONCE);
        if due == 0 {
            return Ok(0);
        }
        let mut seals = Vec::new();
        for _ in 0..due {
            let end = self
                .start
                .begin_of(self.sealer.next_epoch().saturating_add(1));
            let leaves = self.ahead.take_before(end, (log, size))?;
            seals.push(self.sealer.seal(&leaves));
        }
        parts.seals.append(&seals, &self.sealer.state())?;
        Ok(due)
    }
}

impl Gateway {
    /// Has the ledger sealed from now on, by [`Gateway::run_sealing`].
    pub fn attach_seals(&self, parts: SealParts) {
        let sealing = Sealing {
            parts,
            chain: Mutex::default(),
            is_up: AtomicBool::new(true),
            sealed: AtomicU64::new(0),
            until: AtomicU64::new(0),
        };
        // A second call changes nothing: nobody else may use the chain meanwhile.
        let _ = self.sealing.set(Arc::new(sealing));
    }

    /// Seals epochs that have been over for this long, a bounded number of them, and gives how many; 0
    /// means that nothing is left. Blocks.
    pub fn seal_epochs(&self, grace: Duration) -> Result<u64, SealingError> {
        let Some(sealing) = self.sealing.get() else {
            return Ok(0);
        };
        let now = self.now();
        let went = sealing.seal(self.entropy.as_ref(), now, now.saturating_sub(grace));
        sealing.note(&went);
        went
    }

    /// How sealing stands; `None` when the ledger is not sealed.
    pub fn seal_status(&self) -> Option<SealStatus> {
        self.sealing.get().map(|sealing| sealing.status())
    }

    /// Seals until told to stop, and what is over then. It ends by itself when the chain is not what it was.
    pub async fn run_sealing(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut ticks = interval(ROUND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stopping = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => true,
                _ = ticks.tick() => false,
            };
            let grace = if stopping { Duration::ZERO } else { GRACE };
            let went = self.seal_all(grace).await;
            if stopping || went.is_err_and(|error| !error.may_pass()) {
                return;
            }
        }
    }

    async fn seal_all(self: &Arc<Self>, grace: Duration) -> Result<(), SealingError> {
        loop {
            let gateway = Arc::clone(self);
            let sealed = spawn_blocking(move || gateway.seal_epochs(grace)).await;
            if sealed.map_err(|_| SealingError::CutOff)?? == 0 {
                return Ok(());
            }
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros())
        .unwrap_or(u64::MAX)
        .max(1)
}
