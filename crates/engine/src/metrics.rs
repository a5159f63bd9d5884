//! What is counted. Labels hold classes, states, reasons and configured names only, never anything
//! of a person or a client's own words.

use std::collections::BTreeMap;

use domain::class::TrafficClass;
use domain::time::Timestamp;

use crate::ports::storage::{Level, Room};
use crate::rotation::KeyStatus;
use crate::state::State;

/// Whether a metric only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One value of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricRow {
    /// Its name, such as `shortstop_messages_total`.
    pub name: &'static str,
    /// What it counts, in one line.
    pub help: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: u64,
}

/// Every metric of the engine at one moment, rows of one name together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The rows.
    pub rows: Vec<MetricRow>,
}

impl Metrics {
    /// Adds what can be told of the wrapping key, in seconds since 1970.
    pub(crate) fn add_keys(&mut self, keys: &KeyStatus) {
        let made = keys.made.map_or(0, Timestamp::seconds);
        let help = "When the wrapping key was made; 0 before there were salts.";
        let mut row = |name, help, value| {
            self.rows.push(MetricRow {
                name,
                help,
                kind: MetricKind::Gauge,
                labels: Vec::new(),
                value,
            });
        };
        row("shortstop_wrapping_key_made_seconds", help, made);
        if let Some(due) = keys.due {
            let help = "When the wrapping key is replaced by itself.";
            row("shortstop_wrapping_key_due_seconds", help, due.seconds());
        }
    }
}

/// What happened to messages and segments, counted since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Counter {
    Accepted(TrafficClass),
    Refused(&'static str),
    RequestsRefused,
    Settled(&'static str),
    Segments(&'static str),
    Receipts(&'static str),
    Inbound(&'static str),
    Verifications(&'static str),
    VerificationChecks(&'static str),
    VerificationRefused(&'static str),
    AuthFailed(&'static str),
    FactorChecks(&'static str),
    Erased(&'static str),
    Expired(&'static str),
    SimChecks(&'static str),
    Risk(&'static str),
    Suspected(&'static str),
    RetentionFailed,
    CommitsFailed,
}

impl Counter {
    const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Accepted(_) => (
                "shortstop_messages_accepted_total",
                "Messages accepted, by class.",
            ),
            Self::Refused(_) => (
                "shortstop_messages_refused_total",
                "Messages refused, by reason.",
            ),
            Self::RequestsRefused => (
                "shortstop_requests_refused_total",
                "Requests refused by a limit before they were looked at.",
            ),
            Self::Settled(_) => (
                "shortstop_messages_settled_total",
                "Messages that reached a final state.",
            ),
            Self::Segments(_) => (
                "shortstop_segments_total",
                "Segments towards carriers, by what became of them.",
            ),
            Self::Receipts(_) => ("shortstop_receipts_total", "Delivery receipts, by outcome."),
            Self::Inbound(_) => (
                "shortstop_inbound_total",
                "Messages from handsets, by sort.",
            ),
            Self::Verifications(_) => (
                "shortstop_verifications_total",
                "Verifications, by what became of them: started, resent, and how they ended.",
            ),
            Self::VerificationChecks(_) => (
                "shortstop_verification_checks_total",
                "Codes shown and evaluated, by result.",
            ),
            Self::VerificationRefused(_) => (
                "shortstop_verifications_refused_total",
                "Starts, resends and checks of verifications not carried out, by reason.",
            ),
            Self::AuthFailed(_) => (
                "shortstop_auth_failures_total",
                "Credentials not accepted, by reason.",
            ),
            Self::FactorChecks(_) => (
                "shortstop_factor_checks_total",
                "Codes shown for authenticator apps and of recovery codes, by outcome.",
            ),
            _ => self.later_name(),
        }
    }

    /// The rest of the names.
    const fn later_name(self) -> (&'static str, &'static str) {
        match self {
            Self::Erased(_) => (
                "shortstop_values_erased_total",
                "Private values destroyed because a person asked for it, by purpose.",
            ),
            Self::Expired(_) => (
                "shortstop_values_expired_total",
                "Private values destroyed because their time was over, by purpose.",
            ),
            Self::SimChecks(_) => (
                "shortstop_sim_checks_total",
                "Questions whether a SIM was changed lately, by answer.",
            ),
            Self::Risk(_) => (
                "shortstop_verifications_risk_refused_total",
                "Verifications that were not started for their risk, by reason.",
            ),
            Self::Suspected(_) => (
                "shortstop_verifications_suspected_total",
                "Verifications that a pumping guard which only records would have refused, by reason.",
            ),
            Self::RetentionFailed => (
                "shortstop_retention_failures_total",
                "Rounds that did not destroy every value whose time was over.",
            ),
            _ => ("shortstop_commits_failed_total", "Commits that failed."),
        }
    }

    fn label(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Accepted(class) => vec![("class", class.to_string())],
            Self::Refused(word)
            | Self::AuthFailed(word)
            | Self::VerificationRefused(word)
            | Self::Risk(word)
            | Self::Suspected(word) => vec![("reason", word.to_owned())],
            Self::VerificationChecks(word) => vec![("result", word.to_owned())],
            Self::Settled(word) | Self::Verifications(word) => vec![("state", word.to_owned())],
            Self::Segments(word) | Self::Receipts(word) | Self::FactorChecks(word) => {
                vec![("outcome", word.to_owned())]
            }
            Self::Inbound(word) => vec![("sort", word.to_owned())],
            Self::SimChecks(word) => vec![("answer", word.to_owned())],
            Self::Erased(word) | Self::Expired(word) => vec![("purpose", word.to_owned())],
            Self::RequestsRefused | Self::RetentionFailed | Self::CommitsFailed => vec![],
        }
    }
}

/// The counters in memory.
#[derive(Debug, Default)]
pub(crate) struct Counters(BTreeMap<Counter, u64>);

impl Counters {
    /// Counts some.
    pub(crate) fn add(&mut self, counter: Counter, count: u64) {
        *self.0.entry(counter).or_default() += count;
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (counter, count) in other.0 {
            self.add(counter, count);
        }
    }

    fn rows(&self) -> impl Iterator<Item = MetricRow> {
        self.0.iter().map(|(counter, value)| {
            let (name, help) = counter.name();
            let labels = counter.label();
            MetricRow {
                name,
                help,
                kind: MetricKind::Counter,
                labels,
                value: *value,
            }
        })
    }
}

pub(crate) fn gauge(
    name: &'static str,
    help: &'static str,
    labels: Vec<(&'static str, String)>,
    value: usize,
) -> MetricRow {
    let value = u64::try_from(value).unwrap_or(u64::MAX);
    MetricRow {
        name,
        help,
        kind: MetricKind::Gauge,
        labels,
        value,
    }
}

/// Everything that can be told from the state.
pub(crate) fn collect(state: &State) -> Metrics {
    let mut rows: Vec<MetricRow> = state.counters.rows().collect();
    for class in TrafficClass::ALL {
        let labels = vec![("class", class.to_string())];
        let help = "Messages that wait to be sent, by class.";
        rows.push(gauge(
            "shortstop_queue_messages",
            help,
            labels,
            state.queue.waiting(class),
        ));
    }
    for (id, bind) in &state.binds {
        let labels = || {
            vec![
                ("carrier", id.carrier.to_string()),
                ("bind", id.index.to_string()),
            ]
        };
        let help = "Whether a bind is up (1) or not (0).";
        rows.push(gauge(
            "shortstop_bind_up",
            help,
            labels(),
            usize::from(bind.up.is_some()),
        ));
    }
    for (id, bind) in &state.binds {
        let labels = vec![
            ("carrier", id.carrier.to_string()),
            ("bind", id.index.to_string()),
        ];
        let help = "Segments of a bind without an answer.";
        let used = usize::from(bind.window_used());
        rows.push(gauge("shortstop_bind_window_used", help, labels, used));
    }
    for (sort, count) in [
        ("open_messages", state.messages.len()),
        ("carrier_ids", state.carrier_ids.len()),
        ("unmatched_receipts", state.unmatched.len()),
        ("idempotency_records", state.idempotency.len()),
        ("opt_outs", state.opt_outs.len()),
        ("reassembly_buffers", state.parts.buffers()),
        ("verifications", state.verifications.len()),
        ("guess_budgets", state.budgets.len()),
    ] {
        let help = "What the gateway holds in memory, by sort; each has a bound.";
        rows.push(gauge(
            "shortstop_held",
            help,
            vec![("sort", sort.to_owned())],
            count,
        ));
    }
    Metrics { rows }
}

/// Whether no place is left for what a further number uses up, so that starts to numbers that are not known
/// are refused.
pub(crate) fn full_of_numbers(state: &State, guess_budgets_max: usize) -> MetricRow {
    let help =
        "Whether no further number can be verified, since bounds.guess_budgets_max are kept (1).";
    let is_full = state.budgets.len() >= guess_budgets_max;
    let name = "shortstop_guess_budgets_full";
    gauge(name, help, vec![], usize::from(is_full))
}

/// Whether the start found no guard where there should have been one.
pub(crate) fn of_guard(is_empty: bool) -> MetricRow {
    let help = "Whether the guard of the log key was empty at the start, though the ledger was signed before (1).";
    gauge(
        "shortstop_guard_was_empty",
        help,
        vec![],
        usize::from(is_empty),
    )
}

/// What is told of the store and its place. `refused` counts since the start what was turned away.
pub(crate) fn of_storage(is_open: bool, refused: u64, room: Option<Room>) -> Vec<MetricRow> {
    let help = "Whether the store takes commits (1) or not (0).";
    let up = usize::from(is_open);
    let mut rows = vec![
        gauge("shortstop_store_up", help, vec![], up),
        MetricRow {
            name: "shortstop_turned_away_total",
            help: "What was asked for and turned away, nothing being recorded or room being low.",
            kind: MetricKind::Counter,
            labels: vec![],
            value: refused,
        },
    ];
    if let Some(room) = room {
        let help = "Whether new messages are refused to save room (1) or not (0).";
        let low = usize::from(room.level == Level::Low);
        rows.push(gauge("shortstop_storage_low", help, vec![], low));
        let mut free = gauge("shortstop_storage_free_bytes", FREE, vec![], 0);
        free.value = room.free_bytes;
        rows.push(free);
    }
    rows
}

const FREE: &str = "Octets left on the volume of the data folder, the reserve not counted.";

#[cfg(test)]
mod tests {
    use crate::ports::carrier::BindId;
    use crate::settings::Bounds;
    use crate::state::binds::Bind;

    use super::*;

    #[test]
    fn metrics_keep_their_names_and_labels() {
        let mut state = State::new(&Bounds::default());
        let bind = BindId {
            carrier: domain::message::CarrierName::new("primary"),
            index: 0,
        };
        state.binds.insert(bind, Bind::down());
        for counter in [
            Counter::Accepted(TrafficClass::Otp),
            Counter::Refused("opted-out"),
            Counter::RequestsRefused,
            Counter::Settled("delivered"),
            Counter::Segments("submitted"),
            Counter::Receipts("delivered"),
            Counter::Inbound("stop"),
            Counter::AuthFailed("unauthorized"),
            Counter::Erased("number"),
            Counter::Expired("text"),
            Counter::SimChecks("unchanged"),
            Counter::Risk("prefix-blocked"),
            Counter::Suspected("poor-conversion"),
            Counter::RetentionFailed,
            Counter::CommitsFailed,
        ] {
            state.counters.add(counter, 1);
        }
        let shown = |row: &MetricRow| {
            let labels: Vec<&str> = row.labels.iter().map(|(name, _)| *name).collect();
            format!("{:?} {}{labels:?}", row.kind, row.name)
        };
        let mut names: Vec<String> = collect(&state).rows.iter().map(shown).collect();
        names.dedup();
        let expected = [
            r#"Counter shortstop_messages_accepted_total["class"]"#,
            r#"Counter shortstop_messages_refused_total["reason"]"#,
            "Counter shortstop_requests_refused_total[]",
            r#"Counter shortstop_messages_settled_total["state"]"#,
            r#"Counter shortstop_segments_total["outcome"]"#,
            r#"Counter shortstop_receipts_total["outcome"]"#,
            r#"Counter shortstop_inbound_total["sort"]"#,
            r#"Counter shortstop_auth_failures_total["reason"]"#,
            r#"Counter shortstop_values_erased_total["purpose"]"#,
            r#"Counter shortstop_values_expired_total["purpose"]"#,
            r#"Counter shortstop_sim_checks_total["answer"]"#,
            r#"Counter shortstop_verifications_risk_refused_total["reason"]"#,
            r#"Counter shortstop_verifications_suspected_total["reason"]"#,
            "Counter shortstop_retention_failures_total[]",
            "Counter shortstop_commits_failed_total[]",
            r#"Gauge shortstop_queue_messages["class"]"#,
            r#"Gauge shortstop_bind_up["carrier", "bind"]"#,
            r#"Gauge shortstop_bind_window_used["carrier", "bind"]"#,
            r#"Gauge shortstop_held["sort"]"#,
        ];
        assert_eq!(names, expected);
    }
}
