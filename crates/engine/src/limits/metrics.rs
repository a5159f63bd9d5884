//! What limits tell the metrics, by their names, which are the configuration's.

use domain::limit::book::Tally;

use super::Limits;
use crate::metrics::{MetricKind, MetricRow};

/// A metric: its name, what it counts, and its part of a tally.
type Told = (&'static str, &'static str, fn(&Tally) -> u64);

const TOLD: [Told; 4] = [
    (
        "shortstop_limit_taken_total",
        "Requests that a limit counted, by limit.",
        |tally| tally.taken,
    ),
    (
        "shortstop_limit_refused_total",
        "Requests that a limit refused, alone or with others.",
        |tally| tally.refused,
    ),
    (
        "shortstop_limit_shadowed_total",
        "Requests that a limit would have refused if it did not only record.",
        |tally| tally.shadowed,
    ),
    (
        "shortstop_limit_shared_total",
        "Requests of newcomers to a full table, counted under a coarser key that they share.",
        |tally| tally.shared,
    ),
];

impl Limits {
    /// One row for each limit and sort of count, rows of one name together.
    pub(crate) fn rows(&self) -> Vec<MetricRow> {
        let tallies: Vec<(String, Tally)> = {
            let inside = self.inside();
            let tallies = inside.book.tallies();
            tallies
                .map(|(name, tally)| (name.to_string(), tally))
                .collect()
        };
        let of = |(name, help, part): Told| {
            let row = move |(limit, tally): &(String, Tally)| MetricRow {
                name,
                help,
                kind: MetricKind::Counter,
                labels: vec![("limit", limit.clone())],
                value: part(tally),
            };
            tallies.iter().map(row).collect::<Vec<_>>()
        };
        TOLD.into_iter().flat_map(of).collect()
    }
}
