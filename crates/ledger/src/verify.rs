//! Offline verification of a published log, with nothing but this crate, the log's files and the
//! keys that one trusts. It takes no hash of a tile on trust: the tree is rebuilt from the entries,
//! its root compared with the signed one, and every published tile compared octet for octet. It
//! fetches nothing itself and keeps one unfinished tile of each level in memory, whatever the size.

pub mod behind;
pub mod fault;
pub mod job;
mod levels;
mod opening;
mod order;
pub mod pruning;
pub mod source;
mod stale;
mod walk;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::policy::{Cosigned, Distrust, Policy};
use crate::tree::consistency::TreeHead;

use fault::{Fault, FaultKind, Watcher};
use job::Workers;
use source::Source;
use walk::Walk;

/// What a verifier trusts and remembers.
#[derive(Clone, Debug)]
pub struct Trust {
    policy: Policy,
    remembered: Vec<TreeHead>,
    since: Option<TreeHead>,
    minimum_index: u64,
}

/// Why a kept checkpoint is not remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RememberError {
    /// It is no signed checkpoint.
    #[error(transparent)]
    Malformed(#[from] CheckpointError),
    /// No trusted log signed it, so it says nothing.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
}

impl Trust {
    /// Trusts the logs and witnesses of a policy, and remembers nothing.
    pub const fn of(policy: Policy) -> Self {
        Self {
            policy,
            remembered: Vec::new(),
            since: None,
            minimum_index: 0,
        }
    }

    /// Remembers an old checkpoint that somebody kept: the log must still have it as its beginning.
    /// Only the log's signature is needed, not the quorum.
    pub fn remember(&mut self, note: &[u8]) -> Result<TreeHead, RememberError> {
        let signed = SignedCheckpoint::parse(note)?;
        self.policy.signed_by_log(&signed)?;
        let head = signed.checkpoint().head();
        self.remembered.push(head);
        Ok(head)
    }

    /// Verifies from a remembered tree on instead of the whole log. What is before it is taken as
    /// verified then; that the log still begins with it is checked.
    #[must_use]
    pub const fn since(mut self, head: TreeHead) -> Self {
        self.since = Some(head);
        self
    }

    /// Entries below this index may be pruned, as the log's published policy says. Their leaf hashes
    /// must be there.
    #[must_use]
    pub const fn pruned_below(mut self, minimum_index: u64) -> Self {
        self.minimum_index = minimum_index;
        self
    }

    /// The policy.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }
}

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Origin, size and root of the checkpoint, when a trusted log signed it.
    pub checkpoint: Option<(String, TreeHead)>,
    /// Who cosigned it and when.
    pub cosigned: Vec<Cosigned>,
    /// How many entries were read and hashed.
    pub entries: u64,
    /// How many entries lie behind the checkpoint and are not signed yet; `None` when the source has only
    /// what is published.
    pub behind: Option<u64>,
    /// How many faults were told. 0 is the only pass.
    pub faults: u64,
}

impl Report {
    /// Whether nothing at all was wrong.
    pub const fn is_sound(&self) -> bool {
        self.faults == 0
    }
}

/// Verifies the log that a source publishes. Every fault is told to the watcher as it is found.
pub fn verify(
    source: &dyn Source,
    trust: &Trust,
    workers: &dyn Workers,
    watcher: &mut dyn Watcher,
) -> Report {
    let mut teller = Teller { watcher, faults: 0 };
    let mut report = Report {
        checkpoint: None,
        cosigned: Vec::new(),
        entries: 0,
        behind: None,
        faults: 0,
    };
    if let Some(opened) = opening::open(source, trust, &mut teller) {
        let head = opened.checkpoint.checkpoint().head();
        report.checkpoint = Some((opened.checkpoint.checkpoint().origin().to_owned(), head));
        report.cosigned = opened.cosigned;
        (report.entries, report.behind) = Walk::new(source, trust, head, &mut teller).run(workers);
    }
    report.faults = teller.faults;
    report
}

/// Passes faults on and counts them.
struct Teller<'w> {
    watcher: &'w mut dyn Watcher,
    faults: u64,
}

impl Teller<'_> {
    fn tell(&mut self, fault: Fault) {
        self.faults += 1;
        self.watcher.fault(fault);
    }

    /// The value, or the fault of a source that failed and nothing.
    fn ok<T>(&mut self, result: Result<T, source::SourceError>) -> Option<T> {
        result
            .map_err(|error| self.tell(Fault::of(FaultKind::SourceFailed, error.to_string())))
            .ok()
    }
}

#[cfg(test)]
mod tests;
