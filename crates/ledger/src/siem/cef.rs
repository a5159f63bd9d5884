//! An entry as a line of ArcSight's Common Event Format: `CEF:0|…` with a header of seven fields and an
//! extension of keys from its dictionary.

use core::fmt::{self, Write as _};
use core::net::IpAddr;

use super::level::Level;
use super::{Placed, Producer};
use crate::entry::actor::{ActorType, ObjectType};
use crate::entry::parse::Entry;
use crate::entry::value::Value;

/// The line, without a line end.
pub fn line(placed: &Placed<'_>, producer: &Producer) -> String {
    let entry = &placed.entry;
    let kind = entry.kind.as_str();
    let level = Level::of(entry.kind, entry.outcome).cef();
    let mut out = String::from("CEF:0|Shortstop|Shortstop|");
    header(&mut out, &producer.version);
    out.push('|');
    header(&mut out, kind);
    out.push('|');
    header(&mut out, &kind.replace('.', " "));
    // Writing to a string cannot fail.
    let _ = write!(out, "|{level}|");
    let mut extension = Extension(out);
    what(&mut extension, placed, producer);
    who(&mut extension, entry);
    custom(&mut extension, placed);
    extension.0
}

fn what(extension: &mut Extension, placed: &Placed<'_>, producer: &Producer) {
    let entry = &placed.entry;
    let (category, action) = entry.kind.as_str().split_once('.').unwrap_or_default();
    extension.put("rt", &(entry.time_micros / 1_000));
    extension.put("externalId", &placed.index);
    extension.put("cat", &category);
    extension.put("act", &action);
    extension.put("outcome", &entry.outcome);
    extension.put_some("reason", entry.reason.as_deref());
    extension.put("dvchost", &entry.node);
    extension.put("deviceExternalId", &producer.log);
}

fn who(extension: &mut Extension, entry: &Entry<'_>) {
    if entry.actor.kind != ActorType::Anonymous {
        extension.put("suser", &entry.actor.id);
    }
    extension.put("spriv", &entry.actor.kind);
    let affected = entry
        .object
        .as_ref()
        .filter(|object| object.kind == ObjectType::Client)
        .map(|object| &object.id);
    extension.put_some("duser", affected.or(entry.client.as_ref()));
    let Some(origin) = &entry.origin else { return };
    match origin.id.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => extension.put("src", &address),
        // In version 0 `src` is for IPv4 alone.
        Ok(IpAddr::V6(address)) => {
            extension.put("c6a2", &address);
            extension.put("c6a2Label", &"Source IPv6 Address");
        }
        Err(_) => extension.labelled("cs2", "origin", &format!("{} {}", origin.kind, origin.id)),
    }
}

/// What the dictionary has no key for.
fn custom(extension: &mut Extension, placed: &Placed<'_>) {
    let entry = &placed.entry;
    extension.labelled("cs1", "leafHash", &placed.leaf);
    if let Some(object) = &entry.object {
        extension.labelled("cs3", "object", &format!("{} {}", object.kind, object.id));
    }
    if let Some(correlation) = &entry.correlation {
        extension.labelled("cs4", "correlation", correlation);
    }
    if let Some(data) = &entry.data {
        extension.labelled("cs5", "data", &rendered(data));
    }
    if !entry.private.is_empty() {
        extension.labelled("cs6", "commitments", &rendered(&commitments(entry)));
    }
    extension.labelled("cn1", "epoch", &entry.epoch);
    extension.labelled("cn2", "nodeSequence", &entry.node_seq);
}

/// The commitments as a map of hex.
pub(super) fn commitments<'a>(entry: &Entry<'a>) -> Value<'a> {
    let members = entry.private.iter();
    let hex = |commitment: &crate::Commitment| Value::Text(commitment.to_string().into());
    Value::Map(
        members
            .map(|(name, commitment)| (name.clone(), hex(commitment)))
            .collect(),
    )
}

fn rendered(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    value.render(&mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// Keys and values behind the header.
struct Extension(String);

impl Extension {
    fn put(&mut self, key: &str, value: &dyn fmt::Display) {
        if !self.0.ends_with('|') {
            self.0.push(' ');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{key}=");
        let _ = write!(Escaping(&mut self.0), "{value}");
    }

    fn put_some<T: fmt::Display>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.put(key, &value);
        }
    }

    /// A custom field and the name that says what is in it.
    fn labelled(&mut self, key: &str, label: &str, value: &dyn fmt::Display) {
        self.put(key, value);
        self.put(&format!("{key}Label"), &label);
    }
}

/// Escapes a value: a backslash, an equals sign and the ends of lines; a bar stays as it is.
struct Escaping<'s>(&'s mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '\\' | '=' => self.0.extend(['\\', character]),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                plain => self.0.push(plain),
            }
        }
        Ok(())
    }
}

/// Escapes a field of the header: a backslash and a bar; the header is one line, so that the end of one
/// becomes a space.
fn header(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' | '|' => out.extend(['\\', character]),
            '\n' | '\r' => out.push(' '),
            plain => out.push(plain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_escapes_bars_and_backslashes_and_stays_one_line() {
        let mut out = String::new();
        header(&mut out, "a|b\\c=d\r\ne");
        assert_eq!(out, "a\\|b\\\\c=d  e");
    }

    #[test]
    fn a_value_escapes_equals_signs_backslashes_and_line_ends_but_no_bar() {
        let mut extension = Extension("|".to_owned());
        extension.put("k", &"a=b\\c\nd\re|f");
        extension.put("l", &1);
        assert_eq!(extension.0, "|k=a\\=b\\\\c\\nd\\re|f l=1");
    }
}
