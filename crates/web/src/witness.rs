//! The client of a witness (C2SP tlog-witness, `add-checkpoint`): one HTTPS request on a connection of
//! its own, one try, little patience. It carries texts; what an answer means is decided by the engine.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use engine::ports::Witness;
use engine::ports::witness::{Cosigning, Unreachable, WitnessAnswer};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::outgoing::{Answered, Place, Post, Trust, Unanswered, post};
pub use crate::outgoing::{PlaceError, Roots, RootsError};

/// The media type of a 409's body.
const SIZE_TYPE: &str = "text/x.tlog.size";

/// From looking the name up to the last octet of the answer, unless said otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// A witness behind HTTPS; plain HTTP is for loopback only.
pub struct HttpWitness {
    place: Place,
    trust: Trust,
    patience: Duration,
}

/// Why there can be no client of a witness.
#[derive(Debug, thiserror::Error)]
pub enum HttpWitnessError {
    /// Its URL cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The authorities to trust cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

impl HttpWitness {
    /// The witness at this submission prefix, the URL before `/add-checkpoint`. `roots` is read at
    /// once, and not at all for plain HTTP.
    pub fn new(url: &str, roots: &Roots) -> Result<Self, HttpWitnessError> {
        let place = Place::parse(url)?;
        let trust = Trust::of(&place, roots)?;
        Ok(Self {
            place,
            trust,
            patience: PATIENCE,
        })
    }

    /// With another limit than five seconds.
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    async fn submit(&self, body: String) -> Result<WitnessAnswer, Unreachable> {
        let asked = Post {
            path: self.place.path("add-checkpoint"),
            content_type: "text/plain; charset=utf-8",
            fields: Vec::new(),
            body: Bytes::from(body),
        };
        let posted = post(&self.place, &self.trust, asked);
        match tokio::time::timeout(self.patience, posted).await {
            Ok(Ok(answered)) => Ok(told(answered)),
            Ok(Err(Unanswered(why))) => Err(Unreachable(why)),
            Err(_) => Err(Unreachable(format!("nothing within {:?}", self.patience))),
        }
    }
}

impl Witness for HttpWitness {
    fn add_checkpoint(&self, body: String) -> Cosigning<'_> {
        Box::pin(self.submit(body))
    }
}

impl fmt::Debug for HttpWitness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpWitness({})", self.place.url)
    }
}

/// The answer as the engine takes it. A size is believed only in its own media type: one that is ahead of
/// ours stops the gateway, and a proxy's 409 must not.
fn told(answered: Answered) -> WitnessAnswer {
    let foreign = answered.status == StatusCode::CONFLICT && !is_size(&answered.headers);
    WitnessAnswer {
        status: answered.status.as_u16(),
        body: if foreign {
            Vec::new()
        } else {
            answered.body.into()
        },
    }
}

fn is_size(headers: &HeaderMap) -> bool {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(SIZE_TYPE))
}
