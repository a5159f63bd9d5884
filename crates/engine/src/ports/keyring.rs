//! Where the salt of the wrapping key lies: outside the store and outside every backup of it, so that
//! it can be destroyed. What was wrapped under a destroyed salt opens no more, wherever a copy is.

use core::fmt;

use domain::time::Timestamp;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Random octets that the wrapping key is derived from, together with the master key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Salt {
    octets: [u8; 32],
    #[zeroize(skip)]
    made: Timestamp,
}

impl Salt {
    /// From its octets and the moment when they were drawn.
    pub const fn new(octets: [u8; 32], made: Timestamp) -> Self {
        Self { octets, made }
    }

    /// The 32 octets, for storing and for deriving.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.octets
    }

    /// When it was drawn.
    pub const fn made(&self) -> Timestamp {
        self.made
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Salt(masked, made {})", self.made)
    }
}

/// What a keyring holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salts {
    /// The one in use; `None` before the first.
    pub current: Option<Salt>,
    /// The one that a replacement is on its way to. Whether it got there, only what is wrapped can tell.
    pub next: Option<Salt>,
}

/// Why a keyring cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyringError {
    /// A file of it cannot be read or written.
    #[error("the salt of the wrapping key cannot be used: {0}")]
    Failed(String),
    /// Others can read it.
    #[error(
        "the salt of the wrapping key {0} can be read by other users (mode {1:o}); run `chmod 600` on \
         it, then `shortstop keys rotate`"
    )]
    Open(String, u32),
}

/// Keeps the salt in use, and for a moment the one after it.
///
/// Each call is durable before it returns, and a crash within one leaves what was there before it or
/// after it: never neither of the two salts. Octets that are dropped are overwritten first. Nobody else
/// changes a keyring while it is used.
pub trait Keyring: Send + Sync {
    /// What is there.
    fn read(&self) -> Result<Salts, KeyringError>;
    /// Keeps a salt as the next one, in place of one that was proposed before.
    fn propose(&self, salt: &Salt) -> Result<(), KeyringError>;
    /// Makes the next salt the current one, if it is this one, and destroys the octets of the one before.
    /// Does nothing when it is another one or none.
    fn adopt(&self, salt: &Salt) -> Result<(), KeyringError>;
    /// Destroys the next salt, if there is one.
    fn discard(&self) -> Result<(), KeyringError>;
}
