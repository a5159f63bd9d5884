//! Writes metrics in the text format of Prometheus (version 0.0.4), which every scraper reads: the
//! engine's rows, then the web server's own. Labels hold names of ours only, never a person or a client.

use std::fmt::Write;

use engine::{MetricKind, MetricRow};

use crate::counters::{ListenerCounters, OF_LISTENERS, RequestCounters};
use tls::Ending;

/// A page on its way.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
    last: &'static str,
}

impl Page {
    /// Adds rows of the engine; those of one name must come together.
    pub(crate) fn rows(&mut self, rows: &[MetricRow]) {
        for row in rows {
            self.head(row.name, row.help, row.kind);
            let labels = row
                .labels
                .iter()
                .map(|(name, value)| (*name, value.as_str()));
            self.sample(row.name, labels, row.value);
        }
    }

    /// Adds what the API counted.
    pub(crate) fn requests(&mut self, counters: &RequestCounters) {
        let name = "shortstop_http_requests_total";
        self.head(
            name,
            "Requests answered, by route and class of status.",
            MetricKind::Counter,
        );
        for (route, method, class, count) in counters.rows() {
            let class = format!("{class}xx");
            let labels = [
                ("route", route),
                ("method", method),
                ("status", class.as_str()),
            ];
            self.sample(name, labels.into_iter(), count);
        }
        for (name, help, count) in counters.plain() {
            self.head(name, help, MetricKind::Counter);
            self.sample(name, std::iter::empty(), count);
        }
    }

    /// Adds when certificates end: ours, and those of authorities that we trust.
    pub(crate) fn certificates(&mut self, endings: &[Ending]) {
        let name = "shortstop_certificate_expires_seconds";
        self.head(
            name,
            "When a certificate of the gateway, or of an authority that it trusts, ends.",
            MetricKind::Gauge,
        );
        for ending in endings {
            let whose = ending.name.as_deref().map(|name| ("name", name));
            let labels = [("certificate", ending.of)].into_iter().chain(whose);
            self.sample(name, labels, ending.until.seconds());
        }
    }

    /// Adds what each listener counted.
    pub(crate) fn listeners(&mut self, listeners: &[(&'static str, &ListenerCounters)]) {
        for (name, help, counter) in OF_LISTENERS {
            self.head(name, help, MetricKind::Counter);
            for (listener, counters) in listeners {
                self.sample(
                    name,
                    [("listener", *listener)].into_iter(),
                    counter(counters).get(),
                );
            }
        }
        let name = "shortstop_http_connections_open";
        self.head(name, "Connections open now.", MetricKind::Gauge);
        for (listener, counters) in listeners {
            let open = counters
                .accepted
                .get()
                .saturating_sub(counters.closed.get());
            self.sample(name, [("listener", *listener)].into_iter(), open);
        }
    }

    /// The finished page.
    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn head(&mut self, name: &'static str, help: &str, kind: MetricKind) {
        if self.last == name {
            return;
        }
        self.last = name;
        let kind = match kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
        };
        // A `String` takes everything.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample<'l>(
        &mut self,
        name: &str,
        labels: impl Iterator<Item = (&'static str, &'l str)>,
        value: u64,
    ) {
        self.text.push_str(name);
        let mut before = '{';
        for (label, text) in labels {
            let _ = write!(self.text, "{before}{label}=\"");
            before = ',';
            for character in text.chars() {
                match character {
                    '\n' => self.text.push_str("\\n"),
                    '"' | '\\' => self.text.extend(['\\', character]),
                    plain => self.text.push(plain),
                }
            }
            self.text.push('"');
        }
        if before == ',' {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::route::Route;

    #[test]
    fn names_are_stable_and_each_is_introduced_once() {
        let (listener, requests) = (ListenerCounters::default(), RequestCounters::default());
        listener.accepted.add(3);
        listener.closed.add(1);
        requests.count(Some(Route::SubmitMessage), StatusCode::ACCEPTED);
        requests.count(None, StatusCode::NOT_FOUND);
        let mut page = Page::default();
        page.requests(&requests);
        page.listeners(&[("https", &listener), ("admin", &listener)]);
        let text = page.finish();
        let names: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .collect();
        assert_eq!(
            names,
            [
                "shortstop_http_requests_total counter",
                "shortstop_http_clients_busy_total counter",
                "shortstop_http_bodies_slow_total counter",
                "shortstop_http_connections_total counter",
                "shortstop_http_connections_refused_total counter",
                "shortstop_http_connections_refused_address_total counter",
                "shortstop_http_connections_timed_out_total counter",
                "shortstop_http_connections_stalled_total counter",
                "shortstop_http_connections_flooded_total counter",
                "shortstop_http_connections_broken_total counter",
                "shortstop_tls_handshakes_failed_total counter",
                "shortstop_tls_handshakes_refused_total counter",
                "shortstop_http_received_bytes_total counter",
                "shortstop_http_sent_bytes_total counter",
                "shortstop_http_panics_total counter",
                "shortstop_http_connections_open gauge",
            ]
        );
        let accepted = "shortstop_http_requests_total{route=\"/v1/messages\",method=\"POST\",status=\"2xx\"} 1\n";
        assert!(text.contains(accepted), "{text}");
        assert!(
            text.contains("{route=\"none\",method=\"\",status=\"4xx\"} 1\n"),
            "{text}"
        );
        assert!(
            text.contains("shortstop_http_connections_open{listener=\"https\"} 2\n"),
            "{text}"
        );
    }

    #[test]
    fn rows_of_the_engine_are_written_with_their_labels_escaped() {
        let row = |value: &str| MetricRow {
            name: "shortstop_x",
            help: "Things.",
            kind: MetricKind::Gauge,
            labels: vec![("a", value.to_owned())],
            value: 7,
        };
        let mut page = Page::default();
        page.rows(&[row("one"), row("t\"w\\o\n")]);
        page.rows(&[MetricRow {
            name: "shortstop_y",
            labels: vec![],
            ..row("")
        }]);
        assert_eq!(
            page.finish(),
            "# HELP shortstop_x Things.\n# TYPE shortstop_x gauge\nshortstop_x{a=\"one\"} 7\n\
             shortstop_x{a=\"t\\\"w\\\\o\\n\"} 7\n# HELP shortstop_y Things.\n\
             # TYPE shortstop_y gauge\nshortstop_y 7\n"
        );
    }
}
