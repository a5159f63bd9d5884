//! An entry as a message of syslog (RFC 5424), and the frame in which a message goes over a stream: its
//! length in octets, a space, and the message (RFC 5425 §4.3, RFC 6587 §3.4.1).

use super::level::Level;
use super::{Format, Placed, Producer};
use crate::entry::time;

/// The facility for audits (RFC 5424 §6.2.1, "log audit").
const FACILITY: u8 = 13;

/// The name of our structured data. Without a number of our own it stands under the one that IANA keeps
/// for documentation (RFC 5612).
pub const SD_ID: &str = "shortstop@32473";

/// What says that a message is UTF-8 (RFC 5424 §6.4).
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The message. Its text is the entry in a format. The process id is the epoch of the node, which is
/// another at each start.
pub fn message(placed: &Placed<'_>, format: Format, producer: &Producer) -> Vec<u8> {
    let entry = &placed.entry;
    let level = Level::of(entry.kind, entry.outcome).syslog();
    let mut out = format!("<{}>1 ", u16::from(FACILITY) * 8 + u16::from(level)).into_bytes();
    time::write(&mut out, entry.time_micros);
    let header = format!(" {} shortstop {} {} ", entry.node, entry.epoch, entry.kind);
    out.extend_from_slice(header.as_bytes());
    structured(&mut out, placed, producer);
    out.push(b' ');
    let text = placed.render(format, producer);
    if !text.is_ascii() {
        out.extend_from_slice(BYTE_ORDER_MARK);
    }
    out.extend_from_slice(&text);
    out
}

/// The message in its frame.
pub fn frame(placed: &Placed<'_>, format: Format, producer: &Producer) -> Vec<u8> {
    let message = message(placed, format, producer);
    let mut out = format!("{} ", message.len()).into_bytes();
    out.extend_from_slice(&message);
    out
}

fn structured(out: &mut Vec<u8>, placed: &Placed<'_>, producer: &Producer) {
    let entry = &placed.entry;
    out.push(b'[');
    out.extend_from_slice(SD_ID.as_bytes());
    for (name, value) in [
        ("log", producer.log.as_str()),
        ("index", &placed.index.to_string()),
        ("leaf", &placed.leaf.to_string()),
        ("kind", entry.kind.as_str()),
        ("outcome", entry.outcome.as_str()),
    ] {
        out.push(b' ');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        escape(out, value);
        out.push(b'"');
    }
    out.push(b']');
}

/// A value of structured data (RFC 5424 §6.3.3): `"`, `\` and `]` have a backslash before them.
fn escape(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\' | b']') {
            out.push(b'\\');
        }
        out.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_structured_data_escapes_what_would_end_it() {
        let mut out = Vec::new();
        escape(&mut out, r#"a"b\c]d[e=f"#);
        assert_eq!(out, br#"a\"b\\c\]d[e=f"#);
    }
}
