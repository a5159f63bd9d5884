//! What can be said of sealed values without showing them: whether they open to their commitment, and
//! which blind index a number has.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::aead::NONCE_LEN;
use domain::id::ClientId;
use domain::msisdn::Msisdn;
use domain::verification::factor::FactorState;
use domain::verification::user::UserReference;
use ledger::completeness::Opening;
use zeroize::Zeroizing;

use crate::gateway::Gateway;
use crate::keys::{Blind, BlindKeys, MasterKey};
use crate::ports::Entropy;
use crate::ports::keyring::Salts;
use crate::ports::shelf::Promise;
use crate::rows::{FactorRow, KekRow, NO_SUBJECT, Purpose, SecretRow, VaultRow};
use crate::vault::wrapping::Stored;
use crate::vault::{self, OpenError, Vault};

/// Opens sealed values and tells nothing of them.
#[derive(Debug)]
pub struct Judge {
    vault: Arc<Vault>,
    blind: OnceLock<Arc<BlindKeys>>,
    salts: Salts,
}

impl Judge {
    /// One with this master key and these salts.
    pub fn new(master: &MasterKey, salts: Salts) -> Self {
        Self {
            vault: Arc::new(Vault::new(master)),
            blind: OnceLock::new(),
            salts,
        }
    }

    /// Takes the secrets and key-encryption keys of a store.
    pub fn load(&self, secrets: Vec<SecretRow>, keks: Vec<KekRow>) -> Result<(), OpenError> {
        let stored = Stored { secrets, keks };
        self.vault.unlock(&self.salts, &stored).map(drop)
    }

    fn blind(&self) -> &BlindKeys {
        self.blind.get_or_init(|| Arc::new(self.vault.blind_keys()))
    }

    /// Whether a sealed row holds what the ledger committed to.
    pub(super) fn keeps(&self, promise: &Promise, row: &VaultRow) -> bool {
        let Ok((value, key)) = self.vault.open_with_key(row) else {
            return false;
        };
        let field = promise.purpose.as_str();
        promise.commitment.opens(&key, field, &value)
    }

    /// What the vault has in a row.
    pub(crate) fn opening(&self, row: &VaultRow) -> Opening {
        if let Some(by) = row.erased_by() {
            return Opening::Erased { by };
        }
        match self.vault.open_with_key(row) {
            Ok((value, key)) => Opening::Opens {
                key,
                value: value.to_vec(),
            },
            Err(_) => Opening::Shut,
        }
    }

    /// The blind index under which a message to, or from, a sealed number is found: none once it was
    /// erased, and what is kept when nothing can be said.
    pub(super) fn subject(&self, number: Option<&VaultRow>, kept: Blind) -> Blind {
        match number {
            Some(row) if row.erased_by().is_some() => NO_SUBJECT,
            Some(row) => self
                .number(row)
                .map_or(kept, |number| self.blind().subject(number)),
            None => kept,
        }
    }

    /// The blind index under which an opt-out of a sealed number stands. It outlives the number.
    pub(super) fn suppression(&self, number: Option<&VaultRow>, kept: Blind) -> Blind {
        let number = number.and_then(|row| self.number(row));
        number.map_or(kept, |number| self.blind().suppression(number))
    }

    /// The blind index under which a client's factor of a sealed user is found: none once it was erased,
    /// and what is kept when nothing can be said.
    pub(super) fn user(&self, client: ClientId, user: Option<&VaultRow>, kept: Blind) -> Blind {
        match user {
            Some(row) if row.erased_by().is_some() => NO_SUBJECT,
            Some(row) => self
                .reference(row)
                .map_or(kept, |user| self.blind().user(client, &user)),
            None => kept,
        }
    }

    /// The secret that a factor must have by what the ledger tells: the one that is kept when it opens, none
    /// once it is removed, and else one that nothing opens.
    pub(super) fn secret(&self, told: &FactorRow, kept: &FactorRow) -> Option<VaultRow> {
        if told.factor.state() == FactorState::Removed {
            return None;
        }
        let opens = |row: &&VaultRow| self.vault.open(row).is_ok();
        let owner = told.id.sequence();
        let found = kept.secret.as_ref().filter(opens).cloned();
        found.or_else(|| Some(VaultRow::tombstone(owner, Purpose::Text, 0)))
    }

    fn reference(&self, row: &VaultRow) -> Option<UserReference> {
        let octets = self.vault.open(row).ok()?;
        UserReference::parse(core::str::from_utf8(&octets).ok()?).ok()
    }

    /// Seals a part of the snapshot before a minimum, for its place.
    pub(super) fn seal_part(
        &self,
        (minimum, part): (u64, u32),
        lines: &[u8],
        entropy: &dyn Entropy,
    ) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let key = vault::aead_key(self.blind().snapshot())?;
        vault::seal(&key, nonce, &place(minimum, part), lines)
    }

    /// Opens it.
    pub(super) fn open_part(
        &self,
        (minimum, part): (u64, u32),
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let key = vault::aead_key(self.blind().snapshot())?;
        vault::open(&key, &place(minimum, part), sealed).ok()
    }

    fn number(&self, row: &VaultRow) -> Option<Msisdn> {
        if row.purpose != Purpose::Number {
            return None;
        }
        let octets = self.vault.open(row).ok()?;
        let text = core::str::from_utf8(&octets).ok()?;
        Msisdn::from_digits(text.strip_prefix('+')?.parse().ok()?).ok()
    }
}

fn place(minimum: u64, part: u32) -> [u8; 12] {
    let mut octets = [0; 12];
    let (left, right) = octets.split_at_mut(8);
    left.copy_from_slice(&minimum.to_be_bytes());
    right.copy_from_slice(&part.to_be_bytes());
    octets
}

impl Gateway {
    /// A judge with the keys of this gateway.
    pub fn judge(&self) -> Judge {
        Judge {
            vault: Arc::clone(&self.vault),
            blind: OnceLock::from(Arc::clone(self.blind())),
            salts: Salts::default(),
        }
    }
}
