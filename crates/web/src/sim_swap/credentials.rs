//! What the gateway shows to a SIM Swap service, and the octets of it that nobody else may see.

use std::fmt;

use zeroize::Zeroizing;

/// A token or the secret of a client: 1 to 8,192 printable ASCII characters. `Debug` masks it.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// The longest secret, in characters.
const SECRET_MAX: usize = 8_192;

/// The text is no secret that a header can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {SECRET_MAX} printable ASCII characters without a space")]
pub struct SecretError;

impl Secret {
    /// Takes a text.
    pub fn new(text: String) -> Result<Self, SecretError> {
        let text = Zeroizing::new(text);
        let fits = (1..=SECRET_MAX).contains(&text.len());
        if fits && text.bytes().all(|octet| octet.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(SecretError)
        }
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(masked)")
    }
}

/// How the gateway shows who it is.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// By a token that it was given.
    Bearer(Secret),
    /// By tokens that it gets for itself (RFC 6749 section 4.4, client credentials).
    Client {
        /// Where tokens are given.
        token_url: String,
        /// The client's name there.
        id: String,
        /// Its secret.
        secret: Secret,
        /// What the token is for.
        scope: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_masks_itself_and_fits_into_a_header() {
        let secret = Secret::new("word".to_owned()).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(masked)");
        for text in ["", "a b", "a\n", "ü"] {
            assert_eq!(Secret::new(text.to_owned()).unwrap_err(), SecretError);
        }
        assert!(Secret::new("a".repeat(SECRET_MAX + 1)).is_err());
    }
}
