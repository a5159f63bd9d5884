//! Tests of [`super`]: attacks, and what each leaves through; honest traffic, and that it is left alone.

use super::*;
use crate::msisdn::RegionCode;

mod crowded;

const HOUR_SECONDS: u64 = 3_600;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(864_000_000 + seconds)
}

fn client(number: u64) -> ClientId {
    ClientId::new(number, number)
}

/// A German mobile number: eight digits after +49 151, of which a prefix leaves five free.
fn ask(tail: u64) -> Ask {
    Ask {
        client: client(1),
        to: Msisdn::from_digits(4_915_100_000_000 + tail).unwrap(),
    }
}

/// Numbers that look drawn, the same in every run.
struct Drawn(u64);

impl Drawn {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn consider(guard: &mut PumpingGuard, ask: Ask, second: u64) -> Verdict {
    guard.consider(ask, &PumpingPolicy::default(), at(second))
}

/// How many of these sends nobody stops; no code is used.
fn sent(guard: &mut PumpingGuard, asks: impl IntoIterator<Item = (Ask, u64)>) -> u32 {
    let mut clear = 0;
    for (ask, second) in asks {
        clear += u32::from(consider(guard, ask, second) == Verdict::Clear);
    }
    clear
}

fn refused(verdict: Verdict) -> Finding {
    match verdict {
        Verdict::Refuse(finding) => finding,
        other => panic!("{other:?}"),
    }
}

/// Hours of a busy client: so many codes an hour all over the country, of which two in three are used.
fn busy(guard: &mut PumpingGuard, hours: u64, an_hour: u64) -> u64 {
    let mut drawn = Drawn(7);
    let mut stopped = 0;
    for hour in 0..hours {
        for place in 0..an_hour {
            let second = hour * HOUR_SECONDS + place * HOUR_SECONDS / an_hour;
            let ask = ask(drawn.below(100_000_000));
            if consider(guard, ask, second) != Verdict::Clear {
                stopped += 1;
            } else if drawn.below(100) < 65 {
                guard.verified(ask, at(second + 40));
            }
        }
    }
    stopped
}

#[test]
fn honest_traffic_with_the_usual_conversion_is_left_alone() {
    for an_hour in [1, 5, 40, 200] {
        let mut guard = PumpingGuard::default();
        assert_eq!(busy(&mut guard, 96, an_hour), 0, "{an_hour} an hour");
    }
}

#[test]
fn of_two_hundred_adjacent_numbers_seven_are_sent_a_code() {
    let mut guard = PumpingGuard::default();
    let attack = (0..200).map(|n| (ask(n), n));
    assert_eq!(sent(&mut guard, attack), 7);
    let finding = refused(consider(&mut guard, ask(5_000), 300));
    assert_eq!(finding.reason, Reason::PrefixBlocked);
}

#[test]
fn adjacent_numbers_block_their_prefix_with_the_evidence() {
    let mut guard = PumpingGuard::default();
    sent(&mut guard, (0..7).map(|n| (ask(n), n)));
    let finding = refused(consider(&mut guard, ask(7), 7));
    assert_eq!(finding.reason, Reason::AdjacentNumbers);
    assert_eq!(finding.evidence.numbers, Some(8));
    assert_eq!(finding.evidence.prefix, Some(Prefix::of(ask(7).to)));
    let until = at(7 + 12 * HOUR_SECONDS);
    assert_eq!(
        finding.block,
        Some(BlockNews::Begins {
            until,
            nth: 1,
            reach: Reach::Client
        })
    );
    let next = refused(consider(&mut guard, ask(9_999), 8));
    assert_eq!(next.block, Some(BlockNews::Stands { until }));
    let (prefix, block) = guard.blocks(at(9))[0];
    assert_eq!((prefix, block.refused), (Prefix::of(ask(7).to), 2));
}

#[test]
fn a_few_numbers_at_the_door_of_one_client_shut_out_nobody_elses_users() {
    let policy = PumpingPolicy::default();
    let mut guard = PumpingGuard::default();
    sent(&mut guard, (0..7).map(|n| (ask(n), n)));
    refused(consider(&mut guard, ask(7), 7));
    let others = |n| Ask {
        client: client(2),
        ..ask(n)
    };
    assert_eq!(guard.consider(others(500), &policy, at(8)), Verdict::Clear);
    assert_eq!(
        guard.judge_again(others(500), &policy, at(8)),
        Verdict::Clear
    );
    refused(consider(&mut guard, ask(900), 9));
    assert_eq!(guard.blocks(at(9))[0].1.refused, 2, "only its own count");
    let same = (200..207).map(|n| (others(n), 10));
    assert_eq!(sent(&mut guard, same), 7);
    let second = refused(consider(&mut guard, others(207), 10));
    let Some(BlockNews::Begins { nth, reach, .. }) = second.block else {
        panic!("{second:?}");
    };
    assert_eq!((nth, reach), (2, Reach::All), "it is the prefix after all");
    let third = Ask {
        client: client(3),
        ..ask(999)
    };
    refused(consider(&mut guard, third, 11));
}

#[test]
fn slow_pumping_ends_at_the_budget_of_a_new_country() {
    let mut guard = PumpingGuard::default();
    let mut drawn = Drawn(1);
    let attack = (0..12 * 24).map(|n| (ask(drawn.below(100_000_000)), n * 300));
    let attack: Vec<(Ask, u64)> = attack.collect();
    assert!(sent(&mut guard, attack) <= 20);
}

#[test]
fn slow_pumping_inside_a_busy_country_ends_at_its_prefix() {
    let mut guard = PumpingGuard::default();
    busy(&mut guard, 48, 60);
    let start = 48 * HOUR_SECONDS;
    let mut drawn = Drawn(2);
    let numbers = (0..12 * 24).map(|n| (n, 77_770_000 + drawn.below(10_000)));
    let attack: Vec<(Ask, u64)> = numbers
        .map(|(n, tail)| (ask(tail), start + n * 300))
        .collect();
    // Forty, what honest codes of the prefix were used, and five of the trial after the block.
    let left = sent(&mut guard, attack);
    assert!(left <= 50, "{left}");
}

/// Five codes of which nobody used one, all ended by second 900.
fn tried_in_vain(guard: &mut PumpingGuard) {
    let first = (0..5).map(|n| (ask(n * 1_000_003), n));
    assert_eq!(sent(guard, first), 5);
}

/// Numbers all over the country, one each second from this one on.
fn all_over(seed: u64, from: u64, many: u64) -> Vec<(Ask, u64)> {
    let mut drawn = Drawn(seed);
    let asks = (0..many).map(|n| (ask(drawn.below(100_000_000)), from + n));
    asks.collect()
}

#[test]
fn a_burst_over_a_country_whose_codes_went_unused_ends_at_ten_an_hour() {
    let mut guard = PumpingGuard::default();
    tried_in_vain(&mut guard);
    assert_eq!(sent(&mut guard, all_over(3, 900, 500)), 5);
    let finding = refused(consider(&mut guard, ask(1), 1_400));
    assert_eq!(finding.reason, Reason::PoorConversion);
    assert_eq!(
        finding.evidence.country,
        Country::Region(RegionCode::parse("DE").unwrap())
    );
    assert_eq!(
        finding.evidence.count,
        Count {
            sent: 10,
            verified: 0
        }
    );
    assert_eq!((finding.evidence.allowed, finding.block), (10, None));
}

#[test]
fn the_first_three_hundred_users_of_a_new_client_get_their_codes_before_anyone_has_typed_one() {
    let mut guard = PumpingGuard::default();
    let users = all_over(11, 0, 300);
    assert_eq!(sent(&mut guard, users.clone()), 300);
    // 85 of 100 type the code in shortly before it ends.
    for (place, (ask, second)) in (0..).zip(&users) {
        if place % 20 < 17 {
            guard.verified(*ask, at(second + 590));
        }
    }
    assert_eq!(sent(&mut guard, all_over(12, 900, 300)), 300);
}

#[test]
fn of_a_burst_that_nobody_uses_three_hundred_are_sent_and_then_ten_an_hour() {
    let mut guard = PumpingGuard::default();
    assert_eq!(sent(&mut guard, all_over(3, 0, 700)), 300);
    let finding = refused(consider(&mut guard, ask(1), 700));
    let (window, allowed) = (finding.evidence.window_seconds, finding.evidence.allowed);
    assert_eq!(
        (finding.reason, window, allowed),
        (Reason::PoorConversion, 600, 300)
    );
    assert_eq!(sent(&mut guard, all_over(4, 1_800, 20 * HOUR_SECONDS)), 0);
    // What ended speaks against the next burst for two weeks.
    let next_day = all_over(5, 26 * HOUR_SECONDS, 500);
    assert_eq!(sent(&mut guard, next_day), 10);
}

#[test]
fn a_client_whose_codes_are_used_may_have_a_share_of_them_open() {
    let mut guard = PumpingGuard::default();
    assert_eq!(busy(&mut guard, 48, 1_200), 0);
    // Prefixes that nobody has used a code of yet: others speak for themselves.
    let mut drawn = Drawn(6);
    let range = 2_000_000_000;
    let burst: Vec<u64> = (0..3_000)
        .map(|_| range + drawn.below(100_000_000))
        .collect();
    let at_once = burst.into_iter().map(|tail| (ask(tail), 48 * HOUR_SECONDS));
    let left = sent(&mut guard, at_once);
    assert!((400..700).contains(&left), "{left}");
}

/// Seconds after which no code of before can be typed in.
const ENDED: u64 = 900;

/// A code for one of so many clients, to a number of one prefix.
fn by(clients: u64, n: u64) -> Ask {
    Ask {
        client: client(n % clients + 1),
        ..ask(n * 97 % 10_000)
    }
}

#[test]
fn codes_of_several_clients_that_pile_up_on_a_prefix_block_it_for_all() {
    let mut guard = PumpingGuard::default();
    assert_eq!(sent(&mut guard, (0..100).map(|n| (by(50, n), n))), 20);
    let open = refused(consider(&mut guard, by(50, 7), 101));
    assert_eq!(
        (open.reason, open.block),
        (Reason::PrefixConcentration, None)
    );
    let finding = refused(consider(&mut guard, by(50, 7), ENDED));
    let Some(BlockNews::Begins { reach, .. }) = finding.block else {
        panic!("{finding:?}");
    };
    assert_eq!((finding.evidence.count.sent, reach), (20, Reach::All));
    let stranger = Ask {
        client: client(99),
        ..ask(5_001)
    };
    let finding = refused(consider(&mut guard, stranger, ENDED));
    assert_eq!(finding.reason, Reason::PrefixBlocked);
    let state = guard.blocks(at(ENDED))[0].1;
    assert_eq!((state.reason, state.nth), (Reason::PrefixConcentration, 1));
}

#[test]
fn codes_of_one_client_that_pile_up_on_a_prefix_shut_it_for_nobody_else_before_another_meets_the_same()
 {
    let mut guard = PumpingGuard::default();
    assert_eq!(sent(&mut guard, (0..100).map(|n| (by(1, n), n))), 20);
    let finding = refused(consider(&mut guard, by(1, 100), ENDED));
    let Some(BlockNews::Begins { reach, .. }) = finding.block else {
        panic!("{finding:?}");
    };
    assert_eq!(reach, Reach::Client);
    let other = |n| Ask {
        client: client(2),
        ..by(1, n)
    };
    let others = (0..40).map(|n| (other(200 + n), ENDED + 1 + n));
    assert_eq!(sent(&mut guard, others), 20, "as many as if it were alone");
    let second = refused(consider(&mut guard, other(1), ENDED * 2));
    let Some(BlockNews::Begins { nth, reach, .. }) = second.block else {
        panic!("{second:?}");
    };
    assert_eq!((nth, reach), (2, Reach::All));
}

#[test]
fn a_prefix_that_is_only_asked_for_faster_than_people_type_is_open_again_once_they_have() {
    let mut guard = PumpingGuard::default();
    let users: Vec<Ask> = (0..20).map(|n| by(1, n)).collect();
    assert_eq!(sent(&mut guard, users.iter().map(|ask| (*ask, 0))), 20);
    let finding = refused(consider(&mut guard, by(1, 20), 1));
    assert_eq!(
        (finding.reason, finding.block),
        (Reason::PrefixConcentration, None)
    );
    for ask in &users[..3] {
        guard.verified(*ask, at(30));
    }
    assert_eq!(consider(&mut guard, by(1, 20), 31), Verdict::Clear);
}

#[test]
fn a_refused_country_spares_a_prefix_that_does_well_and_other_clients() {
    let mut guard = PumpingGuard::default();
    for n in 0..3 {
        assert_eq!(consider(&mut guard, ask(500_000 + n), n), Verdict::Clear);
        guard.verified(ask(500_000 + n), at(n));
    }
    let mut drawn = Drawn(4);
    let attack: Vec<(Ask, u64)> = (0..400)
        .map(|n| (ask(10_000_000 + drawn.below(80_000_000)), 10 + n / 4))
        .collect();
    sent(&mut guard, attack);
    refused(consider(&mut guard, ask(98_765_432), 120));
    let by_another = Ask {
        client: client(3),
        ..ask(502_000)
    };
    sent(&mut guard, (0..9).map(|_| (by_another, 120)));
    assert_eq!(
        consider(&mut guard, ask(501_000), 120),
        Verdict::Clear,
        "its own codes are used there, whatever another sends"
    );
    let other = Ask {
        client: client(2),
        ..ask(98_765_432)
    };
    assert_eq!(consider(&mut guard, other, 120), Verdict::Clear);
}

/// Blocks the prefix of `ask(0)` at second 0.
fn blocked() -> PumpingGuard {
    let mut guard = PumpingGuard::default();
    sent(&mut guard, (0..8).map(|n| (ask(n), 0)));
    guard
}

#[test]
fn a_block_ends_after_twelve_hours_and_repeats_while_codes_go_unused() {
    let mut guard = blocked();
    let end = 12 * HOUR_SECONDS;
    refused(consider(&mut guard, ask(5_000), end - 1));
    let trial = (0..5).map(|n| (ask(5_000 + n * 200), end + n));
    assert_eq!(sent(&mut guard, trial), 5);
    let open = refused(consider(&mut guard, ask(9_000), end + 5));
    assert_eq!((open.reason, open.block), (Reason::PrefixBlocked, None));
    let ended = end + 4 + 600;
    let again = refused(consider(&mut guard, ask(9_000), ended));
    let until = at(ended + end);
    assert_eq!(
        again.block,
        Some(BlockNews::Begins {
            until,
            nth: 2,
            reach: Reach::Client
        })
    );
    assert_eq!(again.reason, Reason::AdjacentNumbers);
}

#[test]
fn a_trial_is_not_judged_by_what_was_before_the_block() {
    let mut guard = PumpingGuard::default();
    let spread = |n: u64| Ask {
        client: client(n),
        ..ask(n * 997)
    };
    let attack = (0..60).map(|n| (spread(n), n * 600));
    assert_eq!(sent(&mut guard, attack), 40);
    let end = guard.blocks(at(60 * 600))[0].1.until.seconds() - at(0).seconds();
    let trial = (70..76).map(|n| (spread(n), end + n));
    assert_eq!(sent(&mut guard, trial), 5);
}

#[test]
fn numbers_side_by_side_do_not_shut_a_range_whose_codes_are_used() {
    let mut guard = PumpingGuard::default();
    for n in 0..10 {
        let honest = ask(20_000 + n * 300);
        assert_eq!(consider(&mut guard, honest, n * 60), Verdict::Clear);
        guard.verified(honest, at(n * 60));
    }
    assert_eq!(sent(&mut guard, (0..8).map(|n| (ask(n), 600 + n))), 7);
    let finding = refused(consider(&mut guard, ask(9), 700));
    assert_eq!(
        (finding.reason, finding.block),
        (Reason::AdjacentNumbers, None)
    );
    assert_eq!(consider(&mut guard, ask(40_000), 700), Verdict::Clear);
}

#[test]
fn a_trial_waits_for_those_who_have_not_typed_their_code_yet() {
    let mut guard = blocked();
    let end = 12 * HOUR_SECONDS;
    let users: Vec<Ask> = (0..5).map(|n| ask(2_000 + n * 300)).collect();
    assert_eq!(sent(&mut guard, users.iter().map(|ask| (*ask, end))), 5);
    refused(consider(&mut guard, ask(9_000), end + 20));
    for ask in &users[..3] {
        guard.verified(*ask, at(end + 30));
    }
    assert_eq!(consider(&mut guard, ask(9_000), end + 31), Verdict::Clear);
}

#[test]
fn a_prefix_whose_trial_goes_well_is_free() {
    let mut guard = blocked();
    let end = 12 * HOUR_SECONDS;
    for n in 0..20 {
        let ask = ask(2_000 + n * 300);
        let verdict = consider(&mut guard, ask, end + n * 60);
        assert_eq!(verdict, Verdict::Clear, "{n}");
        guard.verified(ask, at(end + n * 60));
    }
    assert!(guard.blocks(at(end + HOUR_SECONDS)).is_empty());
}

#[test]
fn an_operator_releases_a_prefix() {
    let mut guard = blocked();
    refused(consider(&mut guard, ask(5_000), 1));
    guard.release(Prefix::of(ask(0).to));
    assert_eq!(consider(&mut guard, ask(5_000), 2), Verdict::Clear);
}

#[test]
fn the_safe_list_and_a_number_that_converts_are_never_too_close() {
    let policy = PumpingPolicy {
        safe_list: SafeList::parse(["+49151000"]).unwrap(),
        ..PumpingPolicy::default()
    };
    let mut guard = PumpingGuard::default();
    for n in 0..200 {
        assert_eq!(guard.consider(ask(n), &policy, at(n)), Verdict::Clear);
    }
    let mut guard = PumpingGuard::default();
    for n in 0..200 {
        assert_eq!(consider(&mut guard, ask(n), n * 5), Verdict::Clear);
        guard.verified(ask(n), at(n * 5 + 4));
    }
}

#[test]
fn a_guard_that_only_records_lets_everything_through_and_says_why_not() {
    let policy = PumpingPolicy {
        mode: Mode::Record,
        ..PumpingPolicy::default()
    };
    let mut guard = PumpingGuard::default();
    let mut begun = 0;
    for n in 0..100 {
        match guard.consider(ask(n), &policy, at(n)) {
            Verdict::Clear => assert!(n < 7),
            Verdict::Shadow(finding) => {
                begun += u32::from(matches!(finding.block, Some(BlockNews::Begins { .. })));
            }
            Verdict::Refuse(finding) => panic!("{finding:?}"),
        }
    }
    assert_eq!(begun, 1);
    assert_eq!(
        guard.stats(at(100))[0].day,
        Count {
            sent: 100,
            verified: 0
        }
    );
}

#[test]
fn a_clock_that_goes_back_ends_no_block() {
    let mut guard = blocked();
    refused(consider(&mut guard, ask(5_000), 100));
    let verdict = guard.consider(ask(5_001), &PumpingPolicy::default(), Timestamp::EPOCH);
    assert_eq!(refused(verdict).reason, Reason::PrefixBlocked);
}

#[test]
fn a_clock_that_goes_back_shortens_no_block() {
    let mut guard = PumpingGuard::default();
    let day = 24 * HOUR_SECONDS;
    sent(&mut guard, [(ask(90_000), day)]);
    sent(&mut guard, (0..8).map(|n| (ask(n), n)));
    let later = refused(consider(&mut guard, ask(5_000), day + HOUR_SECONDS));
    assert_eq!(later.reason, Reason::PrefixBlocked);
}

#[test]
fn a_restored_guard_judges_as_before() {
    let mut guard = blocked();
    busy(&mut guard, 3, 20);
    let json = serde_json::to_string(&guard.snapshot()).unwrap();
    let snapshot: Snapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(snapshot, guard.snapshot());
    assert_eq!(format!("{snapshot:?}"), "Snapshot(masked)");
    let mut restored = PumpingGuard::restore(snapshot);
    let mut drawn = Drawn(5);
    for n in 0..300 {
        let ask = ask(drawn.below(20_000));
        let second = 4 * HOUR_SECONDS + n;
        assert_eq!(
            consider(&mut guard, ask, second),
            consider(&mut restored, ask, second)
        );
    }
}

#[test]
fn a_snapshot_leaves_out_what_has_gone_stale() {
    let mut guard = blocked();
    let empty = serde_json::to_string(&PumpingGuard::default().snapshot()).unwrap();
    guard.verified(ask(50_000_000), at(1));
    let week = 20 * 24 * HOUR_SECONDS;
    guard.verified(ask(60_000_000), at(week));
    let json = serde_json::to_string(&guard.snapshot()).unwrap();
    assert!(json.contains("\"neighbours\":[]"), "{json}");
    assert!(
        json.contains("\"blocks\":[]") && json.len() < empty.len() + 500,
        "{json}"
    );
}

#[test]
fn a_send_that_is_judged_counts_only_once_it_goes_ahead() {
    let policy = PumpingPolicy::default();
    let mut guard = PumpingGuard::default();
    for n in 0..100 {
        assert_eq!(guard.judge(ask(n), &policy, at(n)), Verdict::Clear);
    }
    assert!(guard.stats(at(100)).is_empty());
    assert!(guard.sent(ask(0), &policy, at(100)));
    assert_eq!(guard.prefixes(at(100))[0].day.sent, 1);
}

#[test]
fn a_block_put_back_stands_until_its_end() {
    let guard = blocked();
    let (prefix, block) = guard.blocks(at(1))[0];
    let mut restored = PumpingGuard::default();
    restored.block_again(prefix, block, at(2));
    let end = 12 * HOUR_SECONDS;
    refused(consider(&mut restored, ask(5_000), end - 1));
    assert_eq!(restored.block_of(prefix).unwrap().nth, 1);
    assert_eq!(consider(&mut restored, ask(5_000), end), Verdict::Clear);
}

#[test]
fn a_finding_shows_no_number() {
    let mut guard = blocked();
    let shown = format!("{:?}", refused(consider(&mut guard, ask(4_321), 1)));
    assert!(!shown.contains("4321"), "{shown}");
}
