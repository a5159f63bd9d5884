//! Opens the stored keys at a start, and ends what a crash cut off: a replacement of the salt is over
//! when what is wrapped under it is durable, whatever the keyring got to.

use zeroize::Zeroizing;

use crate::gateway::Gateway;
use crate::keys::MasterKey;
use crate::ports::keyring::Salt;
use crate::recover::StartError;
use crate::rows::{KekRow, SecretRow};
use crate::vault::wrapping::{Stored, Under};
use crate::vault::{OpenError, Vault};

impl Vault {
    /// The vault of a store that is only read, by what it holds wrapped.
    pub fn of_store(
        master: &MasterKey,
        salt: Option<&Salt>,
        secrets: Vec<SecretRow>,
        keks: Vec<KekRow>,
    ) -> Result<Self, OpenError> {
        let vault = Self::new(master);
        vault.load(salt, &Stored { secrets, keks })?;
        Ok(vault)
    }
}

impl Gateway {
    /// Takes the stored keys into the vault. Blocks.
    pub(crate) fn unlock(&self, stored: &Stored) -> Result<(), StartError> {
        let mut salts = self.keyring.read()?;
        if stored.is_empty() && salts.current.is_none() {
            let first = self.draw_salt();
            self.keyring.propose(&first)?;
            self.keyring.adopt(&first)?;
            salts = self.keyring.read()?;
        }
        match (self.vault.unlock(&salts, stored), salts.next) {
            (Ok(Under::Next), Some(next)) => {
                tracing::warn!("the last re-wrap of the keys was cut off; it is done now");
                self.keyring.adopt(&next)?;
            }
            (Ok(_), Some(_)) => self.keyring.discard()?,
            (Ok(_), None) => {}
            (Err(OpenError::NoRoot), _) => return Err(StartError::NoBlindRoot),
            (Err(_), _) if salts.current.is_none() => return Err(StartError::NoSalt),
            (Err(_), _) => return Err(StartError::WrongMaster),
        }
        // It is the same for all the life of a store: a second opening changes nothing.
        self.blind();
        Ok(())
    }

    /// A salt that nobody has seen yet.
    pub(crate) fn draw_salt(&self) -> Salt {
        let mut octets = Zeroizing::new([0; 32]);
        self.entropy.fill(octets.as_mut());
        Salt::new(*octets, self.now())
    }
}
