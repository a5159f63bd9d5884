//! The port of the log's second key (ML-DSA-44, FIPS 204): a signature that stays good should Ed25519
//! fall. Its signing draws random octets, and so it lies outside.

use ledger::VerifierKey;
use ledger::note::signer::SignError;

/// A key that signs checkpoints besides the log's first one.
///
/// Whether a checkpoint may be signed at all is decided before it is asked.
pub trait SecondKey: Send + Sync {
    /// Its public half: of type 0x06, under the log's name.
    fn verifier_key(&self) -> &VerifierKey;
    /// Signs a message without a context; 2,420 octets.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}
