//! A witness's side: what it answers to a request, given what it cosigned last. It keeps nothing and
//! signs nothing; whoever runs a witness must store the new head, in one step with this review,
//! before the cosignature leaves.

use super::{AddCheckpoint, RequestError};
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::leaf::empty_root;
use crate::note::key::VerifierKey;
use crate::tree::consistency::{self, TreeHead};

/// What a witness knows of a log.
#[derive(Clone, Debug)]
pub struct KnownLog {
    /// Its keys.
    pub keys: Vec<VerifierKey>,
    /// Size and root that the witness cosigned last; `None` if it never did.
    pub last: Option<TreeHead>,
}

/// What a witness answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    /// 200: store this head, then cosign this text and answer with the line.
    Cosign {
        /// The new head; it replaces the last one.
        checkpoint: Checkpoint,
        /// The text to cosign.
        text: String,
    },
    /// 409: the size that the witness knows.
    Conflict {
        /// The size, for the body.
        size: u64,
    },
    /// Any other refusal.
    Refuse(Refusal),
}

/// Why a witness refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 400.
    #[error(transparent)]
    Malformed(#[from] RequestError),
    /// 403.
    #[error("no trusted key of the log signed the checkpoint")]
    Untrusted,
    /// 404.
    #[error("the log is not known")]
    UnknownLog,
    /// 422.
    #[error("the checkpoint is not consistent with the last one")]
    Inconsistent,
}

impl Review {
    /// The status of the answer.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Cosign { .. } => 200,
            Self::Conflict { .. } => 409,
            Self::Refuse(Refusal::Malformed(_)) => 400,
            Self::Refuse(Refusal::Untrusted) => 403,
            Self::Refuse(Refusal::UnknownLog) => 404,
            Self::Refuse(Refusal::Inconsistent) => 422,
        }
    }
}

/// Reviews a request. `find` gives what is known of a log by its origin.
pub fn review(body: &[u8], find: impl FnOnce(&str) -> Option<KnownLog>) -> Review {
    match request(body, find) {
        Ok(review) => review,
        Err(refusal) => Review::Refuse(refusal),
    }
}

fn request(body: &[u8], find: impl FnOnce(&str) -> Option<KnownLog>) -> Result<Review, Refusal> {
    let request = AddCheckpoint::parse(body)?;
    let checkpoint = request.checkpoint.checkpoint();
    let known = find(checkpoint.origin()).ok_or(Refusal::UnknownLog)?;
    let note = request.checkpoint.note();
    note.verify(&known.keys).map_err(|_| Refusal::Untrusted)?;
    let empty = TreeHead {
        size: 0,
        root: empty_root(),
    };
    let last = known.last.unwrap_or(empty);
    if request.old != last.size {
        return Ok(Review::Conflict { size: last.size });
    }
    let newer = checkpoint.head();
    let hollow = newer.size == 0 && newer.root != empty.root;
    let follows = consistency::verify(last, newer, &request.proof).is_ok();
    if hollow || !follows {
        return Err(Refusal::Inconsistent);
    }
    let text = note.text().to_owned();
    let checkpoint = checkpoint.clone();
    Ok(Review::Cosign { checkpoint, text })
}

impl From<CheckpointError> for Refusal {
    fn from(error: CheckpointError) -> Self {
        Self::Malformed(RequestError::Checkpoint(error))
    }
}
