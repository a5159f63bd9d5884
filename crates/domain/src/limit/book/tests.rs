//! Tests of [`super`]: nothing gets through that a brute-force model would not let through, and nothing
//! (a refusal, a clock, a restart, a reload, a flood) sets a count back.

mod flood;
mod kinds;
mod model;
mod restart;
mod spellings;

use core::time::Duration;
use std::sync::LazyLock;

use super::*;
use crate::class::{ClassSet, TrafficClass};
use crate::id::ClientId;
use crate::limit::country::Destination;
use crate::limit::dimension::{Dimension, Label};
use crate::limit::policy::{Draft, LimitName, Rule, Unit};
use crate::msisdn::Msisdn;

const START: Timestamp = Timestamp::from_seconds(1_764_064_800);

fn secret() -> Secret {
    Secret::new([9; 16])
}

fn draft(name: &str, dimensions: &[Dimension], rule: Rule) -> Draft {
    Draft {
        name: LimitName::parse(name).unwrap(),
        event: Event::Message,
        unit: Unit::Requests,
        dimensions: dimensions.iter().copied().collect(),
        classes: ClassSet::default(),
        rule,
        mode: Mode::Enforce,
        overrides: Vec::new(),
        keys: 100,
    }
}

fn quota(amount: u64, seconds: u64) -> Rule {
    Rule::Quota {
        amount,
        window: Duration::from_secs(seconds),
    }
}

fn rate(count: u32, seconds: u64, burst: u32) -> Rule {
    Rule::Rate {
        count,
        period: Duration::from_secs(seconds),
        burst,
    }
}

fn policies(drafts: Vec<Draft>) -> Vec<Policy> {
    drafts
        .into_iter()
        .map(|draft| Policy::new(draft).unwrap())
        .collect()
}

fn book(drafts: Vec<Draft>) -> Book {
    Book::new(policies(drafts), secret()).unwrap()
}

fn client(number: u64) -> ClientId {
    ClientId::new(number << 12, number)
}

/// 1,000 numbers of 10 prefixes. Looking a number up asks the numbering plans, so each is looked up once.
static NUMBERS: LazyLock<Vec<Destination>> = LazyLock::new(|| {
    let digits = (0..1_000).map(|to| 447_700_000_000 + to % 10 * 100_000 + to / 10);
    let numbers = digits.map(|digits| Msisdn::from_digits(digits).unwrap());
    numbers.map(Destination::of).collect()
});

/// A message of a client to one of the numbers.
fn message(from: u64, to: u64) -> Facts<'static> {
    Facts {
        client: Some(client(from)),
        class: Some(TrafficClass::Otp),
        destination: Some(NUMBERS[usize::try_from(to).unwrap()]),
        ..Facts::new(Event::Message)
    }
}

fn after(seconds: u64) -> Timestamp {
    START.saturating_add(Duration::from_secs(seconds))
}

fn granted(book: &mut Book, facts: &Facts<'_>, now: Timestamp) -> bool {
    book.check_and_take(facts, now).verdict == Verdict::Granted
}

#[test]
fn a_refusal_names_every_violated_limit_and_when_to_retry() {
    let mut book = book(vec![
        draft("by-client", &[Dimension::Client], rate(1, 10, 2)),
        draft("by-number", &[Dimension::Recipient], quota(2, 60)),
        draft("all", &[], quota(100, 60)),
    ]);
    let facts = message(1, 1);
    assert!(granted(&mut book, &facts, START));
    let second = book.check_and_take(&facts, after(1));
    assert_eq!(second.verdict, Verdict::Granted);
    let tightest = second.tightest.unwrap();
    assert_eq!(
        (tightest.name.as_str(), tightest.remaining),
        ("by-number", 0)
    );
    let third = book.check_and_take(&facts, after(2));
    assert_eq!(third.verdict, Verdict::Refused);
    let told: Vec<_> = third
        .violated
        .iter()
        .map(|meter| {
            (
                meter.name.as_str(),
                meter.remaining,
                meter.wait.unwrap().as_secs(),
            )
        })
        .collect();
    assert_eq!(told, [("by-client", 0, 8), ("by-number", 0, 58)]);
    assert_eq!(third.retry_after(), Some(Duration::from_secs(58)));
    assert!(!granted(&mut book, &facts, after(59)));
    assert!(granted(&mut book, &facts, after(60)));
}

#[test]
fn a_request_larger_than_the_limit_is_told_never() {
    let money = Draft {
        unit: Unit::Micros,
        ..draft("spend", &[Dimension::Client], quota(1_000, 60))
    };
    let mut book = book(vec![money]);
    let costly = Facts {
        cost_micros: 1_001,
        ..message(1, 1)
    };
    assert_eq!(book.check_and_take(&costly, START).retry_after(), None);
    let free = Facts {
        cost_micros: 0,
        ..costly
    };
    let exact = Facts {
        cost_micros: 1_000,
        ..costly
    };
    assert!(granted(&mut book, &exact, START));
    assert!(
        granted(&mut book, &free, START),
        "what costs nothing is not stopped by a spent cap"
    );
}

#[test]
fn a_shadow_limit_tells_but_does_not_refuse() {
    let shadow = Draft {
        mode: Mode::Record,
        ..draft("shadow", &[Dimension::Client], quota(1, 60))
    };
    let mut book = book(vec![
        shadow,
        draft("real", &[Dimension::Client], quota(3, 60)),
    ]);
    assert!(
        book.check_and_take(&message(1, 1), START)
            .shadowed
            .is_empty()
    );
    for _ in 0..2 {
        let decision = book.check_and_take(&message(1, 1), START);
        assert_eq!(decision.verdict, Verdict::Granted);
        assert_eq!(decision.shadowed.len(), 1);
    }
    assert!(!granted(&mut book, &message(1, 1), START));
    let tallies: Vec<_> = book
        .tallies()
        .map(|(_, tally)| (tally.taken, tally.refused, tally.shadowed))
        .collect();
    assert_eq!(tallies, [(1, 0, 3), (3, 1, 0)]);
}

#[test]
fn held_slots_come_back_only_when_given_back() {
    let mut book = book(vec![draft(
        "slots",
        &[Dimension::Client],
        Rule::Held { most: 2 },
    )]);
    let first = book.check_and_take(&message(1, 1), START);
    assert!(granted(&mut book, &message(1, 2), START));
    assert!(!granted(&mut book, &message(1, 3), after(1_000_000)));
    assert!(granted(&mut book, &message(2, 3), after(1_000_000)));
    for hold in first.holds {
        book.release(hold);
    }
    assert!(granted(&mut book, &message(1, 4), after(1_000_000)));
    assert!(!granted(&mut book, &message(1, 5), after(1_000_000)));
}

#[test]
fn an_override_counts_for_its_client_alone() {
    let some = Draft {
        overrides: vec![(client(2), quota(3, 60))],
        ..draft("some", &[Dimension::Client], quota(1, 60))
    };
    let mut book = book(vec![some]);
    for (from, expected) in [(1, 1), (2, 3), (3, 1)] {
        let went = (0..5)
            .filter(|_| granted(&mut book, &message(from, 1), START))
            .count();
        assert_eq!(went, expected, "client {from}");
    }
}

#[test]
fn a_limit_counts_only_its_classes_and_its_event() {
    let otp = Draft {
        classes: [TrafficClass::Otp].into_iter().collect(),
        ..draft("otp", &[Dimension::Recipient], quota(1, 60))
    };
    let mut book = book(vec![otp]);
    let alert = Facts {
        class: Some(TrafficClass::Alert),
        ..message(1, 1)
    };
    let login = Facts {
        event: Event::Login,
        ..message(1, 1)
    };
    assert!(granted(&mut book, &message(1, 1), START));
    assert!(!granted(&mut book, &message(1, 1), START));
    assert!(granted(&mut book, &alert, START));
    assert!(granted(&mut book, &login, START));
}

#[test]
fn looking_takes_nothing_and_tells_what_would_happen() {
    let mut book = book(vec![draft("some", &[Dimension::Client], quota(2, 60))]);
    for _ in 0..10 {
        let meters = book.explain(&message(1, 1), START);
        assert_eq!(
            (meters.len(), meters[0].remaining, meters[0].fits()),
            (1, 2, true)
        );
    }
    assert!(granted(&mut book, &message(1, 1), START));
    assert!(granted(&mut book, &message(1, 1), START));
    let meters = book.explain(&message(1, 1), after(10));
    assert_eq!(meters[0].wait, Some(Duration::from_secs(50)));
    let told = book.check_and_take(&message(1, 1), after(10));
    assert_eq!(told.violated, meters);
}

#[test]
fn the_most_used_keys_are_told_by_name_where_they_have_one() {
    let mut book = book(vec![draft("some", &[Dimension::Recipient], quota(50, 60))]);
    for to in 0..20 {
        for _ in 0..=to {
            assert!(granted(&mut book, &message(1, to), START));
        }
    }
    let top = book.top("some", 3, START).unwrap();
    let used: Vec<u64> = top.iter().map(|key| key.used).collect();
    assert_eq!(used, [20, 19, 18]);
    let most = message(1, 19).destination.unwrap().number();
    assert_eq!(top[0].label, Label::Recipient(most));
    assert_eq!(Some(top[0].key), book.key_of("some", &message(1, 19)));
    assert!(book.top("none", 3, START).is_none());
    assert!(book.top("some", 0, START).unwrap().is_empty());
    let shown = format!("{book:?}");
    assert!(
        !shown.contains(&most.reveal().to_string()),
        "no number in Debug"
    );
    assert_eq!(book.summaries(START)[0].keys, 20);
}

#[test]
fn two_limits_of_one_name_are_refused() {
    let twice = policies(vec![
        draft("a", &[], quota(1, 1)),
        draft("a", &[], quota(2, 1)),
    ]);
    assert!(matches!(
        Book::new(twice, secret()),
        Err(PolicyError::Twice(_))
    ));
}

#[test]
fn the_limits_out_of_the_box_hold_a_bomber_and_leave_others_alone() {
    let mut book = Book::new(crate::limit::policy::defaults(), secret()).unwrap();
    let mut went = 0;
    for second in 0..3_600 {
        went += u32::from(granted(&mut book, &message(second % 100, 7), after(second)));
    }
    assert_eq!(went, 5, "codes to one number in an hour, from 100 clients");
    assert!(granted(&mut book, &message(1, 8), after(3_600)));
}
