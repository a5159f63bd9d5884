//! The certificates that ESMEs have bound with, so that somebody is told before they end. An account names a hash or a
//! name: the end is known once it was shown. In memory only.

use std::collections::HashMap;

use domain::system_id::SystemId;
use domain::time::Timestamp;

use super::BoundEsme;
use crate::gateway::Gateway;

/// The life of the certificate that an account was last bound with; there are no more than were configured.
#[derive(Debug, Default)]
pub(super) struct LastShown(HashMap<SystemId, (Timestamp, Timestamp)>);

impl LastShown {
    /// An ESME has bound.
    pub(super) fn by(&mut self, bound: &BoundEsme) {
        if let Some(shown) = &bound.certificate {
            let life = (shown.from, shown.until);
            self.0.insert(bound.system_id.clone(), life);
        }
    }
}

impl Gateway {
    /// From when until when the certificate is valid that each account was last bound with, of those that ask for one;
    /// none of an account that was not bound since the start.
    pub fn esme_certificates(&self) -> Vec<(SystemId, (Timestamp, Timestamp))> {
        let settings = self.settings();
        let inside = self.esmes.inside();
        let accounts = settings.esmes.accounts.iter();
        let asked = accounts.filter(|(_, account)| account.asks_for_certificate());
        let shown = asked.filter_map(|(system_id, _)| {
            let life = inside.shown.0.get(system_id)?;
            Some((system_id.clone(), *life))
        });
        shown.collect()
    }
}
