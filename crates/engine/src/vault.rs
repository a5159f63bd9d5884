//! Sealing of personal data before it may reach a disk. Each row has a data key and a commitment key
//! of its own, wrapped by the key-encryption key of its purpose and week, which is wrapped by the
//! wrapping key. The ledger holds only the commitment; destroying the row leaves it hiding nothing that
//! can be found.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use domain::time::Timestamp;
use ledger::{Commitment, CommitmentKey};
use zeroize::Zeroizing;

use crate::keys::{BlindRoot, MasterKey};
use crate::ports::Entropy;
use crate::ports::keyring::Salt;
use crate::rows::{KekRow, Purpose, SecretRow, VaultRow};

mod beside;
pub(crate) mod wrapping;

use wrapping::{Stored, Wrapping};

const KEY_LEN: usize = 32;
/// Octets of chance that one sealed row takes: data key, commitment key, nonce of the wrapping.
const ROW_CHANCE: usize = 2 * KEY_LEN + NONCE_LEN;
const WEEK_SECONDS: u64 = 7 * 24 * 3_600;

/// Why a sealed row does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The key-encryption key of its purpose and week is gone or never was here.
    #[error("no key for its purpose and week")]
    NoKey,
    /// The row was changed, or belongs elsewhere.
    #[error("the sealed row is damaged or out of place")]
    Damaged,
    /// The keys were wrapped beside a blind root, and there is none.
    #[error("the blind root of the store is gone")]
    NoRoot,
}

/// A row on its way to the disk, and what the ledger says of it.
#[derive(Debug)]
pub struct Sealed {
    /// The sealed row.
    pub row: VaultRow,
    /// The commitment for the entry.
    pub commitment: Commitment,
}

/// A key-encryption key that is not durable yet.
pub struct FreshKek {
    /// Its row, to be committed.
    pub row: KekRow,
    key: Arc<LessSafeKey>,
}

/// Seals and opens personal data.
pub struct Vault {
    held: RwLock<Held>,
}

/// The keys in memory.
struct Held {
    wrapping: Arc<Wrapping>,
    keks: HashMap<(Purpose, u32), Kek>,
    /// Wrapped, as they are stored.
    secrets: Vec<SecretRow>,
    /// What the keyed hashes are made from. It is the same for all the life of a store.
    root: BlindRoot,
}

/// A key-encryption key, ready for use and as it is stored.
struct Kek {
    key: Arc<LessSafeKey>,
    wrapped: Vec<u8>,
}

/// The week whose keys are used at a moment.
fn week(now: Timestamp) -> u32 {
    u32::try_from(now.seconds() / WEEK_SECONDS).unwrap_or(u32::MAX)
}

pub(crate) fn aead_key(octets: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, octets)
        .ok()
        .map(LessSafeKey::new)
}

/// What ties a sealed row to its place.
fn place(owner: u64, purpose: Purpose, week: u32) -> [u8; 13] {
    let mut octets = [0; 13];
    let (left, right) = octets.split_at_mut(8);
    left.copy_from_slice(&owner.to_be_bytes());
    if let Some((first, rest)) = right.split_first_mut() {
        *first = purpose.code();
        rest.copy_from_slice(&week.to_be_bytes());
    }
    octets
}

impl Vault {
    /// An empty vault under a master key.
    pub fn new(master: &MasterKey) -> Self {
        Self {
            held: RwLock::new(Held {
                wrapping: Arc::new(Wrapping::new(master, None)),
                keks: HashMap::new(),
                secrets: Vec::new(),
                root: BlindRoot::of(master),
            }),
        }
    }

    /// Takes in what is stored, in place of all that was here: a key that is not stored must seal nothing
    /// more, since nothing would ever open it again. Nothing changes unless all of it opens under the
    /// present master key and this salt.
    pub(crate) fn load(&self, salt: Option<&Salt>, stored: &Stored) -> Result<(), OpenError> {
        let mut wrapping = Wrapping::new(&self.master(), salt);
        let root = wrapping.root_in(&stored.secrets)?;
        let mut keks = HashMap::new();
        for row in &stored.keks {
            let key = aead_key(&wrapping.open_kek(row)?).ok_or(OpenError::Damaged)?;
            let kek = Kek {
                key: Arc::new(key),
                wrapped: row.wrapped.clone(),
            };
            keks.insert((row.purpose, row.week), kek);
        }
        wrapping.check(&stored.secrets)?;
        let mut held = self.held_mut();
        *held = Held {
            wrapping: Arc::new(wrapping),
            keks,
            secrets: stored.secrets.clone(),
            root,
        };
        Ok(())
    }

    fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn held_mut(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every key-encryption key of this moment's week is here.
    pub fn is_prepared(&self, now: Timestamp) -> bool {
        let week = week(now);
        let held = self.held();
        let here = |purpose: &Purpose| held.keks.contains_key(&(*purpose, week));
        Purpose::ALL.iter().all(here)
    }

    /// Draws the key-encryption keys that are missing for the weeks of these moments. They seal nothing
    /// before [`Vault::take_in`]: what is sealed under a key that never became durable is lost.
    pub fn draw(&self, moments: &[Timestamp], entropy: &dyn Entropy) -> Vec<FreshKek> {
        let weeks: BTreeSet<u32> = moments.iter().map(|moment| week(*moment)).collect();
        let places = weeks.into_iter();
        let places = places.flat_map(|week| Purpose::ALL.map(|purpose| (purpose, week)));
        let missing = places.filter(|(purpose, week)| self.kek(*purpose, *week).is_none());
        missing
            .filter_map(|(purpose, week)| self.draw_one(purpose, week, entropy))
            .collect()
    }

    fn draw_one(&self, purpose: Purpose, week: u32, entropy: &dyn Entropy) -> Option<FreshKek> {
        let mut octets = Zeroizing::new([0; KEY_LEN]);
        entropy.fill(octets.as_mut());
        let wrapping = Arc::clone(&self.held().wrapping);
        let row = wrapping.wrap_kek(purpose, week, &octets, entropy)?;
        let key = Arc::new(aead_key(octets.as_ref())?);
        Some(FreshKek { row, key })
    }

    /// Takes in drawn keys whose rows are durable.
    pub fn take_in(&self, fresh: Vec<FreshKek>) {
        let mut held = self.held_mut();
        for FreshKek { row, key } in fresh {
            let wrapped = row.wrapped;
            held.keks
                .insert((row.purpose, row.week), Kek { key, wrapped });
        }
    }

    /// Seals one value for `owner` and commits to it under the name of its purpose. `None` when
    /// the keys of this week are not here.
    pub fn seal(
        &self,
        owner: u64,
        purpose: Purpose,
        value: &[u8],
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Option<Sealed> {
        let week = week(now);
        let kek = self.kek(purpose, week)?;
        let mut chance = Zeroizing::new([0; ROW_CHANCE]);
        entropy.fill(chance.as_mut());
        let (keys, nonce) = chance.split_at(2 * KEY_LEN);
        let (data_key, commitment_key) = keys.split_at(KEY_LEN);
        let context = place(owner, purpose, week);
        let wrapped = seal(&kek, nonce.try_into().ok()?, &context, keys)?;
        // The data key seals this one value, so that a fixed nonce is used once.
        let sealed = seal(&aead_key(data_key)?, [0; NONCE_LEN], &context, value)?;
        let key = CommitmentKey::from_bytes(commitment_key.try_into().ok()?);
        let commitment = Commitment::of(&key, purpose.as_str(), value);
        Some(Sealed {
            row: VaultRow {
                owner,
                purpose,
                week,
                wrapped,
                sealed,
            },
            commitment,
        })
    }

    /// Opens a sealed row.
    pub fn open(&self, row: &VaultRow) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.open_with_key(row).map(|(value, _)| value)
    }

    /// Opens a sealed row, and gives the key that opens its commitment in the ledger.
    pub fn open_with_key(
        &self,
        row: &VaultRow,
    ) -> Result<(Zeroizing<Vec<u8>>, CommitmentKey), OpenError> {
        let kek = self.kek(row.purpose, row.week).ok_or(OpenError::NoKey)?;
        let context = place(row.owner, row.purpose, row.week);
        let keys = open(&kek, &context, &row.wrapped)?;
        let (data_key, key) = keys.split_at_checked(KEY_LEN).ok_or(OpenError::Damaged)?;
        let data_key = aead_key(data_key).ok_or(OpenError::Damaged)?;
        let key = key.try_into().map_err(|_| OpenError::Damaged)?;
        let value = open(&data_key, &context, &row.sealed)?;
        Ok((value, CommitmentKey::from_bytes(key)))
    }

    fn kek(&self, purpose: Purpose, week: u32) -> Option<Arc<LessSafeKey>> {
        let held = self.held();
        held.keks
            .get(&(purpose, week))
            .map(|kek| Arc::clone(&kek.key))
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(masked)")
    }
}

/// Nonce, ciphertext, tag.
/// Seals under a nonce that is used once with this key; the nonce comes first.
pub(crate) fn seal(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    context: &[u8],
    value: &[u8],
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(NONCE_LEN + value.len() + 16);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(value);
    let body = out.get_mut(NONCE_LEN..)?;
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(context), body)
        .ok()?;
    out.extend_from_slice(tag.as_ref());
    Some(out)
}

/// Opens what was sealed so.
pub(crate) fn open(
    key: &LessSafeKey,
    context: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (nonce, body) = sealed
        .split_at_checked(NONCE_LEN)
        .ok_or(OpenError::Damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Damaged)?;
    let mut value = Zeroizing::new(body.to_vec());
    let plain = key.open_in_place(nonce, Aad::from(context), &mut value);
    let length = plain.map_err(|_| OpenError::Damaged)?.len();
    value.truncate(length);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, octets: &mut [u8]) {
            for (place, octet) in octets.iter_mut().enumerate() {
                *octet = u8::try_from(place % 251).unwrap();
            }
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn prepare(vault: &Vault, now: Timestamp) -> Vec<KekRow> {
        let fresh = vault.draw(&[now], &Counting);
        let rows = fresh.iter().map(|kek| kek.row.clone()).collect();
        vault.take_in(fresh);
        rows
    }

    fn stored(keks: Vec<KekRow>) -> Stored {
        Stored {
            keks,
            ..Stored::default()
        }
    }

    fn vault() -> (Vault, Vec<KekRow>) {
        let vault = Vault::new(&MasterKey::from_bytes([1; 32]));
        let rows = prepare(&vault, NOW);
        (vault, rows)
    }

    #[test]
    fn what_is_sealed_opens_after_a_restart_and_not_under_another_master() {
        let (vault, keks) = vault();
        let sealed = vault
            .seal(9, Purpose::Text, b"Your code is 1", &Counting, NOW)
            .unwrap();
        assert!(!sealed.row.sealed.windows(4).any(|part| part == b"code"));
        let again = Vault::new(&MasterKey::from_bytes([1; 32]));
        again.load(None, &stored(keks.clone())).unwrap();
        assert_eq!(
            again.open(&sealed.row).unwrap().as_slice(),
            b"Your code is 1"
        );
        let other = Vault::new(&MasterKey::from_bytes([2; 32]));
        let refused = other.load(None, &stored(keks));
        assert_eq!(refused, Err(OpenError::Damaged));
        assert_eq!(other.open(&sealed.row).unwrap_err(), OpenError::NoKey);
    }

    #[test]
    fn a_row_moved_to_another_owner_or_changed_does_not_open() {
        let (vault, _) = vault();
        let row = vault
            .seal(9, Purpose::Number, b"447700900123", &Counting, NOW)
            .unwrap()
            .row;
        let moved = VaultRow {
            owner: 10,
            ..row.clone()
        };
        assert_eq!(vault.open(&moved).unwrap_err(), OpenError::Damaged);
        let mut changed = row;
        changed.sealed[14] ^= 1;
        assert_eq!(vault.open(&changed).unwrap_err(), OpenError::Damaged);
    }

    #[test]
    fn keys_are_made_once_a_week() {
        let (vault, keks) = vault();
        assert_eq!(keks.len(), Purpose::ALL.len());
        assert_eq!(prepare(&vault, NOW), []);
        let next = NOW.saturating_add(std::time::Duration::from_secs(WEEK_SECONDS));
        assert!(
            vault
                .seal(1, Purpose::Text, b"x", &Counting, next)
                .is_none()
        );
        assert_eq!(prepare(&vault, next).len(), Purpose::ALL.len());
    }

    #[test]
    fn what_is_wrapped_anew_opens_under_the_new_keys_alone() {
        let (vault, old) = vault();
        let row = vault
            .seal(9, Purpose::Number, b"447700900123", &Counting, NOW)
            .unwrap()
            .row;
        let root = vault.held().root.clone();
        let (master, salt) = (MasterKey::from_bytes([2; 32]), Salt::new([3; 32], NOW));
        let turned = vault
            .rewrap(Wrapping::new(&master, Some(&salt)), &Counting)
            .unwrap();
        let (keks, secrets) = (turned.stored.keks.clone(), turned.stored.secrets.clone());
        vault.turn(turned);
        assert!(vault.open(&row).is_ok());
        let new = Stored { secrets, keks };
        let again = Vault::new(&master);
        again.load(Some(&salt), &new).unwrap();
        assert_eq!(again.open(&row).unwrap().as_slice(), b"447700900123");
        assert!(again.held().root == root, "numbers still match");
        let refused = [
            again.load(None, &new),
            again.load(Some(&Salt::new([4; 32], NOW)), &new),
            Vault::new(&MasterKey::from_bytes([1; 32])).load(Some(&salt), &new),
            again.load(Some(&salt), &stored(old)),
        ];
        assert!(refused.iter().all(Result::is_err), "{refused:?}");
        assert!(again.open(&row).is_ok(), "a refusal changes nothing");
    }

    #[test]
    fn keys_do_not_open_without_the_root_that_they_were_wrapped_beside() {
        let (vault, first) = vault();
        let (master, salt) = (MasterKey::from_bytes([2; 32]), Salt::new([3; 32], NOW));
        let to = || Wrapping::new(&master, Some(&salt));
        let Stored { secrets, keks } = vault.rewrap(to(), &Counting).unwrap().stored;
        let again = Vault::new(&master);
        let refused = again.load(Some(&salt), &stored(keks.clone()));
        assert_eq!(refused, Err(OpenError::NoRoot));
        // As an older program replaced the master key: its keys say nothing of the root beside them.
        let opened = vault.held();
        let silent = |row: &KekRow| {
            let octets = opened.wrapping.open_kek(row).unwrap();
            let octets = octets.as_slice().try_into().unwrap();
            to().wrap_kek(row.purpose, row.week, octets, &Counting)
        };
        let keks = first.iter().map(silent).collect::<Option<_>>().unwrap();
        let old = Stored { secrets, keks };
        again.load(Some(&salt), &old).unwrap();
        let Stored { keks, .. } = again.rewrap(to(), &Counting).unwrap().stored;
        let refused = Vault::new(&master).load(Some(&salt), &stored(keks));
        assert_eq!(
            refused,
            Err(OpenError::NoRoot),
            "told from its next re-wrap on"
        );
    }
}
