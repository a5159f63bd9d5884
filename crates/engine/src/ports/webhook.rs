//! The webhook port: one call to a URL that somebody else chose. The engine decides what is told, how it is
//! signed and when it is told again; an implementation sees to it that the call goes where it may and
//! nowhere else.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use domain::webhook::Target;

/// What is told.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where.
    pub target: Target,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`: seconds of UTC since 1970.
    pub timestamp: u64,
    /// `webhook-signature`.
    pub signature: String,
    /// How the body is written.
    pub shape: Shape,
    /// The body. It may hold what is personal, and is told to no log or error.
    pub body: Body,
}

/// How a body is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As JSON.
    Json,
    /// As `application/x-www-form-urlencoded`, with a further signature, `X-Twilio-Signature`.
    Form {
        /// That signature.
        twilio_signature: String,
    },
}

impl Shape {
    /// What `Content-Type` says.
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form { .. } => "application/x-www-form-urlencoded",
        }
    }
}

/// A body; masks itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} octets)", self.0.len())
    }
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Called {
    /// The HTTP status.
    pub status: u16,
    /// How long it asks us to wait (`Retry-After` in seconds).
    pub retry_after: Option<Duration>,
}

/// Why there is no answer. It holds nothing of what was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncalled {
    /// The name leads where no call may go; none was made.
    #[error("{0}")]
    Forbidden(String),
    /// No connection, no TLS, or an answer that is none.
    #[error("{0}")]
    Broken(String),
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
}

impl Uncalled {
    /// The stable word used in the ledger.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forbidden(_) => "forbidden-address",
            Self::Broken(_) => "no-answer",
            Self::TimedOut => "timed-out",
        }
    }
}

/// A call on its way.
pub type Calling<'a> = Pin<Box<dyn Future<Output = Result<Called, Uncalled>> + Send + 'a>>;

/// Calls webhooks.
///
/// `call` makes one POST over HTTPS, tries once and ends within a time limit of its own. The name is looked
/// up once; every address that it leads to is vetted ([`domain::webhook::vet`]), and the connection goes to
/// one of these and nowhere else: one that may not be called makes the whole call [`Uncalled::Forbidden`].
/// Certificate and name are verified. No redirect is followed: any status is an answer. No proxy is asked.
/// A call that is dropped leaves nothing running.
pub trait Webhook: Send + Sync {
    /// Calls.
    fn call(&self, call: Call) -> Calling<'_>;
}
