//! The door for ESMEs: its socket, its certificate, and its life beside that of the HTTPS API.

use std::sync::Arc;
use std::time::Duration;

use domain::time::Timestamp;
use engine::Gateway;
use engine::ports::Clock;
use smpp::server::{Security, Server, ServerCounters, ServerSettings, TlsProfile, TlsSlot};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::certificates::{self, Subject};
use crate::clock::SystemClock;
use crate::config::checked::{Identity, SmppPlan};
use crate::config::smpp::Smpp;
use crate::config::{Checked, https};
use crate::exit::{Exit, Failure};
use crate::folder::DataFolder;
use crate::material::PairText;

/// A socket that is bound and not yet served.
pub(super) struct Door {
    server: Server,
    security: Security,
    pub(super) counters: Arc<ServerCounters>,
}

/// What ends the door, and its task.
pub(super) type Task = (watch::Sender<bool>, JoinHandle<()>);

impl Door {
    /// Opens the socket, when one is configured.
    pub(super) async fn open(
        checked: &Checked,
        pair: Option<PairText>,
        (folder, now): (&DataFolder, Timestamp),
    ) -> Result<Option<Self>, Failure> {
        let Some(plan) = &checked.smpp else {
            return Ok(None);
        };
        let security = security(plan, pair, (folder, now))?;
        let counters = Arc::new(ServerCounters::default());
        let server = Server::bind(plan.listen, settings(&plan.limits), Arc::clone(&counters));
        let server = server
            .await
            .map_err(|error| Failure::new(Exit::Unavailable, error))?;
        Ok(Some(Self {
            server,
            security,
            counters,
        }))
    }

    /// Where it is.
    pub(super) fn shown(&self) -> String {
        let scheme = match self.security {
            Security::Tls(_) => "smpps",
            Security::Clear => "smpp",
        };
        format!("{scheme}://{}", self.server.address())
    }

    /// Where its certificates are replaced.
    pub(super) fn slot(&self) -> Option<Arc<TlsSlot>> {
        match &self.security {
            Security::Tls(slot) => Some(Arc::clone(slot)),
            Security::Clear => None,
        }
    }

    /// Lets ESMEs in.
    pub(super) fn serve(self, gateway: &Arc<Gateway>) -> Task {
        let (stop, stopped) = watch::channel(false);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = (Arc::clone(gateway), clock);
        let served = self.server.serve(parts, self.security, stopped);
        (stop, tokio::spawn(served))
    }
}

fn security(
    plan: &SmppPlan,
    pair: Option<PairText>,
    at: (&DataFolder, Timestamp),
) -> Result<Security, Failure> {
    let Some(identity) = &plan.identity else {
        return Ok(Security::Clear);
    };
    let pair = pair_of(identity, pair, at).map_err(Failure::unavailable)?;
    let profile = match plan.tls_profile {
        https::TlsProfile::Modern => TlsProfile::Modern,
        https::TlsProfile::Intermediate => TlsProfile::Intermediate,
    };
    let slot = TlsSlot::new(profile, &pair.chain, &pair.key).map_err(Failure::unavailable)?;
    Ok(Security::Tls(Arc::new(slot)))
}

/// The configured certificate, or the one that the gateway makes for loopback.
fn pair_of(
    identity: &Identity,
    configured: Option<PairText>,
    (folder, now): (&DataFolder, Timestamp),
) -> anyhow::Result<PairText> {
    if let (Identity::Files(_), Some(pair)) = (identity, configured) {
        return Ok(pair);
    }
    let files = certificates::keep(&folder.tls(), &[Subject::Gateway], now)?;
    Ok(PairText {
        chain: std::fs::read(&files.server.certificate)?,
        key: std::fs::read(&files.server.key)?.into(),
    })
}

/// Replaces the certificate for handshakes to come.
pub(super) fn reload(
    slot: &TlsSlot,
    checked: &Checked,
    pair: Option<PairText>,
    at: (&DataFolder, Timestamp),
) -> anyhow::Result<()> {
    let identity = checked
        .smpp
        .as_ref()
        .and_then(|plan| plan.identity.as_ref());
    if let Some(identity) = identity {
        let pair = pair_of(identity, pair, at)?;
        slot.reload(&pair.chain, &pair.key)?;
    }
    Ok(())
}

fn settings(smpp: &Smpp) -> ServerSettings {
    let seconds = Duration::from_secs;
    ServerSettings {
        name: smpp.name.clone(),
        connections_max: smpp.connections_max,
        connections_per_address_max: smpp.connections_per_address_max,
        handshake_timeout: seconds(smpp.handshake_seconds),
        session_init_timeout: seconds(smpp.session_init_seconds),
        idle_timeout: seconds(smpp.idle_seconds),
        response_timeout: seconds(smpp.response_seconds),
        pdu_timeout: seconds(smpp.pdu_seconds),
        parts_timeout: seconds(smpp.parts_seconds),
        window_max: smpp.window_max,
        delivery_window_max: smpp.delivery_window_max,
        frame_octets_max: smpp.frame_bytes_max,
        destinations_max: smpp.destinations_max,
        malformed_max: smpp.malformed_max,
        shutdown_timeout: seconds(smpp.shutdown_seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_of_the_door_and_of_the_file_are_the_same() {
        assert_eq!(settings(&Smpp::default()), ServerSettings::default());
    }
}
