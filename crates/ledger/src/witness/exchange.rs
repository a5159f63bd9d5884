//! The log's side of asking one witness: start from the remembered size, follow one 409, stop the
//! log when the witness knows a larger tree than we do, and take no cosignature unverified.

use super::{AddCheckpoint, parse_size};
use crate::checkpoint::SignedCheckpoint;
use crate::leaf::Hash;
use crate::note::Note;
use crate::note::key::VerifierKey;
use crate::note::signature::Signature;
use crate::note::signature_lines;
use crate::policy::Cosigned;

/// One attempt to get one checkpoint cosigned by one witness.
#[derive(Clone, Debug)]
pub struct Exchange {
    checkpoint: SignedCheckpoint,
    keys: Vec<VerifierKey>,
    old: u64,
    turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// By the size that we remember.
    First,
    /// By the size that the witness named.
    Corrected,
}

/// What to do after an answer.
#[derive(Clone, Debug)]
pub enum Next {
    /// Done: add these lines to the checkpoint, and remember its size for this witness.
    Cosigned {
        /// The lines, verified.
        lines: Vec<Signature>,
        /// Whose they are and when they were made.
        by: Vec<Cosigned>,
    },
    /// Send another request: the witness knows another size than we thought.
    Again(Exchange),
    /// Stop the log: see [`Ahead`].
    Ahead(Ahead),
    /// This witness does not cosign this checkpoint.
    Failed(WitnessFault),
}

/// The witness has cosigned a larger tree than ours. Then our log was rolled back, or our key signs
/// elsewhere; either way nothing more may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the witness has cosigned size {witness}, but this log has only {ours}")]
pub struct Ahead {
    /// The size that the witness knows.
    pub witness: u64,
    /// The size that we have.
    pub ours: u64,
}

/// Why a witness did not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessFault {
    /// It found our checkpoint inconsistent with what it cosigned before (422). It may keep it as
    /// evidence of a fork.
    #[error("the witness says that the checkpoint is inconsistent with its last one")]
    Inconsistent,
    /// It does not know this log (404).
    #[error("the witness does not know this log")]
    UnknownLog,
    /// It does not trust the key that signed (403).
    #[error("the witness does not trust the log's key")]
    UntrustedKey,
    /// It named a size again after we had followed it.
    #[error("the witness changed its size while it was asked")]
    Moved,
    /// Any other status.
    #[error("the witness answered with status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The body of its answer is not what its status asks for.
    #[error("the body of the witness's answer is malformed")]
    Body,
    /// A line by its key does not verify. Published, it would void the whole checkpoint.
    #[error("the cosignature does not verify")]
    BadCosignature,
    /// No line is by a key of it that we know.
    #[error("no cosignature is by a known key of the witness")]
    NoCosignature,
}

impl Exchange {
    /// Begins with the size that this witness last cosigned as far as we remember, or 0. `keys` are
    /// those of the witness.
    pub fn begin(
        checkpoint: SignedCheckpoint,
        keys: Vec<VerifierKey>,
        remembered: u64,
    ) -> Result<Self, Ahead> {
        let ours = checkpoint.checkpoint().size();
        if remembered > ours {
            return Err(Ahead {
                witness: remembered,
                ours,
            });
        }
        let turn = Turn::First;
        Ok(Self {
            checkpoint,
            keys,
            old: remembered,
            turn,
        })
    }

    /// The size from which the request's consistency proof must start.
    pub const fn old(&self) -> u64 {
        self.old
    }

    /// The body of the request. `proof` leads from [`Exchange::old`] to the checkpoint's size; it is
    /// empty when these are equal or the old one is 0.
    pub fn request(&self, proof: Vec<Hash>) -> AddCheckpoint {
        let checkpoint = self.checkpoint.clone();
        AddCheckpoint {
            old: self.old,
            proof,
            checkpoint,
        }
    }

    /// Takes the answer.
    pub fn answer(self, status: u16, body: &[u8]) -> Next {
        let fault = match status {
            200 => return self.cosigned(body).unwrap_or_else(Next::Failed),
            409 => return self.conflict(body),
            403 => WitnessFault::UntrustedKey,
            404 => WitnessFault::UnknownLog,
            422 => WitnessFault::Inconsistent,
            status => WitnessFault::Status { status },
        };
        Next::Failed(fault)
    }

    fn conflict(self, body: &[u8]) -> Next {
        let ours = self.checkpoint.checkpoint().size();
        let Some(witness) = parse_size(body) else {
            return Next::Failed(WitnessFault::Body);
        };
        if witness > ours {
            return Next::Ahead(Ahead { witness, ours });
        }
        if self.turn == Turn::Corrected || witness == self.old {
            return Next::Failed(WitnessFault::Moved);
        }
        let turn = Turn::Corrected;
        Next::Again(Self {
            old: witness,
            turn,
            ..self
        })
    }

    fn cosigned(self, body: &[u8]) -> Result<Next, WitnessFault> {
        let text = core::str::from_utf8(body).map_err(|_| WitnessFault::Body)?;
        let lines = signature_lines(text).map_err(|_| WitnessFault::Body)?;
        let (mut kept, mut by) = (Vec::new(), Vec::new());
        for line in lines {
            if !self.keys.iter().any(|key| key.is_named_by(&line)) {
                continue;
            }
            let cosigned = self.check(&line).ok_or(WitnessFault::BadCosignature)?;
            kept.push(line);
            by.push(cosigned);
        }
        if kept.is_empty() {
            return Err(WitnessFault::NoCosignature);
        }
        Ok(Next::Cosigned { lines: kept, by })
    }

    fn check(&self, line: &Signature) -> Option<Cosigned> {
        let mut note = Note::unsigned(self.checkpoint.note().text().to_owned()).ok()?;
        note.sign(line.clone());
        let verified = note.verify(&self.keys).ok()?;
        let one = verified.first()?;
        Some(Cosigned {
            key: one.key.clone(),
            at: one.timestamp?,
        })
    }
}
