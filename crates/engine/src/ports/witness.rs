//! The witness port: an outsider that cosigns each checkpoint it is shown, after checking that it
//! only appends to the one before (C2SP tlog-witness). What an answer means is decided in `ledger`.

use std::future::Future;
use std::pin::Pin;

use thiserror::Error;

/// An answer of a witness on its way.
pub type Cosigning<'a> =
    Pin<Box<dyn Future<Output = Result<WitnessAnswer, Unreachable>> + Send + 'a>>;

/// What a witness answered, not yet judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, at most 64 KiB.
    pub body: Vec<u8>,
}

/// A witness gave no answer: it cannot be reached, is too slow, or sends too much.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no answer: {0}")]
pub struct Unreachable(pub String);

/// One witness.
///
/// `add_checkpoint` posts the body of an `add-checkpoint` request and gives back the answer, whatever
/// its status. It has a time limit of its own, follows no redirect and tries once.
pub trait Witness: Send + Sync {
    /// Shows it a checkpoint.
    fn add_checkpoint(&self, body: String) -> Cosigning<'_>;
}
