//! Entry bundles: entries one behind the other, each behind its length in two octets, big-endian.
//! Nothing may follow the last one.

use crate::entry::MAX_ENTRY_BYTES;

/// Why entries make no bundle, or octets are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// An entry longer than its length can say.
    #[error("entry {place} of the bundle is too long")]
    TooLong {
        /// Which, counted from 0.
        place: u16,
    },
    /// The octets end within an entry.
    #[error("the bundle ends within its entry {place}")]
    Cut {
        /// Which, counted from 0.
        place: u16,
    },
    /// Fewer entries than the width asks for.
    #[error("the bundle has {count} entries only")]
    Short {
        /// How many it has.
        count: u16,
    },
    /// Octets behind the last entry.
    #[error("the bundle goes on behind its last entry")]
    Trailing,
}

/// The octets of a bundle.
pub fn encode<'e>(entries: impl IntoIterator<Item = &'e [u8]>) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    for (place, entry) in (0..).zip(entries) {
        push(&mut bytes, entry).ok_or(BundleError::TooLong { place })?;
    }
    Ok(bytes)
}

/// Appends one entry; `None`, and nothing appended, when it is too long.
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Option<()> {
    let length = u16::try_from(entry.len()).ok()?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Some(())
}

/// Reads a bundle of exactly `width` entries.
pub fn decode(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, BundleError> {
    let (entries, rest) = decode_first(bytes, width)?;
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(BundleError::Trailing)
    }
}

/// Reads the first `width` entries of a bundle that may have more, and gives the octets behind them.
pub fn decode_first(bytes: &[u8], width: u16) -> Result<(Vec<&[u8]>, &[u8]), BundleError> {
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for place in 0..width {
        if rest.is_empty() {
            return Err(BundleError::Short { count: place });
        }
        let (entry, behind) = split(rest).ok_or(BundleError::Cut { place })?;
        entries.push(entry);
        rest = behind;
    }
    Ok((entries, rest))
}

/// The first entry and what is behind it.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

const _: () = assert!(
    MAX_ENTRY_BYTES == 0xffff,
    "an entry's length must fit two octets"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn a_bundle_is_lengths_and_entries() {
        let bytes = encode([b"ab".as_slice(), b"", b"c"]).unwrap();
        assert_eq!(bytes, b"\0\x02ab\0\0\0\x01c");
        assert_eq!(decode(&bytes, 3).unwrap(), [b"ab".as_slice(), b"", b"c"]);
    }

    #[test]
    fn a_bundle_of_another_width_or_length_is_refused() {
        let bytes = encode([b"ab".as_slice(), b"", b"c"]).unwrap();
        assert_eq!(decode(&bytes, 4), Err(BundleError::Short { count: 3 }));
        assert_eq!(decode(&bytes, 2), Err(BundleError::Trailing));
        assert_eq!(decode(&bytes[..8], 3), Err(BundleError::Cut { place: 2 }));
        assert_eq!(decode(&bytes[..7], 3), Err(BundleError::Cut { place: 2 }));
        assert_eq!(
            decode(&[bytes.as_slice(), b"\0"].concat(), 3),
            Err(BundleError::Trailing)
        );
        assert_eq!(
            decode_first(&bytes, 1).unwrap(),
            (vec![b"ab".as_slice()], &bytes[4..])
        );
    }

    #[test]
    fn the_longest_entry_fits_and_one_octet_more_does_not() {
        let longest = vec![b'x'; MAX_ENTRY_BYTES];
        let bytes = encode([longest.as_slice()]).unwrap();
        assert_eq!(decode(&bytes, 1).unwrap(), [longest.as_slice()]);
        let over = vec![b'x'; MAX_ENTRY_BYTES + 1];
        assert_eq!(
            encode([over.as_slice()]),
            Err(BundleError::TooLong { place: 0 })
        );
    }

    proptest! {
        #[test]
        fn what_is_read_encodes_to_the_same_octets(bytes in any::<Vec<u8>>(), width in 0..5_u16) {
            if let Ok(entries) = decode(&bytes, width) {
                prop_assert_eq!(encode(entries).unwrap(), bytes);
            }
        }
    }
}
