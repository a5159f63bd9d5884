//! What an application tells of the end user behind a request. It judges nothing.

use std::fmt;
use std::net::IpAddr;

use serde_json::Value;

/// What the application knows of the end user behind a request; sealed, never in clear on disk.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RiskHints {
    /// The end user's address.
    pub ip: Option<IpAddr>,
    /// The end user's user agent.
    pub user_agent: Option<Box<str>>,
    /// The end user's device.
    pub device_id: Option<Box<str>>,
}

impl fmt::Debug for RiskHints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RiskHints(masked)")
    }
}

impl RiskHints {
    /// As it is sealed and committed to: canonical JSON (RFC 8785) without what is not known, so that
    /// whoever knows the hints can write the same octets. `docs/ledger.md` describes them.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let members = [
            ("device_id", self.device_id.as_deref().map(str::to_owned)),
            ("ip", self.ip.map(|ip| ip.to_string())),
            ("user_agent", self.user_agent.as_deref().map(str::to_owned)),
        ];
        let known = members
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
        Value::Object(known.collect()).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/ledger.md");

    fn check(hints: &RiskHints, wanted: &str) {
        assert_eq!(String::from_utf8(hints.to_json()).unwrap(), wanted);
    }

    #[test]
    fn hints_are_sealed_in_the_form_that_auditors_are_told() {
        let mut hints = RiskHints {
            ip: Some("2001:DB8:0:0::1".parse().unwrap()),
            user_agent: Some("Mozilla/5.0".into()),
            device_id: Some("d-1".into()),
        };
        let (_, rest) = PAGE.split_once("\n```network\n").unwrap();
        check(&hints, rest.split_once("\n```").unwrap().0);
        hints.ip = None;
        hints.device_id = None;
        check(&hints, r#"{"user_agent":"Mozilla/5.0"}"#);
        check(&RiskHints::default(), "{}");
    }

    #[test]
    fn strings_are_escaped_as_canonical_json_wants() {
        let hints = RiskHints {
            user_agent: Some("\"\\/\u{8}\t\u{1}\u{7f}é😀".into()),
            ..RiskHints::default()
        };
        check(
            &hints,
            "{\"user_agent\":\"\\\"\\\\/\\b\\t\\u0001\u{7f}é😀\"}",
        );
    }
}
