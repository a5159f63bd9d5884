//! Why no certificate was obtained. What an authority says is text of others: it is cut and cleaned.

use std::time::Duration;

use serde::Deserialize;

use crate::outgoing::{Answered, PlaceError, RootsError, Unanswered};

/// Characters of what an authority says that are kept.
const DETAIL_MAX: usize = 300;
/// What every error's name begins with (RFC 8555 section 6.7).
const PREFIX: &str = "urn:ietf:params:acme:error:";

/// Why no certificate was obtained.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    /// The authority cannot be reached.
    #[error("the authority cannot be reached: {0}")]
    Unreachable(String),
    /// It said no.
    #[error("the authority refuses ({kind}): {detail}")]
    Refused {
        /// Its word for why, such as `rateLimited`.
        kind: String,
        /// What it says.
        detail: String,
        /// How long to wait before the next try, when it says so.
        retry_after: Option<Duration>,
    },
    /// A name was not proved to be ours.
    #[error("the authority could not see that {name} is ours ({kind}): {detail}")]
    Unproved {
        /// The name.
        name: String,
        /// The authority's word for why.
        kind: String,
        /// What it says.
        detail: String,
    },
    /// It offers no TLS-ALPN-01 for a name.
    #[error("the authority offers no challenge tls-alpn-01 for {0}")]
    NoChallenge(String),
    /// An answer is none of this protocol.
    #[error("{0}")]
    Unsound(&'static str),
    /// It all took too long.
    #[error("the authority took too long")]
    Late,
    /// A URL of the authority cannot be used.
    #[error("the authority gives a URL that cannot be used")]
    Place(#[from] PlaceError),
    /// Whom to trust cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

/// Why no certificate was obtained, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The authority cannot be reached, or is slow.
    Unreachable,
    /// It said no.
    Refused,
    /// It could not see that the names are ours.
    Unproved,
    /// What it answers is none of the protocol, or cannot be used.
    Unsound,
}

impl Cause {
    /// The word in entries and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Unproved => "unproved",
            Self::Unsound => "unsound",
        }
    }
}

impl AcmeError {
    /// In one word.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Unreachable(_) | Self::Late => Cause::Unreachable,
            Self::Refused { .. } | Self::NoChallenge(_) => Cause::Refused,
            Self::Unproved { .. } => Cause::Unproved,
            Self::Unsound(_) | Self::Place(_) | Self::Roots(_) => Cause::Unsound,
        }
    }

    /// How long the authority asks to wait.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the authority does not know the account any more.
    pub(super) fn is_of(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { kind, .. } if kind == wanted)
    }

    /// What an answer that is no success says.
    pub(super) fn of(answered: &Answered) -> Self {
        let problem: Problem = serde_json::from_slice(&answered.body).unwrap_or_default();
        let (kind, detail) = problem.words(answered.status.as_u16());
        Self::Refused {
            kind,
            detail,
            retry_after: retry_after(answered),
        }
    }
}

impl From<Unanswered> for AcmeError {
    fn from(Unanswered(why): Unanswered) -> Self {
        Self::Unreachable(why)
    }
}

/// How an authority says what is wrong (RFC 7807).
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Problem {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    detail: String,
}

impl Problem {
    /// Its name without what all begin with, and its text, both fit to be shown. A status of 0 is that of no answer.
    pub(super) fn words(&self, status: u16) -> (String, String) {
        let kind = self.kind.strip_prefix(PREFIX).unwrap_or(&self.kind);
        let kind = match kind {
            "" if status == 0 => "no reason given".to_owned(),
            "" => format!("status {status}"),
            kind => clean(kind),
        };
        (kind, clean(&self.detail))
    }
}

/// At most so many characters, none of which moves a terminal.
fn clean(text: &str) -> String {
    let shown = text.chars().filter(|letter| !letter.is_control());
    shown.take(DETAIL_MAX).collect()
}

/// How long to wait, in seconds; a date is none of it (both are allowed by RFC 9110 section 10.2.3, and authorities
/// send seconds).
pub(super) fn retry_after(answered: &Answered) -> Option<Duration> {
    let value = answered.headers.get(http::header::RETRY_AFTER)?;
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
