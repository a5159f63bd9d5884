//! Recovery codes: what a person keeps for the day when handset and app are gone. Ten codes of 80 bits, each
//! good for one use, shown once when they are made, and kept only as keyed hashes.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::channel::Channel;
use super::check::{Judged, Verdict};
use super::code::is_separator;
use super::tag::{CodeTag, keyed};

/// How many codes a person is given at once, unless asked otherwise.
pub const CODES_OF_A_SET: u8 = 10;

/// The most codes of a set.
pub const CODES_OF_A_SET_MAX: u8 = 20;

/// Random octets of one code: 80 bits, where NIST SP 800-63B-4 section 4.2.1.1 asks for 64.
pub const CODE_OCTETS: usize = 10;

/// Characters of one code, in groups of [`GROUP`].
const CHARACTERS: usize = 16;

/// Characters of a group.
const GROUP: usize = 4;

/// The most characters that are looked at in what a person typed.
const TYPED_CHARACTERS: usize = 64;

/// Douglas Crockford's base-32: no I, L, O and U, which are taken for 1, 0 and V.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// One code. `Debug` masks it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; CHARACTERS]);

/// Why a text is no recovery code. No variant carries any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryCodeError {
    /// A character that no code has, even misread.
    #[error("character {position} is in no recovery code: write its 16 letters and digits")]
    Character {
        /// Which character, counted from 1.
        position: usize,
    },
    /// Too few or too many characters.
    #[error("a recovery code has 16 letters and digits")]
    Length,
}

impl RecoveryCode {
    /// From random octets: every code as likely as every other.
    pub fn from_random(random: &[u8; CODE_OCTETS]) -> Self {
        let bits = random
            .iter()
            .fold(0_u128, |bits, octet| (bits << 8) | u128::from(*octet));
        let mut rest = bits;
        let mut characters = [0; CHARACTERS];
        for place in characters.iter_mut().rev() {
            let digit = usize::try_from(rest & 0x1f).unwrap_or(0);
            *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
            rest >>= 5;
        }
        Self(characters)
    }

    /// Reads what a person typed. Letter case, white space and dashes do not count; O is read as 0, I
    /// and L as 1, and full-width forms as plain ones.
    pub fn parse(text: &str) -> Result<Self, RecoveryCodeError> {
        let mut code = Self([0; CHARACTERS]);
        let mut used = 0_usize;
        for (index, character) in text.chars().enumerate() {
            if index >= TYPED_CHARACTERS {
                return Err(RecoveryCodeError::Length);
            }
            if is_separator(character) {
                continue;
            }
            let position = index.saturating_add(1);
            let read = forgiven(character).ok_or(RecoveryCodeError::Character { position })?;
            *code.0.get_mut(used).ok_or(RecoveryCodeError::Length)? = read;
            used = used.saturating_add(1);
        }
        if used == CHARACTERS {
            Ok(code)
        } else {
            Err(RecoveryCodeError::Length)
        }
    }

    /// The code as the person is shown it: `7ZQ4-08MX-…`.
    pub fn reveal(&self) -> String {
        let groups = self.0.chunks(GROUP).map(core::str::from_utf8);
        let groups: Vec<&str> = groups.map(Result::unwrap_or_default).collect();
        groups.join("-")
    }

    fn hash(&self, key: &RecoveryKey, salt: &[u8; 16]) -> CodeTag {
        CodeTag::from_bytes(keyed(&key.0, "recovery", &[salt, &self.0]))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(masked)")
    }
}

/// The character of the alphabet that is meant.
fn forgiven(character: char) -> Option<u8> {
    let narrow = match u32::from(character) {
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0)?,
        _ => character,
    };
    let meant = match u8::try_from(narrow).ok()?.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    ALPHABET.contains(&meant).then_some(meant)
}

/// The key under which recovery codes are hashed: 32 octets, kept outside the store.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey([u8; 32]);

impl RecoveryKey {
    /// From 32 random octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(masked)")
    }
}

/// The codes of a person as they are kept: hashes of those not used yet.
#[derive(Clone, Debug)]
pub struct RecoverySet {
    salt: [u8; 16],
    unused: Vec<CodeTag>,
}

/// A set and its codes. The codes are shown to the person and exist nowhere else.
#[derive(Debug)]
#[must_use]
pub struct Issued {
    /// What is kept.
    pub set: RecoverySet,
    /// What is shown, once.
    pub codes: Vec<RecoveryCode>,
}

/// The finding about a code, and the set after it. It is committed with the check that it was shown to,
/// right or wrong, and forgotten when that check was refused.
#[derive(Clone, Debug)]
#[must_use]
pub struct RecoveryChecked {
    /// The set without the code that was used.
    pub set: RecoverySet,
    /// What [`super::check::check`] is shown.
    pub judged: Judged,
}

/// A set as plain values, for storing it sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSet {
    /// Random octets of this set.
    pub salt: [u8; 16],
    /// Keyed hashes of the codes not used yet.
    pub unused: Vec<[u8; 32]>,
}

impl RecoverySet {
    /// Makes new codes from random octets. Whoever keeps the new set forgets the old one, whose codes
    /// are worth nothing from then on.
    pub fn issue(key: &RecoveryKey, salt: [u8; 16], random: &[[u8; CODE_OCTETS]]) -> Issued {
        let codes: Vec<RecoveryCode> = random.iter().map(RecoveryCode::from_random).collect();
        let unused = codes.iter().map(|code| code.hash(key, &salt)).collect();
        Issued {
            set: Self { salt, unused },
            codes,
        }
    }

    /// Looks at a code. Every hash is compared, and a code that is right is used up by it.
    pub fn check(&self, key: &RecoveryKey, code: &RecoveryCode) -> RecoveryChecked {
        let hash = code.hash(key, &self.salt);
        let mut set = self.clone();
        set.unused.retain(|unused| !unused.matches(&hash));
        let verdict = if set.unused.len() < self.unused.len() {
            Verdict::Right
        } else {
            Verdict::Wrong
        };
        RecoveryChecked {
            set,
            judged: Judged::new(Channel::Recovery, verdict),
        }
    }

    /// How many codes are left.
    pub fn left(&self) -> usize {
        self.unused.len()
    }

    /// The plain values.
    pub fn to_stored(&self) -> StoredSet {
        StoredSet {
            salt: self.salt,
            unused: self.unused.iter().map(|tag| *tag.reveal()).collect(),
        }
    }

    /// From plain values.
    pub fn from_stored(stored: &StoredSet) -> Self {
        let tags = stored.unused.iter().copied().map(CodeTag::from_bytes);
        Self {
            salt: stored.salt,
            unused: tags.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
