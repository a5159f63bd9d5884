//! A bind's password, which shows itself to nobody.

use std::fmt;

use zeroize::Zeroizing;

/// A secret of at most 8 characters (SMPP 3.4 §5.2.2); its length is checked with the configuration.
///
/// ```
/// let password = smpp::link::Password::new("secret12".to_owned());
/// assert_eq!(format!("{password:?} {password}"), "… …");
/// assert_eq!(password.reveal(), "secret12");
/// ```
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the secret over.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret in clear: the one way to it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
