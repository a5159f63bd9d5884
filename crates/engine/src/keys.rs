//! The keys of a data folder: all are derived from one master key that lies outside the store. What
//! each is for is in its name; `docs/keys.md` says what its loss means.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use core::fmt;
use domain::id::{ClientId, KeyId};
use domain::msisdn::Msisdn;
use domain::verification::recovery::RecoveryKey;
use domain::verification::user::UserReference;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::ports::keyring::Salt;

/// The master key of a data folder: 32 random octets in a file of its own.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// From its octets.
    pub const fn from_bytes(octets: [u8; 32]) -> Self {
        Self(octets)
    }

    /// Whether two are the same, in constant time.
    pub fn is_same(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    fn derive(&self, label: &str) -> [u8; 32] {
        self.derive_from(&[label.as_bytes()])
    }

    fn derive_from(&self, parts: &[&[u8]]) -> [u8; 32] {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&root);
        for part in parts {
            context.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        key
    }

    /// The key that wraps key-encryption keys. Without a salt it is that of a store from before there
    /// were any.
    pub(crate) fn wrapping(&self, salt: Option<&Salt>) -> [u8; 32] {
        match salt {
            Some(salt) => self.derive_from(&[b"shortstop/v2/wrap", salt.reveal()]),
            None => self.derive("shortstop/v1/wrap"),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(masked)")
    }
}

/// A keyed hash of 16 octets.
pub type Blind = [u8; 16];

/// What the keyed hashes of a store are made from for all its life. It is derived from the first master
/// key; when that is replaced, it is kept in the store, sealed: numbers that were erased are known by
/// these hashes alone.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct BlindRoot([[u8; 32]; 3]);

impl BlindRoot {
    /// That of a store which has known no other master key.
    pub fn of(master: &MasterKey) -> Self {
        let labels = ["index", "suppression", "idempotency"];
        Self(labels.map(|label| master.derive(&format!("shortstop/v1/{label}"))))
    }

    /// From the octets that were kept; `None` when they are not 96.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let mut root = Self([[0; 32]; 3]);
        if octets.len() != root.0.as_flattened().len() {
            return None;
        }
        root.0.as_flattened_mut().copy_from_slice(octets);
        Some(root)
    }

    /// The octets to keep.
    pub const fn reveal(&self) -> &[u8] {
        self.0.as_flattened()
    }
}

impl fmt::Debug for BlindRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindRoot(masked)")
    }
}

/// The keyed hashes that find things without saying what they are.
pub struct BlindKeys {
    index: hmac::Key,
    suppression: hmac::Key,
    idempotency: hmac::Key,
    snapshot: [u8; 32],
    counts: [u8; 32],
    counted: [u8; 16],
    recovery: RecoveryKey,
    signing: hmac::Key,
    callbacks: hmac::Key,
}

impl fmt::Debug for BlindKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindKeys(masked)")
    }
}

impl BlindKeys {
    /// The keys of a root.
    pub fn new(root: &BlindRoot) -> Self {
        let [index, suppression, idempotency] = root.0;
        let key = |octets: [u8; 32]| hmac::Key::new(hmac::HMAC_SHA256, &octets);
        Self {
            index: key(index),
            suppression: key(suppression),
            idempotency: key(idempotency),
            snapshot: further(&key(idempotency), b"shortstop/v1/snapshot"),
            counts: further(&key(idempotency), b"shortstop/v1/counts"),
            counted: further(&key(idempotency), b"shortstop/v1/counted"),
            recovery: RecoveryKey::from_bytes(further(&key(idempotency), b"shortstop/v1/recovery")),
            signing: key(further(&key(idempotency), b"shortstop/v1/signing")),
            callbacks: key(further(&key(idempotency), b"shortstop/v1/callbacks")),
        }
    }

    /// Finds the messages of a number. Erasable.
    pub fn subject(&self, number: Msisdn) -> Blind {
        blind(&self.index, &[b"e164", &number.reveal().to_be_bytes()])
    }

    /// Finds the opt-outs of a number. Survives erasure, under a key of its own.
    pub fn suppression(&self, number: Msisdn) -> Blind {
        blind(
            &self.suppression,
            &[b"e164", &number.reveal().to_be_bytes()],
        )
    }

    /// Finds the guess budgets of a number. Survives erasure, as its opt-outs do.
    pub fn budget(&self, number: Msisdn) -> Blind {
        blind(
            &self.suppression,
            &[b"budget", &number.reveal().to_be_bytes()],
        )
    }

    /// Finds the guess budgets of a client's user, over all factors. A user who is a number has those of the
    /// number. Survives erasure, and the removal of every factor.
    pub fn budget_of_user(&self, client: ClientId, user: &UserReference) -> Blind {
        let by_name = || {
            let name = user.reveal().as_bytes();
            let parts = [b"budget-user", &client.to_bytes()[..], name];
            blind(&self.suppression, &parts)
        };
        user.number()
            .map_or_else(by_name, |number| self.budget(number))
    }

    /// Names an idempotency key, or fingerprints a payload.
    pub fn idempotency(&self, parts: &[&[u8]]) -> Blind {
        blind(&self.idempotency, parts)
    }

    /// The key that seals one record of the pumping guard, by the random octets of that record. It is the same
    /// for all the life of a store, as that of snapshots.
    pub(crate) fn pumping(&self, salt: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut context = hmac::Context::with_key(&self.idempotency);
        context.update(b"shortstop/v1/pumping");
        context.update(salt);
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(context.sign().as_ref());
        key
    }

    /// Finds the factors of a client's user. A user who is a number is found by the number, at every client.
    pub fn user(&self, client: ClientId, user: &UserReference) -> Blind {
        let by_name = || {
            let parts = [b"user", &client.to_bytes()[..], user.reveal().as_bytes()];
            blind(&self.index, &parts)
        };
        user.number()
            .map_or_else(by_name, |number| self.subject(number))
    }

    /// The octets of the secret that a client signs requests with: as random as the root, and the same for all the
    /// life of a store.
    pub(crate) fn signing(&self, key: KeyId) -> [u8; 32] {
        further(&self.signing, &key.to_bytes())
    }

    /// The octets of the secret that signs what the URLs of a client's messages are told: as random as the root, and
    /// the same for all the life of a store. Each rotation is the next generation.
    pub(crate) fn callbacks(&self, client: ClientId, generation: u32) -> Zeroizing<[u8; 32]> {
        let label = [&client.to_bytes()[..], &generation.to_be_bytes()].concat();
        Zeroizing::new(further(&self.callbacks, &label))
    }

    /// The key under which recovery codes are hashed.
    pub(crate) const fn recovery(&self) -> &RecoveryKey {
        &self.recovery
    }

    /// The key that seals snapshots of the state.
    pub(crate) const fn snapshot(&self) -> &[u8; 32] {
        &self.snapshot
    }

    /// The key that seals the counts of the limits.
    pub(crate) const fn counts(&self) -> &[u8; 32] {
        &self.counts
    }

    /// The secret that whatever the limits count is hashed under.
    pub(crate) const fn counted(&self) -> [u8; 16] {
        self.counted
    }
}

/// A further key. Like the keyed hashes, it is the same for all the life of a store. No other input of the key that it
/// is derived from begins with these octets: they all begin with a length.
fn further<const N: usize>(root: &hmac::Key, label: &[u8]) -> [u8; N] {
    let mut key = [0; N];
    for (to, from) in key.iter_mut().zip(hmac::sign(root, label).as_ref()) {
        *to = *from;
    }
    key
}

fn blind(key: &hmac::Key, parts: &[&[u8]]) -> Blind {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    let tag = context.sign();
    let mut short = Blind::default();
    for (to, from) in short.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_use_of_a_number_has_a_hash_of_its_own() {
        let of = |octet| BlindKeys::new(&BlindRoot::of(&MasterKey::from_bytes([octet; 32])));
        let keys = of(7);
        let number = Msisdn::parse("+447700900123").unwrap();
        assert_ne!(keys.subject(number), keys.suppression(number));
        assert_ne!(keys.budget(number), keys.suppression(number));
        assert_ne!(
            keys.idempotency(&[b"ab", b"c"]),
            keys.idempotency(&[b"a", b"bc"])
        );
        assert_ne!(keys.subject(number), of(8).subject(number));
    }

    #[test]
    fn a_user_is_found_by_the_number_or_by_its_client_and_name() {
        let keys = BlindKeys::new(&BlindRoot::of(&MasterKey::from_bytes([7; 32])));
        let user = |text| UserReference::parse(text).unwrap();
        let (one, two) = (ClientId::new(1, 0), ClientId::new(2, 0));
        let number = Msisdn::parse("+447700900123").unwrap();
        for client in [one, two] {
            let found = keys.user(client, &user("+44 7700 900123"));
            assert_eq!(found, keys.subject(number));
        }
        assert_ne!(keys.user(one, &user("ann")), keys.user(two, &user("ann")));
        assert_ne!(keys.user(one, &user("ann")), keys.user(one, &user("Ann")));
    }

    #[test]
    fn the_budgets_of_a_user_are_those_of_the_number_or_of_the_client_and_name() {
        let keys = BlindKeys::new(&BlindRoot::of(&MasterKey::from_bytes([7; 32])));
        let of = |client, text| keys.budget_of_user(client, &UserReference::parse(text).unwrap());
        let (one, two) = (ClientId::new(1, 0), ClientId::new(2, 0));
        let number = Msisdn::parse("+447700900123").unwrap();
        assert_eq!(of(one, "+44 7700 900123"), keys.budget(number));
        assert_ne!(of(one, "ann"), of(two, "ann"));
        let ann = UserReference::parse("ann").unwrap();
        assert_ne!(keys.user(one, &ann), keys.budget_of_user(one, &ann));
    }

    #[test]
    fn a_root_that_was_kept_makes_the_same_hashes() {
        let root = BlindRoot::of(&MasterKey::from_bytes([7; 32]));
        let kept = BlindRoot::from_octets(root.reveal()).unwrap();
        let number = Msisdn::parse("+447700900123").unwrap();
        let hash = |root: &BlindRoot| BlindKeys::new(root).suppression(number);
        assert_eq!(hash(&root), hash(&kept));
        assert_eq!(BlindRoot::from_octets(&[0; 95]), None);
    }

    #[test]
    fn each_key_that_signs_has_a_secret_of_its_own_in_each_store() {
        let of = |octet| BlindKeys::new(&BlindRoot::of(&MasterKey::from_bytes([octet; 32])));
        let (one, two) = (KeyId::new(1, 0), KeyId::new(2, 0));
        assert_eq!(of(7).signing(one), of(7).signing(one));
        assert_ne!(of(7).signing(one), of(7).signing(two));
        assert_ne!(of(7).signing(one), of(8).signing(one));
    }

    #[test]
    fn each_client_has_a_secret_for_callbacks_and_another_after_each_rotation() {
        let keys = BlindKeys::new(&BlindRoot::of(&MasterKey::from_bytes([7; 32])));
        let (one, two) = (ClientId::new(1, 0), ClientId::new(2, 0));
        assert_eq!(keys.callbacks(one, 0), keys.callbacks(one, 0));
        assert_ne!(keys.callbacks(one, 0), keys.callbacks(two, 0));
        assert_ne!(keys.callbacks(one, 0), keys.callbacks(one, 1));
    }

    #[test]
    fn each_salt_makes_another_wrapping_key() {
        let master = MasterKey::from_bytes([7; 32]);
        let salt = |octet| Salt::new([octet; 32], domain::time::Timestamp::from_seconds(1));
        let (one, two) = (salt(1), salt(2));
        assert_ne!(master.wrapping(Some(&one)), master.wrapping(Some(&two)));
        assert_ne!(master.wrapping(Some(&one)), master.wrapping(None));
    }
}
