//! What the listener for ESMEs counts about itself, in plain numbers that only grow (and one gauge). Nothing
//! in them tells who it was.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::{MetricKind, MetricRow};

/// A number that grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub(super) fn one(&self) {
        self.add(1);
    }

    /// Adds.
    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the listener counts.
#[derive(Debug, Default)]
pub struct ServerCounters {
    /// Connections taken.
    pub(super) accepted: Counter,
    /// Connections that ended.
    pub(super) closed: Counter,
    /// Connections closed at once, since too many were open.
    pub(super) refused: Counter,
    /// Connections closed at once, since their address had too many.
    pub(super) refused_address: Counter,
    /// Connections closed at once, since their address had too many handshakes under way.
    pub(super) refused_handshake: Counter,
    /// TLS handshakes that failed or took too long.
    pub(super) handshakes_failed: Counter,
    /// Connections that spoke another protocol.
    pub(super) foreign: Counter,
    /// Connections ended because they waited for too long.
    pub(super) timed_out: Counter,
    /// Connections ended because a PDU came too slowly.
    pub(super) slow: Counter,
    /// Connections ended because the peer did not read.
    pub(super) stalled: Counter,
    /// Connections ended because the peer broke the protocol.
    pub(super) broken: Counter,
    /// PDUs that cannot be read.
    pub(super) malformed: Counter,
    /// PDUs after which nothing was read for a time, since too many were no work.
    pub(super) chatter: Counter,
    /// Requests that the state of their session does not allow.
    pub(super) misplaced: Counter,
    /// Submits taken.
    pub(super) submits: Counter,
    /// Submits not taken.
    pub(super) submits_refused: Counter,
    /// Deliveries written.
    pub(super) deliveries: Counter,
}

/// One counter.
type Pick = fn(&ServerCounters) -> &Counter;

/// Every counter: its name and what it counts.
const ALL: [(&str, &str, Pick); 16] = [
    (
        "shortstop_smpp_connections_total",
        "Connections of ESMEs taken.",
        |c| &c.accepted,
    ),
    (
        "shortstop_smpp_connections_refused_total",
        "Connections of ESMEs closed at once, since too many were open.",
        |c| &c.refused,
    ),
    (
        "shortstop_smpp_connections_refused_address_total",
        "Connections of ESMEs closed at once, since their address had too many.",
        |c| &c.refused_address,
    ),
    (
        "shortstop_smpp_handshakes_refused_address_total",
        "Connections of ESMEs closed at once, since their address had too many handshakes under way.",
        |c| &c.refused_handshake,
    ),
    (
        "shortstop_smpp_handshakes_failed_total",
        "TLS handshakes of ESMEs that failed or took too long.",
        |c| &c.handshakes_failed,
    ),
    (
        "shortstop_smpp_connections_foreign_total",
        "Connections that spoke no SMPP.",
        |c| &c.foreign,
    ),
    (
        "shortstop_smpp_connections_timed_out_total",
        "Connections of ESMEs ended because they waited for too long.",
        |c| &c.timed_out,
    ),
    (
        "shortstop_smpp_connections_slow_total",
        "Connections of ESMEs ended because a PDU came too slowly.",
        |c| &c.slow,
    ),
    (
        "shortstop_smpp_connections_stalled_total",
        "Connections of ESMEs ended because the peer did not read.",
        |c| &c.stalled,
    ),
    (
        "shortstop_smpp_connections_broken_total",
        "Connections of ESMEs ended because the peer broke the protocol.",
        |c| &c.broken,
    ),
    (
        "shortstop_smpp_pdus_malformed_total",
        "PDUs of ESMEs that cannot be read.",
        |c| &c.malformed,
    ),
    (
        "shortstop_smpp_chatter_held_total",
        "PDUs of ESMEs after which nothing more was read for a time, since too many were no work.",
        |c| &c.chatter,
    ),
    (
        "shortstop_smpp_requests_misplaced_total",
        "Requests of ESMEs that the state of their session does not allow.",
        |c| &c.misplaced,
    ),
    (
        "shortstop_smpp_submits_total",
        "Submits of ESMEs taken.",
        |c| &c.submits,
    ),
    (
        "shortstop_smpp_submits_refused_total",
        "Submits of ESMEs not taken.",
        |c| &c.submits_refused,
    ),
    (
        "shortstop_smpp_deliveries_total",
        "Deliveries written to ESMEs; some are written again.",
        |c| &c.deliveries,
    ),
];

impl ServerCounters {
    /// One count by the name of its metric.
    pub fn total(&self, metric: &str) -> Option<u64> {
        let (_, _, pick) = ALL.iter().find(|(name, ..)| *name == metric)?;
        Some(pick(self).get())
    }

    /// Every count, as a row of the metrics page.
    pub fn rows(&self) -> Vec<MetricRow> {
        let row = |name, help, kind, value| MetricRow {
            name,
            help,
            kind,
            labels: Vec::new(),
            value,
        };
        let mut rows: Vec<_> = ALL
            .iter()
            .map(|(name, help, pick)| row(*name, *help, MetricKind::Counter, pick(self).get()))
            .collect();
        let open = self.accepted.get().saturating_sub(self.closed.get());
        rows.push(row(
            "shortstop_smpp_connections_open",
            "Connections of ESMEs open now.",
            MetricKind::Gauge,
            open,
        ));
        rows
    }
}
