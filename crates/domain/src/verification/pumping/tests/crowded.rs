//! More traffic than the tables hold.

use super::*;

#[test]
fn random_numbers_cannot_make_it_grow() {
    let policy = PumpingPolicy {
        mode: Mode::Record,
        ..PumpingPolicy::default()
    };
    let mut guard = PumpingGuard::default();
    let mut drawn = Drawn(6);
    for n in 0..40_000 {
        let digits = 4_900_000_000_000 + drawn.below(100_000_000_000);
        let random = Ask {
            client: client(n),
            to: Msisdn::from_digits(digits).unwrap(),
        };
        let _ = guard.consider(random, &policy, at(0));
    }
    let held = guard.snapshot();
    let json = serde_json::to_string(&held).unwrap();
    assert_eq!(guard.uncounted(), 0);
    assert!(json.len() < 20_000_000, "{} octets", json.len());
    assert_eq!(
        format!("{guard:?}"),
        "PumpingGuard(16384 countries, 16384 prefixes)"
    );
}

/// Another client's sends, one to each of so many prefixes, of which every nth is used.
fn fill(guard: &mut PumpingGuard, whose: u64, prefixes: u64, used: Option<u64>) {
    let policy = PumpingPolicy::default();
    for n in 0..prefixes {
        for again in 0..if used.is_some() { 1 } else { 6 } {
            let ask = Ask {
                client: client(whose),
                to: Msisdn::from_digits(390_000_000_000 + n * 10_000 + again).unwrap(),
            };
            guard.sent(ask, &policy, at(0));
            if used.is_some_and(|every| n % every == 0) {
                guard.verified(ask, at(0));
            }
        }
    }
}

#[test]
fn another_clients_traffic_does_not_blind_it() {
    for used in [Some(1), Some(2), Some(1_000_000), None] {
        let mut guard = PumpingGuard::default();
        fill(&mut guard, 2, 20_000, used);
        let attack = (0..200).map(|n| (ask(n), n));
        assert_eq!(sent(&mut guard, attack), 7, "{used:?}");
        let found = refused(consider(&mut guard, ask(5_000), 300));
        assert_eq!(found.reason, Reason::PrefixBlocked);
    }
}

#[test]
fn its_own_traffic_and_that_of_several_do_not_blind_it() {
    let mut guard = PumpingGuard::default();
    for whose in 1..5 {
        fill(&mut guard, whose, 10_000, Some(3));
    }
    assert_eq!(guard.uncounted(), 0);
    let mut neighbours = PumpingGuard::clone(&guard).neighbours;
    for n in 0..7 {
        neighbours.sent(ask(n), at(1));
    }
    let most = PumpingPolicy::default().adjacent;
    assert_eq!(neighbours.too_close(ask(7), most, at(2)), Some(8));
}
