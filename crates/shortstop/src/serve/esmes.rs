//! The door for ESMEs: its socket, its certificate, and its life beside that of the HTTPS API.

use std::sync::Arc;
use std::time::Duration;

use engine::Gateway;
use engine::ports::Clock;
use smpp::server::{Security, Server, ServerCounters, ServerSettings};
use tls::{Certificates, ClientCertificates, TlsSlot};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::SystemClock;
use crate::config::Checked;
use crate::config::checked::SmppPlan;
use crate::config::smpp::Smpp;
use crate::exit::{Exit, Failure};
use crate::folder::DataFolder;

use super::{certificates_of, profile};

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
        identity: (Option<Certificates>, ClientCertificates),
        folder: &DataFolder,
    ) -> Result<Option<Self>, Failure> {
        let Some(plan) = &checked.smpp else {
            return Ok(None);
        };
        let security = security(plan, identity, folder)?;
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
    (configured, clients): (Option<Certificates>, ClientCertificates),
    folder: &DataFolder,
) -> Result<Security, Failure> {
    if plan.identity.is_none() {
        return Ok(Security::Clear);
    }
    let own = certificates_of(configured, folder)?;
    let slot = TlsSlot::for_esmes(profile(plan.tls_profile), own, clients);
    Ok(Security::Tls(Arc::new(slot.map_err(Failure::unavailable)?)))
}

fn settings(smpp: &Smpp) -> ServerSettings {
    let seconds = Duration::from_secs;
    ServerSettings {
        name: smpp.name.clone(),
        connections_max: smpp.connections_max,
        connections_per_address_max: smpp.connections_per_address_max,
        handshakes_per_address_max: smpp.handshakes_per_address_max,
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
        chatter_per_second_max: smpp.chatter_per_second_max,
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
