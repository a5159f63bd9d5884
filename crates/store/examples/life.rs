//! Measures what the store costs: whole lives of messages (accepted with two sealed fields, submitted,
//! delivered: three entries) through the port, then a restart with 100,000 open messages.
//!
//! `cargo run --release -p store --example life -- MESSAGES [WINDOW] [FOLDER]`. Prints a line for
//! each tenth: lives a second, CPU of the store's own threads a life, and how long a commit of an
//! acceptance takes to be answered. `WINDOW` acceptances (64) are on their way at any time; the later facts come
//! in commits of 50.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program may panic, prints, and reads the clock"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use domain::message::MessageState;
use engine::changes::{Changes, Write};
use engine::ports::Store;
use engine::ports::store::Loaded;
use engine::rows::MessageUpdate;
use ledger::{Actor, Draft, Kind, NodeName, ObjectType, Outcome};
use store::{Embedded, EmbeddedConfig};
use testkit::contract::store::samples::{dispatched, message, moment, new_message, sequence};

const FACTS_A_COMMIT: usize = 50;
const OPEN_AT_RESTART: u64 = 100_000;

enum Told {
    Accepted(u64, Duration),
    Submitted(Vec<u64>),
    Delivered(u64),
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let messages: u64 = arguments
        .next()
        .map_or(200_000, |count| count.parse().unwrap());
    let window: u64 = arguments.next().map_or(64, |count| count.parse().unwrap());
    let given = arguments.next().map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = given.unwrap_or_else(|| temporary.path().join("data"));
    let config = EmbeddedConfig::new(&folder, NodeName::parse("gw-1").unwrap());
    let store = Arc::new(Embedded::open(config.clone()).unwrap());
    let first = store.head().unwrap().size;
    lives(&store, window, first, messages);
    drop(store);
    restart(config, first + messages);
    println!(
        "database: {} MiB",
        fs::metadata(folder.join("shortstop.sqlite")).unwrap().len() >> 20
    );
}

fn lives(store: &Arc<Embedded>, window: u64, first: u64, messages: u64) {
    let (send, told) = channel();
    let tenth = (messages / 10).max(1);
    let mut run = Run {
        store: Arc::clone(store),
        send,
        told,
        next: first,
        last: first + tenth * 10,
        window,
        on_their_way: 0,
        pending: Vec::new(),
        ended: 0,
    };
    println!(
        "lives        lives/s   µs CPU/life (writer, all)   accept p50    p99    p99.9 (ms)   log MiB"
    );
    for part in 0..10 {
        let (cpu, began) = (cpu(), Instant::now());
        let mut latencies = run.lives((part + 1) * tenth);
        latencies.sort_unstable();
        let spent = self::cpu().since(&cpu);
        let at = |share: f64| {
            #[expect(
                clippy::as_conversions,
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in a list"
            )]
            let place = ((latencies.len() - 1) as f64 * share) as usize;
            latencies[place].as_secs_f64() * 1e3
        };
        let lives = u32::try_from(tenth).map_or(0.0, f64::from);
        println!(
            "{:>9} {:>10.0}   {:>8.1} {:>8.1}            {:>8.2} {:>8.2} {:>8.2}      {:>6}",
            (part + 1) * tenth,
            lives / began.elapsed().as_secs_f64(),
            spent.writer * 1e6 / lives,
            spent.all * 1e6 / lives,
            at(0.5),
            at(0.99),
            at(0.999),
            log_mebibytes(store),
        );
    }
}

fn log_mebibytes(store: &Embedded) -> u64 {
    let folder = format!("{store:?}");
    let folder = folder
        .trim_start_matches("Embedded(")
        .trim_end_matches(')')
        .to_owned();
    fs::metadata(Path::new(&folder).join("shortstop.sqlite-wal")).map_or(0, |file| file.len() >> 20)
}

struct Run {
    store: Arc<Embedded>,
    send: Sender<Told>,
    told: Receiver<Told>,
    next: u64,
    last: u64,
    window: u64,
    /// Acceptances that are not answered yet.
    on_their_way: u64,
    /// Accepted messages that wait for a commit of their next fact.
    pending: Vec<u64>,
    ended: u64,
}

impl Run {
    /// Runs until so many lives have ended; gives how long each acceptance took.
    fn lives(&mut self, until: u64) -> Vec<Duration> {
        let mut latencies = Vec::new();
        while self.ended < until {
            while self.on_their_way < self.window && self.next < self.last {
                self.accept();
            }
            match self.told.recv().unwrap() {
                Told::Accepted(n, took) => {
                    latencies.push(took);
                    self.on_their_way -= 1;
                    self.pending.push(n);
                    if self.pending.len() >= FACTS_A_COMMIT
                        || self.next == self.last && self.on_their_way == 0
                    {
                        self.submitted();
                    }
                }
                Told::Submitted(all) => self.delivered(&all),
                Told::Delivered(count) => self.ended += count,
            }
        }
        latencies
    }

    fn accept(&mut self) {
        let n = self.next;
        self.next += 1;
        self.on_their_way += 1;
        let row = message(n);
        let mut changes = Changes::new(draft(Kind::MessageAccepted, &row.id), moment(n));
        for write in new_message(row) {
            changes.write(write);
        }
        let (send, began) = (self.send.clone(), Instant::now());
        let done = move |result: Result<_, _>| {
            result.unwrap();
            // The receiver is gone once the run has ended.
            let _ = send.send(Told::Accepted(n, began.elapsed()));
        };
        self.store.commit(changes, Box::new(done));
    }

    fn submitted(&mut self) {
        let all = std::mem::take(&mut self.pending);
        let changes = facts(&all, 2, MessageState::Submitted, Kind::MessageSubmitted);
        let send = self.send.clone();
        let done = move |result: Result<_, _>| {
            result.unwrap();
            let _ = send.send(Told::Submitted(all));
        };
        self.store.commit(changes, Box::new(done));
    }

    fn delivered(&self, all: &[u64]) {
        let changes = facts(all, 3, MessageState::Delivered, Kind::MessageDelivered);
        let (send, count) = (self.send.clone(), u64::try_from(all.len()).unwrap());
        let done = move |result: Result<_, _>| {
            result.unwrap();
            let _ = send.send(Told::Delivered(count));
        };
        self.store.commit(changes, Box::new(done));
    }
}

/// One commit that brings messages to a version, with an entry each.
fn facts(all: &[u64], version: u32, state: MessageState, kind: Kind) -> Changes {
    let mut changes: Option<Changes> = None;
    for n in all {
        let entry = draft(kind, &message(*n).id);
        let changes = match &mut changes {
            Some(changes) => {
                changes.entry(entry);
                changes
            }
            None => changes.insert(Changes::new(entry, moment(*n))),
        };
        changes.write(Write::Update(Box::new(MessageUpdate {
            sequence: sequence(*n),
            version,
            state,
            updated: moment(*n),
            segments: vec![dispatched("primary", Some("0A1B2C3D4E5F"))],
        })));
    }
    changes.unwrap()
}

/// An entry of about the usual size.
fn draft(kind: Kind, id: &dyn std::fmt::Display) -> Draft {
    let key = ledger::CommitmentKey::from_bytes([7; 32]);
    Draft::of(kind, Actor::system(&"bench"), Outcome::Done)
        .object(ObjectType::Message, id)
        .correlation(&"req-0123456789abcdef")
        .private("to", &ledger::Commitment::of(&key, "to", b"+15550100"))
        .build()
        .unwrap()
}

/// Leaves so many messages open, closes, opens again and loads.
fn restart(config: EmbeddedConfig, from: u64) {
    let store = Embedded::open(config.clone()).unwrap();
    let (send, answered) = channel();
    for n in from..from + OPEN_AT_RESTART {
        let mut changes = Changes::new(draft(Kind::MessageAccepted, &message(n).id), moment(n));
        for write in new_message(message(n)) {
            changes.write(write);
        }
        let send = send.clone();
        store.commit(
            changes,
            Box::new(move |result| send.send(result.is_ok()).unwrap()),
        );
        if n % 1_000 == 999 {
            for _ in 0..1_000 {
                assert!(answered.recv().unwrap());
            }
        }
    }
    drop(store);
    let began = Instant::now();
    let store = Embedded::open(config).unwrap();
    let opened = began.elapsed();
    let mut open = 0_u64;
    store
        .load(&mut |row| open += u64::from(matches!(row, Loaded::Open(..))))
        .unwrap();
    println!(
        "restart: opened in {opened:.2?}, {open} open messages loaded in {:.2?}",
        began.elapsed().saturating_sub(opened)
    );
}

/// Seconds on the processor so far.
struct Cpu {
    writer: f64,
    all: f64,
}

impl Cpu {
    fn since(&self, before: &Self) -> Self {
        Self {
            writer: self.writer - before.writer,
            all: self.all - before.all,
        }
    }
}

/// What the store's threads have used.
fn cpu() -> Cpu {
    let mut sum = Cpu {
        writer: 0.0,
        all: 0.0,
    };
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
        let schedule = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
        let nanoseconds: f64 = schedule
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0.0);
        if name.starts_with("store-") {
            sum.all += nanoseconds / 1e9;
        }
        if name.starts_with("store-writer") {
            sum.writer += nanoseconds / 1e9;
        }
    }
    sum
}
