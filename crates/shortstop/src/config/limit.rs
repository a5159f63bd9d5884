//! `[[limit]]`: one limit, of the gateway's own by its name or a further one; and `[[group]]`, clients that
//! are counted together.

use domain::class::TrafficClass;
use domain::id::ClientId;
use domain::limit::dimension::Dimension;
use domain::limit::facts::Event;
use domain::limit::policy::Unit;
use serde::{Deserialize, Serialize};

use super::section::section;

/// How a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// So many in each time, of which a burst at once (GCRA).
    Rate,
    /// Never more than so many in any time of that length.
    Quota,
    /// So many at once.
    Held,
}

/// Whether a limit refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It does.
    Enforce,
    /// It only tells what it would have refused.
    Record,
    /// There is no such limit.
    Off,
}

/// Other numbers for one client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// The client.
    pub client: ClientId,
    /// In place of the limit's amount.
    pub amount: u64,
    /// In place of the limit's burst; without it, the same part of that as of the amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

section! {
    /// One limit; repeat the section for more. A block of the name of a limit out of the box changes that
    /// one, and what it leaves out stays; the list is in docs/configuration.md and is told by `shortstop
    /// check-config`. All of it can change on a reload, and counts stay unless what is counted, by what, or
    /// the window changes.
    pub struct LimitSection {
        /// Its name, in answers, metrics and the ledger: a to z, 0 to 9 and -.
        pub name: Option<String> = None => "alerts-a-day",
        /// What it counts: `message`, `request` (to the API), `login` (a key that is not good) or `bind`.
        /// Wrong codes have budgets of their own, in `[verifications]`.
        pub event: Option<Event> = None => "message",
        /// What one counts for: `requests` (one), `segments` or `micros` (what it costs, in millionths of the
        /// currency, by `[prices]`).
        pub unit: Option<Unit> = None => "requests",
        /// By what it counts apart: any of client, group, short-code, class, campaign, recipient, prefix (its
        /// first 7 digits), country, source (an IPv4 address or the /64 of an IPv6 one), network (/24, /48),
        /// login and system-id. None counts everything together.
        pub by: Option<Vec<Dimension>> = None => ["client", "recipient"],
        /// Which classes of messages it counts; all when there are none.
        pub classes: Option<Vec<TrafficClass>> = None => ["alert"],
        /// `rate`: `amount` in each window, of which `burst` at once. `quota`: never more than `amount` in any
        /// window. `held`: `amount` at once.
        pub algorithm: Option<Algorithm> = None => "quota",
        /// How many.
        pub amount: Option<u64> = None => 20,
        /// In how many seconds.
        pub window_seconds: Option<u64> = None => 86_400,
        /// Of a rate: how many at once after a rest; the amount without it.
        pub burst: Option<u32> = None => 20,
        /// `enforce` refuses; `record` only counts what it would have refused, to try it; `off` drops a limit
        /// out of the box.
        pub mode: Option<Mode> = None => "record",
        /// How many keys it keeps apart at most, which bounds its memory: 54 octets a key, and for a quota 16
        /// for each take it allows (64 at most) once a key has more than one. When all are in use, newcomers share coarser keys.
        pub keys_max: Option<u32> = None => 100_000,
        /// Other numbers for some clients; needs client in `by`.
        pub overrides: Option<Vec<Override>> = None => example(),
    }
}

section! {
    /// Clients that limits by `group` count together; repeat the section for more. A client is in one group
    /// at most, and one without is outside all limits by group. All of it can change on a reload.
    pub struct GroupSection {
        /// Its name, for people.
        pub name: Option<String> = None => "retail",
        /// Its clients, `cli_…`.
        pub clients: Vec<ClientId> = Vec::new(),
    }
}

/// Other numbers for a client that is nobody's.
fn example() -> Vec<Override> {
    vec![Override {
        client: ClientId::new(0, 0),
        amount: 50,
        burst: None,
    }]
}
