//! Where others are asked, and told: what speaks against sending a code, before a start is decided; and
//! what came of it, once that is durable.

use domain::id::ClientId;
use domain::msisdn::Msisdn;
use domain::time::Timestamp;

use super::start::{StartVerification, StartVerificationError};
use crate::client::Caller;
use crate::gateway::Gateway;

impl Gateway {
    /// Before a verification starts: no lock is held and nothing is claimed yet, so it may take its time.
    /// Resends do not come by here.
    #[expect(
        clippy::unused_async,
        reason = "whoever is asked answers over the network"
    )]
    pub(super) async fn may_verify(
        &self,
        _caller: &Caller,
        _request: &StartVerification,
    ) -> Result<(), StartVerificationError> {
        Ok(())
    }

    /// The same without asking anybody, when everything else of a start is decided: what answers yes here is
    /// sent, unless the message itself is refused.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "whoever counts sends refuses here"
    )]
    pub(super) const fn may_send_code(
        &self,
        _client: ClientId,
        _to: Msisdn,
        _now: Timestamp,
    ) -> Result<(), StartVerificationError> {
        Ok(())
    }

    /// A number was verified, and that is durable.
    #[expect(clippy::unused_self, reason = "whoever counts successes is told here")]
    pub(super) const fn was_verified(&self, _client: ClientId, _to: Msisdn, _now: Timestamp) {}
}
