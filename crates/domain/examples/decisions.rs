//! Measures the limits: decisions a second on one core with 1 and with 5 limits a request and a million
//! live keys, and octets a key.
//!
//! `cargo run --release -p domain --example decisions -- [KEYS] [DECISIONS]`. Prints one line a case.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program may panic, prints, and reads the clock"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

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

const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

fn main() {
    let mut words = std::env::args().skip(1).map(|word| word.parse().unwrap());
    let keys: u32 = words.next().unwrap_or(1_000_000);
    let decisions: u32 = words.next().unwrap_or(5_000_000);
    let hour = Duration::from_hours(1);
    // Never spent within the run, so that every decision takes.
    let rate = Rule::Rate {
        count: 1_000_000,
        period: hour,
        burst: 1_000_000,
    };
    let quota = Rule::Quota {
        amount: 60,
        window: hour,
    };
    let source = draft("source", keys, &[Dimension::Source], rate);
    measure("1 rate", vec![source.clone()], keys, decisions);
    measure(
        "1 quota",
        vec![draft("quota", keys, &[Dimension::Source], quota)],
        keys,
        decisions,
    );
    let five = vec![
        source,
        draft("client", 1_000, &[Dimension::Client], rate),
        draft("class", 1_000, &[Dimension::Client, Dimension::Class], rate),
        draft("prefix", keys, &[Dimension::Prefix], rate),
        draft("country", 1_000, &[Dimension::Country], rate),
    ];
    measure("5 rates", five, keys, decisions);
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

/// A fixed walk over the keys that no cache foresees.
fn scattered(step: u32, keys: u32) -> u32 {
    let mixed = (u64::from(step) ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    u32::try_from(mixed % u64::from(keys)).unwrap()
}

fn facts(key: u32, destination: Destination) -> Facts<'static> {
    Facts {
        client: Some(ClientId::new(u64::from(key % 100), 1)),
        class: Some(TrafficClass::Otp),
        destination: Some(destination),
        source: Some(IpAddr::V4(Ipv4Addr::from(key))),
        ..Facts::new(Event::Message)
    }
}

fn measure(case: &str, drafts: Vec<Draft>, keys: u32, decisions: u32) {
    let policies = drafts
        .into_iter()
        .map(|draft| Policy::new(draft).unwrap())
        .collect();
    let mut book = Book::new(policies, Secret::new([7; 16])).unwrap();
    let destination = Destination::of(Msisdn::parse("+447700900123").unwrap());
    for key in 0..keys {
        let _ = book.check_and_take(&facts(key, destination), START);
    }
    let live = book
        .summaries(START)
        .first()
        .map(|summary| (summary.keys, summary.octets))
        .unwrap();
    let begin = Instant::now();
    let mut granted = 0_u32;
    for step in 0..decisions {
        let now = START.saturating_add(Duration::from_micros(u64::from(step)));
        let facts = facts(scattered(step, keys), destination);
        let decision = black_box(book.check_and_take(black_box(&facts), now));
        granted += u32::from(decision.verdict == Verdict::Granted);
    }
    let took = begin.elapsed();
    let nanos = took.as_nanos() / u128::from(decisions.max(1));
    let a_second = u128::from(decisions) * 1_000_000_000 / took.as_nanos().max(1);
    let octets = live.1 / live.0.max(1);
    println!(
        "{case}: {a_second} decisions/s, {nanos} ns each, {granted} of {decisions} granted, \
         {} live keys, {octets} octets a key",
        live.0
    );
}
