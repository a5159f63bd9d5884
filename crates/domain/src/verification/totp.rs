//! Codes of authenticator apps: HOTP (RFC 4226) and TOTP (RFC 6238). A step is accepted once, and with it every
//! step before; one step on either side of now is taken, for clocks that differ.

mod hotp;
mod otpauth;

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use hotp::hotp;
pub use otpauth::{LabelError, OtpauthUri};

/// The octets of a new key: 160 bits, as RFC 4226 section 4 (R6) recommends.
pub const KEY_OCTETS: usize = 20;

use super::channel::Channel;
use super::check::{Judged, Verdict};
use super::code::{Code, CodeLength};
use crate::time::Timestamp;

/// The length of a step (RFC 6238 section 5.2).
pub const STEP_SECONDS: u64 = 30;

/// The hash under the codes. Apps that ignore the setting use SHA-1, so it is what is asked for by
/// default; in HMAC it is not broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// HMAC-SHA-1.
    #[default]
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

/// How many digits an app shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppDigits {
    /// Six.
    #[default]
    Six,
    /// Eight.
    Eight,
}

impl AppDigits {
    /// The same as the length of a code.
    pub const fn length(self) -> CodeLength {
        match self {
            Self::Six => CodeLength::SIX,
            Self::Eight => CodeLength::EIGHT,
        }
    }
}

/// The secret that the app and the gateway share: 16 to 64 octets (RFC 4226 section 4, R6).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct TotpKey(Box<[u8]>);

/// No such key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of an authenticator has 16 to 64 octets")]
pub struct TotpKeyError;

impl TotpKey {
    /// From 16 to 64 random octets; 20 are usual.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TotpKeyError> {
        match bytes.len() {
            16..=64 => Ok(Self(bytes.into())),
            _ => Err(TotpKeyError),
        }
    }

    /// The octets, for sealing.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// The key in base-32 without padding (RFC 4648 section 6), as a person types it into an app. Whoever
    /// holds the text wipes it.
    pub fn reveal_base_32(&self) -> String {
        otpauth::base_32(&self.0)
    }
}

impl fmt::Debug for TotpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpKey(masked)")
    }
}

/// Whether the person has shown that the app holds the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Not yet: no check is right.
    Enrolled,
    /// Yes.
    Confirmed,
}

/// An authenticator app of a person, without its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticator {
    algorithm: Algorithm,
    digits: AppDigits,
    standing: Standing,
    /// The last accepted step: this one and all before are used up.
    used: Option<u64>,
}

/// The finding about a code, and the authenticator after it. It is committed with the check that it was
/// shown to, right or wrong, and forgotten when that check was refused.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct TotpChecked {
    /// The authenticator, with the accepted step if there is one.
    pub authenticator: Authenticator,
    /// What [`super::check::check`] is shown.
    pub judged: Judged,
}

/// The code does not confirm the enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code is not one that the app shows now: check the clock of the device")]
pub struct NotConfirmed;

impl Authenticator {
    /// A new one, not yet confirmed.
    pub const fn enrol(algorithm: Algorithm, digits: AppDigits) -> Self {
        Self {
            algorithm,
            digits,
            standing: Standing::Enrolled,
            used: None,
        }
    }

    /// The hash under its codes.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How many digits it shows.
    pub const fn digits(&self) -> AppDigits {
        self.digits
    }

    /// The last accepted step, in seconds since 1970 divided by 30: no code up to it is taken again.
    pub const fn used(&self) -> Option<u64> {
        self.used
    }

    /// Whether it was confirmed.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Confirms the enrolment with a first code, which is used up by it.
    pub fn confirm(self, key: &TotpKey, code: &Code, now: Timestamp) -> Result<Self, NotConfirmed> {
        let step = self.accepted_step(key, code, now).ok_or(NotConfirmed)?;
        Ok(Self {
            standing: Standing::Confirmed,
            used: Some(step),
            ..self
        })
    }

    /// Looks at a code. It is right once only: a step that was accepted, and all before it, are not
    /// accepted again.
    pub fn check(self, key: &TotpKey, code: &Code, now: Timestamp) -> TotpChecked {
        let accepted = self
            .accepted_step(key, code, now)
            .filter(|_| self.standing == Standing::Confirmed);
        let verdict = match accepted {
            Some(_) => Verdict::Right,
            None => Verdict::Wrong,
        };
        TotpChecked {
            authenticator: Self {
                used: accepted.or(self.used),
                ..self
            },
            judged: Judged::new(Channel::Totp, verdict),
        }
    }

    /// With a step that was accepted: the app holds the key, and no code up to that step is taken again.
    pub(super) fn accepted(self, step: u64) -> Self {
        Self {
            standing: Standing::Confirmed,
            used: self.used.max(Some(step)),
            ..self
        }
    }

    /// The step whose code this is, among those that may still be used. All are compared.
    pub(super) fn accepted_step(&self, key: &TotpKey, code: &Code, now: Timestamp) -> Option<u64> {
        let current = now.seconds() / STEP_SECONDS;
        let steps = current.saturating_sub(1)..=current.saturating_add(1);
        steps.fold(None, |found, step| {
            let expected = hotp(key, self.algorithm, step, self.digits.length());
            let fresh = self.used.is_none_or(|used| step > used);
            let matches = expected.matches(code) & fresh;
            found.or(matches.then_some(step))
        })
    }

    /// Whether this is once more the code that was accepted last, while it could still be taken had it not
    /// been. The codes of steps before it are guesses like any other.
    pub(super) fn is_replay(&self, key: &TotpKey, code: &Code, now: Timestamp) -> bool {
        let current = now.seconds() / STEP_SECONDS;
        self.used.is_some_and(|used| {
            let expected = hotp(key, self.algorithm, used, self.digits.length());
            expected.matches(code) & (used.abs_diff(current) <= 1)
        })
    }
}

#[cfg(test)]
mod tests;
