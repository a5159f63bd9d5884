//! What becomes of credentials with time: the first use of a key on each day is recorded, and what ends soon is said
//! before it does.

use std::sync::Arc;
use std::time::Duration;

use domain::id::KeyId;
use domain::time::Timestamp;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::changes::{Changes, Write};
use crate::entries;
use crate::gateway::Gateway;
use crate::metrics::{MetricKind, MetricRow};
use crate::rows::{CertificateRow, ClientRow};

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
            let _turn = self.client_change.lock().await;
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
            let _later = self.commit_clients(changes, row).await;
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

/// The newest key of a client, when it ends soon: those before it are being replaced.
fn ending_key(row: &ClientRow, now: Timestamp) -> Option<(KeyId, Timestamp)> {
    let newest = row.keys.iter().rfind(|key| key.revoked.is_none())?;
    let expires = newest.expires?;
    (expires <= now.saturating_add(SOON)).then_some((newest.id, expires))
}

fn ending_certificates(row: &ClientRow, now: Timestamp) -> impl Iterator<Item = &CertificateRow> {
    let soon = now.saturating_add(SOON);
    let certificates = row.certificates.iter();
    certificates.filter(move |certificate| certificate.expires <= soon)
}
