//! Pruning of the ledger: the bytes of entries that are old enough go, their leaf hashes and every tile
//! stay, and a sealed snapshot stands for what they told. It is recorded before anything goes, and it
//! goes on after a crash.

use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use ledger::entry::skim::skim;
use ledger::{Facts, Kind};
use tokio::task::spawn_blocking;

use crate::changes::{Changes, Write};
use crate::entries;
use crate::gateway::Gateway;
use crate::ports::store::ReadError;
use crate::ports::{Entropy, Pruning, Shelf, View};
use crate::rebuild::{Difference, Judge, snapshot, state_at};

/// The least that is kept, whatever is asked: three months have to be at hand (PCI DSS 10.5.1).
pub const KEEP_MIN: Duration = Duration::from_hours(24 * 92);
/// What is kept unless somebody insists on less: twelve months and a day of a leap year.
pub const KEEP_YEAR: Duration = Duration::from_hours(24 * 366);
/// Entries are pruned by whole tiles.
const TILE: u64 = 256;

/// Whether less than a year may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// No.
    Year,
    /// Yes: somebody insists on it.
    ThreeMonths,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Prune {
    /// How old an entry must be to go.
    pub keep: Duration,
    /// The least that may be kept.
    pub least: Least,
}

/// What goes, or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The minimum index that is in force then.
    pub minimum: u64,
    /// Entries that lose their bytes.
    pub entries: u64,
    /// SHA-256 of the sealed snapshot, lower-case hex; `None` when nothing was done.
    pub snapshot: Option<String>,
}

/// Why nothing is pruned.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Less than three months would be kept.
    #[error("at least 92 days of the ledger are kept, whatever is asked")]
    ThreeMonths,
    /// Less than a year would be kept, and nobody insists on it.
    #[error(
        "less than 366 days would be kept, which auditors expect; if that is what you want, give \
         --i-know-auditors-expect-a-year"
    )]
    Year,
    /// Entries do not fold, so no snapshot can stand for them.
    #[error("the ledger does not fold into a state, so nothing may go; run `ledger rebuild`: {0}")]
    Unfit(Box<Difference>),
    /// The ledger cannot be read, or its snapshot not be kept.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The pruning could not be recorded, so nothing went.
    #[error("the pruning could not be recorded in the ledger, so nothing went")]
    NotRecorded,
}

impl Prune {
    /// Refuses what would keep too little.
    pub fn check(&self) -> Result<(), PruneError> {
        if self.keep < KEEP_MIN {
            return Err(PruneError::ThreeMonths);
        }
        if self.keep < KEEP_YEAR && self.least == Least::Year {
            return Err(PruneError::Year);
        }
        Ok(())
    }
}

impl Gateway {
    /// What a pruning would do now. Blocks.
    pub fn plan_pruning(&self, store: &dyn Pruning, prune: Prune) -> Result<Pruned, PruneError> {
        prune.check()?;
        Ok(plan(store, self.now().saturating_sub(prune.keep))?)
    }

    /// Prunes the ledger in the name of a user of the machine. Commits go on meanwhile.
    pub async fn prune_ledger(
        &self,
        actor: &str,
        store: Arc<dyn Pruning>,
        prune: Prune,
    ) -> Result<Pruned, PruneError> {
        prune.check()?;
        let _alone = self.destruction.lock().await;
        let now = self.now();
        let before = now.saturating_sub(prune.keep);
        let (judge, entropy) = (self.judge(), Arc::clone(&self.entropy));
        let shared = Arc::clone(&store);
        let work = move || prepare(shared.as_ref(), before, &judge, entropy.as_ref());
        let (mut pruned, hash) = spawn_blocking(work).await.map_err(|_| gone())??;
        let Some(hash) = hash else {
            return Ok(pruned);
        };
        let data = Facts::new()
            .put("entries", pruned.entries)
            .put("minimum", pruned.minimum)
            .put("snapshot", hash.as_str());
        let entry = entries::by_os_user(Kind::LedgerPruned, actor, data, None);
        let mut changes = Changes::new(entry, now);
        changes.write(Write::Minimum(pruned.minimum));
        if !self.commit_durably(changes).await {
            return Err(PruneError::NotRecorded);
        }
        pruned.snapshot = Some(hash);
        spawn_blocking(move || drop_all(store.as_ref()))
            .await
            .map_err(|_| gone())??;
        Ok(pruned)
    }
}

fn gone() -> ReadError {
    ReadError::Failed("the work ended badly".to_owned())
}

/// Drops step by step. What is left of it when the process ends goes with the housekeeping of the next.
fn drop_all(store: &dyn Pruning) -> Result<(), ReadError> {
    while store.drop_some()? > 0 {}
    Ok(())
}

/// The greatest minimum index below which every entry is older than a moment and covered by the
/// published checkpoint.
fn plan(store: &dyn Pruning, before: Timestamp) -> Result<Pruned, ReadError> {
    let old = store.minimum()?;
    let published = store.latest()?.map_or(0, |published| published.size);
    let (mut low, mut high) = (old / TILE, published / TILE);
    // Of the tiles up to `low` every entry is old enough; behind `high` none may go.
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if time_of(store, middle * TILE - 1)? < before {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let minimum = (low * TILE).max(old);
    Ok(Pruned {
        minimum,
        entries: minimum - old,
        snapshot: None,
    })
}

fn time_of(store: &dyn Pruning, index: u64) -> Result<Timestamp, ReadError> {
    let entries = store.entries(index, 1)?;
    let time = entries.first().and_then(|entry| skim(entry).ok());
    let time = time.map(|entry| Timestamp::from_micros(entry.time_micros));
    time.ok_or_else(|| ReadError::Failed(format!("ledger entry {index} cannot be read")))
}

/// Plans, and keeps the snapshot that stands for what goes. Gives its hash, unless nothing goes.
fn prepare(
    store: &dyn Pruning,
    before: Timestamp,
    judge: &Judge,
    entropy: &dyn Entropy,
) -> Result<(Pruned, Option<String>), PruneError> {
    let pruned = plan(store, before)?;
    if pruned.entries == 0 {
        return Ok((pruned, None));
    }
    let minimum = pruned.minimum;
    let (mut hash, mut unfit) = (None, None);
    store.with_view(&mut |view: &dyn View, shelf: &mut dyn Shelf| {
        let mut tell = |difference| {
            unfit.get_or_insert(difference);
        };
        let rest = state_at(view, (minimum, shelf), judge, &mut tell)?;
        if unfit.is_none() {
            let mut keep = |part, sealed| store.keep_part(minimum, part, sealed);
            let sealing = (judge, entropy);
            hash = Some(snapshot::write(
                (shelf, &rest),
                minimum,
                sealing,
                &mut keep,
            )?);
        }
        Ok(())
    })?;
    match unfit {
        Some(difference) => Err(PruneError::Unfit(Box::new(difference))),
        None => Ok((pruned, hash)),
    }
}
