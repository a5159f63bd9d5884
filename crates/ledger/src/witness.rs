//! Asking a witness to cosign (C2SP tlog-witness, `add-checkpoint`): the request's body and the
//! rules of both sides. Nothing here sends or waits; [`exchange`] is the log's side as a state
//! machine, [`review`] the witness's as a pure function.

pub mod exchange;
pub mod review;

use core::fmt;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::leaf::Hash;
use crate::note::MAX_NOTE_BYTES;
use crate::spelling;

/// The content type of a 409's body.
pub const SIZE_TYPE: &str = "text/x.tlog.size";
/// A request has at most this many hashes.
pub const MAX_HASHES: usize = 63;

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness is thought to know; 0 for none.
    pub old: u64,
    /// That the checkpoint only added to it; empty when `old` is 0 or the checkpoint's size.
    pub proof: Vec<Hash>,
    /// What is to be cosigned.
    pub checkpoint: SignedCheckpoint,
}

/// Why octets are no request: what a witness answers with 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Longer than any request.
    #[error("the request is too long")]
    TooLong,
    /// Not UTF-8.
    #[error("the request is not UTF-8")]
    Utf8,
    /// The first line is not `old` and a number.
    #[error("the request does not begin with the old size")]
    Old,
    /// A line of the proof is no hash, or there are more than 63.
    #[error("line {line} of the proof is no hash")]
    Hash {
        /// Which, counted from 1.
        line: usize,
    },
    /// What follows the empty line is no signed checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The old size is larger than the checkpoint's.
    #[error("the old size is larger than the new one")]
    Order,
}

impl AddCheckpoint {
    /// Reads the body of a request.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        if bytes.len() > 2 * MAX_NOTE_BYTES {
            return Err(RequestError::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| RequestError::Utf8)?;
        let (line, mut rest) = text.split_once('\n').ok_or(RequestError::Old)?;
        let old = line.strip_prefix("old ").and_then(spelling::decimal);
        let old = old.ok_or(RequestError::Old)?;
        let mut proof = Vec::new();
        for line in 1.. {
            let no_hash = RequestError::Hash { line };
            let (text, behind) = rest.split_once('\n').ok_or(no_hash)?;
            rest = behind;
            if text.is_empty() {
                break;
            }
            let hash = spelling::unhash64(text).filter(|_| line <= MAX_HASHES);
            proof.push(hash.ok_or(no_hash)?);
        }
        let checkpoint = SignedCheckpoint::parse(rest.as_bytes())?;
        if old > checkpoint.checkpoint().size() {
            return Err(RequestError::Order);
        }
        Ok(Self {
            old,
            proof,
            checkpoint,
        })
    }
}

impl fmt::Display for AddCheckpoint {
    /// The body of the request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", spelling::hash64(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// The size in the body of a 409: a decimal and a line feed.
pub fn parse_size(body: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(body).ok()?;
    spelling::decimal(text.strip_suffix('\n')?)
}

/// The path of a witness's latest checkpoint for a log, below its monitoring prefix: the hash of the
/// origin in hex.
pub fn monitoring_path(origin: &str) -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, origin.as_bytes());
    let hash = <[u8; 32]>::try_from(hash.as_ref()).unwrap_or_default();
    format!("{}/checkpoint", Hash::from_bytes(hash))
}

#[cfg(test)]
mod tests;
