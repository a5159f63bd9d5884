//! The file of a policy, line by line. Names are octets, not characters, as the specification says.

use super::{Group, Log, Member, Policy, Quorum, Witness};
use crate::note::key::{KeyError, KeyType, VerifierKey};

/// Longer files are refused, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// Where and why a file is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PolicyFault,
}

/// Why a file is no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// Longer than 1 MiB.
    #[error("the policy is too long")]
    TooLong,
    /// A control character other than tab and line feed.
    #[error("the line holds a control character")]
    Control,
    /// No line feed behind the last line.
    #[error("the last line does not end")]
    End,
    /// Not `log`, `witness`, `group` or `quorum`.
    #[error("the line is none of log, witness, group and quorum")]
    Word,
    /// Too few or too many items.
    #[error("the line has too few or too many items")]
    Items,
    /// The key is none.
    #[error("the key is not taken: {0}")]
    Key(#[from] KeyError),
    /// A log's key with a witness's type, or the other way round.
    #[error("the key is not of the type that its line needs")]
    KeyType,
    /// The same public key twice.
    #[error("the key is given twice")]
    RepeatedKey,
    /// A name that is taken, `none` included.
    #[error("the name is taken")]
    NameTaken,
    /// A name that no line before defines.
    #[error("the name is not defined on a line before")]
    UnknownName,
    /// A name that is a member of a group already.
    #[error("the name is a member of a group already")]
    Claimed,
    /// A threshold that is no number from 1 to the count of members.
    #[error("the threshold is not from 1 to the count of members")]
    Threshold,
    /// A second quorum line.
    #[error("the quorum is given twice")]
    RepeatedQuorum,
    /// No quorum line.
    #[error("the quorum is not given")]
    NoQuorum,
    /// A URL that is not UTF-8.
    #[error("the URL is not UTF-8")]
    Url,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Policy, PolicyError> {
    let at = |line| move |fault| PolicyError { line, fault };
    if bytes.len() > MAX_BYTES {
        return Err(at(1)(PolicyFault::TooLong));
    }
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let mut reading = Reading::default();
    let mut count = 0;
    for (number, line) in (1..).zip(&lines) {
        // What is behind the last line feed is no line.
        if number == lines.len() {
            let end = if line.is_empty() {
                Ok(())
            } else {
                Err(PolicyFault::End)
            };
            end.map_err(at(number))?;
        } else {
            reading.line(line).map_err(at(number))?;
            count = number;
        }
    }
    reading.finish().map_err(at(count.max(1)))
}

#[derive(Default)]
struct Reading {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    claimed: Vec<Member>,
    quorum: Option<Quorum>,
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), PolicyFault> {
        if line
            .iter()
            .any(|byte| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f)
        {
            return Err(PolicyFault::Control);
        }
        let is_space = |byte: &u8| matches!(*byte, b' ' | b'\t');
        let items: Vec<&[u8]> = line
            .split(is_space)
            .filter(|item| !item.is_empty())
            .collect();
        match items.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", rest @ ..] => self.log(rest),
            [b"witness", rest @ ..] => self.witness(rest),
            [b"group", rest @ ..] => self.group(rest),
            [b"quorum", rest @ ..] => self.quorum(rest),
            _ => Err(PolicyFault::Word),
        }
    }

    fn log(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let (key, url) = key_and_url(items)?;
        if key.kind() == KeyType::Cosignature {
            return Err(PolicyFault::KeyType);
        }
        if self.logs.iter().any(|log| log.key.public() == key.public()) {
            return Err(PolicyFault::RepeatedKey);
        }
        self.logs.push(Log { key, url });
        Ok(())
    }

    fn witness(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let (name, rest) = items.split_first().ok_or(PolicyFault::Items)?;
        let name = self.free(name)?;
        let (key, url) = key_and_url(rest)?;
        if key.kind() == KeyType::Ed25519 {
            return Err(PolicyFault::KeyType);
        }
        if self
            .witnesses
            .iter()
            .any(|witness| witness.key.public() == key.public())
        {
            return Err(PolicyFault::RepeatedKey);
        }
        self.witnesses.push(Witness { name, key, url });
        Ok(())
    }

    fn group(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name, threshold, members @ ..] = items else {
            return Err(PolicyFault::Items);
        };
        let name = self.free(name)?;
        let needed = needed(threshold, members.len())?;
        let mut found = Vec::with_capacity(members.len());
        for member in members {
            let member = self.defined(member).ok_or(PolicyFault::UnknownName)?;
            if self.claimed.contains(&member) {
                return Err(PolicyFault::Claimed);
            }
            self.claimed.push(member);
            found.push(member);
        }
        self.groups.push(Group {
            name,
            needed,
            members: found,
        });
        Ok(())
    }

    fn quorum(&mut self, items: &[&[u8]]) -> Result<(), PolicyFault> {
        let [name] = items else {
            return Err(PolicyFault::Items);
        };
        if self.quorum.is_some() {
            return Err(PolicyFault::RepeatedQuorum);
        }
        self.quorum = Some(match *name {
            b"none" => Quorum::None,
            name => Quorum::Of(self.defined(name).ok_or(PolicyFault::UnknownName)?),
        });
        Ok(())
    }

    fn finish(self) -> Result<Policy, PolicyFault> {
        Ok(Policy {
            logs: self.logs,
            witnesses: self.witnesses,
            groups: self.groups,
            quorum: self.quorum.ok_or(PolicyFault::NoQuorum)?,
        })
    }

    fn free(&self, name: &[u8]) -> Result<Vec<u8>, PolicyFault> {
        if name == b"none" || self.defined(name).is_some() {
            return Err(PolicyFault::NameTaken);
        }
        Ok(name.to_vec())
    }

    fn defined(&self, name: &[u8]) -> Option<Member> {
        let witness = self
            .witnesses
            .iter()
            .position(|witness| witness.name == name);
        let group = || self.groups.iter().position(|group| group.name == name);
        witness
            .map(Member::Witness)
            .or_else(|| group().map(Member::Group))
    }
}

fn key_and_url(items: &[&[u8]]) -> Result<(VerifierKey, Option<String>), PolicyFault> {
    let (key, url) = match items {
        [key] => (key, None),
        [key, url] => (key, Some(url)),
        _ => return Err(PolicyFault::Items),
    };
    let key = core::str::from_utf8(key).map_err(|_| KeyError::Form)?;
    let url = url.map(|url| String::from_utf8(url.to_vec()).map_err(|_| PolicyFault::Url));
    Ok((VerifierKey::parse(key)?, url.transpose()?))
}

fn needed(threshold: &[u8], members: usize) -> Result<usize, PolicyFault> {
    let needed = match threshold {
        b"any" => 1,
        b"all" => members,
        number => {
            let number = core::str::from_utf8(number).ok();
            let number = number.and_then(crate::spelling::decimal);
            number
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or(0)
        }
    };
    if needed == 0 || needed > members {
        return Err(PolicyFault::Threshold);
    }
    Ok(needed)
}
