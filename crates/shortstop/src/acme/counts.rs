//! What is counted of an authority, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::time::Timestamp;
use engine::{MetricKind, MetricRow};

/// What is counted of an authority.
#[derive(Debug, Default)]
pub struct Counts {
    obtained: AtomicU64,
    failed: AtomicU64,
    in_a_row: AtomicU64,
    due: AtomicU64,
}

impl Counts {
    /// A certificate was obtained.
    pub(super) fn obtained(&self) {
        self.obtained.fetch_add(1, Ordering::Relaxed);
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// None was; gives how often that is so now, one after the other.
    pub(super) fn failed(&self) -> u32 {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let before = self.in_a_row.fetch_add(1, Ordering::Relaxed);
        u32::try_from(before.saturating_add(1)).unwrap_or(u32::MAX)
    }

    /// When the next one is asked for.
    pub(super) fn due(&self, at: Timestamp) {
        self.due.store(at.seconds(), Ordering::Relaxed);
    }

    /// As metrics.
    pub fn rows(&self) -> Vec<MetricRow> {
        let tried = "shortstop_acme_orders_total";
        let help = "Certificates asked for at the authority of [https.acme], by outcome.";
        let row = |(name, help): (&'static str, &'static str), kind, outcome, value: &AtomicU64| {
            let outcome: Option<&str> = outcome;
            MetricRow {
                name,
                help,
                kind,
                labels: outcome
                    .map(|word| ("outcome", word.to_owned()))
                    .into_iter()
                    .collect(),
                value: value.load(Ordering::Relaxed),
            }
        };
        vec![
            row(
                (tried, help),
                MetricKind::Counter,
                Some("obtained"),
                &self.obtained,
            ),
            row(
                (tried, help),
                MetricKind::Counter,
                Some("failed"),
                &self.failed,
            ),
            row(
                (
                    "shortstop_acme_failures_in_a_row",
                    "How often the authority of [https.acme] gave no certificate since it last did.",
                ),
                MetricKind::Gauge,
                None,
                &self.in_a_row,
            ),
            row(
                (
                    "shortstop_acme_due_seconds",
                    "When the next certificate is asked for.",
                ),
                MetricKind::Gauge,
                None,
                &self.due,
            ),
        ]
    }
}
