//! Measures the ledger alone: durable appends a second with group commit, and what ledger and vault
//! cost of an acceptance, in microseconds of CPU.
//!
//! `cargo run --release -p store --example ledger -- [ENTRIES]` prints a JSON line for each figure.
//! Every commit is synced before it is answered, as in service.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program may panic, prints, and reads the clock"
)]

use std::fs;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use domain::id::KeyId;
use engine::changes::{Changes, Write};
use engine::ports::Store;
use engine::rows::{MessageRow, Purpose};
use engine::{MasterKey, Vault};
use ledger::{
    Actor, Commitment, Draft, Facts, Kind, NodeName, ObjectType, OriginType, Outcome, Shown,
    UtcMicros,
};
use store::{Embedded, EmbeddedConfig};
use testkit::SeededEntropy;
use testkit::contract::store::samples::{client_id, message, moment};

/// Commits that are on their way at any time. Bounded well below the store's queue.
const WINDOW: usize = 4_096;
/// The number of the last acceptance whose week has keys.
const LAST: u64 = 100_000_000;
/// Clock ticks a second in `/proc/self/stat`.
const TICKS: f64 = 100.0;
const NUMBER: &[u8] = b"+447700900123";
const TEXT: &[u8] = b"Your code is 493817. Do not share it with anyone.";

fn main() {
    let given = std::env::args().nth(1);
    let entries: u64 = given.map_or(1_000_000, |count| count.parse().unwrap());
    let bench = Bench::new();
    let appended = run(entries, |n| {
        Changes::new(usual(&message(n), &[]), moment(n))
    });
    figure("durable appends a second", rate(entries, appended.elapsed));
    figure("CPU of an append, µs", appended.micros(entries));
    let accepts = (entries / 2).max(1);
    let whole = run(accepts, |n| bench.whole(n)).micros(accepts);
    let bare = run(accepts, bare).micros(accepts);
    let marginal = marginal(accepts);
    figure("CPU of an acceptance in the store, µs", whole);
    figure("of it ledger and vault, µs", whole - bare + marginal);
}

/// What one run took.
struct Spent {
    elapsed: Duration,
    cpu_seconds: f64,
}

impl Spent {
    fn micros(&self, commits: u64) -> f64 {
        self.cpu_seconds * 1e6 / float(commits)
    }
}

/// Commits so many changes to a new store, one commit each.
fn run(count: u64, make: impl Fn(u64) -> Changes) -> Spent {
    let folder = tempfile::tempdir_in(".").unwrap();
    let config = EmbeddedConfig::new(folder.path().join("data"), NodeName::parse("gw-1").unwrap());
    let store = Embedded::open(config).unwrap();
    let (before, began) = (cpu_seconds(), Instant::now());
    commit_all(&store, count, make);
    Spent {
        elapsed: began.elapsed(),
        cpu_seconds: cpu_seconds() - before,
    }
}

/// Commits and waits until all are answered; only so many are on their way at a time.
fn commit_all(store: &Embedded, count: u64, make: impl Fn(u64) -> Changes) {
    let places = Arc::new(Places::default());
    for n in 0..count {
        places.take();
        let places = Arc::clone(&places);
        let done = move |result: Result<_, _>| {
            result.unwrap();
            places.give_back();
        };
        store.commit(make(n), Box::new(done));
    }
    places.wait_for_all();
}

/// How many commits are on their way.
#[derive(Default)]
struct Places {
    taken: Mutex<usize>,
    freed: Condvar,
}

impl Places {
    fn take(&self) {
        let taken = self.taken.lock().unwrap();
        let mut taken = self
            .freed
            .wait_while(taken, |taken| *taken >= WINDOW)
            .unwrap();
        *taken += 1;
    }

    fn give_back(&self) {
        *self.taken.lock().unwrap() -= 1;
        self.freed.notify_one();
    }

    fn wait_for_all(&self) {
        let taken = self.taken.lock().unwrap();
        drop(self.freed.wait_while(taken, |taken| *taken > 0).unwrap());
    }
}

/// An acceptance with and without what makes it a fact: the sealed values, their commitments and the
/// whole entry, against the row alone and the smallest entry that a commit can have.
struct Bench {
    vault: Vault,
    entropy: SeededEntropy,
}

impl Bench {
    fn new() -> Self {
        let (vault, entropy) = (
            Vault::new(&MasterKey::from_bytes([7; 32])),
            SeededEntropy::new(7),
        );
        vault.take_in(vault.draw(&[moment(0), moment(LAST)], &entropy));
        Self { vault, entropy }
    }

    fn whole(&self, n: u64) -> Changes {
        let row = message(n);
        let seal = |purpose, value| {
            let owner = row.id.sequence();
            let sealed = self
                .vault
                .seal(owner, purpose, value, &self.entropy, moment(n));
            sealed.unwrap()
        };
        let sealed = [seal(Purpose::Number, NUMBER), seal(Purpose::Text, TEXT)];
        let private = sealed
            .each_ref()
            .map(|one| (one.row.purpose.as_str(), one.commitment));
        let mut changes = Changes::new(usual(&row, &private), moment(n));
        changes.write(Write::Message(Box::new(row)));
        for one in sealed {
            changes.write(Write::Vault(one.row));
        }
        changes
    }
}

fn bare(n: u64) -> Changes {
    let mut changes = Changes::new(smallest(), moment(n));
    changes.write(Write::Message(Box::new(message(n))));
    changes
}

fn smallest() -> Draft {
    Draft::of(Kind::MessageAccepted, Actor::system(&"b"), Outcome::Done)
        .build()
        .unwrap()
}

/// What a smallest entry costs by itself: a hundred of them in a commit, and what one more makes.
fn marginal(count: u64) -> f64 {
    const MORE: u64 = 100;
    let commits = (count / MORE).max(1);
    let many = run(commits, |n| {
        let mut changes = Changes::new(smallest(), moment(n));
        for _ in 1..MORE {
            changes.entry(smallest());
        }
        changes
    });
    many.micros(commits * MORE)
}

/// The entry of an acceptance as the gateway writes it.
fn usual(row: &MessageRow, private: &[(&str, Commitment)]) -> Draft {
    let client = client_id(1);
    let key = KeyId::new(row.id.sequence(), 9);
    let data = Facts::new()
        .put("class", row.head.class.as_str())
        .put("encoding", row.head.encoding.name())
        .put("expires", UtcMicros(row.expires.micros()))
        .put("key", Shown(&key))
        .put("segments", row.segments.len())
        .put("sender", Shown(&row.head.from));
    let mut builder = Draft::of(
        Kind::MessageAccepted,
        Actor::client(&client),
        Outcome::Accepted,
    )
    .client(&client)
    .object(ObjectType::Message, &row.id)
    .origin(OriginType::Connection, &"198.51.100.7")
    .data(data);
    for (field, commitment) in private {
        builder = builder.private(field, commitment);
    }
    builder.build().unwrap()
}

/// Seconds of CPU that this process has used, in user and kernel mode.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .map(|field| field.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS
}

fn rate(count: u64, elapsed: Duration) -> f64 {
    float(count) / elapsed.as_secs_f64()
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a figure for people"
)]
fn float(count: u64) -> f64 {
    count as f64
}

fn figure(name: &str, value: f64) {
    println!("{{\"figure\":\"{name}\",\"value\":{value:.2}}}");
}
