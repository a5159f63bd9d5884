//! What the web server counts about itself. Plain numbers that only grow (and one gauge), read by
//! the metrics page; nothing in them tells who called.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

use crate::route::{ROUTES, Route};

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds.
    pub(crate) fn add(&self, count: usize) {
        self.0
            .fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
    }

    /// Reads.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a listener counts about its connections.
#[derive(Debug, Default)]
pub struct ListenerCounters {
    /// Connections taken.
    pub(crate) accepted: Counter,
    /// Connections that ended.
    pub(crate) closed: Counter,
    /// Connections closed at once, since too many were open.
    pub(crate) refused: Counter,
    /// Connections closed at once, since their address had too many.
    pub(crate) refused_address: Counter,
    /// TLS handshakes that failed or took too long.
    pub(crate) handshakes_failed: Counter,
    /// TLS handshakes not begun, since their address had too many under way.
    pub(crate) handshakes_refused: Counter,
    /// Connections ended because they waited for too long.
    pub(crate) timed_out: Counter,
    /// Connections ended because the client did not take an answer.
    pub(crate) stalled: Counter,
    /// Connections ended because of frames that carry nothing.
    pub(crate) flooded: Counter,
    /// Connections ended because the client broke the protocol or one of its bounds.
    pub(crate) broken: Counter,
    /// Octets of HTTP received.
    pub(crate) octets_in: Counter,
    /// Octets of HTTP sent.
    pub(crate) octets_out: Counter,
    /// Requests whose handler panicked.
    pub(crate) panics: Counter,
}

/// One counter of a listener.
type Pick = fn(&ListenerCounters) -> &Counter;

/// Every counter of a listener.
pub(crate) const OF_LISTENERS: [(&str, &str, Pick); 12] = [
    (
        "shortstop_http_connections_total",
        "Connections taken.",
        |c| &c.accepted,
    ),
    (
        "shortstop_http_connections_refused_total",
        "Connections closed at once, since too many were open.",
        |c| &c.refused,
    ),
    (
        "shortstop_http_connections_refused_address_total",
        "Connections closed at once, since their address had too many.",
        |c| &c.refused_address,
    ),
    (
        "shortstop_http_connections_timed_out_total",
        "Connections ended because they waited for too long.",
        |c| &c.timed_out,
    ),
    (
        "shortstop_http_connections_stalled_total",
        "Connections ended because the client did not take an answer.",
        |c| &c.stalled,
    ),
    (
        "shortstop_http_connections_flooded_total",
        "Connections ended because of too many HTTP/2 frames that carry nothing.",
        |c| &c.flooded,
    ),
    (
        "shortstop_http_connections_broken_total",
        "Connections ended because the client broke the protocol or one of its bounds.",
        |c| &c.broken,
    ),
    (
        "shortstop_tls_handshakes_failed_total",
        "TLS handshakes that failed or took too long.",
        |c| &c.handshakes_failed,
    ),
    (
        "shortstop_tls_handshakes_refused_total",
        "TLS handshakes not begun, since their address had too many under way.",
        |c| &c.handshakes_refused,
    ),
    (
        "shortstop_http_received_bytes_total",
        "Octets of HTTP received.",
        |c| &c.octets_in,
    ),
    (
        "shortstop_http_sent_bytes_total",
        "Octets of HTTP sent.",
        |c| &c.octets_out,
    ),
    (
        "shortstop_http_panics_total",
        "Requests whose handler panicked.",
        |c| &c.panics,
    ),
];

impl ListenerCounters {
    /// One count by the name of its metric, such as `shortstop_http_connections_refused_total`.
    pub fn total(&self, metric: &str) -> Option<u64> {
        let (_, _, pick) = OF_LISTENERS.iter().find(|(name, ..)| *name == metric)?;
        Some(pick(self).get())
    }
}

/// Classes of status: 1xx to 5xx.
const CLASSES: usize = 5;

/// What the API counts about its requests: by route and class of status.
#[derive(Debug)]
pub struct RequestCounters {
    /// One row a route, and a last one for paths that are none.
    rows: Vec<[Counter; CLASSES]>,
    /// Requests refused since their client alone had too many open.
    client_busy: Counter,
    /// Requests whose body came too slowly.
    slow_bodies: Counter,
}

impl Default for RequestCounters {
    fn default() -> Self {
        Self {
            rows: (0..=ROUTES.len())
                .map(|_| <[Counter; CLASSES]>::default())
                .collect(),
            client_busy: Counter::default(),
            slow_bodies: Counter::default(),
        }
    }
}

impl RequestCounters {
    /// Counts an answer; `None` is a path that is no route.
    pub(crate) fn count(&self, route: Option<Route>, status: StatusCode) {
        let row = route.map_or(ROUTES.len(), Route::index);
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.rows.get(row).and_then(|row| row.get(class)) {
            counter.add(1);
        }
        // Nothing else is answered so.
        if status == StatusCode::REQUEST_TIMEOUT {
            self.slow_bodies.add(1);
        }
    }

    /// Counts a request that was refused since its client alone had too many open.
    pub(crate) fn client_busy(&self) {
        self.client_busy.add(1);
    }

    /// Counts that have no labels: name, help and value.
    pub(crate) fn plain(&self) -> [(&'static str, &'static str, u64); 2] {
        [
            (
                "shortstop_http_clients_busy_total",
                "Requests refused since their client alone had too many open.",
                self.client_busy.get(),
            ),
            (
                "shortstop_http_bodies_slow_total",
                "Requests whose body came too slowly.",
                self.slow_bodies.get(),
            ),
        ]
    }

    /// Every count that is not zero: the path, the method, the class of status (1 to 5), the count.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, usize, u64)> {
        self.rows
            .iter()
            .enumerate()
            .flat_map(|(index, row)| {
                let (method, path) = ROUTES
                    .get(index)
                    .map_or(("", "none"), |row| (row.verb.as_str(), row.path));
                row.iter()
                    .enumerate()
                    .map(move |(class, counter)| (path, method, class + 1, counter.get()))
            })
            .filter(|(.., count)| *count > 0)
    }
}
