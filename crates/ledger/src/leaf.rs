//! Hashes of the tree: SHA-256 with the prefixes of RFC 6962 §2.1, which keep a leaf from ever
//! passing for an inner node.

use core::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};

use crate::hex;

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;
/// Entries up to this length are hashed in one call from the stack, which saves the library's
/// context; nearly all are.
const SHORT_ENTRY: usize = 1_023;

/// A SHA-256 of the tree: of a leaf, an inner node or a root. Shown as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// From the 32 octets.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 octets.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From 64 lower-case hex digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).map(Self)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::show(&self.0, f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::show(&self.0, f)
    }
}

/// The hash of an entry's bytes as a leaf: `SHA-256(0x00 || entry)` (RFC 6962 §2.1).
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut buffer = [LEAF_PREFIX; 1 + SHORT_ENTRY];
    let end = entry.len().saturating_add(1);
    match buffer.get_mut(1..end) {
        Some(space) => {
            space.copy_from_slice(entry);
            sha256(buffer.get(..end).unwrap_or_default())
        }
        None => leaf_hash_long(entry),
    }
}

/// The hash of two neighbours: `SHA-256(0x01 || left || right)` (RFC 6962 §2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut buffer = [NODE_PREFIX; 65];
    let (_, children) = buffer.split_at_mut(1);
    let (first, second) = children.split_at_mut(32);
    first.copy_from_slice(&left.0);
    second.copy_from_slice(&right.0);
    sha256(&buffer)
}

/// The root of a tree without leaves: `SHA-256("")` (RFC 6962 §2.1).
pub fn empty_root() -> Hash {
    sha256(&[])
}

fn leaf_hash_long(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[LEAF_PREFIX]);
    context.update(entry);
    of_digest(context.finish().as_ref())
}

fn sha256(bytes: &[u8]) -> Hash {
    of_digest(digest(&SHA256, bytes).as_ref())
}

fn of_digest(digest: &[u8]) -> Hash {
    let mut bytes = [0_u8; 32];
    bytes.copy_from_slice(digest);
    Hash(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_tree_and_an_empty_leaf_have_their_known_hashes() {
        assert_eq!(
            empty_root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            leaf_hash(b"").to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn short_and_long_entries_hash_by_the_same_rule() {
        for length in [1, SHORT_ENTRY - 1, SHORT_ENTRY, SHORT_ENTRY + 1, 65_535] {
            let entry = vec![b'x'; length];
            assert_eq!(leaf_hash(&entry), leaf_hash_long(&entry), "{length} bytes");
        }
    }

    #[test]
    fn a_leaf_of_two_hashes_is_not_their_node() {
        let (left, right) = (leaf_hash(b"a"), leaf_hash(b"b"));
        let pair = [*left.as_bytes(), *right.as_bytes()].concat();
        assert_ne!(leaf_hash(&pair), node_hash(&left, &right));
    }
}
