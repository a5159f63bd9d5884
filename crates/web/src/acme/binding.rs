//! What ties an account to a customer of the authority (RFC 8555 section 7.3.4).

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// The name and the secret that the authority gave to its customer. `Debug` masks the secret.
pub struct ExternalAccount {
    pub(super) id: String,
    pub(super) secret: Zeroizing<Vec<u8>>,
}

/// The secret is no base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no secret of an authority: it is written in base64url, without spaces")]
pub struct NoSecret;

impl ExternalAccount {
    /// From what the authority shows: a name, and a secret in base64url.
    pub fn new(id: &str, secret: &str) -> Result<Self, NoSecret> {
        let either =
            GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let engine = GeneralPurpose::new(&base64::alphabet::URL_SAFE, either);
        let secret = engine.decode(secret).map_err(|_| NoSecret)?;
        if secret.is_empty() {
            return Err(NoSecret);
        }
        Ok(Self {
            id: id.to_owned(),
            secret: Zeroizing::new(secret),
        })
    }
}

impl std::fmt::Debug for ExternalAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExternalAccount({}, masked)", self.id)
    }
}
