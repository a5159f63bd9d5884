//! Reads one message of a request: every member by its own rule, every wrong one reported at once.

use std::net::IpAddr;
use std::time::Duration;

use domain::msisdn::Msisdn;
use domain::text::MessageText;
use domain::webhook::Target;
use engine::{RiskHints, SubmitRequest};

use crate::astray;
use crate::json::fields::Faults;
use crate::json::{Fields, Value};

/// The longest reference, in characters.
const REFERENCE_MAX: usize = 128;
/// The longest campaign, in characters.
const CAMPAIGN_MAX: usize = 64;
/// The longest user agent, in characters.
const USER_AGENT_MAX: usize = 512;
/// The longest device id, in characters.
const DEVICE_MAX: usize = 128;

/// A text that does not fit its member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordError {
    /// Too long, empty, or with control characters.
    #[error("must be 1 to {0} characters, none of them a control character")]
    Text(usize),
    /// Not a plain name.
    #[error("must be 1 to {0} of the characters a to z, 0 to 9, hyphen, underscore and full stop")]
    Name(usize),
    /// A campaign that may be a number or a key.
    #[error(
        "must hold no number and no key, since it is recorded for ever in clear: 7 or more digits, \
         also with - . _ between them, and ssk_ are refused"
    )]
    CampaignAstray,
    /// A reference that may be a number, an address or a key.
    #[error(
        "must hold no phone number, mail address or key, since it is stored in clear: + with 7 or \
         more digits after it, @ and ssk_ are refused"
    )]
    ReferenceAstray,
    /// Not an address.
    #[error("must be an IPv4 or IPv6 address")]
    Address,
}

/// Reads a message. `None` when anything is wrong, which is then among the faults.
pub(crate) fn read(value: Value<'_>, faults: &mut Faults) -> Option<SubmitRequest> {
    let mut fields = Fields::open(value, "", faults);
    let to = fields.parsed("to", Msisdn::parse);
    let from = fields.parsed("from", str::parse);
    let text = fields.parsed("text", MessageText::parse);
    let class = fields.parsed("class", str::parse);
    let reference = fields.parsed_if_there("reference", reference);
    let campaign = fields.parsed_if_there("campaign", campaign);
    let valid_for = valid_for(&mut fields);
    let risk = risk(&mut fields);
    let callback = fields.parsed_if_there("status_callback", Target::parse);
    fields.close();
    if !faults.is_empty() {
        return None;
    }
    Some(SubmitRequest {
        to: to?,
        from: from?,
        text: text?,
        class: class?,
        reference,
        campaign,
        valid_for,
        risk,
        callback,
    })
}

fn valid_for(fields: &mut Fields<'_, '_>) -> Option<Duration> {
    match fields.whole("valid_for_seconds")? {
        0 => fields.fault("valid_for_seconds", "must be 1 or more"),
        seconds => Some(Duration::from_secs(seconds)),
    }
}

fn risk(fields: &mut Fields<'_, '_>) -> Option<RiskHints> {
    let mut risk = fields.object("risk", "/risk")?;
    let hints = RiskHints {
        ip: risk.parsed_if_there("ip", |text| {
            text.parse::<IpAddr>().map_err(|_| WordError::Address)
        }),
        user_agent: risk.parsed_if_there("user_agent", |text| plain(text, USER_AGENT_MAX)),
        device_id: risk.parsed_if_there("device_id", |text| plain(text, DEVICE_MAX)),
    };
    risk.close();
    Some(hints)
}

/// A text of 1 to so many characters without control characters.
pub(crate) fn plain(text: &str, characters_max: usize) -> Result<Box<str>, WordError> {
    let fits = !text.is_empty() && text.chars().nth(characters_max).is_none();
    if fits && !text.chars().any(char::is_control) {
        Ok(Box::from(text))
    } else {
        Err(WordError::Text(characters_max))
    }
}

fn reference(text: &str) -> Result<Box<str>, WordError> {
    if astray::has_address(text) || astray::has_international(text) || astray::has_key(text) {
        return Err(WordError::ReferenceAstray);
    }
    plain(text, REFERENCE_MAX)
}

fn campaign(text: &str) -> Result<Box<str>, WordError> {
    let plain = |octet| matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    if !(1..=CAMPAIGN_MAX).contains(&text.len()) || !text.bytes().all(plain) {
        return Err(WordError::Name(CAMPAIGN_MAX));
    }
    if astray::has_number(text, &['-', '.', '_']) || astray::has_key(text) {
        return Err(WordError::CampaignAstray);
    }
    Ok(Box::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    /// A good message with one member replaced (`null` removes it) or added.
    fn with(member: &str, value: &str) -> String {
        let mut members = vec![
            ("to", r#""+447700900123""#),
            ("from", r#""12345""#),
            ("text", r#""Your code is 482913""#),
            ("class", r#""otp""#),
        ];
        members.retain(|(name, _)| *name != member);
        members.push((member, value));
        let written: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", written.join(","))
    }

    fn faults_of(body: &str) -> Vec<String> {
        let mut faults = Faults::default();
        let request = read(json::read(body.as_bytes(), 64).unwrap(), &mut faults);
        assert_eq!(request.is_some(), faults.is_empty(), "{body}");
        faults
            .into_vec()
            .iter()
            .map(|fault| format!("{} {}", fault.place, fault.detail))
            .collect()
    }

    fn wrong(member: &str, value: &str) {
        let found = faults_of(&with(member, value));
        let one = found.len() == 1 && found[0].starts_with(&format!("#/{member}"));
        assert!(one, "{member} {value}: {found:?}");
        // Nothing of the value comes back.
        for secret in ["9001234", "482913", "Anna", "12345 "] {
            assert!(!found[0].contains(secret), "{found:?}");
        }
    }

    #[test]
    fn a_message_with_every_member_is_read() {
        let body = r#"{"to":"+44 7700 900123","from":"12345","text":"h\u00e9llo","class":"alert",
            "reference":"order 7","campaign":"spring-2026","valid_for_seconds":600,
            "status_callback":"https://hooks.example/status",
            "risk":{"ip":"2001:db8::1","user_agent":"Mozilla/5.0","device_id":"d-1"}}"#;
        let mut faults = Faults::default();
        let request = read(json::read(body.as_bytes(), 64).unwrap(), &mut faults).unwrap();
        assert_eq!(request.to.reveal(), 447_700_900_123);
        assert_eq!(request.text.reveal(), "héllo");
        assert_eq!(request.valid_for, Some(Duration::from_mins(10)));
        assert_eq!(request.risk.unwrap().device_id.as_deref(), Some("d-1"));
        let url = request.callback.map(|target| target.url());
        assert_eq!(url.as_deref(), Some("https://hooks.example/status"));
    }

    #[test]
    fn each_wrong_member_is_named_and_its_value_is_not_repeated() {
        for to in [
            r#""447700900123""#,
            r#""+４４7700900123""#,
            r#""+447700٩00123""#,
            "447700900123",
            "[]",
            r#""+44 7700 9001234567890""#,
            r#""+447700900123;ext=1""#,
            r#""\u200b+447700900123""#,
            r#""""#,
        ] {
            wrong("to", to);
        }
        for from in [
            r#""ACME""#,
            r#""012345""#,
            r#""12345 ""#,
            "12345",
            "null",
            r#""１２３４５""#,
        ] {
            wrong("from", from);
        }
        for text in [
            r#""""#,
            r#""a\u0000b""#,
            "7",
            "null",
            &format!("\"{}\"", "x".repeat(1_601)),
        ] {
            wrong("text", text);
        }
        for class in [r#""OTP""#, r#""urgent""#, "null", "true"] {
            wrong("class", class);
        }
        for seconds in ["0", "-1", "1.5", r#""600""#, "1e20", "18446744073709551616"] {
            wrong("valid_for_seconds", seconds);
        }
    }

    #[test]
    fn optional_members_have_their_bounds_too() {
        let long = |count| format!("\"{}\"", "é".repeat(count));
        assert_eq!(
            faults_of(&with("reference", &long(128))),
            Vec::<String>::new()
        );
        for reference in [&long(129), r#""""#, r#""a\nb""#, "7", "{}"] {
            wrong("reference", reference);
        }
        for campaign in [
            r#""Spring""#,
            r#""a b""#,
            r#""""#,
            &format!("\"{}\"", "a".repeat(65)),
        ] {
            wrong("campaign", campaign);
        }
        wrong("risk", "7");
        wrong("risk", r#"{"ip":"10.0.0.256"}"#);
        wrong("risk", r#"{"user_agent":"a\tb"}"#);
        wrong("risk", r#"{"score":7}"#);
        wrong("esm_class", "64");
    }

    #[test]
    fn a_campaign_that_looks_like_a_number_or_a_key_is_refused() {
        for astray in [
            "447700900123",
            "spring-4477009",
            "0770.090-0_123",
            "44--77__00..9",
            "ssk_ab12cd34",
            "x.ssk_ab12cd34",
        ] {
            wrong("campaign", &format!("\"{astray}\""));
        }
        for good in [
            "spring-2026",
            "sale-123456",
            "2026-nov-25.b",
            "a1b2c3d4e5f6g7",
        ] {
            let none = Vec::<String>::new();
            assert_eq!(faults_of(&with("campaign", &format!("\"{good}\""))), none);
        }
    }

    #[test]
    fn a_reference_that_holds_a_number_an_address_or_a_key_is_refused() {
        for astray in [
            "+4477009",
            "call +44 (0)77-00.900 123",
            "+\u{ff14}\u{ff14}77009001234",
            "\u{ff0b}447700900123",
            "order of anna@example.com",
            "anna\u{ff20}example.com",
            "ssk_ab12cd34",
            "key SSK_ab12cd34",
        ] {
            wrong("reference", &format!("\"{astray}\""));
        }
        for good in [
            "order 447700900",
            "2026-11-25/00012345",
            "1+1 for 1234567",
            "+123456",
        ] {
            let none = Vec::<String>::new();
            assert_eq!(faults_of(&with("reference", &format!("\"{good}\""))), none);
        }
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let found =
            faults_of(r#"{"to":"1","from":"x","text":"","class":"y","status":"delivered"}"#);
        assert_eq!(found.len(), 5, "{found:?}");
    }
}
