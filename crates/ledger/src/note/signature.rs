//! One signature line of a note: whose it says it is, and its octets. It is not checked here.

use core::fmt;

use super::key::KeyName;
use crate::spelling;

/// What stands before the name: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A signature line as it was read: `— name base64(id || octets)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: u32,
    bytes: Vec<u8>,
}

impl Signature {
    /// A line by the key of this name and id.
    pub(crate) const fn new(name: KeyName, id: u32, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Reads a line without its line feed; `None` when it is no signature line.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(DASH)?.split_once(' ')?;
        let blob = spelling::unbase64(blob)?;
        let (id, bytes) = blob.split_first_chunk::<4>()?;
        if bytes.is_empty() {
            return None;
        }
        let name = KeyName::parse(name).ok()?;
        Some(Self::new(name, u32::from_be_bytes(*id), bytes.to_vec()))
    }

    /// The name of the key that it says made it.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of that key.
    pub const fn key_id(&self) -> u32 {
        self.id
    }

    /// What stands behind the id: a signature, or a timestamp and a signature.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Display for Signature {
    /// The line, without its line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.id.to_be_bytes().as_slice(), &self.bytes].concat();
        write!(f, "{DASH}{} {}", self.name, spelling::base64(&blob))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
