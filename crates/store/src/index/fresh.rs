//! What the index database has not taken in yet: 16 octets for each new row, written with the commit
//! itself. The key is the first half of the blind index, which finds few rows too many; the whole is
//! compared in the row that it leads to.

use crate::columns::integer;

/// Octets of one record: key, then sequence and kind.
pub(crate) const RECORD_OCTETS: usize = 16;

/// Which table a fresh row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FreshKind {
    /// A message to a handset, or a verification of its number: one sequence is never that of both, so the
    /// row tells which it is.
    Message,
    /// A message from a handset.
    Inbound,
}

/// One fresh row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fresh {
    /// See [`subject_key`].
    pub(crate) key: i64,
    /// The sequence shifted by one, and the kind in the lowest bit.
    tag: i64,
}

impl Fresh {
    /// The record of a row.
    pub(crate) fn of(kind: FreshKind, sequence: u64, subject: [u8; 16]) -> Self {
        let bit = i64::from(kind == FreshKind::Inbound);
        Self {
            key: subject_key(subject),
            tag: (integer(sequence) << 1) | bit,
        }
    }

    /// Which table it belongs to.
    pub(crate) const fn kind(self) -> FreshKind {
        if self.tag & 1 == 0 {
            FreshKind::Message
        } else {
            FreshKind::Inbound
        }
    }

    /// The row's key in its table.
    pub(crate) const fn sequence(self) -> i64 {
        self.tag >> 1
    }
}

/// Under which number rows of a subject are indexed.
pub(crate) fn subject_key(subject: [u8; 16]) -> i64 {
    let (half, _) = subject.split_at(8);
    half.try_into().map_or(0, i64::from_be_bytes)
}

/// Adds the record of a new row.
pub(crate) fn push(records: &mut Vec<u8>, kind: FreshKind, sequence: u64, subject: [u8; 16]) {
    let Fresh { key, tag } = Fresh::of(kind, sequence, subject);
    records.extend_from_slice(&key.to_be_bytes());
    records.extend_from_slice(&tag.to_be_bytes());
}

/// Reads records back.
pub(crate) fn read(records: &[u8]) -> impl Iterator<Item = Fresh> {
    records.chunks_exact(RECORD_OCTETS).filter_map(|record| {
        let (key, tag) = record.split_at_checked(8)?;
        let key = i64::from_be_bytes(key.try_into().ok()?);
        let tag = i64::from_be_bytes(tag.try_into().ok()?);
        Some(Fresh { key, tag })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_as_they_were_pushed() {
        let mut records = Vec::new();
        let top = domain::id::SEQUENCE_MAX;
        push(&mut records, FreshKind::Message, 7, [0xff; 16]);
        push(&mut records, FreshKind::Inbound, top, [1; 16]);
        let found: Vec<_> = read(&records).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].key, found[0].sequence()), (-1, 7));
        assert_eq!(found[0].kind(), FreshKind::Message);
        assert_eq!(u64::try_from(found[1].sequence()), Ok(top));
        assert_eq!(found[1].kind(), FreshKind::Inbound);
    }
}
