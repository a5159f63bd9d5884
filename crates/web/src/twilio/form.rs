//! Reads a form (`application/x-www-form-urlencoded`), decoded once and strictly: what is no percent-encoded UTF-8 is
//! refused, not mended. A name that stands several times is several parameters.

use std::borrow::Cow;

/// The most parameters of a form: more than any call of Twilio's has.
pub const PARAMETERS_MAX: usize = 64;

/// Names and values, in the order of the form.
pub type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Why a body is no form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A name or a value cannot be decoded.
    #[error("the form is not percent-encoded UTF-8: encode names and values")]
    Encoding,
    /// More than [`PARAMETERS_MAX`].
    #[error("the form has more than {PARAMETERS_MAX} parameters: send fewer")]
    TooMany,
}

/// Splits and decodes a form.
pub fn read(body: &[u8]) -> Result<Pairs<'_>, FormError> {
    let text = str::from_utf8(body).map_err(|_| FormError::Encoding)?;
    let mut pairs = Pairs::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == PARAMETERS_MAX {
            return Err(FormError::TooMany);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = decoded(name).zip(decoded(value));
        pairs.push(decoded.ok_or(FormError::Encoding)?);
    }
    Ok(pairs)
}

/// Undoes percent-encoding and `+`; `None` when it is not well-formed.
pub(crate) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|octet| matches!(octet, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(octets).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Writes a value as a form or a query holds it: every octet but letters, digits and `-._~` percent-encoded.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(octet));
        } else {
            out.push('%');
            for half in [octet >> 4, octet & 0xf] {
                let digit = char::from_digit(u32::from(half), 16).unwrap_or('0');
                out.push(digit.to_ascii_uppercase());
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    fn shown(body: &str) -> Result<Vec<(String, String)>, FormError> {
        let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into(), value.into());
        Ok(read(body.as_bytes())?.into_iter().map(owned).collect())
    }

    #[test]
    fn a_form_is_decoded_once_and_keeps_its_order_and_repetitions() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            shown("To=%2B447700900123&Body=a+b%2541&&Tag=1&Tag=2&Empty&A=b=c").unwrap(),
            [
                pair("To", "+447700900123"),
                pair("Body", "a b%41"),
                pair("Tag", "1"),
                pair("Tag", "2"),
                pair("Empty", ""),
                pair("A", "b=c"),
            ]
        );
        assert_eq!(shown("").unwrap(), []);
    }

    #[test]
    fn what_is_no_percent_encoded_utf8_is_refused() {
        for wrong in ["a=%", "a=%z1", "a=%1", "%ff=1", "a=%c3%28", "a=%ED%A0%80"] {
            assert_eq!(shown(wrong), Err(FormError::Encoding), "{wrong}");
        }
        assert_eq!(read(b"a=\xff"), Err(FormError::Encoding));
        let many = "a=1&".repeat(PARAMETERS_MAX);
        assert_eq!(shown(&many).unwrap().len(), PARAMETERS_MAX);
        assert_eq!(shown(&format!("{many}a=1")), Err(FormError::TooMany));
    }

    proptest! {
        #[test]
        fn no_octets_make_the_reader_panic(octets: Vec<u8>) {
            let _ = read(&octets);
        }

        #[test]
        fn what_is_encoded_is_read_back(pairs in vec((".+", ".*"), 0..PARAMETERS_MAX)) {
            let written: Vec<_> = pairs
                .iter()
                .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
                .collect();
            prop_assert_eq!(shown(&written.join("&")).unwrap(), pairs);
        }
    }
}
