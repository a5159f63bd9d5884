//! The stamp: what only the one writer of a node knows about an entry, and adds last.

use core::fmt;

/// The place and time of an entry. `node`, `epoch` and `node_seq` together name it; the index in
/// the log is not among them.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The node that writes.
    pub node: &'a NodeName,
    /// Which opening of the ledger by this node this is; at most 2^53 − 1.
    pub epoch: u64,
    /// The number of the entry on this node, without gaps; at most 2^53 − 1.
    pub node_seq: u64,
    /// Microseconds of UTC since 1970, never decreasing on one node; past the year 9999 it stays there.
    pub time_micros: u64,
}

/// The name of a gateway node: 1 to 63 of `a-z`, `0-9`, `-` and `.`, neither sign first or last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeName(Box<str>);

/// A node name is at most this long, in bytes.
pub(super) const NODE_NAME_MAX: usize = 63;

/// The text is no name of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a node name is 1 to 63 of a-z, 0-9, '-' and '.', with a letter or digit at both ends")]
pub struct NodeNameError;

impl NodeName {
    /// Parses a name.
    pub fn parse(text: &str) -> Result<Self, NodeNameError> {
        if is_node_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(NodeNameError)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl core::str::FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        Self::parse(text)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is a node name. None needs an escape in JSON.
pub(super) fn is_node_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    bytes.len() <= NODE_NAME_MAX
        && bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes
            .iter()
            .all(|byte| plain(byte) || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_name_needs_no_escape_and_has_a_bound() {
        for good in ["a", "gw-1", "gw1.fra.example", &"x".repeat(63)] {
            assert_eq!(
                NodeName::parse(good).map(|name| name.to_string()),
                Ok(good.to_owned())
            );
        }
        for wrong in [
            "",
            "-a",
            "a-",
            ".a",
            "A",
            "a b",
            "a\"",
            "é",
            &"x".repeat(64),
        ] {
            assert_eq!(NodeName::parse(wrong), Err(NodeNameError), "{wrong}");
        }
    }
}
