//! The bodies of the catalogue's rows: octets that end in a sum over them and over the place where they
//! lie. SQLite does not notice an octet that changed by itself, and a search would then silently miss
//! what is there.

use crate::columns::unreadable;
use crate::fnv::fnv;

/// Octets of the sum.
const SUM_OCTETS: usize = 8;

/// Which table a row lies in, as a part of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Mark,
    Triple,
    Block,
    Span,
    Times,
    Bucket,
    Posting,
}

impl Table {
    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::Triple => "triple",
            Self::Block => "block",
            Self::Span => "span",
            Self::Times => "times",
            Self::Bucket => "bucket",
            Self::Posting => "posting",
        }
    }
}

/// Adds the sum.
pub(crate) fn close(table: Table, keys: &[u64], mut content: Vec<u8>) -> Vec<u8> {
    let sum = sum(table, keys, &content);
    content.extend_from_slice(&sum.to_be_bytes());
    content
}

/// Checks the sum and takes it off.
pub(crate) fn open<'b>(table: Table, keys: &[u64], body: &'b [u8]) -> rusqlite::Result<&'b [u8]> {
    let split = body.len().checked_sub(SUM_OCTETS);
    let parts = split.and_then(|split| body.split_at_checked(split));
    let sound = parts.filter(|(content, given)| *given == sum(table, keys, content).to_be_bytes());
    sound.map(|(content, _)| content).ok_or_else(damaged)
}

/// The error of a row that is not as it was written.
pub(crate) fn damaged() -> rusqlite::Error {
    unreadable(0, "the catalogue is damaged".into())
}

fn sum(table: Table, keys: &[u64], content: &[u8]) -> u64 {
    let keys = keys.iter().flat_map(|key| key.to_be_bytes());
    let place = table.name().bytes().chain([0]).chain(keys);
    fnv(place.chain(content.iter().copied()))
}

/// Reads numbers off the front of a row's content.
pub(crate) struct Numbers<'b>(pub(crate) &'b [u8]);

impl Numbers<'_> {
    /// The next of 8 octets.
    pub(crate) fn long(&mut self) -> rusqlite::Result<u64> {
        let (octets, rest) = self.0.split_first_chunk().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*octets))
    }

    /// The next of 4 octets.
    pub(crate) fn short(&mut self) -> rusqlite::Result<u32> {
        let (octets, rest) = self.0.split_first_chunk().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*octets))
    }

    /// All that are left, of 4 octets each.
    pub(crate) fn shorts(self) -> rusqlite::Result<Vec<u32>> {
        let (numbers, rest) = self.0.as_chunks();
        let numbers = numbers.iter().map(|octets| u32::from_be_bytes(*octets));
        rest.is_empty()
            .then(|| numbers.collect())
            .ok_or_else(damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bit_and_any_other_place_is_noticed() {
        let body = close(Table::Span, &[7, 9], b"some content".to_vec());
        assert_eq!(open(Table::Span, &[7, 9], &body).unwrap(), b"some content");
        open(Table::Times, &[7, 9], &body).unwrap_err();
        open(Table::Span, &[7, 8], &body).unwrap_err();
        open(Table::Span, &[7, 9], &body[..7]).unwrap_err();
        for place in 0..body.len() * 8 {
            let mut bent = body.clone();
            bent[place / 8] ^= 1 << (place % 8);
            open(Table::Span, &[7, 9], &bent).unwrap_err();
        }
    }
}
