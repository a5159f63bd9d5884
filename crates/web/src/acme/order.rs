//! An order, from the names that are asked for to the certificate (RFC 8555 section 7.4).

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::signature::sha256;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::problem::{AcmeError, Problem, retry_after};
use super::session::{AcmeClient, location};

/// From the order to the certificate, everything that the authority looks at included.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long to wait before looking again, unless the authority says.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The longest such wait.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(15);
/// What proves a name, over the port that the certificate is for.
const TLS_ALPN: &str = "tls-alpn-01";

/// What is asked for.
#[derive(Debug)]
pub struct Wish<'a> {
    /// The DNS names.
    pub names: &'a [String],
    /// The request for a certificate (PKCS#10) in DER, with these names and a key of ours.
    pub request: &'a [u8],
    /// The id of the certificate that it is to replace (RFC 9773 section 5).
    pub replaces: Option<&'a str>,
}

/// A certificate.
#[derive(Debug)]
pub struct Obtained {
    /// Its chain in PEM, its own first.
    pub chain: String,
}

/// Whoever answers an authority that looks whether a name is ours.
pub trait Responder: Send + Sync {
    /// Answers for this name with this proof: the SHA-256 of the key authorization (RFC 8737 section 3).
    fn present(&self, name: &str, proof: [u8; 32]) -> Result<(), AcmeError>;

    /// Answers for nothing any more.
    fn withdraw(&self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Ready,
    Processing,
    Valid,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
struct OrderState {
    status: Status,
    authorizations: Vec<String>,
    finalize: String,
    #[serde(default)]
    certificate: Option<String>,
    #[serde(default)]
    error: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct Authorization {
    status: Status,
    identifier: Identifier,
    challenges: Vec<Challenge>,
}

#[derive(Debug, Deserialize)]
struct Identifier {
    value: String,
}

#[derive(Debug, Deserialize)]
struct Challenge {
    #[serde(rename = "type")]
    kind: String,
    url: String,
    #[serde(default)]
    token: String,
    #[serde(default)]
    error: Option<Problem>,
}

impl AcmeClient {
    /// Asks for a certificate, and proves that the names are ours.
    pub async fn obtain(
        &self,
        wish: &Wish<'_>,
        responder: &dyn Responder,
    ) -> Result<Obtained, AcmeError> {
        let obtained = timeout(PATIENCE, self.ordered(wish, responder)).await;
        responder.withdraw();
        obtained.map_err(|_| AcmeError::Late)?
    }

    async fn ordered(
        &self,
        wish: &Wish<'_>,
        responder: &dyn Responder,
    ) -> Result<Obtained, AcmeError> {
        let (url, order) = self.new_order(wish).await?;
        for authorization in &order.authorizations {
            self.prove(authorization, responder).await?;
        }
        self.until_order(&url, Status::Ready).await?;
        let request = BASE64_URL_SAFE_NO_PAD.encode(wish.request);
        let request = json!({"csr": request}).to_string();
        self.ask(&order.finalize, &request).await?;
        let order = self.until_order(&url, Status::Valid).await?;
        let missing = AcmeError::Unsound("the authority says that it is done, and gives nothing");
        let answered = self.ask(&order.certificate.ok_or(missing)?, "").await?;
        let chain = String::from_utf8(answered.body.to_vec());
        let chain = chain.map_err(|_| AcmeError::Unsound("the certificate is no PEM"))?;
        Ok(Obtained { chain })
    }

    /// An authority that will not have that it replaces another is asked without saying so.
    async fn new_order(&self, wish: &Wish<'_>) -> Result<(String, OrderState), AcmeError> {
        let written = |name: &String| json!({"type": "dns", "value": name});
        let names: Vec<_> = wish.names.iter().map(written).collect();
        let plain = json!({"identifiers": names});
        let url = &self.directory().new_order;
        let replaces = wish
            .replaces
            .filter(|_| self.directory().renewal_info.is_some());
        let asked = match replaces {
            None => self.ask_json(url, &plain.to_string()).await,
            Some(id) => {
                let told = json!({"identifiers": names, "replaces": id});
                let asked = self.ask_json(url, &told.to_string()).await;
                let is_no =
                    |error: &AcmeError| error.is_of("alreadyReplaced") || error.is_of("malformed");
                match asked {
                    Err(error) if is_no(&error) => self.ask_json(url, &plain.to_string()).await,
                    asked => asked,
                }
            }
        };
        let (order, answered) = asked?;
        let missing = AcmeError::Unsound("the authority gives no URL of the order");
        Ok((location(&answered).ok_or(missing)?, order))
    }

    /// Proves one name.
    async fn prove(&self, url: &str, responder: &dyn Responder) -> Result<(), AcmeError> {
        let (asked, _): (Authorization, _) = self.ask_json(url, "").await?;
        let name = asked.identifier.value;
        match asked.status {
            Status::Valid => return Ok(()),
            Status::Pending => {}
            _ => return Err(unproved(name, &asked.challenges)),
        }
        let challenge = asked.challenges.iter().find(|found| found.kind == TLS_ALPN);
        let challenge = challenge.ok_or_else(|| AcmeError::NoChallenge(name.clone()))?;
        let proof = self.key().key_authorization(&challenge.token);
        responder.present(&name, sha256(proof.as_bytes()))?;
        self.ask(&challenge.url, "{}").await?;
        let mut pause = LOOK_AGAIN;
        loop {
            let (now, answered): (Authorization, _) = self.ask_json(url, "").await?;
            match now.status {
                Status::Valid => return Ok(()),
                Status::Pending | Status::Processing => {}
                Status::Ready | Status::Other => return Err(unproved(name, &now.challenges)),
            }
            sleep(retry_after(&answered).unwrap_or(pause).min(LOOK_AGAIN_MAX)).await;
            pause = (pause * 2).min(LOOK_AGAIN_MAX);
        }
    }

    async fn until_order(&self, url: &str, wanted: Status) -> Result<OrderState, AcmeError> {
        let mut pause = LOOK_AGAIN;
        loop {
            let (order, answered): (OrderState, _) = self.ask_json(url, "").await?;
            match order.status {
                found if found == wanted => return Ok(order),
                Status::Pending | Status::Processing | Status::Ready => {}
                Status::Valid | Status::Other => return Err(invalid(&order)),
            }
            sleep(retry_after(&answered).unwrap_or(pause).min(LOOK_AGAIN_MAX)).await;
            pause = (pause * 2).min(LOOK_AGAIN_MAX);
        }
    }
}

fn invalid(order: &OrderState) -> AcmeError {
    let (kind, detail) = order.error.clone().unwrap_or_default().words(0);
    AcmeError::Refused {
        kind,
        detail,
        retry_after: None,
    }
}

fn unproved(name: String, challenges: &[Challenge]) -> AcmeError {
    let mut problems = challenges.iter().filter_map(|found| found.error.clone());
    let (kind, detail) = problems.next().unwrap_or_default().words(0);
    AcmeError::Unproved { name, kind, detail }
}
