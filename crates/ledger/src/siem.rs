//! The ledger in the words of others: an entry as an event of OCSF, as a line of CEF, and as a
//! message of syslog (RFC 5424). Nothing is added to what the entry says and nothing personal can be
//! in it, since an entry holds none. How it gets to a SIEM is decided elsewhere.

pub mod cef;
pub mod level;
pub mod ocsf;
pub mod syslog;

use crate::entry::named::named;
use crate::entry::parse::{Entry, ParseError};
use crate::leaf::{Hash, leaf_hash};

named! {
    /// How an entry is written for others.
    Format {
        /// As it is in the ledger, octet for octet, so that its leaf hash can be computed anew.
        Entry = "entry",
        /// A line of ArcSight's Common Event Format, version 0.
        Cef = "cef",
        /// An event of the Open Cybersecurity Schema Framework, as canonical JSON.
        Ocsf = "ocsf",
    }
}

/// Who tells of the entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// The origin of the log.
    pub log: String,
    /// The version of the gateway that writes them out.
    pub version: String,
}

/// An entry at its place in the log.
#[derive(Clone, Debug)]
pub struct Placed<'a> {
    /// Its index.
    pub index: u64,
    /// Its octets.
    pub octets: &'a [u8],
    /// Its leaf hash.
    pub leaf: Hash,
    /// What it says.
    pub entry: Entry<'a>,
}

impl<'a> Placed<'a> {
    /// Reads the entry at an index.
    pub fn parse(index: u64, octets: &'a [u8]) -> Result<Self, ParseError> {
        Ok(Self {
            index,
            octets,
            leaf: leaf_hash(octets),
            entry: Entry::parse(octets)?,
        })
    }

    /// The entry in a format, without a line end.
    pub fn render(&self, format: Format, producer: &Producer) -> Vec<u8> {
        match format {
            Format::Entry => self.octets.to_vec(),
            Format::Cef => cef::line(self, producer).into_bytes(),
            Format::Ocsf => ocsf::event(self, producer),
        }
    }

    /// The entry with its index and its leaf hash, as one line of JSON without a line end.
    pub fn json_line(&self) -> Vec<u8> {
        let (index, leaf) = (self.index, self.leaf);
        let behind = format!(r#","index":{index},"leaf":"{leaf}"}}"#);
        [br#"{"entry":"#, self.octets, behind.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests;
