//! Attacks that take days, or a million keys, played against the rules with a clock of their own.
//! `cargo xtask attack` runs it: a JSON object a line, what came of an attack or a line to show.
//!
//! `cargo run -p domain --example attacks -- [KEYS]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measuring program may panic and prints"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use domain::class::ClassSet;
use domain::id::ClientId;
use domain::limit::book::{Book, Verdict};
use domain::limit::dimension::Dimension;
use domain::limit::facts::{Event, Facts};
use domain::limit::key::Secret;
use domain::limit::policy::{Draft, LimitName, Mode, Policy, Rule, Unit};
use domain::msisdn::Msisdn;
use domain::time::Timestamp;
use domain::verification::budget::policy::Policy as Budgets;
use domain::verification::channel::Channel;
use domain::verification::code::CodeLength;
use domain::verification::odds::Odds;
use domain::verification::pumping::{Ask, PumpingGuard, PumpingPolicy, Verdict as Judged};

const START: Timestamp = Timestamp::from_seconds(1_764_064_800);
/// Certainty, in the unit of the chance.
const PICOS: u64 = 1_000_000_000_000;
const DAYS: u64 = 3;
const HOUR: u64 = 3_600;
/// Unused codes a day that a country or a prefix may have before it is refused, out of the box.
const UNUSED_IN_A_COUNTRY: u64 = 20;
const UNUSED_IN_A_PREFIX: u64 = 40;

fn main() {
    let keys = std::env::args().nth(1);
    let keys = keys.map_or(1_000_000, |word| word.parse().unwrap());
    flood(keys);
    slow();
    hidden();
    odds();
}

/// What came of an attack; `unprotected` is what was tried.
fn outcome(attack: &str, counted: &str, tried: u64, through: u64, allowed: u64) {
    println!(
        "{{\"attack\":\"{attack}\",\"counted\":\"{counted}\",\"tried\":{tried},\"through\":{through},\
         \"allowed\":{allowed},\"unprotected\":{tried}}}"
    );
}

/// New keys without end, to push a spent key out of its table and the memory up.
fn flood(keys: u32) {
    let hour = Duration::from_hours(1);
    let draft = Draft {
        name: LimitName::parse("source").unwrap(),
        event: Event::Request,
        unit: Unit::Requests,
        dimensions: [Dimension::Source].into_iter().collect(),
        classes: ClassSet::default(),
        rule: Rule::Rate {
            count: 3,
            period: hour,
            burst: 3,
        },
        mode: Mode::Enforce,
        overrides: Vec::new(),
        keys: keys / 10,
    };
    let mut book = Book::new(vec![Policy::new(draft).unwrap()], Secret::new([7; 16])).unwrap();
    let mut ask = |address: u32| {
        let facts = Facts {
            source: Some(IpAddr::V4(Ipv4Addr::from(address))),
            ..Facts::new(Event::Request)
        };
        u64::from(book.check_and_take(&facts, START).verdict == Verdict::Granted)
    };
    let (mut freed, spent) = (0, 0xc000_0201);
    while ask(spent) == 1 {}
    for key in 0..keys {
        let _ = ask(key.wrapping_mul(0x9e37_79b1));
        if key % (keys / 100).max(1) == 0 {
            freed += ask(spent);
        }
    }
    outcome(
        "a flood of new keys, to free a spent one",
        "requests",
        u64::from(keys),
        freed,
        0,
    );
    let summary = &book.summaries(START)[0];
    let (live, most) = (summary.keys + summary.shared_keys, summary.octets / 40);
    let (live, most) = (u64::try_from(live).unwrap(), u64::try_from(most).unwrap());
    outcome(
        "the same flood, to fill memory",
        "keys kept",
        u64::from(keys),
        live,
        most,
    );
}

/// The guard with what was sent to it.
struct Pumped {
    guard: PumpingGuard,
    policy: PumpingPolicy,
}

impl Pumped {
    fn new() -> Self {
        Self {
            guard: PumpingGuard::default(),
            policy: PumpingPolicy::default(),
        }
    }

    /// Whether a code goes out to a number, `second` seconds after the start.
    fn send(&mut self, number: u64, second: u64) -> bool {
        let verdict = self.guard.consider(ask(number), &self.policy, at(second));
        !matches!(verdict, Judged::Refuse(_))
    }

    fn verify(&mut self, number: u64, second: u64) {
        self.guard.verified(ask(number), at(second));
    }
}

fn ask(number: u64) -> Ask {
    Ask {
        client: ClientId::new(1 << 12, 1),
        to: Msisdn::from_digits(number).unwrap(),
    }
}

fn at(second: u64) -> Timestamp {
    START.saturating_add(Duration::from_secs(second))
}

/// 12 an hour to numbers far apart, day and night.
fn slow() {
    let mut pumped = Pumped::new();
    let tries = DAYS * 24 * 12;
    let sent = (0..tries).filter(|step| {
        let number = 447_500_000_000 + step * 7_919 % 1_000_000;
        pumped.send(number, step * HOUR / 12)
    });
    let sent = u64::try_from(sent.count()).unwrap();
    let allowed = DAYS * UNUSED_IN_A_COUNTRY;
    outcome(
        "slow pumping, 12 an hour for 3 days",
        "codes",
        tries,
        sent,
        allowed,
    );
}

/// The same to one prefix, behind a thousand honest codes a day of which four in five are used.
fn hidden() {
    let mut pumped = Pumped::new();
    let (mut sent, mut stopped) = (0, 0);
    let (tries, honest) = (DAYS * 24 * 12, DAYS * 24 * 48);
    for step in 0..honest {
        let second = step * HOUR / 48;
        let user = 447_400_000_000 + step * 104_729 % 90_000_000;
        let went = pumped.send(user, second);
        stopped += u64::from(!went);
        if went && step % 5 > 0 {
            pumped.verify(user, second + 20);
        }
        if step % 4 == 0 {
            let number = 447_500_120_000 + step / 4 * 7_919 % 10_000;
            sent += u64::from(pumped.send(number, second + 30));
        }
    }
    let allowed = DAYS * UNUSED_IN_A_PREFIX;
    outcome(
        "the same to one prefix, behind honest codes",
        "codes",
        tries,
        sent,
        allowed,
    );
    outcome(
        "honest codes beside it, by mistake stopped",
        "codes",
        honest,
        stopped,
        0,
    );
}

/// The chance to guess, from the budgets out of the box and nothing else.
fn odds() {
    let policy = Budgets::default();
    let six = CodeLength::new(6).unwrap();
    for (words, channel) in [("by SMS", Channel::Sms), ("by TOTP", Channel::Totp)] {
        let odds = Odds::within_a_day(&policy, channel, six);
        println!(
            "{{\"says\":\"chance to guess six digits {words} within a day, per client and number: {odds}\"}}"
        );
    }
    let sms = Odds::within_a_day(&policy, Channel::Sms, six);
    let (sms, most) = (sms.picos(), Odds::SMS_SIX_DIGITS_MAX.picos());
    outcome(
        "guessing six digits by SMS for a day",
        "chance, 10⁻¹²",
        PICOS,
        sms,
        most,
    );
}
