//! A reload: the configuration is read again while the gateway serves. Either all of it is taken or
//! none, and both are in the ledger.

use tokio::task::block_in_place;

use crate::config::environment::Overlay;
use crate::config::{self, Problems};
use crate::material::Material;

use super::change::{self, NeedsRestart};
use super::{Running, certificates_for, certificates_of, warn_of_names};

/// Why the configuration stays as it was.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// It is none, or something in it is wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// It changes what cannot change while the gateway runs.
    #[error(transparent)]
    NeedsRestart(#[from] NeedsRestart),
    /// A file that it names cannot be used.
    #[error("{cause:#}")]
    Files {
        cause: anyhow::Error,
        changed: Vec<String>,
    },
}

impl Refused {
    /// Its word in the ledger, and the settings that differ, as far as they are known.
    fn told(self) -> (&'static str, Vec<String>) {
        match self {
            Self::Invalid(_) => ("invalid", Vec::new()),
            Self::NeedsRestart(NeedsRestart(changed)) => ("needs-restart", changed),
            Self::Files { changed, .. } => ("unusable-file", changed),
        }
    }
}

impl Running {
    /// Reads the configuration again.
    pub(super) fn reload(&mut self) {
        match self.try_reload() {
            Ok(keys) => tracing::info!(changed = ?keys, "the configuration was read again"),
            Err(problem) => {
                tracing::error!(%problem, "the configuration stays as it was");
                let (reason, changed) = problem.told();
                self.opened.gateway.config_refused(reason, changed);
            }
        }
    }

    fn try_reload(&mut self) -> Result<Vec<String>, Refused> {
        let (config, mut checked) = config::load(&self.path, Overlay::from_process())?;
        let change = change::between(&self.config, &config)?;
        let unusable = |cause| Refused::Files {
            cause,
            changed: change.changed_keys.clone(),
        };
        let material = Material::read(&checked).map_err(|error| unusable(error.into()))?;
        material.open_esmes(&mut checked);
        let certificates = certificates_for(&checked, material.https, &self.folder);
        let certificates = certificates.map_err(unusable)?;
        let prepared = self.doors.https.prepare(certificates, material.clients);
        let prepared = prepared.map_err(|error| unusable(error.into()))?;
        let for_esmes = match &self.doors.esmes {
            None => None,
            Some(slot) => {
                let own = certificates_of(material.smpp, &self.folder).map_err(unusable)?;
                let fresh = slot.prepare(own, material.esme_clients);
                Some((slot, fresh.map_err(|error| unusable(error.into()))?))
            }
        };
        // Nothing fails from here on: either all of it is taken or none.
        self.doors.https.take(prepared);
        if let Some((slot, fresh)) = for_esmes {
            slot.take(fresh);
        }
        for (plan, secrets) in &material.providers {
            self.roads.providers().renew(&plan.name, secrets);
        }
        self.doors.read_again(&checked, &self.folder.tls());
        self.doors.warn(&self.opened.gateway);
        warn_of_names(&checked, &self.opened);
        for says in checked.warnings() {
            tracing::warn!("{says}");
        }
        for says in checked.limit_warnings() {
            tracing::warn!("{says}");
        }
        self.opened.gateway.reconfigure(checked.settings, &change);
        block_in_place(|| self.opened.gateway.open_esme_queues());
        self.config = config;
        Ok(change.changed_keys)
    }
}
