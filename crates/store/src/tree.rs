//! The ledger's tree: its finished nodes, which can be computed from the leaves at any time, and the
//! checkpoints that were published, which can be signed again. Both lie in a file of their own, opened
//! when it is first asked for; one that is missing or damaged is made anew.
//!
//! It decides nothing about what may be signed: that is the guard's.

pub(crate) mod build;
pub(crate) mod file;

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::ports::log::{Node, Published};
use ledger::Hash;
use ledger::entry::skim::skim;
use rusqlite::ErrorCode;

use crate::embedded::Shared;
use crate::entries;
use file::TreeFile;

/// Levels between a node and the nodes that it is made of: a tile's height (C2SP tlog-tiles).
pub(crate) const STRIDE: u8 = 8;
/// Nodes below a node.
pub(crate) const FANOUT: u64 = 1 << STRIDE;
/// The highest level at which a tree of fewer than 2^63 leaves has a node.
const LEVEL_MAX: u8 = 56;

const MICROS_AN_HOUR: u64 = 3_600_000_000;

/// Why the tree gave nothing or took nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeError {
    #[error("the ledger's tree cannot be used: {0}")]
    File(#[from] rusqlite::Error),
    #[error("the ledger's tree cannot be used: {0}")]
    Place(#[from] io::Error),
    #[error("the ledger's tree is damaged")]
    Damaged,
    #[error("the file of the ledger's tree was removed or replaced")]
    Replaced,
    #[error("the ledger cannot be read: {0}")]
    Ledger(rusqlite::Error),
    #[error("ledger entry {0} cannot be read")]
    Entry(u64),
    #[error("the store is closed")]
    Closed,
    #[error("no nodes are kept at level {0}")]
    Level(u8),
    #[error("node {index} of level {level} is not what it was, or lies beyond the checkpoint")]
    Node { level: u8, index: u64 },
    #[error("a checkpoint of {size} entries cannot be published: {durable} are durable")]
    Early { size: u64, durable: u64 },
    #[error("a checkpoint of {size} entries cannot follow one of {kept}")]
    Backward { size: u64, kept: u64 },
    #[error("another checkpoint of {0} entries was published before")]
    Forked(u64),
}

impl TreeError {
    /// Whether the file holds what this program never wrote, so that only a new one helps.
    fn is_damage(&self) -> bool {
        match self {
            Self::Damaged => true,
            Self::File(error) => matches!(
                error.sqlite_error_code(),
                None | Some(
                    ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown
                )
            ),
            _ => false,
        }
    }
}

/// The tree of one store.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    keeping: Keeping,
    held: Mutex<Held>,
    /// The checkpoint published last, once it is known. It outlives the file.
    latest: Mutex<Option<Published>>,
}

/// Where what is computed is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeping {
    /// In the file.
    #[default]
    File,
    /// In memory, with what the file holds: the file itself is only read.
    Memory,
}

#[derive(Debug, Default)]
enum Held {
    #[default]
    Unopened,
    Open(TreeFile),
    Closed,
}

impl Tree {
    /// The tree of a store that is only read.
    pub(crate) fn in_memory() -> Self {
        Self {
            keeping: Keeping::Memory,
            ..Self::default()
        }
    }

    /// The finished nodes of one level over what is durable, at most `most`. Those that are missing are
    /// computed.
    pub(crate) fn nodes(
        &self,
        shared: &Shared,
        level: u8,
        from: u64,
        most: usize,
    ) -> Result<Vec<Hash>, TreeError> {
        check_level(level)?;
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let end = (shared.size() >> level).min(from.saturating_add(most));
        if from >= end {
            return Ok(Vec::new());
        }
        self.complete(shared, end << (level - STRIDE))?;
        self.with(shared, |file| file.nodes(level, from..end))
    }

    /// Keeps nodes and publishes a checkpoint, durably.
    pub(crate) fn publish(
        &self,
        shared: &Shared,
        nodes: &[Node],
        checkpoint: &Published,
    ) -> Result<(), TreeError> {
        let durable = shared.size();
        if checkpoint.size > durable {
            let size = checkpoint.size;
            return Err(TreeError::Early { size, durable });
        }
        nodes
            .iter()
            .try_for_each(|node| check_node(node, checkpoint.size))?;
        let hour = hour_of(shared, checkpoint.size)?;
        may_follow(self.known().as_ref(), checkpoint)?;
        self.with(shared, |file| {
            may_follow(file.latest()?.as_ref(), checkpoint)?;
            file.publish(nodes, checkpoint, hour)
        })?;
        self.know(checkpoint);
        Ok(())
    }

    /// The checkpoint published last.
    pub(crate) fn latest(&self, shared: &Shared) -> Result<Option<Published>, TreeError> {
        if let Some(known) = self.known() {
            return Ok(Some(known));
        }
        let found = self.with(shared, |file| file.latest())?;
        if let Some(found) = &found {
            self.know(found);
        }
        Ok(found)
    }

    /// Closes the file for good.
    pub(crate) fn close(&self) {
        *self.lock() = Held::Closed;
    }

    /// Computes nodes of the lowest level until there are `count`, and those above them. Leaves are read
    /// in bounded batches and outside the lock, so that a checkpoint can be published meanwhile.
    fn complete(&self, shared: &Shared, count: u64) -> Result<(), TreeError> {
        loop {
            let have = self.with(shared, |file| file.count(STRIDE))?;
            if have >= count {
                return Ok(());
            }
            let batch = build::from_leaves(shared, have, count - have)?;
            self.with(shared, |file| file.extend(have, &batch))?;
        }
    }

    /// Works with the file. One that turns out to be damaged, or not to be there any more, is made anew,
    /// and the work done again.
    fn with<T>(
        &self,
        shared: &Shared,
        work: impl Fn(&mut TreeFile) -> Result<T, TreeError>,
    ) -> Result<T, TreeError> {
        let mut held = self.lock();
        match self.attempt(shared, &mut held, &work) {
            Err(error) if error.is_damage() => {
                tracing::warn!(reason = %error, "making the ledger's tree anew");
                *held = self.anew(shared)?;
                self.attempt(shared, &mut held, &work)
            }
            Err(TreeError::Replaced) => self.attempt(shared, &mut held, &work),
            done => done,
        }
    }

    fn anew(&self, shared: &Shared) -> Result<Held, TreeError> {
        match self.keeping {
            Keeping::File => {
                shared.folder.remove_tree()?;
                Ok(Held::Unopened)
            }
            Keeping::Memory => Ok(Held::Open(TreeFile::empty()?)),
        }
    }

    /// Opens the file if need be and works with it. It stays open unless it failed.
    fn attempt<T>(
        &self,
        shared: &Shared,
        held: &mut Held,
        work: &impl Fn(&mut TreeFile) -> Result<T, TreeError>,
    ) -> Result<T, TreeError> {
        let mut file = match std::mem::take(held) {
            Held::Open(file) => file,
            Held::Unopened => match self.keeping {
                Keeping::File => TreeFile::open(shared)?,
                Keeping::Memory => TreeFile::copied(shared)?,
            },
            Held::Closed => {
                *held = Held::Closed;
                return Err(TreeError::Closed);
            }
        };
        let done = work(&mut file);
        // What went into a file without a name is not durable.
        file.check_place()?;
        if !matches!(done, Err(TreeError::File(_) | TreeError::Damaged)) {
            *held = Held::Open(file);
        }
        done
    }

    fn known(&self) -> Option<Published> {
        self.latest_lock().clone()
    }

    fn know(&self, checkpoint: &Published) {
        let mut latest = self.latest_lock();
        if latest.as_ref().is_none_or(|it| it.size <= checkpoint.size) {
            *latest = Some(checkpoint.clone());
        }
    }

    fn latest_lock(&self) -> MutexGuard<'_, Option<Published>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_level(level: u8) -> Result<(), TreeError> {
    let is_kept = level.is_multiple_of(STRIDE) && (STRIDE..=LEVEL_MAX).contains(&level);
    is_kept.then_some(()).ok_or(TreeError::Level(level))
}

/// A node that is published lies below the checkpoint.
fn check_node(node: &Node, size: u64) -> Result<(), TreeError> {
    let Node { level, index, .. } = *node;
    check_level(level)?;
    if index < size >> level {
        Ok(())
    } else {
        Err(TreeError::Node { level, index })
    }
}

/// Sizes only grow, and one size has one root. The same again may bring more signatures.
fn may_follow(kept: Option<&Published>, next: &Published) -> Result<(), TreeError> {
    match kept {
        Some(kept) if kept.size > next.size => Err(TreeError::Backward {
            size: next.size,
            kept: kept.size,
        }),
        Some(kept) if kept.size == next.size && kept.root != next.root => {
            Err(TreeError::Forked(next.size))
        }
        _ => Ok(()),
    }
}

/// The hour of a checkpoint by the time of the last entry below it: the store reads no clock.
fn hour_of(shared: &Shared, size: u64) -> Result<u64, TreeError> {
    let Some(last) = size.checked_sub(1) else {
        return Ok(0);
    };
    let entries = entries::entries(shared, last, 1).map_err(TreeError::Ledger)?;
    let entry = entries.first().ok_or(TreeError::Entry(last))?;
    let entry = skim(entry).map_err(|_| TreeError::Entry(last))?;
    Ok(entry.time_micros / MICROS_AN_HOUR)
}
