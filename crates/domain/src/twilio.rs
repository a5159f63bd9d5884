//! The words of Twilio's interface for what happens here, for applications that were written against it: ids,
//! where a message stands, and the signature of what they are told.

use core::fmt::Write as _;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::message::{MessageState, Segment, SegmentState};

/// Two letters and the id's 32 hexadecimal digits.
pub fn sid(letters: &str, id: [u8; 16]) -> String {
    format!("{letters}{:032x}", u128::from_be_bytes(id))
}

/// Of a message that did not arrive: whether the carrier had taken what ended so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// It had, under an id of its own.
    Taken,
    /// It had not, or nobody knows.
    NotTaken,
}

impl Taking {
    /// Of a message that stands so, with these segments.
    pub fn of(state: MessageState, segments: &[Segment]) -> Self {
        let ended = match state {
            MessageState::Failed => SegmentState::Failed,
            MessageState::Expired => SegmentState::Expired,
            _ => return Self::NotTaken,
        };
        let mut ended = segments.iter().filter(|segment| segment.state() == ended);
        if ended.any(|segment| segment.carrier_id().is_some()) {
            Self::Taken
        } else {
            Self::NotTaken
        }
    }
}

/// Where a message stands, in Twilio's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// It waits.
    Queued,
    /// A segment may have left.
    Sending,
    /// The carrier took it. It stays so when nobody will tell whether it arrived.
    Sent,
    /// It arrived.
    Delivered,
    /// The carrier took it, and it did not arrive.
    Undelivered,
    /// The carrier did not take it.
    Failed,
    /// Its sender took it back.
    Canceled,
}

impl MessageStatus {
    /// The status of a message that stands so.
    pub const fn of(state: MessageState, taking: Taking) -> Self {
        match (state, taking) {
            (MessageState::Accepted, _) => Self::Queued,
            (MessageState::Dispatched, _) => Self::Sending,
            (MessageState::Submitted | MessageState::Unknown, _) => Self::Sent,
            (MessageState::Delivered, _) => Self::Delivered,
            (MessageState::Cancelled, _) => Self::Canceled,
            (MessageState::Failed | MessageState::Expired, Taking::Taken) => Self::Undelivered,
            (MessageState::Failed | MessageState::Expired, Taking::NotTaken) => Self::Failed,
        }
    }

    /// Twilio's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// Its validity was over.
const VALIDITY_OVER: u32 = 30_036;
/// No reason that Twilio has a number for.
const NO_KNOWN_REASON: u32 = 30_008;

/// Twilio's number for why a message in this state did not arrive, or nobody can tell; `None` for others.
pub const fn error_code(state: MessageState) -> Option<u32> {
    match state {
        MessageState::Failed | MessageState::Unknown => Some(NO_KNOWN_REASON),
        MessageState::Expired => Some(VALIDITY_OVER),
        _ => None,
    }
}

/// A parameter of a form: its name and its value.
pub type Parameter = (&'static str, String);

/// The parameters as `application/x-www-form-urlencoded`.
pub fn form(parameters: &[Parameter]) -> String {
    let pair = |(name, value): &Parameter| format!("{}={}", encoded(name), encoded(value));
    let pairs: Vec<String> = parameters.iter().map(pair).collect();
    pairs.join("&")
}

/// What is no plain letter, digit or sign is written by its octets (URL Standard, section 1.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'*' | b'-' | b'.' | b'_' => {
                out.push(char::from(octet));
            }
            b' ' => out.push('+'),
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{octet:02X}")),
        }
    }
    out
}

/// `X-Twilio-Signature`: the HMAC-SHA-1 of the URL and of every parameter, by their names, under the octets of
/// the token, in Base64.
pub fn signature<N: AsRef<str> + Ord>(
    token: &str,
    url: &str,
    parameters: &[(N, String)],
) -> String {
    let mut sorted: Vec<&(N, String)> = parameters.iter().collect();
    sorted.sort();
    sorted.dedup();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(url.as_bytes());
    for (name, value) in sorted {
        context.update(name.as_ref().as_bytes());
        context.update(value.as_bytes());
    }
    STANDARD.encode(context.sign())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier_id::CarrierMessageId;
    use crate::message::{CarrierName, Event, ReceiptState};
    use crate::time::Timestamp;

    /// The example that Twilio's documentation of webhook security gives.
    #[test]
    fn the_published_example_is_signed_as_twilio_signs_it() {
        let of = |name, value: &str| (name, value.to_owned());
        let mut parameters = vec![
            of("To", "+18005551212"),
            of("Digits", "1234"),
            of("From", "+12349013030"),
            of("Caller", "+12349013030"),
            of("CallSid", "CA1234567890ABCDE"),
        ];
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let expected = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=";
        assert_eq!(signature("12345", url, &parameters), expected);
        parameters.reverse();
        parameters.push(of("Digits", "1234"));
        assert_eq!(signature("12345", url, &parameters), expected);
        parameters[0].1.push('0');
        assert_ne!(signature("12345", url, &parameters), expected);
        assert_ne!(signature("12346", url, &parameters[1..]), expected);
    }

    #[test]
    fn a_form_is_written_so_that_every_reader_reads_the_same() {
        let parameters = [
            ("To", "+447700900123".to_owned()),
            ("Odd", "a b&c=d%é~*".to_owned()),
        ];
        let expected = "To=%2B447700900123&Odd=a+b%26c%3Dd%25%C3%A9%7E*";
        assert_eq!(form(&parameters), expected);
    }

    #[test]
    fn a_sid_is_two_letters_and_the_digits_of_the_id() {
        let mut id = [0; 16];
        id[15] = 0xab;
        assert_eq!(sid("SM", id), "SM000000000000000000000000000000ab");
    }

    fn segment(events: Vec<Event>) -> Segment {
        let mut segment = Segment::default();
        for event in events {
            segment.apply(event, Timestamp::from_seconds(1));
        }
        segment
    }

    #[test]
    fn what_the_carrier_took_is_undelivered_and_what_it_did_not_take_failed() {
        use MessageState as S;
        let dispatched = || Event::Dispatched {
            carrier: CarrierName::new("primary"),
            bind: 0,
        };
        let id = || Event::Accepted(CarrierMessageId::parse(b"1").unwrap());
        let refused = segment(vec![dispatched(), Event::Rejected(11)]);
        let lost = segment(vec![
            dispatched(),
            id(),
            Event::Receipt(ReceiptState::Failed, None),
        ]);
        let late = segment(vec![
            dispatched(),
            id(),
            Event::Receipt(ReceiptState::Expired, None),
        ]);
        let never = segment(vec![Event::Expired]);
        let of = |state, one: &Segment| {
            MessageStatus::of(state, Taking::of(state, std::slice::from_ref(one)))
        };
        assert_eq!(of(S::Failed, &refused), MessageStatus::Failed);
        assert_eq!(of(S::Failed, &lost), MessageStatus::Undelivered);
        assert_eq!(of(S::Expired, &late), MessageStatus::Undelivered);
        assert_eq!(of(S::Expired, &never), MessageStatus::Failed);
        assert_eq!(of(S::Unknown, &lost), MessageStatus::Sent);
    }

    #[test]
    fn only_what_did_not_arrive_or_what_nobody_can_tell_of_has_an_error() {
        use MessageState as S;
        for state in MessageState::ALL {
            let has = matches!(state, S::Failed | S::Expired | S::Unknown);
            assert_eq!(error_code(state).is_some(), has, "{state}");
        }
    }
}
