//! SIDs: two letters that name a kind, and an id's UUID as 32 hex digits. Each is an id in other letters and leads
//! back to it without any table; there is one spelling of each, in lower case.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use domain::id::{
    ClientKind, Id, InboundKind, KeyKind, Kind, MessageKind, VerificationKind, VerifyServiceKind,
};

/// What the two letters name, and the kind of id behind them.
pub trait Letters {
    /// The kind of the id.
    type Kind: Kind;
    /// The letters that are written.
    const WRITTEN: &'static str;
    /// Letters that are read as well.
    const READ_TOO: Option<&'static str> = None;
}

macro_rules! letters {
    ($($name:ident, $kind:ty, $letters:literal, $too:expr, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}
        impl Letters for $name {
            type Kind = $kind;
            const WRITTEN: &'static str = $letters;
            const READ_TOO: Option<&'static str> = $too;
        }
    )*};
}

letters! {
    Account, ClientKind, "AC", None, "An account: a client.";
    ApiKey, KeyKind, "SK", None, "An API key.";
    PublicKey, KeyKind, "CR", None, "A public key with which a client signs.";
    Message, MessageKind, "SM", Some("MM"), "A message to a handset.";
    Inbound, InboundKind, "SM", Some("MM"), "A message from a handset.";
    Verification, VerificationKind, "VE", None, "A verification.";
    Attempt, MessageKind, "VL", None, "A message that carried the code of a verification.";
    VerifyService, VerifyServiceKind, "VA", None, "A verify service.";
}

/// The SID of an account.
pub type AccountSid = Sid<Account>;
/// The SID of an API key.
pub type ApiKeySid = Sid<ApiKey>;
/// The SID of a public key.
pub type PublicKeySid = Sid<PublicKey>;
/// The SID of a message to a handset.
pub type MessageSid = Sid<Message>;
/// The SID of a message from a handset.
pub type InboundSid = Sid<Inbound>;
/// The SID of a verification.
pub type VerificationSid = Sid<Verification>;

/// The SID of a message that carried a code.
pub type AttemptSid = Sid<Attempt>;
/// The SID of a verify service.
pub type VerifyServiceSid = Sid<VerifyService>;

/// An id as Twilio's applications write it.
pub struct Sid<L: Letters> {
    id: Id<L::Kind>,
    letters: PhantomData<fn() -> L>,
}

/// The text is no SID of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not `{0}` and the 32 lower-case hex digits of an id of this gateway")]
pub struct SidError(pub &'static str);

/// Characters of a SID.
const LENGTH: usize = 34;

impl<L: Letters> Sid<L> {
    /// The SID of an id.
    pub const fn of(id: Id<L::Kind>) -> Self {
        Self {
            id,
            letters: PhantomData,
        }
    }

    /// The id of it.
    pub const fn id(self) -> Id<L::Kind> {
        self.id
    }
}

impl<L: Letters> FromStr for Sid<L> {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Self, SidError> {
        let letters = [Some(L::WRITTEN), L::READ_TOO];
        let mut known = letters.into_iter().flatten();
        let digits = known.find_map(|letters| text.strip_prefix(letters));
        let id = digits
            .filter(|_| text.len() == LENGTH)
            .and_then(octets)
            .and_then(Id::from_bytes);
        id.map(Self::of).ok_or(SidError(L::WRITTEN))
    }
}

/// The octets of lower-case hex digits, two for each.
fn octets(digits: &str) -> Option<[u8; 16]> {
    let plain = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    if !digits.bytes().all(plain) {
        return None;
    }
    let value = u128::from_str_radix(digits, 16).ok()?;
    Some(value.to_be_bytes())
}

impl<L: Letters> fmt::Display for Sid<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.id.to_bytes());
        write!(f, "{}{value:032x}", L::WRITTEN)
    }
}

impl<L: Letters> fmt::Debug for Sid<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<L: Letters> Clone for Sid<L> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<L: Letters> Copy for Sid<L> {}
impl<L: Letters> PartialEq for Sid<L> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
impl<L: Letters> Eq for Sid<L> {}

#[cfg(test)]
mod tests {
    use domain::id::MessageId;
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn sound(text: &str) -> bool {
        text.parse::<MessageSid>().is_ok()
    }

    #[test]
    fn a_sid_has_two_letters_and_the_uuid_of_the_id() {
        let id = MessageId::new(0x0198_7654_3210_0abc >> 4, 7);
        let sid = MessageSid::of(id);
        let text = sid.to_string();
        assert_eq!((text.len(), &text[..2]), (34, "SM"));
        assert_eq!(text.parse(), Ok(sid));
        assert_eq!(sid.id(), id);
        let picture = text.replace("SM", "MM");
        assert_eq!(picture.parse(), Ok(sid), "MM is read too");
        assert_eq!(
            "SM".parse::<MessageSid>().unwrap_err().to_string(),
            "is not `SM` and the 32 lower-case hex digits of an id of this gateway"
        );
    }

    #[test]
    fn the_same_id_of_another_kind_is_another_sid() {
        let text = AccountSid::of(Id::new(5, 5)).to_string();
        assert!(text.parse::<AccountSid>().is_ok());
        assert!(text.parse::<ApiKeySid>().is_err());
        assert!(text.parse::<PublicKeySid>().is_err());
        assert!(text.parse::<MessageSid>().is_err());
        assert!(text.parse::<VerificationSid>().is_err());
    }

    proptest! {
        #[test]
        fn every_id_has_one_sid_that_leads_back_to_it(sequence: u64, random: u64) {
            let id = MessageId::new(sequence, random);
            let text = MessageSid::of(id).to_string();
            prop_assert_eq!(text.parse::<MessageSid>().map(Sid::id), Ok(id));
            prop_assert_eq!(MessageSid::of(id).to_string(), text);
        }

        #[test]
        fn a_sid_of_another_length_or_spelling_is_refused(
            sequence: u64, random: u64, place in 0_usize..34, with in "[^0-9a-f]",
        ) {
            let text = MessageSid::of(MessageId::new(sequence, random)).to_string();
            prop_assert!(!sound(&text[..33]));
            let longer = format!("{text}0");
            prop_assert!(!sound(&longer));
            let mut other = text.clone();
            other.replace_range(place..=place, &with);
            // The one other spelling of the letters is not among what a single change makes.
            prop_assert_eq!(sound(&other), other == text || other.starts_with("MM") && sound(&text));
            let upper = text.to_uppercase();
            prop_assert_eq!(sound(&upper), upper == text);
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "(SM|MM|AC|sm)?[0-9a-fA-F]{30,34}") {
            if let Ok(sid) = text.parse::<MessageSid>() {
                prop_assert_eq!(&sid.to_string()[2..], &text[2..]);
            }
        }
    }
}
