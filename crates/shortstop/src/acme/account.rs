//! The key of our account at an authority, in a file of its own among the keys. It is made when it is first needed; at
//! another authority there is another.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use domain::signature::sha256;
use web::acme::AccountKey;

use crate::folder::{make_private, open_beyond_owner, write_private};

/// The key of an account.
#[derive(Clone, Debug)]
pub struct AccountFile(PathBuf);

impl AccountFile {
    /// Its place among the keys of a data folder, by the authority's directory.
    pub fn at(keys: &Path, directory: &str) -> Self {
        let hash = sha256(directory.as_bytes());
        let mut name = String::new();
        for octet in hash.iter().take(8) {
            let _ = write!(name, "{octet:02x}");
        }
        Self(keys.join(format!("acme-{name}.key")))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The key; made now when there is none.
    pub fn key(&self) -> anyhow::Result<AccountKey> {
        let path = self.0.display();
        match std::fs::read(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.make(),
            read => {
                let octets = zeroize::Zeroizing::new(
                    read.with_context(|| format!("{path} cannot be read"))?,
                );
                if let Some(mode) = open_beyond_owner(&self.0) {
                    anyhow::bail!(
                        "{path} can be read by other users (mode {mode:o}); run `chmod 600` on it"
                    );
                }
                AccountKey::from_pkcs8(&octets).with_context(|| format!("{path} cannot be used"))
            }
        }
    }

    fn make(&self) -> anyhow::Result<AccountKey> {
        if let Some(folder) = self.0.parent() {
            make_private(folder)?;
        }
        let key = AccountKey::generate()?;
        write_private(&self.0, key.reveal())?;
        tracing::warn!(path = %self.0.display(), "the key of an account at an authority was made");
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_keeps_its_key_and_another_authority_has_another() {
        let place = tempfile::tempdir().unwrap();
        let ours = AccountFile::at(place.path(), "https://ca.example/directory");
        let key = ours.key().unwrap();
        assert_eq!(ours.key().unwrap().reveal(), key.reveal());
        let other = AccountFile::at(place.path(), "https://other.example/directory");
        assert_ne!(other.key().unwrap().reveal(), key.reveal());
    }
}
