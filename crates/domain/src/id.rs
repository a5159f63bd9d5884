//! Ids: UUIDv7 (RFC 9562 §5.7) with a kind in the type and in the text (`msg_…`). An id names a
//! thing; it is never a secret that lets its bearer do anything.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an id names: its prefix in text.
pub trait Kind {
    /// The letters before the underscore.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($name:ident, $alias:ident, $prefix:literal, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {}
        impl Kind for $name {
            const PREFIX: &'static str = $prefix;
        }
        #[doc = concat!("The id of ", $doc)]
        pub type $alias = Id<$name>;
    )*};
}

kinds! {
    MessageKind, MessageId, "msg", "a message to a handset (MT).";
    InboundKind, InboundId, "in", "a message from a handset (MO).";
    ClientKind, ClientId, "cli", "an application with credentials.";
    KeyKind, KeyId, "key", "an API key of a client.";
    OptOutKind, OptOutId, "opt", "an opt-out of a handset from a short code.";
    VerificationKind, VerificationId, "ver", "a verification of a person.";
    VerifyServiceKind, VerifyServiceId, "vas", "a verify service: the terms under which a client begins verifications.";
    FactorKind, FactorId, "fac", "an authenticator app or a set of recovery codes of a person.";
    WebhookKind, WebhookId, "whk", "a webhook of a client.";
    SubjectKind, SubjectId, "sub", "one request about a person's data: drawn anew each time, so it says nothing of the person.";
}

/// A UUIDv7 that names one kind of thing. Shown as `prefix_` and 26 characters of base-32.
pub struct Id<K> {
    value: u128,
    kind: PhantomData<fn() -> K>,
}

/// Lower-case base-32 of RFC 4648 §6, without padding.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const TEXT_LENGTH: usize = 26;
const VERSION_7: u128 = 0x7 << 76;
const VARIANT_RFC: u128 = 0b10 << 62;
const RANDOM_BITS: u64 = (1 << 62) - 1;
/// The largest sequence: 48 bits of milliseconds and 12 bits of counter.
pub const SEQUENCE_MAX: u64 = (1 << 60) - 1;

impl<K> Id<K> {
    /// Builds an id from its sequence (48 bits of Unix milliseconds, then a 12-bit counter; RFC 9562
    /// §6.2 method 1) and 62 random bits. Higher bits of either are dropped.
    pub const fn new(sequence: u64, random: u64) -> Self {
        #[expect(
            clippy::as_conversions,
            reason = "u64 to u128 widens; From is not const"
        )]
        let (sequence, random) = (
            (sequence & SEQUENCE_MAX) as u128,
            (random & RANDOM_BITS) as u128,
        );
        let value = ((sequence >> 12) << 80)
            | VERSION_7
            | ((sequence & 0xfff) << 64)
            | VARIANT_RFC
            | random;
        Self {
            value,
            kind: PhantomData,
        }
    }

    /// The ordered part: increasing in order of creation on one node, so it is a sequential row key.
    pub fn sequence(self) -> u64 {
        let high = u64::try_from(self.value >> 64).unwrap_or(0);
        ((high >> 16) << 12) | (high & 0xfff)
    }

    /// The 16 octets of the UUID, big-endian.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.value.to_be_bytes()
    }

    /// From 16 octets; `None` when they are no UUIDv7.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        let id = Self {
            value: u128::from_be_bytes(bytes),
            kind: PhantomData,
        };
        let is_v7 = (id.value >> 76) & 0xf == 7 && (id.value >> 62) & 0b11 == 0b10;
        is_v7.then_some(id)
    }
}

/// Why a text is no id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The prefix is another kind's, or missing.
    #[error("does not begin with `{0}_`, the prefix of its kind")]
    Prefix(&'static str),
    /// The rest is not 26 characters of base-32 that make a UUIDv7.
    #[error("is not an id as this gateway writes them")]
    Form,
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let rest = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'));
        let rest = rest.ok_or(IdError::Prefix(K::PREFIX))?.as_bytes();
        if rest.len() != TEXT_LENGTH {
            return Err(IdError::Form);
        }
        let mut value = 0_u128;
        for (place, character) in rest.iter().enumerate() {
            let digit = match character {
                b'a'..=b'z' => character - b'a',
                b'2'..=b'7' => character - b'2' + 26,
                _ => return Err(IdError::Form),
            };
            if place == 0 && digit > 7 {
                return Err(IdError::Form);
            }
            value = (value << 5) | u128::from(digit);
        }
        Self::from_bytes(value.to_be_bytes()).ok_or(IdError::Form)
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; TEXT_LENGTH];
        let mut value = self.value;
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(value & 0x1f).unwrap_or(0);
            *place = ALPHABET.get(digit).copied().unwrap_or(b'a');
            value >>= 5;
        }
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(core::str::from_utf8(&text).unwrap_or_default())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}
impl<K> core::hash::Hash for Id<K> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text_and_octets_and_keeps_its_sequence() {
        for sequence in [0, 1, 4095, 4096, 1_764_064_800_123 << 12, SEQUENCE_MAX] {
            let id = MessageId::new(sequence, u64::MAX / 3);
            assert_eq!(id.sequence(), sequence);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(MessageId::from_bytes(id.to_bytes()), Some(id));
        }
    }

    #[test]
    fn later_sequences_make_greater_ids() {
        assert!(MessageId::new(8, 0) > MessageId::new(7, u64::MAX));
    }

    #[test]
    fn another_kind_or_a_second_spelling_is_refused() {
        let text = ClientId::new(77, 1).to_string();
        let message = text.parse::<MessageId>().unwrap_err();
        assert_eq!(message, IdError::Prefix("msg"));
        assert!(message.to_string().contains("`msg_`"), "{message}");
        assert_eq!(
            text.to_uppercase().parse::<ClientId>(),
            Err(IdError::Prefix("cli"))
        );
        assert_eq!(format!("{text}a").parse::<ClientId>(), Err(IdError::Form));
        assert_eq!(
            "cli_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<ClientId>(),
            Err(IdError::Form)
        );
    }
}
