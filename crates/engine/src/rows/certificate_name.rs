//! Names in certificates, by which a client or an account may be known when an authority vouches for them (RFC 8705
//! section 2.1.2). A name is compared as a whole: it is no pattern.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// Octets of a DNS name (RFC 1035 section 2.3.4).
const DNS_MAX: usize = 253;
/// Octets of a URI or a subject, so that entries stay small.
const TEXT_MAX: usize = 512;

/// A DNS name, a URI or the subject of a certificate: `dns:bank.example`, `uri:spiffe://firm.example/bank`,
/// `subject:CN=bank,O=Firm`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CertificateName(Box<str>);

/// It is no name that a certificate has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no name in a certificate: write dns:NAME (without *), uri:URI, or subject:SUBJECT as `openssl x509 -noout \
     -subject -nameopt RFC2253` shows it"
)]
pub struct NoCertificateName;

impl CertificateName {
    /// A DNS name, in any case of letters. One with a `*` is none: it would stand for many.
    pub fn dns(name: &str) -> Result<Self, NoCertificateName> {
        let is_sound = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
        let labels = || name.split('.');
        if name.len() > DNS_MAX
            || !name.bytes().all(is_sound)
            || labels().any(|label| label.is_empty() || label.len() > 63)
        {
            return Err(NoCertificateName);
        }
        Ok(Self(format!("dns:{}", name.to_ascii_lowercase()).into()))
    }

    /// A URI, compared octet by octet.
    pub fn uri(uri: &str) -> Result<Self, NoCertificateName> {
        let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
        };
        let is_sound = scheme.is_some_and(is_scheme)
            && uri.len() <= TEXT_MAX
            && uri.bytes().all(|octet| octet.is_ascii_graphic());
        let named = || Self(format!("uri:{uri}").into());
        is_sound.then(named).ok_or(NoCertificateName)
    }

    /// A subject (RFC 4514), compared octet by octet.
    pub fn subject(subject: &str) -> Result<Self, NoCertificateName> {
        let is_printable = |octet: u8| (0x20..0x7F).contains(&octet);
        let is_sound =
            subject.contains('=') && subject.len() <= TEXT_MAX && subject.bytes().all(is_printable);
        let named = || Self(format!("subject:{subject}").into());
        is_sound.then(named).ok_or(NoCertificateName)
    }

    /// With what it is the name of before it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CertificateName {
    type Err = NoCertificateName;

    fn from_str(text: &str) -> Result<Self, NoCertificateName> {
        match text.split_once(':') {
            Some(("dns", name)) => Self::dns(name),
            Some(("uri", uri)) => Self::uri(uri),
            Some(("subject", subject)) => Self::subject(subject),
            _ => Err(NoCertificateName),
        }
    }
}

impl From<CertificateName> for String {
    fn from(name: CertificateName) -> Self {
        name.0.into()
    }
}

impl TryFrom<String> for CertificateName {
    type Error = NoCertificateName;

    fn try_from(text: String) -> Result<Self, NoCertificateName> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_dns_names_in_any_case() {
        for text in [
            "dns:bank.example",
            "uri:spiffe://firm.example/bank",
            "subject:CN=bank,O=Firm\\, the",
        ] {
            let name: CertificateName = text.parse().unwrap();
            assert_eq!(name.to_string(), text);
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(
                serde_json::from_str::<CertificateName>(&json).unwrap(),
                name
            );
        }
        let [lower, upper] =
            ["dns:bank.example", "dns:BANK.Example"].map(str::parse::<CertificateName>);
        assert_eq!(lower, upper);
    }

    #[test]
    fn what_stands_for_many_or_is_none_is_refused() {
        for text in [
            "",
            "bank.example",
            "dns:",
            "dns:*.example",
            "dns:a..b",
            "dns:bank.example.",
            "dns:b\u{e4}nk.example",
            "uri:bank",
            "uri::bank",
            "uri:spiffe://firm example",
            "subject:bank",
            "subject:CN=b\u{e4}nk",
            "email:a@b.example",
        ] {
            assert_eq!(
                text.parse::<CertificateName>(),
                Err(NoCertificateName),
                "{text}"
            );
        }
    }
}
