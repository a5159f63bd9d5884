//! HTTP message signatures (RFC 9421), as far as requests need them: what a signature says of itself, what it must
//! cover, and the octets that are signed. It reads no request: whoever has one gives its parts as [`Head`]. When a
//! signature is too old, and whether its nonce came before, is for whoever remembers.

mod digest;
mod key;
mod rsa;
mod structured;

use core::fmt::Write as _;

pub use digest::{DigestError, content_digest, sha256};
pub use key::{Algorithm, Padding, UnknownAlgorithm, VerifyingKey};
pub use rsa::RsaKey;
use structured::{Bare, Dictionary, Item, Member};

/// Components that a signature may cover: more than any request of ours has headers of use.
const COMPONENTS_MAX: usize = 32;

/// Characters of a nonce: 16 hold 64 bits of chance in hexadecimal, and 64 are a whole hash.
pub const NONCE_CHARS: core::ops::RangeInclusive<usize> = 16..=64;

/// Characters of a key id.
const KEY_ID_CHARS_MAX: usize = 64;

/// Why a signature cannot be looked at, or covers too little. Names in it are those of components and parameters,
/// which are no secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not what the standard says.
    #[error("the header {0} is not a dictionary of RFC 8941 with what RFC 9421 puts into it")]
    Malformed(&'static str),
    /// One of the two headers is not there.
    #[error("the header {0} is missing: a signature takes Signature-Input and Signature")]
    HeaderMissing(&'static str),
    /// There is more than one signature, or the two headers name different ones.
    #[error("there must be one signature, under the same label in Signature-Input and Signature")]
    NotOne,
    /// Something must be covered and is not.
    #[error("the signature does not cover {0}")]
    Uncovered(&'static str),
    /// Something is covered that this gateway cannot look at.
    #[error("the signature covers {0}, which this gateway does not support")]
    Unsupported(String),
    /// Something is covered twice.
    #[error("the signature covers {0} twice")]
    Twice(String),
    /// A header is covered that the request does not have.
    #[error("the signature covers the header {0}, which the request does not have")]
    Absent(String),
    /// A parameter must be there, and in its form.
    #[error("the signature's parameter {0} is missing or not in its form")]
    Parameter(&'static str),
    /// The digest that it covers is none.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The request shows a key too.
    #[error("the request has a signature and an Authorization header: send one of them")]
    Beside,
    /// The token of an application of Twilio's is not what it must be.
    #[error("the token in Twilio-Client-Validation {0}")]
    Token(&'static str),
    /// There is a parameter that this gateway does not know.
    #[error("the signature has the parameter {0}, which this gateway does not support")]
    UnknownParameter(String),
}

/// Part of a request that a signature covers (RFC 9421 section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    Method,
    TargetUri,
    Authority,
    Scheme,
    Path,
    Query,
    /// A header, in lower case.
    Field(String),
}

impl Component {
    fn name(&self) -> &str {
        match self {
            Self::Method => "@method",
            Self::TargetUri => "@target-uri",
            Self::Authority => "@authority",
            Self::Scheme => "@scheme",
            Self::Path => "@path",
            Self::Query => "@query",
            Self::Field(name) => name,
        }
    }

    fn of(item: &Item) -> Result<Self, SignatureError> {
        let Bare::Text(name) = &item.value else {
            return Err(SignatureError::Malformed(INPUT));
        };
        let unsupported = || SignatureError::Unsupported(shown(name));
        if !item.parameters.is_empty() {
            return Err(unsupported());
        }
        Ok(match name.as_str() {
            "@method" => Self::Method,
            "@target-uri" => Self::TargetUri,
            "@authority" => Self::Authority,
            "@scheme" => Self::Scheme,
            "@path" => Self::Path,
            "@query" => Self::Query,
            field if is_field(field) => Self::Field(field.to_owned()),
            _ => return Err(unsupported()),
        })
    }

    /// Its value in a request (RFC 9421 sections 2.1 and 2.2).
    fn value(&self, head: &Head<'_>) -> Result<String, SignatureError> {
        Ok(match self {
            Self::Method => head.method.to_owned(),
            Self::TargetUri => {
                let query = head.query.map(|query| format!("?{query}"));
                let (authority, path) = (&head.authority, head.path);
                format!("https://{authority}{path}{}", query.unwrap_or_default())
            }
            Self::Authority => head.authority.clone(),
            Self::Scheme => "https".to_owned(),
            Self::Path => head.path.to_owned(),
            Self::Query => format!("?{}", head.query.unwrap_or_default()),
            Self::Field(name) => {
                (head.field)(name).ok_or_else(|| SignatureError::Absent(name.clone()))?
            }
        })
    }
}

/// The parts of a request that came over HTTPS.
pub struct Head<'a> {
    /// Its method, as it was sent.
    pub method: &'a str,
    /// Its host in lower case, with the port unless that is 443.
    pub authority: String,
    /// Its path, as it was sent; at least `/`.
    pub path: &'a str,
    /// What stands behind the `?`, if there is one.
    pub query: Option<&'a str>,
    /// The value of a header by its name in lower case: the lines without space around them, with `, ` between
    /// them. `None` when there is none, or it is no ASCII.
    pub field: &'a dyn Fn(&str) -> Option<String>,
}

/// What a signature must cover besides method and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs<'a> {
    /// Whether the request has a query.
    pub query: Presence,
    /// Headers that must be covered.
    pub fields: &'a [&'static str],
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

/// What a signature says of itself, as far as a request must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it ends, in seconds since 1970, if it says so.
    pub expires: Option<u64>,
    /// What makes it another one than all others of its key.
    pub nonce: String,
    /// By which key.
    pub key_id: String,
    /// By which algorithm, if it says so.
    pub algorithm: Option<Algorithm>,
}

/// A signature as its two headers tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSignature {
    components: Vec<Component>,
    /// The parameters, in their order.
    parameters: Vec<(String, Bare)>,
    /// The signature's octets.
    octets: Vec<u8>,
}

const INPUT: &str = "Signature-Input";
const SIGNATURE: &str = "Signature";

impl MessageSignature {
    /// Reads `Signature-Input` and `Signature`. Exactly one signature is taken.
    pub fn read(input: &str, signature: &str) -> Result<Self, SignatureError> {
        let malformed = SignatureError::Malformed;
        let input = Dictionary::parse(input).ok_or(malformed(INPUT))?;
        let signature = Dictionary::parse(signature).ok_or(malformed(SIGNATURE))?;
        let (Some((label, covered)), Some((same, octets))) = (input.one(), signature.one()) else {
            return Err(SignatureError::NotOne);
        };
        if label != same {
            return Err(SignatureError::NotOne);
        }
        let Member::List(items, parameters) = covered else {
            return Err(malformed(INPUT));
        };
        let Member::Item(Item {
            value: Bare::Octets(octets),
            parameters: none,
        }) = octets
        else {
            return Err(malformed(SIGNATURE));
        };
        if items.len() > COMPONENTS_MAX || !none.is_empty() {
            return Err(malformed(INPUT));
        }
        Ok(Self {
            components: components(items)?,
            parameters: parameters.clone(),
            octets: octets.clone(),
        })
    }

    /// The signature's octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Whether it covers a component, or a header by its name in lower case.
    pub fn covers(&self, name: &str) -> bool {
        self.components.iter().any(|one| one.name() == name)
    }

    /// Refuses a signature that leaves open what it should not: the method, where the request goes, and what
    /// `needs` names. The first that is missing is told.
    pub fn require(&self, needs: Needs<'_>) -> Result<(), SignatureError> {
        let covers = |name: &str| self.covers(name);
        let mut wanted = vec!["@method"];
        if !covers("@target-uri") {
            if !["@authority", "@path", "@query"].into_iter().any(covers) {
                return Err(SignatureError::Uncovered("@target-uri"));
            }
            wanted.extend(["@authority", "@path"]);
            if needs.query == Presence::Present {
                wanted.push("@query");
            }
        }
        wanted.extend(needs.fields);
        match wanted.into_iter().find(|name| !covers(name)) {
            Some(name) => Err(SignatureError::Uncovered(name)),
            None => Ok(()),
        }
    }

    /// What it says of itself. `created`, `nonce` and `keyid` must be there; `expires`, `alg` and `tag` may.
    pub fn claims(&self) -> Result<Claims, SignatureError> {
        let known = ["created", "expires", "nonce", "keyid", "alg", "tag"];
        let unknown = |(name, _): &&(String, Bare)| !known.contains(&name.as_str());
        if let Some((name, _)) = self.parameters.iter().find(unknown) {
            return Err(SignatureError::UnknownParameter(shown(name)));
        }
        let nonce = self.text("nonce")?.filter(|nonce| {
            NONCE_CHARS.contains(&nonce.len())
                && nonce.bytes().all(|octet| octet.is_ascii_graphic())
        });
        let key_id = self
            .text("keyid")?
            .filter(|id| id.len() <= KEY_ID_CHARS_MAX);
        let algorithm = match self.text("alg")? {
            None => None,
            Some(name) => Some(name.parse().map_err(|_| SignatureError::Parameter("alg"))?),
        };
        let _tag = self.text("tag")?;
        Ok(Claims {
            created: self
                .moment("created")?
                .ok_or(SignatureError::Parameter("created"))?,
            expires: self.moment("expires")?,
            nonce: nonce.ok_or(SignatureError::Parameter("nonce"))?.to_owned(),
            key_id: key_id.ok_or(SignatureError::Parameter("keyid"))?.to_owned(),
            algorithm,
        })
    }

    /// The octets that are signed (RFC 9421 section 2.5).
    pub fn base(&self, head: &Head<'_>) -> Result<String, SignatureError> {
        let mut base = String::new();
        let mut covered = Vec::new();
        for component in &self.components {
            let name = component.name();
            // Writing to a string cannot fail.
            let _ = writeln!(base, "\"{name}\": {}", component.value(head)?);
            covered.push(format!("\"{name}\""));
        }
        let _ = write!(base, "\"@signature-params\": ({})", covered.join(" "));
        structured::write_parameters(&mut base, &self.parameters);
        Ok(base)
    }

    fn parameter(&self, name: &str) -> Option<&Bare> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    fn text(&self, name: &'static str) -> Result<Option<&str>, SignatureError> {
        match self.parameter(name) {
            None => Ok(None),
            Some(Bare::Text(text)) => Ok(Some(text)),
            Some(_) => Err(SignatureError::Parameter(name)),
        }
    }

    fn moment(&self, name: &'static str) -> Result<Option<u64>, SignatureError> {
        match self.parameter(name) {
            None => Ok(None),
            Some(Bare::Integer(seconds)) => u64::try_from(*seconds)
                .map(Some)
                .map_err(|_| SignatureError::Parameter(name)),
            Some(_) => Err(SignatureError::Parameter(name)),
        }
    }
}

fn components(items: &[Item]) -> Result<Vec<Component>, SignatureError> {
    let mut found: Vec<Component> = Vec::with_capacity(items.len());
    for item in items {
        let component = Component::of(item)?;
        if found.contains(&component) {
            return Err(SignatureError::Twice(component.name().to_owned()));
        }
        found.push(component);
    }
    Ok(found)
}

/// Whether a name is that of a header, in lower case (RFC 9110 section 5.6.2).
fn is_field(name: &str) -> bool {
    let plain = |octet: u8| {
        octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&octet)
    };
    !name.is_empty() && name.len() <= 64 && name.bytes().all(plain)
}

/// The start of a name that came from outside, fit to be shown.
fn shown(name: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_graphic() && !"\"<>\\".contains(*letter);
    name.chars().filter(plain).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test request of RFC 9421, appendix B.2.
    fn head(field: &dyn Fn(&str) -> Option<String>) -> Head<'_> {
        Head {
            method: "POST",
            authority: "example.com".to_owned(),
            path: "/foo",
            query: Some("param=Value&Pet=dog"),
            field,
        }
    }

    fn field(name: &str) -> Option<String> {
        let value = match name {
            "date" => "Tue, 20 Apr 2021 02:07:55 GMT",
            "content-type" => "application/json",
            "content-length" => "18",
            _ => return None,
        };
        Some(value.to_owned())
    }

    const GOOD: &str = "sig=(\"@method\" \"@target-uri\" \"content-digest\");created=1618884473;\
                        nonce=\"0123456789abcdef\";keyid=\"k\";alg=\"ed25519\"";
    const OCTETS: &str = "sig=:AAAA:";

    fn signature(input: &str) -> MessageSignature {
        MessageSignature::read(input, OCTETS).unwrap()
    }

    const NO_QUERY: Needs<'static> = Needs {
        query: Presence::Absent,
        fields: &[],
    };

    #[test]
    fn the_hmac_vector_of_the_standard_verifies() {
        // RFC 9421 appendix B.2.5.
        let read = MessageSignature::read(
            "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;\
             keyid=\"test-shared-secret\"",
            "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:",
        )
        .unwrap();
        let base = read.base(&head(&field)).unwrap();
        let expected = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\
                        \"@authority\": example.com\n\
                        \"content-type\": application/json\n\
                        \"@signature-params\": (\"date\" \"@authority\" \"content-type\");\
                        created=1618884473;keyid=\"test-shared-secret\"";
        assert_eq!(base, expected);
        let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
        let secret = structured::octets(secret).unwrap();
        let key = VerifyingKey::hmac(&secret);
        assert!(key.verifies(base.as_bytes(), read.octets()));
        assert!(!key.verifies(&base.as_bytes()[1..], read.octets()));
        assert!(!VerifyingKey::hmac(b"other").verifies(base.as_bytes(), read.octets()));
    }

    #[test]
    fn the_ed25519_vector_of_the_standard_verifies() {
        // RFC 9421 appendix B.2.6.
        let read = MessageSignature::read(
            "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");\
             created=1618884473;keyid=\"test-key-ed25519\"",
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        )
        .unwrap();
        let base = read.base(&head(&field)).unwrap();
        let public = structured::octets("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=").unwrap();
        let key = VerifyingKey::ed25519(&public).unwrap();
        assert!(key.verifies(base.as_bytes(), read.octets()));
        assert!(!key.verifies(base.replace("/foo", "/bar").as_bytes(), read.octets()));
        assert!(!key.verifies(base.as_bytes(), &[]));
    }

    #[test]
    fn every_derived_component_has_the_value_of_the_standard() {
        let read = signature(
            "sig=(\"@method\" \"@target-uri\" \"@authority\" \"@scheme\" \"@path\" \"@query\")",
        );
        let base = read.base(&head(&field)).unwrap();
        let expected = "\"@method\": POST\n\
                        \"@target-uri\": https://example.com/foo?param=Value&Pet=dog\n\
                        \"@authority\": example.com\n\
                        \"@scheme\": https\n\
                        \"@path\": /foo\n\
                        \"@query\": ?param=Value&Pet=dog\n";
        assert!(base.starts_with(expected), "{base}");
        let without_query = Head {
            query: None,
            ..head(&field)
        };
        let base = read.base(&without_query).unwrap();
        // RFC 9421 section 2.2.7: an absent query is a lone question mark.
        assert!(base.contains("\"@query\": ?\n"), "{base}");
        assert!(
            base.contains("\"@target-uri\": https://example.com/foo\n"),
            "{base}"
        );
    }

    #[test]
    fn what_is_not_covered_is_named() {
        let uncovered = |input: &str, needs: Needs<'_>| match signature(input).require(needs) {
            Err(SignatureError::Uncovered(name)) => name,
            other => panic!("{other:?}"),
        };
        let body = Needs {
            query: Presence::Present,
            fields: &["content-digest"],
        };
        assert_eq!(signature(GOOD).require(body), Ok(()));
        assert_eq!(uncovered("sig=(\"@target-uri\")", NO_QUERY), "@method");
        assert_eq!(uncovered("sig=(\"@method\")", NO_QUERY), "@target-uri");
        assert_eq!(
            uncovered("sig=(\"@method\" \"@path\")", NO_QUERY),
            "@authority"
        );
        assert_eq!(
            uncovered("sig=(\"@method\" \"@authority\")", NO_QUERY),
            "@path"
        );
        let apart = "sig=(\"@method\" \"@authority\" \"@path\")";
        assert_eq!(signature(apart).require(NO_QUERY), Ok(()));
        assert_eq!(uncovered(apart, body), "@query");
        assert_eq!(
            uncovered("sig=(\"@method\" \"@target-uri\")", body),
            "content-digest"
        );
    }

    #[test]
    fn a_parameter_that_is_missing_or_odd_is_named() {
        let parameter = |input: &str| match signature(input).claims() {
            Err(SignatureError::Parameter(name)) => name,
            other => panic!("{other:?}"),
        };
        let good = signature(GOOD).claims().unwrap();
        assert_eq!((good.created, good.key_id.as_str()), (1_618_884_473, "k"));
        assert_eq!(good.algorithm, Some(Algorithm::Ed25519));
        let without = |what: &str| GOOD.replace(what, "");
        assert_eq!(parameter(&without(";created=1618884473")), "created");
        assert_eq!(parameter(&without(";nonce=\"0123456789abcdef\"")), "nonce");
        assert_eq!(parameter(&without(";keyid=\"k\"")), "keyid");
        assert_eq!(
            parameter(&GOOD.replace("0123456789abcdef", "0123456789abcde")),
            "nonce"
        );
        assert_eq!(
            parameter(&GOOD.replace("0123456789abcdef", &"0".repeat(65))),
            "nonce"
        );
        assert_eq!(parameter(&GOOD.replace("1618884473", "-1")), "created");
        assert_eq!(parameter(&GOOD.replace("1618884473", "\"1\"")), "created");
        assert_eq!(
            parameter(&GOOD.replace("ed25519", "rsa-v1_5-sha256")),
            "alg"
        );
        let unknown = signature(&format!("{GOOD};by=1")).claims();
        assert_eq!(
            unknown,
            Err(SignatureError::UnknownParameter("by".to_owned()))
        );
    }

    #[test]
    fn what_cannot_be_looked_at_is_refused() {
        let error = |input: &str| MessageSignature::read(input, OCTETS).unwrap_err();
        let unsupported = |name: &str| SignatureError::Unsupported(name.to_owned());
        assert_eq!(
            error("sig=(\"@query-param\";name=\"a\")"),
            unsupported("@query-param")
        );
        assert_eq!(error("sig=(\"@status\")"), unsupported("@status"));
        assert_eq!(error("sig=(\"cookie\";sf)"), unsupported("cookie"));
        assert_eq!(error("sig=(\"Date\")"), unsupported("Date"));
        assert_eq!(
            error("sig=(\"date\" \"date\")"),
            SignatureError::Twice("date".to_owned())
        );
        assert_eq!(error("a=(\"date\"), b=(\"date\")"), SignatureError::NotOne);
        assert_eq!(error("other=(\"date\")"), SignatureError::NotOne);
        assert_eq!(error("sig=1"), SignatureError::Malformed("Signature-Input"));
        assert_eq!(
            error("sig=(date)"),
            SignatureError::Malformed("Signature-Input")
        );
        let absent = signature("sig=(\"x-gone\")").base(&head(&field));
        assert_eq!(absent, Err(SignatureError::Absent("x-gone".to_owned())));
    }
}
