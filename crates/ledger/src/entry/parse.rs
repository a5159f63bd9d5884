//! The strict reader of entries, for verifiers. It takes exactly what a draft can make and nothing
//! else: canonical form, known keys and words, every field of its shape. It does not judge whether
//! the ledger around the entry is sound.

use std::borrow::Cow;
use std::vec::IntoIter;

use super::actor::{ActorType, ObjectType, OriginType};
use super::kind::Kind;
use super::outcome::Outcome;
use super::reader::{self, ReadError};
use super::stamp::is_node_name;
use super::value::Value;
use super::{KEYS, MAX_DEPTH, MAX_ENTRY_BYTES, SCHEMA_VERSION, is_field_name, time};
use crate::commitment::Commitment;

/// An entry as it was read. Fields are those of `docs/ledger.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Who did it.
    pub actor: Referent<'a, ActorType>,
    /// The client on whose behalf or to whose traffic it happened.
    pub client: Option<Cow<'a, str>>,
    /// What ties entries of one request together.
    pub correlation: Option<Cow<'a, str>>,
    /// The public facts: a map that is not empty, or nothing.
    pub data: Option<Value<'a>>,
    /// Which opening of the ledger by its node.
    pub epoch: u64,
    /// What happened.
    pub kind: Kind,
    /// The node that wrote it.
    pub node: Cow<'a, str>,
    /// Its number on that node, without gaps.
    pub node_seq: u64,
    /// What it happened to.
    pub object: Option<Referent<'a, ObjectType>>,
    /// From where it came.
    pub origin: Option<Referent<'a, OriginType>>,
    /// How it ended.
    pub outcome: Outcome,
    /// The commitments to private fields, by field name, sorted.
    pub private: Vec<(Cow<'a, str>, Commitment)>,
    /// Why it ended so.
    pub reason: Option<Cow<'a, str>>,
    /// When, in microseconds of UTC since 1970.
    pub time_micros: u64,
}

/// A typed reference in an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referent<'a, T> {
    /// The type.
    pub kind: T,
    /// The id.
    pub id: Cow<'a, str>,
}

/// Why bytes are no entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Longer than [`MAX_ENTRY_BYTES`].
    #[error("longer than 65535 bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// Not canonical JSON (RFC 8785) without fractions.
    #[error("not canonical JSON at byte {at}")]
    Form {
        /// Where it departs from it.
        at: usize,
    },
    /// Nests deeper than [`MAX_DEPTH`].
    #[error("nests too deep")]
    TooDeep,
    /// Not a map at the top.
    #[error("not a JSON object")]
    NotAnObject,
    /// A top-level key that the schema does not have.
    #[error("unknown key {key:?}")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A key that every entry has is not there.
    #[error("key {key:?} is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// The value of a key is none that the schema allows.
    #[error("value of key {key:?} is not as the schema says")]
    Wrong {
        /// The key.
        key: &'static str,
    },
}

impl<'a> Entry<'a> {
    /// Reads the bytes of one entry.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(ParseError::TooLong);
        }
        let Value::Map(members) = reader::read(bytes, MAX_DEPTH)? else {
            return Err(ParseError::NotAnObject);
        };
        Self::from_members(Members(members.into_iter().peekable()))
    }

    /// Takes the members in the order of their keys, which the reader has checked.
    fn from_members(mut members: Members<'a>) -> Result<Self, ParseError> {
        let entry = Self {
            actor: members.needed("actor", |value| referent(value, ActorType::from_name))?,
            client: members.optional("client", text)?,
            correlation: members.optional("correlation", text)?,
            data: members.optional("data", facts)?,
            epoch: members.needed("epoch", |value| natural(&value))?,
            kind: members.needed("kind", |value| word(&value, Kind::from_name))?,
            node: members.needed("node", node)?,
            node_seq: members.needed("node_seq", |value| natural(&value))?,
            object: members.optional("object", |value| referent(value, ObjectType::from_name))?,
            origin: members.optional("origin", |value| referent(value, OriginType::from_name))?,
            outcome: members.needed("outcome", |value| word(&value, Outcome::from_name))?,
            private: members
                .optional("private", commitments)?
                .unwrap_or_default(),
            reason: members.optional("reason", text)?,
            time_micros: members.needed("time", |value| word(&value, time::read))?,
        };
        members.needed("v", |value| {
            (natural(&value)? == SCHEMA_VERSION).then_some(())
        })?;
        members.unknown().map_or(Ok(entry), Err)
    }
}

impl From<ReadError> for ParseError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Utf8 => Self::Utf8,
            ReadError::Form(at) => Self::Form { at },
            ReadError::Depth => Self::TooDeep,
        }
    }
}

/// The members of the entry that were not taken yet.
struct Members<'a>(core::iter::Peekable<IntoIter<(Cow<'a, str>, Value<'a>)>>);

impl<'a> Members<'a> {
    fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Result<Option<T>, ParseError> {
        match self.0.next_if(|(name, _)| name == key) {
            Some((_, value)) => read(value).map(Some).ok_or(ParseError::Wrong { key }),
            None => Ok(None),
        }
    }

    fn needed<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(Value<'a>) -> Option<T>,
    ) -> Result<T, ParseError> {
        match self.optional(key, read)? {
            Some(value) => Ok(value),
            None => Err(self.unknown().unwrap_or(ParseError::Missing { key })),
        }
    }

    /// The fault of the next member, if the schema does not have its key. Such a key stays at the
    /// front, since nothing asks for it, so it is found where the next needed key should be.
    fn unknown(&mut self) -> Option<ParseError> {
        let (key, _) = self.0.peek()?;
        let unknown = !KEYS.contains(&key.as_ref());
        unknown.then(|| ParseError::UnknownKey {
            key: key.clone().into_owned(),
        })
    }
}

fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn word<T>(value: &Value<'_>, find: fn(&str) -> Option<T>) -> Option<T> {
    find(value.as_text()?)
}

fn natural(value: &Value<'_>) -> Option<u64> {
    u64::try_from(value.as_integer()?).ok()
}

fn node(value: Value<'_>) -> Option<Cow<'_, str>> {
    text(value).filter(|name| is_node_name(name))
}

fn facts(value: Value<'_>) -> Option<Value<'_>> {
    let filled = matches!(&value, Value::Map(members) if !members.is_empty());
    (filled && has_field_names(&value)).then_some(value)
}

/// Whether every key at any level is a field name. The reader has bounded the depth.
fn has_field_names(value: &Value<'_>) -> bool {
    match value {
        Value::Map(members) => members
            .iter()
            .all(|(key, value)| is_field_name(key) && has_field_names(value)),
        Value::List(values) => values.iter().all(has_field_names),
        _ => true,
    }
}

fn referent<T>(value: Value<'_>, find: fn(&str) -> Option<T>) -> Option<Referent<'_, T>> {
    let Value::Map(members) = value else {
        return None;
    };
    let [(id_key, id), (type_key, kind)] = <[_; 2]>::try_from(members).ok()?;
    if id_key != "id" || type_key != "type" {
        return None;
    }
    Some(Referent {
        kind: word(&kind, find)?,
        id: text(id)?,
    })
}

fn commitments(value: Value<'_>) -> Option<Vec<(Cow<'_, str>, Commitment)>> {
    let Value::Map(members) = value else {
        return None;
    };
    if members.is_empty() {
        return None;
    }
    members.into_iter().map(commitment).collect()
}

fn commitment<'a>((field, value): (Cow<'a, str>, Value<'a>)) -> Option<(Cow<'a, str>, Commitment)> {
    let commitment = Commitment::from_hex(value.as_text()?)?;
    is_field_name(&field).then_some((field, commitment))
}
