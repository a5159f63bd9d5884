//! Passwords of carriers: from a file or the environment, never from the configuration file, and
//! never shown.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

/// SMPP 3.4 §4.1.1: 9 octets with the NUL at the end.
const PASSWORD_MAX: usize = 8;

/// A carrier's password. `Debug` masks it; [`Password::reveal`] is the one way to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    /// SMPP has room for 8 characters.
    #[error("the password has {0} characters, SMPP takes 1 to {PASSWORD_MAX}")]
    Length(usize),
    /// SMPP takes ASCII.
    #[error("the password holds a character that is not printable ASCII")]
    Characters,
}

impl Password {
    /// Takes a text as it is.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Reads it from a file; a line end at its end is left out.
    pub fn read(path: &Path) -> Result<Self, PasswordError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| PasswordError::Unreadable(path.display().to_string(), error))?;
        let text = Zeroizing::new(text);
        Ok(Self::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// What SMPP can carry, or why not.
    pub fn check(self) -> Result<Self, PasswordError> {
        match self.0.len() {
            1..=PASSWORD_MAX if self.0.bytes().all(|octet| octet.is_ascii_graphic()) => Ok(self),
            1..=PASSWORD_MAX => Err(PasswordError::Characters),
            length => Err(PasswordError::Length(length)),
        }
    }

    /// The password itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(masked)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let password = Password::new("secret12".to_owned());
        assert_eq!(format!("{password:?}"), "Password(masked)");
    }

    #[test]
    fn smpp_takes_one_to_eight_printable_characters() {
        let check = |text: &str| Password::new(text.to_owned()).check().is_ok();
        assert!(check("secret12"));
        assert!(!check("secret123"));
        assert!(!check(""));
        assert!(!check("pass wd"));
    }
}
