//! The first step of verifying: the checkpoint, whose signatures it bears, and whether it goes back
//! behind what is remembered. Without a trusted signature there is nothing to verify against.

use super::fault::{Fault, FaultKind};
use super::source::Source;
use super::{Teller, Trust};
use crate::checkpoint::SignedCheckpoint;
use crate::policy::{Cosigned, Distrust};

/// A checkpoint that a trusted log signed.
pub(super) struct Opened {
    pub(super) checkpoint: SignedCheckpoint,
    pub(super) cosigned: Vec<Cosigned>,
}

pub(super) fn open(source: &dyn Source, trust: &Trust, teller: &mut Teller<'_>) -> Option<Opened> {
    let Some(octets) = teller.ok(source.read("checkpoint"))? else {
        teller.tell(Fault::of(
            FaultKind::CheckpointMissing,
            "there is no checkpoint",
        ));
        return None;
    };
    let checkpoint = SignedCheckpoint::parse(&octets)
        .map_err(|error| teller.tell(Fault::of(FaultKind::CheckpointMalformed, error.to_string())))
        .ok()?;
    let judged = trust.policy.judge(&checkpoint).map_err(|distrust| {
        teller.tell(Fault::of(kind_of(&distrust), distrust.to_string()));
    });
    let cosigned = match judged {
        Ok(cosigned) => cosigned,
        // The tree can be checked all the same, as long as the log's own signature is good.
        Err(()) => trust.policy.with_log_line_only(&checkpoint)?,
    };
    remembered(&checkpoint, trust, teller);
    Some(Opened {
        checkpoint,
        cosigned,
    })
}

const fn kind_of(distrust: &Distrust) -> FaultKind {
    match distrust {
        Distrust::Origin { .. } => FaultKind::WrongOrigin,
        Distrust::UntrustedKey { .. } => FaultKind::UntrustedKey,
        Distrust::BadSignature { .. } => FaultKind::BadSignature,
        Distrust::Quorum { .. } => FaultKind::QuorumNotMet,
    }
}

/// A smaller log than before was rolled back; another root at the same size is a fork.
fn remembered(checkpoint: &SignedCheckpoint, trust: &Trust, teller: &mut Teller<'_>) {
    let head = checkpoint.checkpoint().head();
    for old in trust.remembered.iter().chain(&trust.since) {
        if old.size > head.size {
            let detail = format!(
                "signed at size {}, the log now shows {}",
                old.size, head.size
            );
            teller.tell(Fault::at(head.size, FaultKind::Rollback, detail));
        } else if old.size == head.size && old.root != head.root {
            let detail = format!(
                "two roots of size {} are signed: {} and {}",
                old.size, old.root, head.root
            );
            teller.tell(Fault::of(FaultKind::Fork, detail));
        }
    }
}
