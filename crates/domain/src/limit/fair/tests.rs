//! Tests of [`super`]: bounds of fairness, no starving, no gain by leaving.

use std::collections::HashMap;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::*;

const OTP: TrafficClass = TrafficClass::Otp;
const MARKETING: TrafficClass = TrafficClass::Marketing;

/// Serves `turns` turns of lines that never run empty; segments served by line.
fn serve(fair: &mut Fair<u8>, turns: u32, cost: impl Fn(u8) -> u32) -> HashMap<u8, u64> {
    let mut served = HashMap::new();
    for _ in 0..turns {
        let (line, _) = fair.next(|line, _, _| Front::Ready(cost(line))).unwrap();
        *served.entry(line).or_insert(0) += u64::from(cost(line));
    }
    served
}

proptest! {
    #[test]
    fn no_waiting_line_gets_ahead_of_its_share_by_more_than_a_message(
        weights in proptest::collection::vec(1_u32..9, 2..7),
        costs in proptest::collection::vec(1_u32..11, 7),
        turns in 1_u32..400,
    ) {
        let mut fair = Fair::default();
        for (line, weight) in (0..).zip(&weights) {
            fair.wait(line, OTP, *weight);
        }
        let cost = |line: u8| costs[usize::from(line)];
        let served = serve(&mut fair, turns, cost);
        let share = |line: u8| {
            let got = served.get(&line).copied().unwrap_or(0);
            // In parts of 840, the least common multiple of the weights.
            (got * 840 / u64::from(weights[usize::from(line)]),
             u64::from(cost(line)) * 840 / u64::from(weights[usize::from(line)]))
        };
        let lines = u8::try_from(weights.len()).unwrap();
        for (a, b) in (0..lines).flat_map(|a| (0..lines).map(move |b| (a, b))) {
            let ((got_a, most_a), (got_b, most_b)) = (share(a), share(b));
            prop_assert!(got_a.abs_diff(got_b) <= most_a + most_b + 1, "{a} {b} {served:?}");
        }
    }

    #[test]
    fn what_is_ready_always_goes_and_each_line_keeps_its_order(
        pushes in proptest::collection::vec((0_u8..5, 0_usize..3, 1_u32..4), 1..200),
    ) {
        let mut fair = Fair::default();
        let mut lines: HashMap<(u8, TrafficClass), u32> = HashMap::new();
        let total = pushes.len();
        for (line, class, _) in &pushes {
            let class = TrafficClass::ALL[*class];
            *lines.entry((*line, class)).or_insert(0) += 1;
            fair.wait(*line, class, 1);
        }
        let mut went = 0;
        while let Some(turn) = fair.next(|line, class, _| match lines.get(&(line, class)) {
            Some(0) | None => Front::Empty,
            Some(_) => Front::Ready(1),
        }) {
            *lines.get_mut(&turn).unwrap() -= 1;
            went += 1;
        }
        prop_assert_eq!(went, total);
        prop_assert!(fair.is_empty());
    }
}

#[test]
fn a_flood_delays_another_client_by_one_message_only() {
    let mut fair = Fair::default();
    fair.wait(1, OTP, 1);
    serve(&mut fair, 10_000, |_| 1);
    fair.wait(2, OTP, 1);
    let served = serve(&mut fair, 2, |_| 1);
    assert_eq!(
        served.get(&2),
        Some(&1),
        "the newcomer goes within two turns"
    );
    let served = serve(&mut fair, 100, |_| 1);
    assert_eq!(
        served.get(&2),
        Some(&50),
        "and has saved nothing up while it was idle"
    );
}

#[test]
fn leaving_and_coming_back_gains_nothing() {
    let mut fair = Fair::default();
    fair.wait(1, OTP, 1);
    fair.wait(2, OTP, 1);
    let (mut hopper, mut steady, mut just_went) = (0, 0, false);
    for _ in 0..2_000 {
        let turn = fair.next(|line, _, _| match (line, just_went) {
            (1, true) => Front::Empty,
            (_, true) => Front::Blocked,
            (1, false) => Front::Ready(10),
            (_, false) => Front::Ready(1),
        });
        just_went = turn == Some((1, OTP));
        hopper += if just_went { 10 } else { 0 };
        steady += i32::from(turn == Some((2, OTP)));
        fair.wait(1, OTP, 1);
    }
    assert!(hopper <= steady + 11, "{hopper} > {steady}");
}

#[test]
fn urgent_classes_go_first_and_the_others_never_starve() {
    let mut fair = Fair::default();
    for class in TrafficClass::ALL {
        fair.wait(class.index(), class, 1);
    }
    let mut turns = Vec::new();
    for _ in 0..3_300 {
        turns.push(fair.next(|_, _, _| Front::Ready(1)).unwrap().1);
    }
    assert!(turns[..8].iter().all(|class| *class == OTP));
    let count = |class| turns.iter().filter(|turn| **turn == class).count();
    assert!(count(OTP) >= 3_300 * 80 / 100, "{} otp", count(OTP));
    assert!(
        count(TrafficClass::Alert) >= 300,
        "{} alert",
        count(TrafficClass::Alert)
    );
    assert!(count(MARKETING) >= 90, "{} marketing", count(MARKETING));
    let longest = turns.split(|turn| *turn == OTP).map(<[_]>::len).max();
    assert!(longest <= Some(2), "an otp waits for {longest:?} others");
}

#[test]
fn a_class_alone_gets_everything() {
    let mut fair = Fair::default();
    fair.wait(1, MARKETING, 1);
    for _ in 0..100 {
        assert_eq!(fair.next(|_, _, _| Front::Ready(1)), Some((1, MARKETING)));
    }
}

#[test]
fn a_blocked_line_keeps_its_turn_and_blocks_nobody() {
    let mut fair = Fair::default();
    fair.wait(1, OTP, 1);
    fair.wait(2, OTP, 1);
    let blocked = |line, _, _| {
        if line == 1 {
            Front::Blocked
        } else {
            Front::Ready(1)
        }
    };
    assert_eq!(fair.next(blocked), Some((2, OTP)));
    assert_eq!(fair.next(blocked), Some((2, OTP)));
    assert_eq!(fair.next(|_, _, _| Front::Ready(1)), Some((1, OTP)));
    assert_eq!(fair.next(|_, _, _| Front::Blocked), None);
    assert!(!fair.is_empty());
}

#[test]
fn lines_that_left_are_forgotten() {
    let mut fair = Fair::default();
    fair.wait(0, OTP, 1);
    for line in 1..1_000_u32 {
        fair.wait(line, OTP, 1);
        let mut sent = false;
        for _ in 0..3 {
            let turn = fair.next(|asked, _, _| match asked {
                0 => Front::Ready(1),
                _ if sent => Front::Empty,
                _ => Front::Ready(1),
            });
            sent |= turn == Some((line, OTP));
        }
    }
    let (lines, left) = fair.classes[0].share.kept();
    assert!(left <= 2 && lines <= 2, "{left} {lines}");
}

#[test]
fn a_class_that_is_passed_without_a_turn_is_owed_one_too() {
    let mut fair = Fair::default();
    fair.wait(1, MARKETING, 1);
    fair.wait(2, OTP, 1);
    fair.passed(OTP, 31);
    let usual = |_, class, turn| match (class, turn) {
        (OTP, Turn::Usual) | (MARKETING, Turn::Owed) => Front::Ready(1),
        _ => Front::Blocked,
    };
    assert_eq!(fair.next(usual), Some((2, OTP)));
    assert_eq!(fair.next(usual), Some((1, MARKETING)), "after the 32nd");
    assert_eq!(fair.next(usual), Some((2, OTP)));
}

#[test]
fn a_shut_line_is_the_last_one_asked() {
    let mut share = Share::default();
    for line in 0..5 {
        share.wait(line, 1 + line);
    }
    let mut asked = 0;
    let turn = share.next(|_| {
        asked += 1;
        Front::Shut
    });
    assert_eq!((turn, asked, share.len(), share.weight()), (None, 1, 5, 15));
    share.wait(0, 11);
    share.next(|line| {
        if line == 4 {
            Front::Ready(1)
        } else {
            Front::Empty
        }
    });
    assert_eq!((share.len(), share.weight()), (1, 5));
}
