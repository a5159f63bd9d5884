//! The secret of a factor: what is sealed beside it, and gone once it is removed.

use zeroize::Zeroizing;

use super::FactorKind;
use crate::verification::recovery::{RecoverySet, StoredSet};
use crate::verification::totp::TotpKey;

/// Octets of the salt of a set, and of the keyed hash of one code.
const SALT_OCTETS: usize = 16;
const TAG_OCTETS: usize = 32;

/// The key of an app, or the keyed hashes of the codes that are left. `Debug` masks both.
#[derive(Clone, Debug)]
pub enum FactorSecret {
    /// The key that the app and the gateway share.
    Totp(TotpKey),
    /// The codes that are not used up.
    Recovery(RecoverySet),
}

impl FactorSecret {
    /// The octets to seal.
    pub fn reveal(&self) -> Zeroizing<Vec<u8>> {
        match self {
            Self::Totp(key) => Zeroizing::new(key.reveal().to_vec()),
            Self::Recovery(set) => {
                let stored = set.to_stored();
                let tags = stored.unused.iter().flatten();
                Zeroizing::new(stored.salt.iter().chain(tags).copied().collect())
            }
        }
    }

    /// Takes them back; `None` when they are no secret of that kind.
    pub fn from_octets(kind: FactorKind, octets: &[u8]) -> Option<Self> {
        match kind {
            FactorKind::Totp => TotpKey::from_bytes(octets).ok().map(Self::Totp),
            FactorKind::Recovery => {
                let (salt, tags) = octets.split_first_chunk::<SALT_OCTETS>()?;
                let (tags, rest) = tags.as_chunks::<TAG_OCTETS>();
                let stored = StoredSet {
                    salt: *salt,
                    unused: tags.to_vec(),
                };
                let set = RecoverySet::from_stored(&stored);
                rest.is_empty().then_some(Self::Recovery(set))
            }
        }
    }
}
