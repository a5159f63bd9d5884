//! Floods of new keys: no memory, no live count lost, no stranger refused outright, no way around by
//! being a newcomer.

use core::net::{IpAddr, Ipv6Addr};
use std::collections::HashMap;

use proptest::prelude::{prop_assert, proptest};

use super::*;

fn from_v6(site: u128, host: u128) -> Facts<'static> {
    let address = (0x2001_0db8_u128 << 96) | (site << 80) | (host << 64) | 1;
    Facts {
        source: Some(IpAddr::V6(Ipv6Addr::from(address))),
        ..Facts::new(Event::Login)
    }
}

fn from_v4(text: &str) -> Facts<'static> {
    Facts {
        source: Some(text.parse().unwrap()),
        ..Facts::new(Event::Login)
    }
}

fn logins(keys: u32) -> Draft {
    Draft {
        event: Event::Login,
        keys,
        ..draft("sources", &[Dimension::Source], quota(3, 3_600))
    }
}

#[test]
fn a_flood_of_sources_keeps_live_counts_and_takes_no_memory() {
    let mut book = book(vec![logins(1_000)]);
    let octets = book.summaries(START)[0].octets;
    let known = from_v4("192.0.2.1");
    for _ in 0..3 {
        assert!(granted(&mut book, &known, START));
    }
    for host in 0..100_000 {
        let _ = granted(&mut book, &from_v6(host / 50_000, host % 50_000), after(1));
    }
    let summary = &book.summaries(after(1))[0];
    assert_eq!(summary.octets, octets);
    assert!(
        summary.tally.shared > 0 && summary.shared_keys > 0,
        "the overflow is told"
    );
    assert!(
        !granted(&mut book, &known, after(2)),
        "the flood freed a live count"
    );
    assert!(granted(&mut book, &known, after(3_600)));
}

#[test]
fn newcomers_to_a_full_table_share_their_network_and_are_not_refused() {
    let mut book = book(vec![logins(64)]);
    for host in 0..400 {
        let _ = granted(&mut book, &from_v6(host % 20, host), START);
    }
    let mut shared = Vec::new();
    for net in 0..30 {
        let decision = book.check_and_take(&from_v4(&format!("198.51.{net}.7")), after(1));
        assert_eq!(
            decision.verdict,
            Verdict::Granted,
            "the first of network {net}"
        );
        if decision.tightest.unwrap().level == Level::Near {
            shared.push(net);
        }
    }
    let net = shared.pop().unwrap();
    let neighbours = (8..30).filter(|host| {
        let decision = book.check_and_take(&from_v4(&format!("198.51.{net}.{host}")), after(2));
        decision.verdict == Verdict::Granted
    });
    assert_eq!(neighbours.count(), 2, "three of one network in all");
}

#[test]
fn cheap_addresses_of_one_family_do_not_use_up_what_the_other_shares() {
    let mut book = book(vec![logins(64)]);
    for site in 0..60_000 {
        let _ = granted(&mut book, &from_v6(site, 1), START);
    }
    assert!(!granted(&mut book, &from_v6(70_000, 1), after(1)));
    let mut levels = Vec::new();
    while levels.iter().filter(|level| **level == Level::Far).count() < 3 {
        let net = levels.len();
        let text = format!("198.{}.{}.7", net / 250, net % 250);
        let decision = book.check_and_take(&from_v4(&text), after(1));
        assert_eq!(decision.verdict, Verdict::Granted, "{levels:?}");
        levels.push(decision.tightest.unwrap().level);
    }
}

#[test]
fn a_full_table_of_slots_gives_each_slot_back_where_it_was_taken() {
    let slots = Draft {
        keys: 64,
        ..draft("slots", &[Dimension::Recipient], Rule::Held { most: 2 })
    };
    let mut book = book(vec![slots]);
    let mut holds = Vec::new();
    for to in 0..1_000 {
        holds.extend(book.check_and_take(&message(1, to), START).holds);
    }
    assert!(book.summaries(START)[0].shared_keys > 0);
    for hold in holds {
        book.release(hold);
    }
    let summary = &book.summaries(START)[0];
    assert_eq!((summary.keys, summary.shared_keys), (0, 0));
    for _ in 0..2 {
        assert!(granted(&mut book, &message(1, 7), START));
    }
    assert!(!granted(&mut book, &message(1, 7), START));
}

#[test]
fn a_person_is_not_refused_for_the_messages_of_strangers_when_the_table_is_full() {
    let small = Draft {
        keys: 64,
        ..draft("codes", &[Dimension::Recipient], quota(3, 600))
    };
    let mut book = book(vec![small]);
    let mut refused = 0;
    for to in 0..400 {
        refused += u32::from(!granted(&mut book, &message(1, to), START));
    }
    assert!(
        book.summaries(START)[0].shared_keys > 0,
        "the table is full"
    );
    assert_eq!(refused, 0, "the first code of each");
    let hammered = (0..2_000).filter(|_| granted(&mut book, &message(1, 399), after(1)));
    assert!(hammered.count() <= 96, "what a prefix shares has an end");
}

#[test]
fn who_guesses_gains_nothing_by_a_full_table() {
    let guesses = Draft {
        event: Event::Login,
        keys: 1,
        ..draft("guesses", &[Dimension::Recipient], quota(3, 600))
    };
    let mut book = book(vec![guesses]);
    let guess = |to| Facts {
        event: Event::Login,
        ..message(1, to)
    };
    for to in 0..1_000 {
        let _ = granted(&mut book, &guess(to), START);
    }
    let hits = (0..50).filter(|_| granted(&mut book, &guess(999), after(1)));
    assert!(hits.count() <= 3);
}

proptest! {
    /// The tables are far too small, so that requests move between levels all the time.
    #[test]
    fn no_number_gets_more_guesses_by_coming_through_shared_keys(
        steps in proptest::collection::vec((0_u64..1_200_000, 0_u64..400), 200..900),
        hot in 0_u64..400,
    ) {
        let small = |name, rule| Draft {
            event: Event::Login,
            keys: 1,
            ..draft(name, &[Dimension::Recipient], rule)
        };
        let mut quotas = book(vec![small("quota", quota(3, 60))]);
        let mut rates = book(vec![small("rate", rate(1, 20, 3))]);
        let (mut now, mut log): (u64, HashMap<(bool, u64), Vec<u64>>) = (START.micros(), HashMap::new());
        for (place, (pause, to)) in steps.iter().enumerate() {
            now += pause;
            let to = if place % 3 == 0 { hot } else { *to };
            let at = Timestamp::from_micros(now);
            for (is_quota, book) in [(true, &mut quotas), (false, &mut rates)] {
                let guess = Facts { event: Event::Login, ..message(1, to) };
                if granted(book, &guess, at) {
                    log.entry((is_quota, to)).or_default().push(now);
                }
            }
        }
        for ((is_quota, _), times) in &log {
            for (first, from) in times.iter().enumerate() {
                for (count, until) in (1_u64..).zip(times.iter().skip(first)) {
                    let most = match is_quota {
                        true if until - from < 60_000_000 => 3,
                        true => u64::MAX,
                        false => 3 + (until - from) / 20_000_000,
                    };
                    prop_assert!(count <= most, "{count} > {most}, quota: {is_quota}");
                }
            }
        }
    }
}
