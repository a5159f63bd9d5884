//! Forms (`application/x-www-form-urlencoded`): written for providers, and read from them. Reading is strict:
//! what has two readings has none.

use std::fmt::Write as _;

/// More fields than any provider posts.
const FIELDS_MAX: usize = 128;

/// A form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoForm;

/// Fields with their values, in their order.
pub(crate) type Fields = Vec<(String, String)>;

/// Writes fields.
pub(crate) fn write(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        if !out.is_empty() {
            out.push('&');
        }
        encode(&mut out, name);
        out.push('=');
        encode(&mut out, value);
    }
    out
}

/// Reads fields: pairs of UTF-8 with sound escapes, at most [`FIELDS_MAX`].
pub(crate) fn read(octets: &[u8]) -> Result<Fields, NoForm> {
    let mut fields = Vec::new();
    if octets.is_empty() {
        return Ok(fields);
    }
    for pair in octets.split(|octet| *octet == b'&') {
        if fields.len() >= FIELDS_MAX {
            return Err(NoForm);
        }
        let mut parts = pair.splitn(2, |octet| *octet == b'=');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            return Err(NoForm);
        };
        fields.push((decode(name)?, decode(value)?));
    }
    Ok(fields)
}

/// The value of a field that is there exactly once.
pub(crate) fn one<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    let mut found = fields.iter().filter(|(other, _)| other == name);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

fn encode(out: &mut String, text: &str) {
    for octet in text.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'*' => out.push(char::from(octet)),
            b' ' => out.push('+'),
            _ if octet.is_ascii_alphanumeric() => out.push(char::from(octet)),
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{octet:02X}")),
        }
    }
}

fn decode(octets: &[u8]) -> Result<String, NoForm> {
    let mut decoded = Vec::with_capacity(octets.len());
    let mut rest = octets.iter();
    while let Some(octet) = rest.next() {
        match octet {
            b'%' => {
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                decoded.push(high << 4 | low);
            }
            b'+' => decoded.push(b' '),
            other => decoded.push(*other),
        }
    }
    String::from_utf8(decoded).map_err(|_| NoForm)
}

fn digit(octet: Option<&u8>) -> Result<u8, NoForm> {
    let digit = octet.and_then(|octet| char::from(*octet).to_digit(16));
    digit
        .and_then(|digit| u8::try_from(digit).ok())
        .ok_or(NoForm)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let written = write(&[("To", "+44 7"), ("Body", "a&b=c%\né€😀")]);
        assert_eq!(
            written,
            "To=%2B44+7&Body=a%26b%3Dc%25%0A%C3%A9%E2%82%AC%F0%9F%98%80"
        );
        let read = read(written.as_bytes()).unwrap();
        assert_eq!(one(&read, "To"), Some("+44 7"));
        assert_eq!(one(&read, "Body"), Some("a&b=c%\né€😀"));
    }

    #[test]
    fn what_has_two_readings_has_none() {
        for wrong in [
            "a", "a=%", "a=%4", "a=%4g", "a=%+1", "a=%ff", "a=1&", "&a=1",
        ] {
            assert_eq!(read(wrong.as_bytes()), Err(NoForm), "{wrong}");
        }
        let twice = read(b"a=1&a=2").unwrap();
        assert_eq!(one(&twice, "a"), None);
        assert_eq!(one(&twice, "b"), None);
        assert_eq!(read(b"").unwrap(), Fields::new());
        assert_eq!(
            read(
                "a=1&"
                    .repeat(FIELDS_MAX + 1)
                    .trim_end_matches('&')
                    .as_bytes()
            ),
            Err(NoForm)
        );
    }

    proptest! {
        #[test]
        fn every_text_comes_back(name in any::<String>(), value in any::<String>()) {
            let written = write(&[(&name, &value)]);
            proptest::prop_assert_eq!(read(written.as_bytes()), Ok(vec![(name, value)]));
        }
    }
}
