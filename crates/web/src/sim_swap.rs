//! The client of a SIM Swap service (CAMARA SIM Swap, `POST /check`): asks a mobile operator whether the
//! SIM of a number was changed lately. One question a connection, no answer kept, no number told to
//! anybody else.

mod credentials;
mod token;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::msisdn::Msisdn;
use domain::verification::risk::{MaxAgeHours, SimSwap, Unknown};
use engine::ports::Risk;
use engine::ports::risk::{Asking, Told};
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;

pub use credentials::{Credentials, Secret, SecretError};

use crate::outgoing::{Answered, Place, PlaceError, Post, Roots, RootsError, Trust, post};
use token::{Bearer, Tokens};

/// Where the service is, and how patient we are.
#[derive(Clone, Debug)]
pub struct SimSwapPlace {
    /// Its URL, such as `https://api.operator.example/sim-swap/v1`; `/check` follows.
    pub url: String,
    /// Whose certificates are believed.
    pub roots: Roots,
    /// From the question to the last octet of the answer, a new token included.
    pub patience: Duration,
    /// Questions on their way at once. One more waits, within its own patience.
    pub questions_max: usize,
}

/// A SIM Swap service behind HTTPS; plain HTTP is for loopback only.
pub struct SimSwapClient {
    place: Place,
    trust: Trust,
    tokens: Tokens,
    patience: Duration,
    places: Semaphore,
    is_failing: AtomicBool,
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum SimSwapError {
    /// A URL cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The authorities to trust cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
}

/// Why an answer tells nothing. It holds neither number nor secret.
#[derive(Debug)]
enum Fault {
    /// The service does not know of this number.
    NotCovered,
    /// It takes our token no longer.
    TokenRefused,
    /// Anything else, in words for the log.
    Failed(String),
}

impl SimSwapClient {
    /// The service at this place. What names authorities is read at once.
    pub fn new(place: &SimSwapPlace, credentials: Credentials) -> Result<Self, SimSwapError> {
        let at = Place::parse(&place.url)?;
        let trust = Trust::of(&at, &place.roots)?;
        Ok(Self {
            place: at,
            trust,
            tokens: Tokens::new(credentials, &place.roots)?,
            patience: place.patience,
            places: Semaphore::new(place.questions_max),
            is_failing: AtomicBool::new(false),
        })
    }

    async fn asked(&self, number: Msisdn, max_age: MaxAgeHours) -> Told {
        let answer = tokio::time::timeout(self.patience, self.ask(number, max_age)).await;
        Told::Answered(match answer {
            Ok(Ok(verdict)) => self.works(verdict),
            Ok(Err(Fault::NotCovered)) => self.works(SimSwap::Unknown(Unknown::NotCovered)),
            Ok(Err(Fault::TokenRefused)) => {
                self.fails(Unknown::Failed, "it takes no token of ours")
            }
            Ok(Err(Fault::Failed(why))) => self.fails(Unknown::Failed, &why),
            Err(_) => self.fails(Unknown::TimedOut, "no answer in time"),
        })
    }

    async fn ask(&self, number: Msisdn, max_age: MaxAgeHours) -> Result<SimSwap, Fault> {
        let place = self.places.acquire().await;
        let _place = place.map_err(|_| Fault::Failed("no place".to_owned()))?;
        let bearer = self.tokens.bearer().await.map_err(Fault::Failed)?;
        match self.check(number, max_age, &bearer).await {
            // What was good for an hour may have been revoked since.
            Err(Fault::TokenRefused) if self.tokens.drop_if_kept(&bearer).await => {
                let bearer = self.tokens.bearer().await.map_err(Fault::Failed)?;
                self.check(number, max_age, &bearer).await
            }
            answer => answer,
        }
    }

    async fn check(
        &self,
        number: Msisdn,
        max_age: MaxAgeHours,
        bearer: &Bearer,
    ) -> Result<SimSwap, Fault> {
        let question = json!({"phoneNumber": number.reveal_e164(), "maxAge": max_age.get()});
        let fields = vec![
            (AUTHORIZATION, bearer.header()),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ];
        let asked = Post {
            path: self.place.path("check"),
            content_type: "application/json",
            fields,
            body: Bytes::from(question.to_string()),
        };
        let answered = post(&self.place, &self.trust, asked).await;
        verdict(&answered.map_err(|error| Fault::Failed(error.0))?)
    }

    /// The first failure and the first answer after failures are told; a flood of them is not.
    fn fails(&self, why: Unknown, says: &str) -> SimSwap {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(service = %self.place.url, "the SIM swap service gives no answer: {says}");
        }
        SimSwap::Unknown(why)
    }

    fn works(&self, verdict: SimSwap) -> SimSwap {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!(service = %self.place.url, "the SIM swap service answers again");
        }
        verdict
    }
}

/// What an answer says. Members that we do not know may be there; the one that counts must be.
fn verdict(answered: &Answered) -> Result<SimSwap, Fault> {
    #[derive(Deserialize)]
    struct Checked {
        swapped: bool,
    }
    #[derive(Deserialize)]
    struct Refused {
        code: String,
    }
    if answered.status == StatusCode::OK {
        let checked: Result<Checked, _> = serde_json::from_slice(&answered.body);
        return match checked {
            Ok(Checked { swapped: true }) => Ok(SimSwap::Changed),
            Ok(Checked { swapped: false }) => Ok(SimSwap::Unchanged),
            Err(_) => Err(Fault::Failed("its answer makes no sense".to_owned())),
        };
    }
    let refused: Option<Refused> = serde_json::from_slice(&answered.body).ok();
    let code = refused.map(|refused| refused.code).unwrap_or_default();
    match (answered.status.as_u16(), code.as_str()) {
        (422, "SERVICE_NOT_APPLICABLE") | (404, "IDENTIFIER_NOT_FOUND") => Err(Fault::NotCovered),
        (401, _) => Err(Fault::TokenRefused),
        (status, _) => Err(Fault::Failed(format!("its answer is {status}"))),
    }
}

impl Risk for SimSwapClient {
    fn sim_swap(&self, number: Msisdn, max_age: MaxAgeHours) -> Asking<'_> {
        Box::pin(self.asked(number, max_age))
    }
}

impl fmt::Debug for SimSwapClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimSwapClient({})", self.place.url)
    }
}
