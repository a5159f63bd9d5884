//! Measures the limits: decisions a second on one core with one and with five limits a request and a
//! million live keys, octets a key, a flood of new keys, and the crate `governor` on the same keys.
//!
//! `cargo run --release -p domain --example limits -- [KEYS] [DECISIONS]` prints a JSON line for each
//! figure. Time is this thread's processor time, so that other work counts as little as can be. Ours and governor's rounds take turns, and the middle one of each counts. Both are told the
//! time and hash their keys under a secret.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measuring program may panic and prints"
)]

use std::fs;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use domain::class::{ClassSet, TrafficClass};
use domain::id::ClientId;
use domain::limit::book::{Book, Verdict};
use domain::limit::country::Destination;
use domain::limit::dimension::Dimension;
use domain::limit::facts::{Event, Facts};
use domain::limit::key::Secret;
use domain::limit::policy::{Draft, LimitName, Mode, Policy, Rule, Unit};
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use governor::clock::FakeRelativeClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};

const START: Timestamp = Timestamp::from_seconds(1_764_064_800);
const HOUR: Duration = Duration::from_hours(1);
/// What each source may do in an hour. A key that asked once stays live for a minute of the run's time,
/// which lasts seconds: every decision meets a live key.
const EACH: u32 = 60;
/// Clients, and numbers that they write to.
const CLIENTS: u32 = 100;
const NUMBERS: u32 = 100_000;
/// An odd number of rounds, so that one is in the middle.
const ROUNDS: usize = 5;
/// New keys of the flood for each key that the table keeps apart.
const FLOOD: u32 = 10;
/// A source that the flood must not set free.
const KNOWN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

fn main() {
    let mut words = std::env::args().skip(1).map(|word| word.parse().unwrap());
    let keys: u32 = words.next().unwrap_or(1_000_000);
    let decisions: u32 = words.next().unwrap_or(2_000_000);
    rates(keys, decisions);
    let quota = Rule::Quota {
        amount: u64::from(EACH),
        window: HOUR,
    };
    let mut one = Ours::new(
        vec![draft("quota", keys, &[Dimension::Source], quota)],
        keys,
    );
    figure("octets of memory a quota key", one.octets_a_key);
    let rounds = (0..ROUNDS).map(|_| one.round(decisions));
    figure(
        "decisions a second and core, 1 quota",
        middle(rounds.collect()),
    );
    drop(one);
    flood(keys);
}

/// One rate, ours against governor's, and five rates.
fn rates(keys: u32, decisions: u32) {
    let mut ours = Ours::new(vec![source(keys)], keys);
    let mut theirs = Theirs::new(keys);
    figure("octets of memory a rate key", ours.octets_a_key);
    figure("governor: octets of memory a key", theirs.octets_a_key);
    let both = (0..ROUNDS).map(|_| (ours.round(decisions), theirs.round(decisions)));
    let (one, other): (Vec<_>, Vec<_>) = both.unzip();
    let (one, other) = (middle(one), middle(other));
    figure("decisions a second and core, 1 rate", one);
    figure("governor: decisions a second and core, 1 rate", other);
    figure("governor's decisions for one of ours", other / one);
    drop((ours, theirs));
    let mut five = Ours::new(five(keys), keys);
    let rounds = (0..ROUNDS).map(|_| five.round(decisions));
    figure(
        "decisions a second and core, 5 rates",
        middle(rounds.collect()),
    );
}

fn draft(name: &str, keys: u32, dimensions: &[Dimension], rule: Rule) -> Draft {
    Draft {
        name: LimitName::parse(name).unwrap(),
        event: Event::Message,
        unit: Unit::Requests,
        dimensions: dimensions.iter().copied().collect(),
        classes: ClassSet::default(),
        rule,
        mode: Mode::Enforce,
        overrides: Vec::new(),
        keys,
    }
}

fn source(keys: u32) -> Draft {
    let rule = Rule::Rate {
        count: EACH,
        period: HOUR,
        burst: EACH,
    };
    draft("source", keys, &[Dimension::Source], rule)
}

fn five(keys: u32) -> Vec<Draft> {
    // Never spent within the run, so that every decision takes from all five.
    let wide = Rule::Rate {
        count: 1_000_000_000,
        period: 1_000 * HOUR,
        burst: 1_000_000_000,
    };
    vec![
        source(keys),
        draft("recipient", NUMBERS, &[Dimension::Recipient], wide),
        draft("client", 1_000, &[Dimension::Client], wide),
        draft("class", 1_000, &[Dimension::Client, Dimension::Class], wide),
        draft("country", 1_000, &[Dimension::Country], wide),
    ]
}

/// A fixed walk over the keys that no cache foresees.
fn scattered(step: u32, keys: u32) -> u32 {
    let mixed = (u64::from(step) ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    u32::try_from(mixed % u64::from(keys)).unwrap()
}

fn address(key: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(key))
}

/// The product's own limits, full of live keys.
struct Ours {
    book: Book,
    destinations: Vec<Destination>,
    keys: u32,
    step: u32,
    octets_a_key: f64,
}

impl Ours {
    fn new(drafts: Vec<Draft>, keys: u32) -> Self {
        let limits = drafts.len();
        let policies = drafts.into_iter().map(|draft| Policy::new(draft).unwrap());
        let policies = policies.collect();
        // Looking a number up in a table of this program is no part of a decision about sources.
        let numbers = if limits > 1 { 0..NUMBERS } else { 0..0 };
        let numbers = numbers.map(|number| 447_700_000_000 + u64::from(number));
        let numbers = numbers.map(|digits| Msisdn::from_digits(digits).unwrap());
        let destinations = numbers.map(Destination::of).collect();
        let before = resident();
        let book = Book::new(policies, Secret::new([7; 16])).unwrap();
        let mut ours = Self {
            book,
            destinations,
            keys,
            step: 0,
            octets_a_key: 0.0,
        };
        for key in 0..keys {
            assert!(ours.ask(key), "the first of a key");
        }
        ours.octets_a_key = float(resident().saturating_sub(before)) / f64::from(keys);
        let live = ours.book.summaries(ours.now()).first().unwrap().keys;
        assert_eq!(live, usize::try_from(keys).unwrap(), "every key is live");
        ours
    }

    fn now(&self) -> Timestamp {
        START.saturating_add(Duration::from_micros(u64::from(self.step)))
    }

    fn ask(&mut self, key: u32) -> bool {
        let to = usize::try_from(key % NUMBERS).unwrap();
        let facts = Facts {
            client: Some(ClientId::new(u64::from(key % CLIENTS), 1)),
            class: Some(TrafficClass::Otp),
            destination: self.destinations.get(to).copied(),
            source: Some(address(key)),
            ..Facts::new(Event::Message)
        };
        let decision = self.book.check_and_take(black_box(&facts), self.now());
        black_box(decision).verdict == Verdict::Granted
    }

    /// Decisions a second of one round.
    fn round(&mut self, decisions: u32) -> f64 {
        let begin = busy();
        for _ in 0..decisions {
            self.step += 1;
            assert!(self.ask(scattered(self.step, self.keys)), "no key is spent");
        }
        pace(decisions, begin)
    }
}

type Governor = RateLimiter<
    IpAddr,
    governor::state::keyed::DefaultKeyedStateStore<IpAddr>,
    FakeRelativeClock,
    NoOpMiddleware<Nanos>,
>;

/// The crate `governor`, its keys in the map that it takes by default.
struct Theirs {
    limiter: Governor,
    clock: FakeRelativeClock,
    keys: u32,
    step: u32,
    octets_a_key: f64,
}

impl Theirs {
    fn new(keys: u32) -> Self {
        let clock = FakeRelativeClock::default();
        let each = NonZeroU32::new(EACH).unwrap();
        let quota = Quota::with_period(HOUR / EACH).unwrap().allow_burst(each);
        let before = resident();
        let limiter = RateLimiter::dashmap_with_clock(quota, clock.clone());
        for key in 0..keys {
            assert!(limiter.check_key(&address(key)).is_ok());
        }
        let octets_a_key = float(resident().saturating_sub(before)) / f64::from(keys);
        Self {
            limiter,
            clock,
            keys,
            step: 0,
            octets_a_key,
        }
    }

    fn round(&mut self, decisions: u32) -> f64 {
        let begin = busy();
        for _ in 0..decisions {
            self.step += 1;
            self.clock.advance(Duration::from_micros(1));
            let key = address(scattered(self.step, self.keys));
            assert!(black_box(self.limiter.check_key(black_box(&key))).is_ok());
        }
        pace(decisions, begin)
    }
}

/// Ten times as many new keys as the table keeps apart: memory, pace, and a key that was spent before.
fn flood(keys: u32) {
    let policies = vec![Policy::new(source(keys)).unwrap()];
    let mut book = Book::new(policies, Secret::new([7; 16])).unwrap();
    let facts = |source| Facts {
        source: Some(source),
        ..Facts::new(Event::Message)
    };
    for _ in 0..EACH {
        assert_eq!(
            book.check_and_take(&facts(KNOWN), START).verdict,
            Verdict::Granted
        );
    }
    let fill = |book: &mut Book, from: u32, until: u32| {
        for key in from..until {
            let spread = key.wrapping_mul(0x9e37_79b1);
            let _ = black_box(book.check_and_take(&facts(address(spread)), START));
        }
    };
    fill(&mut book, 0, 2 * keys);
    let before = resident();
    let begin = busy();
    fill(&mut book, 2 * keys, (2 + FLOOD) * keys);
    let pace = pace(FLOOD * keys, begin);
    figure(
        "decisions a second and core, new keys to a full table",
        pace,
    );
    let grown = float(resident().saturating_sub(before));
    figure("octets that ten times as many new keys add", grown);
    let known = book.check_and_take(&facts(KNOWN), START).verdict;
    assert_eq!(known, Verdict::Refused, "the flood set a live key free");
}

/// Decisions for each second of processor time since `begin`.
fn pace(decisions: u32, begin: Duration) -> f64 {
    f64::from(decisions) / busy().saturating_sub(begin).as_secs_f64()
}

/// Processor time of this thread: what other processes take of the machine does not count.
fn busy() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = told.split_whitespace().next().unwrap();
    Duration::from_nanos(nanoseconds.parse().unwrap())
}

/// Memory of this process that is in RAM, in octets.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB").trim();
    kibibytes.parse::<u64>().unwrap() * 1_024
}

fn middle(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a figure for people"
)]
fn float(value: u64) -> f64 {
    value as f64
}

fn figure(name: &str, value: f64) {
    println!("{{\"figure\":\"{name}\",\"value\":{value:.2}}}");
}
