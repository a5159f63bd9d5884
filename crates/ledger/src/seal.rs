//! Forward-secure seals over the entries that no witness has seen yet. Time is cut into epochs of
//! one length; each is sealed exactly once, empty or not, under a key that is gone when the epoch
//! is. Whoever takes the machine over can neither change an earlier epoch nor leave one out. Only
//! the holder of the first key can check, so seals go beside witnesses and replace none.
//!
//! The key evolves by `K' = HMAC(K, "next")`, and the old one is overwritten. Where the state lies,
//! and that its old octets are gone there too, is the caller's to see to.

pub mod check;

use core::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::leaf::Hash;
use crate::spelling;

/// Separates these tags from all other uses of a key, and one version of this format from the next.
const LABEL: &[u8] = b"shortstop/seal/v1\n";

/// The key of one epoch: 32 octets. The first is drawn at random and handed to whoever will check.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealKey([u8; 32]);

impl SealKey {
    /// From 32 octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 octets: of the first key once, for the checker; of the present one for the state.
    pub const fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// Becomes the key of the next epoch. The old key cannot be had from it.
    fn evolve(&mut self) {
        let next = self.mac(&[b"next"]);
        self.0.zeroize();
        self.0 = next;
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(HMAC_SHA256, &self.0));
        context.update(LABEL);
        for part in parts {
            context.update(part);
        }
        let mut tag = [0_u8; 32];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(masked)")
    }
}

/// Where sealing began: known to the checker beside the first key, and part of every tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealStart {
    /// The log.
    pub origin: String,
    /// When epoch 0 began, in microseconds of UTC since 1970.
    pub began_micros: u64,
    /// How long an epoch is, in microseconds; at least 1.
    pub epoch_micros: u64,
    /// The index of the first entry that is sealed.
    pub first: u64,
}

impl SealStart {
    /// When an epoch begins, in microseconds.
    pub const fn begin_of(&self, epoch: u64) -> u64 {
        self.began_micros
            .saturating_add(self.epoch_micros.saturating_mul(epoch))
    }

    /// How many epochs are over at a time.
    pub fn over_at(&self, now_micros: u64) -> u64 {
        let since = now_micros.saturating_sub(self.began_micros);
        since.checked_div(self.epoch_micros).unwrap_or(0)
    }

    /// The line above the seals, without a line feed: `seals <origin> <began> <length> <first>`, both
    /// times in microseconds.
    pub fn line(&self) -> String {
        let (began, length) = (self.began_micros, self.epoch_micros);
        format!("seals {} {began} {length} {}", self.origin, self.first)
    }

    /// Reads that line; `None` for any other spelling, and for an epoch without length.
    pub fn parse(line: &str) -> Option<Self> {
        let mut items = line.strip_prefix("seals ")?.split(' ');
        let origin = items.next().filter(|origin| !origin.is_empty())?.to_owned();
        let mut number = || spelling::decimal(items.next()?);
        let (began_micros, epoch_micros, first) = (number()?, number()?, number()?);
        let start = Self {
            origin,
            began_micros,
            epoch_micros,
            first,
        };
        (items.next().is_none() && epoch_micros > 0).then_some(start)
    }

    /// What stands for the tag before epoch 0.
    fn tag(&self, key: &SealKey) -> [u8; 32] {
        let numbers = [self.began_micros, self.epoch_micros, self.first].map(u64::to_be_bytes);
        key.mac(&[b"start", numbers.as_flattened(), self.origin.as_bytes()])
    }
}

/// The seal of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Which epoch, counted from 0.
    pub epoch: u64,
    /// The index of its first entry; where the next one would be if it has none.
    pub first: u64,
    /// How many entries it has.
    pub count: u64,
    /// SHA-256 over their leaf hashes, one behind the other.
    pub leaves: Hash,
    /// `HMAC(K_epoch, "tag" || epoch || first || count || leaves || tag before)`.
    pub tag: [u8; 32],
}

impl Seal {
    /// The seal's line, without a line feed: `seal <epoch> <first> <count> <leaves> <tag>`, the last
    /// two in base64.
    pub fn line(&self) -> String {
        let (leaves, tag) = (spelling::hash64(&self.leaves), spelling::base64(&self.tag));
        format!(
            "seal {} {} {} {leaves} {tag}",
            self.epoch, self.first, self.count
        )
    }

    /// Reads a line; `None` for any other spelling.
    pub fn parse(line: &str) -> Option<Self> {
        let mut items = line.strip_prefix("seal ")?.split(' ');
        let mut number = || spelling::decimal(items.next()?);
        let (epoch, first, count) = (number()?, number()?, number()?);
        let leaves = spelling::unhash64(items.next()?)?;
        let tag = *spelling::unhash64(items.next()?)?.as_bytes();
        let seal = Self {
            epoch,
            first,
            count,
            leaves,
            tag,
        };
        items.next().is_none().then_some(seal)
    }

    fn body(&self) -> [u8; 56] {
        let mut body = [0_u8; 56];
        let numbers = [self.epoch, self.first, self.count].map(u64::to_be_bytes);
        let (head, tail) = body.split_at_mut(24);
        head.copy_from_slice(numbers.as_flattened());
        tail.copy_from_slice(self.leaves.as_bytes());
        body
    }
}

/// Makes the seals, one epoch after the other. It is the whole state: its octets are
/// [`Sealer::state`], and writing them must overwrite the ones before.
#[derive(Clone, Debug)]
pub struct Sealer {
    start: SealStart,
    key: SealKey,
    epoch: u64,
    first: u64,
    before: [u8; 32],
}

impl Sealer {
    /// Begins with the first key, 32 random octets that the checker was given.
    pub fn begin(start: SealStart, key: SealKey) -> Self {
        let (first, before) = (start.first, start.tag(&key));
        Self {
            start,
            key,
            epoch: 0,
            first,
            before,
        }
    }

    /// How many epochs are over and not sealed. After a standstill this is more than one, and each
    /// gets its seal, the empty ones too.
    pub fn due(&self, now_micros: u64) -> u64 {
        self.start.over_at(now_micros).saturating_sub(self.epoch)
    }

    /// The index of the first entry that no seal covers yet.
    pub const fn next_index(&self) -> u64 {
        self.first
    }

    /// The epoch that is sealed next.
    pub const fn next_epoch(&self) -> u64 {
        self.epoch
    }

    /// Seals the next epoch with all entries since the last seal, by their leaf hashes in order, and
    /// destroys the key. Store the seal and the new state together.
    pub fn seal(&mut self, leaves: &[Hash]) -> Seal {
        let mut seal = Seal {
            epoch: self.epoch,
            first: self.first,
            count: u64::try_from(leaves.len()).unwrap_or(u64::MAX),
            leaves: hash_of(leaves),
            tag: [0; 32],
        };
        seal.tag = self.key.mac(&[b"tag", &seal.body(), &self.before]);
        self.key.evolve();
        self.epoch += 1;
        self.first = self.first.saturating_add(seal.count);
        self.before = seal.tag;
        seal
    }

    /// The state to store: 80 octets, among them the present key.
    pub fn state(&self) -> SealState {
        let mut bytes = [0_u8; 80];
        let (numbers, rest) = bytes.split_at_mut(16);
        numbers.copy_from_slice(
            [self.epoch, self.first]
                .map(u64::to_be_bytes)
                .as_flattened(),
        );
        let (key, before) = rest.split_at_mut(32);
        key.copy_from_slice(&self.key.0);
        before.copy_from_slice(&self.before);
        SealState(bytes)
    }

    /// Goes on from a stored state; `None` when it is not 80 octets long.
    pub fn resume(start: SealStart, state: &[u8]) -> Option<Self> {
        let (epoch, rest) = state.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk::<32>()?;
        let before = <[u8; 32]>::try_from(rest).ok()?;
        let (epoch, first) = (u64::from_be_bytes(*epoch), u64::from_be_bytes(*first));
        Some(Self {
            start,
            key: SealKey(*key),
            epoch,
            first,
            before,
        })
    }
}

/// The octets of a sealer's state. They hold a key and are masked.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SealState([u8; 80]);

impl SealState {
    /// From stored octets.
    pub const fn from_bytes(bytes: [u8; 80]) -> Self {
        Self(bytes)
    }

    /// The epoch that is sealed next.
    pub fn epoch(&self) -> u64 {
        let epoch = self.0.first_chunk::<8>();
        epoch.map_or(0, |epoch| u64::from_be_bytes(*epoch))
    }

    /// The tag of the last seal; before the first, what stands for it.
    pub fn tag(&self) -> Option<&[u8; 32]> {
        self.0.last_chunk::<32>()
    }

    /// The octets, for storing.
    pub const fn reveal(&self) -> &[u8; 80] {
        &self.0
    }
}

impl fmt::Debug for SealState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealState(masked)")
    }
}

fn hash_of(leaves: &[Hash]) -> Hash {
    let mut context = Context::new(&SHA256);
    for leaf in leaves {
        context.update(leaf.as_bytes());
    }
    let mut bytes = [0_u8; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    Hash::from_bytes(bytes)
}

#[cfg(test)]
mod tests;
