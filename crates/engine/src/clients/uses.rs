//! What becomes of credentials with time: the first use of a key on each day is recorded, and what ends soon is said
//! before it does.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{ClientId, KeyId};
use domain::time::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::changes::{Changes, Write};
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::{MetricKind, MetricRow};
use crate::rows::{ApiKeyRow, AuthMode, CertificateRow, ClientRow};

/// How often keys that were used are looked for.
const ROUND: Duration = Duration::from_secs(1);
/// Rounds between two warnings of the same: six hours.
const ROUNDS_BETWEEN_WARNINGS: u32 = 6 * 3_600;
/// What ends sooner is said.
const SOON: Duration = Duration::from_hours(30 * 24);

/// What of clients ends within a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ending {
    keys: u64,
    certificates: u64,
}

impl Gateway {
    pub(crate) async fn run_credentials(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in (0..ROUNDS_BETWEEN_WARNINGS).cycle() {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                _ = rounds.tick() => {}
            }
            self.let_nonces_go();
            if self.is_open() {
                self.record_uses().await;
            }
            if round == 0 {
                self.warn_of_ending();
            }
        }
    }

    /// Records which keys were used today for the first time. What a crash comes before is recorded at the next use.
    pub async fn record_uses(&self) {
        let now = self.now();
        let due = self.clients_now().with_first_uses();
        for client in due {
            let turn = self.client_turn().await;
            let (row, used) = {
                let directory = self.clients_now();
                (directory.get(client).cloned(), directory.first_uses(client))
            };
            let mut entries = used.iter().map(|key| entries::clients::used(client, *key));
            let (Some(mut row), Some(first)) = (row, entries.next()) else {
                continue;
            };
            let mut changes = Changes::new(first, now).soon();
            for entry in entries {
                changes.entry(entry);
            }
            for key in row.keys.iter_mut().filter(|key| used.contains(&key.id)) {
                key.used = Some(now);
            }
            changes.write(Write::Client(Box::new(row.clone())));
            // What cannot be recorded now is tried again.
            let _later = self.commit_clients(changes, row, Some(turn)).await;
        }
    }

    /// Says in the log what ends soon, so that somebody replaces it in time.
    fn warn_of_ending(&self) {
        let now = self.now();
        let directory = self.clients_now();
        for row in directory.all().filter(|row| row.revoked.is_none()) {
            let client = row.id;
            if let Some((key, expires)) = ending_key(row, now) {
                tracing::warn!(
                    %client, %key, %expires,
                    "the newest key of a client ends soon: give it another with `shortstop client rotate`"
                );
            }
            for certificate in ending_certificates(row, now) {
                tracing::warn!(
                    %client, sha256 = %certificate.sha256, expires = %certificate.expires,
                    "a certificate of a client ends soon: add its next one with `shortstop client change`"
                );
            }
        }
    }

    /// Clients that are to be known by names in certificates. Where no authority vouches for names they never are.
    pub fn clients_known_by_name(&self) -> Vec<ClientId> {
        let directory = self.clients_now();
        let mut named: Vec<_> = directory
            .all()
            .filter(|row| row.is_known_by_name())
            .map(|row| row.id)
            .collect();
        named.sort();
        named
    }

    /// The metrics of credentials.
    pub(crate) fn credential_rows(&self) -> Vec<MetricRow> {
        let now = self.now();
        let mut ending = Ending::default();
        let directory = self.clients_now();
        for row in directory.all().filter(|row| row.revoked.is_none()) {
            ending.keys += u64::from(ending_key(row, now).is_some());
            let certificates = ending_certificates(row, now).count();
            ending.certificates += u64::try_from(certificates).unwrap_or(u64::MAX);
        }
        drop(directory);
        let nonces = u64::try_from(self.nonces().count()).unwrap_or(u64::MAX);
        let gauge = |name, help, value| MetricRow {
            name,
            help,
            kind: MetricKind::Gauge,
            labels: Vec::new(),
            value,
        };
        vec![
            gauge(
                "shortstop_client_keys_ending",
                "Clients whose newest key ends within 30 days, or has ended.",
                ending.keys,
            ),
            gauge(
                "shortstop_client_certificates_ending",
                "Certificates of clients that end within 30 days, or have ended.",
                ending.certificates,
            ),
            gauge(
                "shortstop_signature_nonces",
                "Nonces of signed requests that are kept.",
                nonces,
            ),
        ]
    }
}

/// The newest key that a client can use, when it ends soon: those before it are being replaced. For one whose
/// requests must be signed only keys that sign count.
fn ending_key(row: &ClientRow, now: Timestamp) -> Option<(KeyId, Timestamp)> {
    let is_usable = |key: &&ApiKeyRow| {
        key.revoked.is_none() && (row.auth != AuthMode::Signed || key.method.algorithm().is_some())
    };
    let newest = row.keys.iter().rfind(is_usable)?;
    let expires = newest.expires?;
    (expires <= now.saturating_add(SOON)).then_some((newest.id, expires))
}

fn ending_certificates(row: &ClientRow, now: Timestamp) -> impl Iterator<Item = &CertificateRow> {
    let soon = now.saturating_add(SOON);
    let certificates = row.certificates.iter();
    certificates.filter(move |certificate| certificate.expires <= soon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::{CallbackSecretRow, KeyMethod};
    use domain::class::ClassSet;

    const NOW: Timestamp = Timestamp::from_seconds(1_764_064_800);

    fn key(id: u64, method: KeyMethod, expires: Option<Timestamp>) -> ApiKeyRow {
        ApiKeyRow {
            id: KeyId::new(id, 0),
            hash: String::new(),
            method,
            created: NOW,
            expires,
            revoked: None,
            used: None,
            ahead: None,
        }
    }

    #[test]
    fn of_a_client_that_signs_the_newest_key_that_signs_is_looked_at() {
        let soon = NOW.saturating_add(Duration::from_hours(1));
        let mut row = ClientRow {
            id: ClientId::new(1, 0),
            name: "bank".to_owned(),
            scopes: vec![],
            short_codes: vec![],
            classes: ClassSet::default(),
            networks: vec![],
            auth: AuthMode::Signed,
            certificates: vec![],
            certificate_names: vec![],
            keys: vec![
                key(2, KeyMethod::HmacSha256, Some(soon)),
                key(3, KeyMethod::Bearer, None),
            ],
            callback: CallbackSecretRow::default(),
            services: Vec::new(),
            created: NOW,
            revoked: None,
        };
        assert_eq!(ending_key(&row, NOW), Some((KeyId::new(2, 0), soon)));
        row.auth = AuthMode::Key;
        assert_eq!(ending_key(&row, NOW), None, "either key will do");
        row.keys.push(key(4, KeyMethod::HmacSha256, None));
        row.auth = AuthMode::Signed;
        assert_eq!(ending_key(&row, NOW), None, "a newer one signs on");
    }
}
