//! What is looked at while the gateway runs: which certificates end soon, and whether the one that it makes itself is
//! due. That is made anew with a third of its life left, and shown from then on without a restart.

use std::time::Duration;

use anyhow::Context as _;
use engine::CertificateTold;
use engine::ports::Clock as _;

use super::{Running, certificates_of};
use crate::acme::Known;
use crate::certificates::{self, Subject};
use crate::clock::SystemClock;

/// How often it is looked; the clock of the machine may be set.
const ROUND: Duration = Duration::from_hours(1);
/// What could not be made is tried again after so long.
const AGAIN: Duration = Duration::from_mins(10);

impl Running {
    /// How long it is until there is something to look at.
    pub(super) fn until_round(&self) -> Duration {
        if self.doors.made().is_empty() {
            return ROUND;
        }
        let due = certificates::due(&self.folder.tls());
        let left = due.map(|due| due.since(SystemClock.now()));
        match left {
            Ok(left) if !left.is_zero() => left.min(ROUND),
            _ => AGAIN,
        }
    }

    /// Looks.
    pub(super) fn round(&self) {
        if let Err(error) = self.renew_made() {
            let error = format!("{error:#}");
            tracing::error!(
                error,
                "the certificate that the gateway makes itself is due and cannot be made; the one \
                 before is shown on, and it is tried again"
            );
        }
        self.doors.warn(&self.opened.gateway);
    }

    fn renew_made(&self) -> anyhow::Result<()> {
        let slots = self.doors.made();
        let folder = self.folder.tls();
        let due = certificates::due(&folder);
        if slots.is_empty() || due.is_ok_and(|due| SystemClock.now() < due) {
            return Ok(());
        }
        let mut fresh = Vec::new();
        for slot in slots {
            let own = certificates_of(None, &self.folder)?;
            fresh.push((slot, slot.prepare_own(own)?));
        }
        for (slot, prepared) in fresh {
            slot.take(prepared);
        }
        let file = Subject::Gateway.files(&folder).certificate;
        let known = Known::of(&std::fs::read(&file)?).context("it cannot be read")?;
        let ca = folder.join("ca.pem").display().to_string();
        tracing::warn!(
            until = %known.until, ca,
            "the certificate that the gateway makes itself was made anew, and is shown to new connections: \
             clients that trust its `ca.pem` have to read it again"
        );
        let gateway = &self.opened.gateway;
        gateway.certificate_obtained(&CertificateTold {
            account: None,
            authority: CertificateTold::ITSELF.to_owned(),
            names: known.names,
            sha256: known.sha256,
            from: known.from,
            until: known.until,
        });
        Ok(())
    }
}
