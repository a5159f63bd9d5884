//! How a verification reaches its proof.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The way a code comes to the person, or from the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A code sent to the handset and typed into the application.
    Sms,
    /// A code of an authenticator app (RFC 6238).
    Totp,
    /// One of the recovery codes that the person keeps.
    Recovery,
    /// A code that the application shows and the person texts to the short code.
    Mo,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::Sms, Self::Totp, Self::Recovery, Self::Mo];

    /// The word used in the API, the configuration and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Totp => "totp",
            Self::Recovery => "recovery",
            Self::Mo => "mo",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a channel; use sms, mo, totp or recovery")]
pub struct UnknownChannel;

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        Self::ALL
            .into_iter()
            .find(|channel| channel.as_str() == text)
            .ok_or(UnknownChannel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_stored_and_read_under_the_name_it_shows() {
        for channel in Channel::ALL {
            assert_eq!(channel.to_string().parse(), Ok(channel));
            let json = serde_json::to_string(&channel).unwrap();
            assert_eq!(json, format!("\"{channel}\""));
        }
        assert_eq!("voice".parse::<Channel>(), Err(UnknownChannel));
    }
}
