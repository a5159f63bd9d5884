//! The outermost seal: the wrapping key, made from the master key and a salt, and what lies under it.
//! Replacing the salt makes every older copy of what it wrapped worthless.

use std::sync::Arc;

use aws_lc_rs::aead::{LessSafeKey, NONCE_LEN};
use zeroize::Zeroizing;

use super::{KEY_LEN, OpenError, Vault, aead_key, open, place, seal};
use crate::keys::{BlindKeys, BlindRoot, MasterKey};
use crate::ports::Entropy;
use crate::ports::keyring::{Salt, Salts};
use crate::rows::{KekRow, Purpose, SecretRow};

/// The secret that holds the blind root of a store whose master key was replaced.
const BLIND: &str = "blind";

/// A wrapping key, and what it is made from.
pub(crate) struct Wrapping {
    key: LessSafeKey,
    master: MasterKey,
    salt: Option<Salt>,
    root: Root,
}

/// Where the blind root of a store is. Every key-encryption key is wrapped with this, so that a kept root
/// that was deleted is missed: without it no opt-out would be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    /// Derived from the master key.
    Derived,
    /// Kept among the secrets, since the master key was replaced.
    Kept,
}

/// The salt under which stored keys open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    /// The one in use, or none where there is none.
    Current,
    /// The one that a replacement was on its way to.
    Next,
    /// None, although there is one in use.
    NoSalt,
}

/// What the store holds wrapped.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    pub(crate) secrets: Vec<SecretRow>,
    pub(crate) keks: Vec<KekRow>,
}

impl Stored {
    /// Whether nothing was ever wrapped.
    pub(crate) const fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.keks.is_empty()
    }
}

/// Everything wrapped anew and not durable yet.
pub(crate) struct Turned {
    wrapping: Wrapping,
    pub(crate) stored: Stored,
}

impl Wrapping {
    /// The wrapping key of a master key and a salt; without one, of a store from before there were any.
    ///
    /// # Panics
    /// Never: AES-256 takes every key of 32 octets.
    #[expect(clippy::expect_used, reason = "AES-256 takes every key of 32 octets")]
    pub(crate) fn new(master: &MasterKey, salt: Option<&Salt>) -> Self {
        let octets = Zeroizing::new(master.wrapping(salt));
        Self {
            key: aead_key(octets.as_ref()).expect("32 octets make an AES-256 key"),
            master: master.clone(),
            salt: salt.cloned(),
            root: Root::Derived,
        }
    }

    /// The salt it is made from.
    pub(crate) const fn salt(&self) -> Option<&Salt> {
        self.salt.as_ref()
    }

    /// The master key it is made from.
    pub(crate) const fn master(&self) -> &MasterKey {
        &self.master
    }

    pub(super) fn wrap_kek(
        &self,
        purpose: Purpose,
        week: u32,
        octets: &[u8; KEY_LEN],
        entropy: &dyn Entropy,
    ) -> Option<KekRow> {
        let wrapped = self.wrap(&kek_place(purpose, week, self.root), octets, entropy)?;
        Some(KekRow {
            purpose,
            week,
            wrapped,
        })
    }

    pub(super) fn open_kek(&self, row: &KekRow) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let opened = |root| {
            let place = kek_place(row.purpose, row.week, root);
            open(&self.key, &place, &row.wrapped)
        };
        match self.root {
            // Until its next re-wrap, a store whose master key an older program replaced says nothing of it.
            Root::Kept => opened(Root::Kept).or_else(|_| opened(Root::Derived)),
            Root::Derived => opened(Root::Derived).map_err(|error| match opened(Root::Kept) {
                Ok(_) => OpenError::NoRoot,
                Err(_) => error,
            }),
        }
    }

    /// The blind root of a store with these secrets; from now on keys are wrapped as beside it.
    pub(super) fn root_in(&mut self, secrets: &[SecretRow]) -> Result<BlindRoot, OpenError> {
        let Some(row) = secrets.iter().find(|row| &*row.name == BLIND) else {
            return Ok(BlindRoot::of(&self.master));
        };
        let octets = self.open_secret(row)?;
        self.root = Root::Kept;
        BlindRoot::from_octets(&octets).ok_or(OpenError::Damaged)
    }

    fn wrap_secret(&self, name: &str, value: &[u8], entropy: &dyn Entropy) -> Option<SecretRow> {
        let wrapped = self.wrap(&secret_place(name), value, entropy)?;
        Some(SecretRow {
            name: name.into(),
            wrapped,
        })
    }

    fn open_secret(&self, row: &SecretRow) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        open(&self.key, &secret_place(&row.name), &row.wrapped)
    }

    /// Whether every secret opens.
    pub(super) fn check(&self, secrets: &[SecretRow]) -> Result<(), OpenError> {
        secrets
            .iter()
            .try_for_each(|row| self.open_secret(row).map(drop))
    }

    fn wrap(&self, context: &[u8], value: &[u8], entropy: &dyn Entropy) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        seal(&self.key, nonce, context, value)
    }

    /// Wraps anew what lies under another key. What that one does not open is a fault, never left out.
    fn take_over(
        &mut self,
        from: &Self,
        stored: &Stored,
        entropy: &dyn Entropy,
    ) -> Result<Stored, OpenError> {
        let mut taken = Stored::default();
        let is_new_master = !from.master.is_same(&self.master);
        self.root = if is_new_master { Root::Kept } else { from.root };
        for row in &stored.keks {
            let octets = from.open_kek(row)?;
            let octets = octets.as_slice().try_into();
            let octets = octets.map_err(|_| OpenError::Damaged)?;
            let row = self.wrap_kek(row.purpose, row.week, octets, entropy);
            taken.keks.push(row.ok_or(OpenError::Damaged)?);
        }
        for row in &stored.secrets {
            let row = self.wrap_secret(&row.name, &from.open_secret(row)?, entropy);
            taken.secrets.push(row.ok_or(OpenError::Damaged)?);
        }
        if is_new_master && from.root == Root::Derived {
            let root = BlindRoot::of(&from.master);
            let row = self.wrap_secret(BLIND, root.reveal(), entropy);
            taken.secrets.push(row.ok_or(OpenError::Damaged)?);
        }
        Ok(taken)
    }
}

/// What ties a wrapped key-encryption key to its purpose and week, and to a blind root that is kept.
fn kek_place(purpose: Purpose, week: u32, root: Root) -> Vec<u8> {
    let mut place = place(0, purpose, week).to_vec();
    if root == Root::Kept {
        place.push(b'r');
    }
    place
}

/// What ties a wrapped secret to its name. No place of a key-encryption key is as long.
fn secret_place(name: &str) -> Vec<u8> {
    format!("shortstop/secret/{name}").into_bytes()
}

impl Vault {
    /// The salt that everything is wrapped under now.
    pub(crate) fn salt(&self) -> Option<Salt> {
        self.held().wrapping.salt().cloned()
    }

    /// The master key that everything is wrapped under now.
    pub(crate) fn master(&self) -> MasterKey {
        self.held().wrapping.master().clone()
    }

    /// The purposes and weeks of the key-encryption keys, in order.
    pub(crate) fn kek_places(&self) -> Vec<(Purpose, u32)> {
        let mut places: Vec<_> = self.held().keks.keys().copied().collect();
        places.sort_unstable();
        places
    }

    /// The keyed hashes of the store.
    pub(crate) fn blind_keys(&self) -> BlindKeys {
        BlindKeys::new(&self.held().root)
    }

    /// Takes in what is stored, under whichever salt it opens with.
    pub(crate) fn unlock(&self, salts: &Salts, stored: &Stored) -> Result<Under, OpenError> {
        let mut ways = vec![(salts.current.as_ref(), Under::Current)];
        ways.extend(salts.next.as_ref().map(|next| (Some(next), Under::Next)));
        if salts.current.is_some() {
            // A store from before there were salts, brought back beside a later one.
            ways.push((None, Under::NoSalt));
        }
        for (salt, under) in ways {
            match self.load(salt, stored) {
                Ok(()) => return Ok(under),
                Err(OpenError::NoRoot) => return Err(OpenError::NoRoot),
                Err(OpenError::NoKey | OpenError::Damaged) => {}
            }
        }
        Err(OpenError::Damaged)
    }

    /// Wraps everything anew. Nothing is in force before [`Vault::turn`].
    pub(crate) fn rewrap(
        &self,
        mut to: Wrapping,
        entropy: &dyn Entropy,
    ) -> Result<Turned, OpenError> {
        let held = self.held();
        let keks = held.keks.iter().map(|((purpose, week), kek)| KekRow {
            purpose: *purpose,
            week: *week,
            wrapped: kek.wrapped.clone(),
        });
        let mut stored = Stored {
            secrets: held.secrets.clone(),
            keks: keks.collect(),
        };
        stored
            .keks
            .sort_unstable_by_key(|row| (row.week, row.purpose));
        let stored = to.take_over(&held.wrapping, &stored, entropy)?;
        Ok(Turned {
            wrapping: to,
            stored,
        })
    }

    /// Goes on under the new wrapping key, now that what it wraps is durable.
    pub(crate) fn turn(&self, turned: Turned) {
        let mut held = self.held_mut();
        for row in turned.stored.keks {
            if let Some(kek) = held.keks.get_mut(&(row.purpose, row.week)) {
                kek.wrapped = row.wrapped;
            }
        }
        held.secrets = turned.stored.secrets;
        held.wrapping = Arc::new(turned.wrapping);
    }
}
