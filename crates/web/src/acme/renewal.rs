//! When an authority wants a certificate to be renewed (ARI, RFC 9773).

use domain::time::Timestamp;
use serde::Deserialize;

use super::problem::AcmeError;
use super::session::AcmeClient;

/// From when until when a certificate is best renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenewalInfo {
    suggested_window: Suggested,
}

#[derive(Deserialize)]
struct Suggested {
    start: String,
    end: String,
}

impl AcmeClient {
    /// When to renew the certificate with this id (RFC 9773 section 4.1); `None` where the authority does not say.
    pub async fn window(&self, id: &str) -> Result<Option<Window>, AcmeError> {
        let Some(base) = &self.directory().renewal_info else {
            return Ok(None);
        };
        let answered = self
            .read(&format!("{}/{id}", base.trim_end_matches('/')))
            .await?;
        if !answered.status.is_success() {
            return Err(AcmeError::of(&answered));
        }
        let told: Result<RenewalInfo, _> = serde_json::from_slice(&answered.body);
        let unsound = AcmeError::Unsound("the authority's renewal information cannot be read");
        let Ok(RenewalInfo { suggested_window }) = told else {
            return Err(unsound);
        };
        let (from, until) = (suggested_window.start.parse(), suggested_window.end.parse());
        match (from, until) {
            (Ok(from), Ok(until)) if from < until => Ok(Some(Window { from, until })),
            _ => Err(unsound),
        }
    }
}
