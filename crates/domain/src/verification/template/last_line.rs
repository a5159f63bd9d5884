//! The last line of a text, which no person needs: a browser reads from it for which site the code is
//! (origin-bound one-time codes, WICG), or an Android app that the text is for it (SMS Retriever). Both
//! want to be last, so a text has one of them or none.

use core::fmt;

use crate::verification::code::Code;

/// The most characters of a host. What a text has room for is mostly less.
pub const HOST_CHARACTERS: usize = 64;

/// Characters of the hash of an Android app.
const HASH_CHARACTERS: usize = 11;

/// What stands in the last line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LastLine {
    /// There is none.
    #[default]
    None,
    /// `@host #code`
    Origin(OriginHost),
    /// The hash of the app.
    App(AppHash),
}

impl LastLine {
    /// The line with the line feed before it.
    pub(super) fn write(&self, code: &Code) -> String {
        match self {
            Self::None => String::new(),
            Self::Origin(host) => format!("\n@{} #{}", host.0, code.reveal()),
            Self::App(hash) => format!("\n{}", hash.0),
        }
    }
}

/// The host of the site that a code is for: a name of two labels or more, in lower-case ASCII (`xn--…`
/// where it has other letters). No address, port or path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginHost(Box<str>);

/// The text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the host of the site and nothing else, for example login.example.com")]
pub struct OriginHostError;

impl OriginHost {
    /// Reads a host.
    pub fn parse(text: &str) -> Result<Self, OriginHostError> {
        let labels: Vec<&str> = text.split('.').collect();
        let named = labels.last().is_some_and(|last| {
            last.len() >= 2 && last.bytes().any(|octet| octet.is_ascii_lowercase())
        });
        if text.len() <= HOST_CHARACTERS
            && labels.len() >= 2
            && named
            && labels.iter().all(|label| is_label(label))
        {
            Ok(Self(text.into()))
        } else {
            Err(OriginHostError)
        }
    }
}

impl fmt::Display for OriginHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A label of a host name (RFC 1123 section 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
}

/// The hash by which the SMS Retriever of Android finds the app: 11 characters of base-64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppHash(Box<str>);

/// The text is no such hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash of an Android app has 11 characters of A to Z, a to z, 0 to 9, + and /")]
pub struct AppHashError;

impl AppHash {
    /// Reads a hash.
    pub fn parse(text: &str) -> Result<Self, AppHashError> {
        let is_base_64 = |octet: u8| octet.is_ascii_alphanumeric() || b"+/".contains(&octet);
        if text.len() == HASH_CHARACTERS && text.bytes().all(is_base_64) {
            Ok(Self(text.into()))
        } else {
            Err(AppHashError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_nothing_else() {
        for text in [
            "example.com",
            "login.example.com",
            "a.xn--p1ai",
            "4you.example",
        ] {
            assert!(OriginHost::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "localhost",
            "Example.com",
            "example.com.",
            "example.com:443",
            "https://example.com",
            "192.0.2.1",
            "-a.example",
            "a-.example",
            "a..example",
            "exa mple.com",
            "example.com #000000",
            "exämple.com",
            "example.com\n",
        ] {
            assert_eq!(OriginHost::parse(text), Err(OriginHostError), "{text:?}");
        }
        let long = format!("{}.example", "a".repeat(57));
        assert_eq!(OriginHost::parse(&long), Err(OriginHostError));
    }

    #[test]
    fn a_hash_has_eleven_characters() {
        assert!(AppHash::parse("FA+9qCX9VSu").is_ok());
        for text in [
            "",
            "FA+9qCX9VS",
            "FA+9qCX9VSuu",
            "FA-9qCX9VSu",
            "FA+9qCX9VS\n",
        ] {
            assert_eq!(AppHash::parse(text), Err(AppHashError), "{text:?}");
        }
    }
}
