//! Public RSA keys, in the one form that is kept: the DER of PKCS #1 (RFC 8017 appendix A.1.1), of 2,048 to 4,096
//! bits.

use core::fmt;

/// Bits of the modulus that are taken: fewer are weak, and more cost whoever verifies.
const BITS: core::ops::RangeInclusive<usize> = 2_048..=4_096;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// `rsaEncryption` and no parameters (RFC 3279 section 2.3.1).
const RSA_ENCRYPTION: [u8; 13] = [
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaKey(Box<[u8]>);

impl RsaKey {
    /// Of its DER as `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7); `None` when it is none that is taken.
    pub fn of_spki(der: &[u8]) -> Option<Self> {
        let info = only(SEQUENCE, der)?;
        let (algorithm, rest) = element(SEQUENCE, info)?;
        if algorithm != RSA_ENCRYPTION {
            return None;
        }
        let (unused, key) = only(BIT_STRING, rest)?.split_first()?;
        (*unused == 0).then(|| Self::of_pkcs1(key))?
    }

    /// Of its DER of PKCS #1; `None` when it is none that is taken.
    pub fn of_pkcs1(der: &[u8]) -> Option<Self> {
        let numbers = only(SEQUENCE, der)?;
        let (modulus, rest) = element(INTEGER, numbers)?;
        let exponent = only(INTEGER, rest)?;
        // A sign octet before a modulus whose first bit is set.
        let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
        let first = modulus.first().filter(|first| **first != 0)?;
        let zeros = usize::try_from(first.leading_zeros()).ok()?;
        let bits = (modulus.len() * 8).checked_sub(zeros)?;
        let is_odd = exponent.last().is_some_and(|last| last % 2 == 1);
        (BITS.contains(&bits) && is_odd).then(|| Self(der.into()))
    }

    /// Its DER of PKCS #1.
    pub fn as_pkcs1(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({} octets)", self.0.len())
    }
}

/// The content of an element that is all there is.
fn only(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let (content, rest) = element(tag, der)?;
    rest.is_empty().then_some(content)
}

/// The content of the first element, and what follows it. Lengths are of the shortest form (DER).
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    let shortest = match length {
        0..=0x7f => *first < 0x80,
        0x80..=0xff => *first == 0x81,
        _ => *first == 0x82,
    };
    if !shortest {
        return None;
    }
    (*found == tag).then(|| rest.split_at_checked(length))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        let mut out = vec![tag];
        match length {
            0..=0x7f => out.push(u8::try_from(length).unwrap()),
            0x80..=0xff => out.extend([0x81, u8::try_from(length).unwrap()]),
            _ => {
                out.push(0x82);
                out.extend(length.to_be_bytes());
            }
        }
        out.extend(content);
        out
    }

    /// A key with a modulus of so many octets.
    fn pkcs1(octets: usize) -> Vec<u8> {
        let mut modulus = vec![0xc5; octets];
        modulus.insert(0, 0);
        let numbers = [der(INTEGER, &modulus), der(INTEGER, &[1, 0, 1])].concat();
        der(SEQUENCE, &numbers)
    }

    fn spki(key: &[u8]) -> Vec<u8> {
        let bits = [&[0], key].concat();
        let parts = [der(SEQUENCE, &RSA_ENCRYPTION), der(BIT_STRING, &bits)].concat();
        der(SEQUENCE, &parts)
    }

    #[test]
    fn a_key_of_enough_bits_is_taken_in_both_forms_and_kept_in_one() {
        for octets in [256, 384, 512] {
            let plain = pkcs1(octets);
            let key = RsaKey::of_pkcs1(&plain).unwrap();
            assert_eq!(key.as_pkcs1(), plain);
            assert_eq!(RsaKey::of_spki(&spki(&plain)), Some(key));
        }
        for octets in [0, 1, 128, 255, 513] {
            assert_eq!(RsaKey::of_pkcs1(&pkcs1(octets)), None, "{octets}");
        }
    }

    #[test]
    fn anything_else_is_no_key() {
        let good = spki(&pkcs1(256));
        for end in 0..good.len() {
            assert_eq!(RsaKey::of_spki(&good[..end]), None, "{end}");
        }
        assert_eq!(RsaKey::of_spki(&[&good[..], &[0]].concat()), None);
        assert_eq!(RsaKey::of_pkcs1(&good), None);
        let mut other = good;
        other[8] ^= 1;
        assert_eq!(RsaKey::of_spki(&other), None);
    }

    proptest::proptest! {
        #[test]
        fn no_octets_make_the_reader_panic(octets: Vec<u8>) {
            let _ = (RsaKey::of_spki(&octets), RsaKey::of_pkcs1(&octets));
        }
    }
}
