//! The witness port: an outsider that cosigns each checkpoint it is shown, after checking that it
//! only appends to the one before (C2SP tlog-witness).

use std::future::Future;
use std::pin::Pin;

use thiserror::Error;

/// An answer of a witness on its way.
pub type Cosigning<'a> = Pin<Box<dyn Future<Output = Result<String, WitnessError>> + Send + 'a>>;

/// Why a witness did not cosign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WitnessError {
    /// It has seen another size than we thought (HTTP 409); ask again from there.
    #[error("it has seen {size} entries")]
    Elsewhere {
        /// What it has seen.
        size: u64,
    },
    /// It refuses: the proof or the signature does not hold for it.
    #[error("it refuses: {0}")]
    Refused(String),
    /// It cannot be reached, or answers nonsense.
    #[error("it does not answer: {0}")]
    Unreachable(String),
}

/// One witness.
///
/// `add_checkpoint` hands over the body of an `add-checkpoint` request and gives back the lines of
/// the answer, not yet verified. It has a time limit of its own and tries once.
pub trait Witness: Send + Sync {
    /// Its name, as in its key.
    fn name(&self) -> &str;
    /// Shows it a checkpoint.
    fn add_checkpoint(&self, body: String) -> Cosigning<'_>;
}
