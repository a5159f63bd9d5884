//! The client of a witness (C2SP tlog-witness, `add-checkpoint`): one HTTPS request on a connection of
//! its own, one try, little patience. It carries texts; what an answer means is decided by the engine.

mod place;
mod post;
mod trust;

use std::fmt;
use std::time::Duration;

use engine::ports::Witness;
use engine::ports::witness::{Cosigning, Unreachable, WitnessAnswer};

pub use place::PlaceError;
pub(crate) use trust::root_store;
pub use trust::{Roots, RootsError};

use place::Place;
use post::post;
use trust::Trust;

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
        let posted =
            tokio::time::timeout(self.patience, post(&self.place, &self.trust, body)).await;
        posted.unwrap_or_else(|_| Err(Unreachable(format!("nothing within {:?}", self.patience))))
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
