//! The book against a model that remembers every request and adds up.

use std::collections::HashMap;

use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::*;

/// Everything that was granted: when, from whom, to whom, how many segments.
#[derive(Clone, Debug, Default)]
struct Model {
    log: Vec<(u64, u64, u64, u64)>,
}

impl Model {
    fn sum(&self, now: u64, span: u64, of: impl Fn(&(u64, u64, u64, u64)) -> u64) -> u64 {
        let live = self.log.iter().filter(|(at, ..)| at + span > now);
        live.map(of).sum()
    }
}

#[derive(Clone, Debug)]
struct Step {
    pause: u64,
    from: u64,
    to: u64,
    segments: u32,
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u64..4_000_000, 0_u64..3, 0_u64..4, 1_u32..4);
    let step = step.prop_map(|(pause, from, to, segments)| Step {
        pause,
        from,
        to,
        segments,
    });
    proptest::collection::vec(step, 1..most)
}

fn facts(step: &Step) -> Facts<'static> {
    Facts {
        segments: step.segments,
        ..message(step.from, step.to)
    }
}

proptest! {
    #[test]
    fn quotas_grant_just_what_adds_up(steps in steps(150)) {
        let segments = Draft {
            unit: Unit::Segments,
            ..draft("client", &[Dimension::Client], quota(12, 20))
        };
        let mut book = book(vec![
            segments,
            draft("number", &[Dimension::Recipient], quota(3, 10)),
            draft("pair", &[Dimension::Client, Dimension::Recipient], quota(5, 60)),
        ]);
        let (mut model, mut now) = (Model::default(), START.micros());
        for step in &steps {
            now += step.pause;
            let own = |from: u64, to: u64| u64::from(from == step.from && to == step.to);
            let fits = model.sum(now, 20_000_000, |(_, from, _, amount)| u64::from(*from == step.from) * amount)
                + u64::from(step.segments) <= 12
                && model.sum(now, 10_000_000, |(_, _, to, _)| u64::from(*to == step.to)) < 3
                && model.sum(now, 60_000_000, |(_, from, to, _)| own(*from, *to)) < 5;
            prop_assert_eq!(granted(&mut book, &facts(step), Timestamp::from_micros(now)), fits);
            if fits {
                model.log.push((now, step.from, step.to, u64::from(step.segments)));
            }
        }
    }

    #[test]
    fn a_refusal_takes_nothing(steps in steps(100)) {
        let drafts = || vec![
            draft("client", &[Dimension::Client], rate(1, 3, 4)),
            draft("number", &[Dimension::Recipient], quota(2, 15)),
            draft("slots", &[], Rule::Held { most: 30 }),
        ];
        // The second book sees only what the first grants: they must agree at every step.
        let (mut all, mut only_granted) = (book(drafts()), book(drafts()));
        let mut now = START;
        for step in &steps {
            now = now.saturating_add(Duration::from_micros(step.pause));
            let before = only_granted.explain(&facts(step), now);
            prop_assert_eq!(&before, &all.explain(&facts(step), now));
            if granted(&mut all, &facts(step), now) {
                prop_assert!(granted(&mut only_granted, &facts(step), now));
            }
        }
    }

    #[test]
    fn waiting_longer_never_leaves_less(steps in steps(40), wait in 0_u64..90_000_000) {
        let mut book = book(vec![
            draft("client", &[Dimension::Client], rate(1, 3, 4)),
            draft("number", &[Dimension::Recipient], quota(2, 15)),
        ]);
        let mut now = START;
        for step in &steps {
            now = now.saturating_add(Duration::from_micros(step.pause));
            let _ = granted(&mut book, &facts(step), now);
            let later = now.saturating_add(Duration::from_micros(wait));
            for (soon, late) in book.explain(&facts(step), now).iter().zip(book.explain(&facts(step), later)) {
                prop_assert!(soon.remaining <= late.remaining);
            }
        }
    }

    #[test]
    fn a_clock_that_jumps_gives_no_more_than_the_time_it_says_went_by(
        steps in steps(120),
        jumps in proptest::collection::vec((0_usize..120, -9_000_000_i64..9_000_000), 0..12),
    ) {
        let mut book = book(vec![
            draft("client", &[Dimension::Client], rate(1, 3, 4)),
            draft("number", &[Dimension::Recipient], quota(2, 15)),
        ]);
        let jumps: HashMap<usize, i64> = jumps.into_iter().collect();
        // Time that can have gone by at most: pauses, and every jump forward.
        let (mut wall, mut most, mut log) = (START.micros(), 0_u64, Vec::new());
        for (place, step) in steps.iter().enumerate() {
            let jump = jumps.get(&place).copied().unwrap_or(0);
            let before = wall;
            wall = (wall + step.pause).checked_add_signed(jump).unwrap();
            most += wall.saturating_sub(before);
            if granted(&mut book, &facts(step), Timestamp::from_micros(wall)) {
                log.push((most, step.from, step.to));
            }
        }
        for (first, (from_time, from, to)) in log.iter().enumerate() {
            let (mut by_client, mut by_number) = (0_u64, 0_u64);
            for (at, client, number) in log.iter().skip(first) {
                by_client += u64::from(client == from);
                prop_assert!(by_client <= 4 + (at - from_time) / 3_000_000);
                if at - from_time < 15_000_000 {
                    by_number += u64::from(number == to);
                    prop_assert!(by_number <= 2);
                }
            }
        }
    }
}

#[test]
fn a_clock_set_back_blocks_nobody_for_long() {
    let mut book = book(vec![draft("client", &[Dimension::Client], quota(1, 10))]);
    assert!(granted(&mut book, &message(1, 1), START));
    let back = START.saturating_sub(Duration::from_hours(24 * 365));
    assert!(!granted(&mut book, &message(1, 1), back));
    let later = |seconds| back.saturating_add(Duration::from_secs(seconds));
    assert!(!granted(&mut book, &message(1, 1), later(9)));
    assert!(granted(&mut book, &message(1, 1), later(10)));
}
