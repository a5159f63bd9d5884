//! Limits of every kind at once against a model that remembers every grant: what is granted, which
//! limits are named, and that nothing is taken by halves.

use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::*;

/// One every three seconds, four at once, by client.
const RATE: (u64, u64) = (3_000_000, 4);
/// Segments to one number in fifteen seconds.
const QUOTA: (u64, u64) = (15_000_000, 5);
/// Requests of one client under way at once.
const SLOTS: u64 = 3;
/// What a shadow would allow of all: two in eight seconds.
const SHADOW: (u64, u64) = (8_000_000, 2);

#[derive(Clone, Debug)]
struct Step {
    pause: u64,
    from: u64,
    to: u64,
    segments: u32,
    /// Which of the held slots is given back before it, if any.
    done: Option<usize>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let done = proptest::option::of(0_usize..8);
    let step = (0_u64..2_500_000, 0_u64..3, 0_u64..3, 1_u32..4, done);
    let step = step.prop_map(|(pause, from, to, segments, done)| Step {
        pause,
        from,
        to,
        segments,
        done,
    });
    proptest::collection::vec(step, 1..120)
}

/// Every grant: when, from whom, to whom, how many segments; and who holds a slot.
#[derive(Default)]
struct Model {
    grants: Vec<(u64, u64, u64, u64)>,
    /// What the shadow counted: it takes only what fits.
    shadow: Vec<u64>,
    held: Vec<(u64, Hold)>,
}

impl Model {
    /// The contract of a rate, over every stretch that ends now: burst + rate × time.
    fn rate_fits(&self, from: u64, now: u64) -> bool {
        let times = self.grants.iter().filter(|(_, client, ..)| *client == from);
        let times: Vec<u64> = times.map(|(at, ..)| *at).collect();
        let (interval, burst) = RATE;
        let fits = |(first, start): (usize, &u64)| {
            let sum = u64::try_from(times.len() - first).unwrap() + 1;
            sum * interval <= burst * interval + (now - start)
        };
        times.iter().enumerate().all(fits)
    }

    fn quota_fits(&self, to: u64, segments: u64, now: u64) -> bool {
        let (span, most) = QUOTA;
        let live = self
            .grants
            .iter()
            .filter(|(at, _, number, _)| *number == to && at + span > now);
        live.map(|(.., amount)| amount).sum::<u64>() + segments <= most
    }

    fn slots_fit(&self, from: u64) -> bool {
        let held = self.held.iter().filter(|(client, _)| *client == from);
        u64::try_from(held.count()).unwrap() < SLOTS
    }

    fn shadow_fits(&self, now: u64) -> bool {
        let (span, most) = SHADOW;
        let live = self.shadow.iter().filter(|at| **at + span > now);
        u64::try_from(live.count()).unwrap() < most
    }
}

fn every_kind() -> Book {
    let seconds = |micros: u64| micros / 1_000_000;
    let burst = u32::try_from(RATE.1).unwrap();
    let segments = Draft {
        unit: Unit::Segments,
        ..draft(
            "quota",
            &[Dimension::Recipient],
            quota(QUOTA.1, seconds(QUOTA.0)),
        )
    };
    let shadow = Draft {
        mode: Mode::Record,
        ..draft("shadow", &[], quota(SHADOW.1, seconds(SHADOW.0)))
    };
    let most = u32::try_from(SLOTS).unwrap();
    book(vec![
        draft(
            "rate",
            &[Dimension::Client],
            rate(1, seconds(RATE.0), burst),
        ),
        segments,
        draft("slots", &[Dimension::Client], Rule::Held { most }),
        shadow,
    ])
}

fn names(meters: &[Meter]) -> Vec<&str> {
    meters.iter().map(|meter| meter.name.as_str()).collect()
}

proptest! {
    #[test]
    fn limits_of_every_kind_together_grant_just_what_adds_up(steps in steps()) {
        let (mut book, mut model, mut now) = (every_kind(), Model::default(), START.micros());
        for step in &steps {
            now += step.pause;
            if let Some(place) = step.done.filter(|place| *place < model.held.len()) {
                book.release(model.held.remove(place).1);
            }
            let segments = u64::from(step.segments);
            let fits = [
                ("rate", model.rate_fits(step.from, now)),
                ("quota", model.quota_fits(step.to, segments, now)),
                ("slots", model.slots_fit(step.from)),
            ];
            let refusing: Vec<&str> =
                fits.iter().filter(|(_, fits)| !fits).map(|(name, _)| *name).collect();
            let facts = Facts { segments: step.segments, ..message(step.from, step.to) };
            let mut decision = book.check_and_take(&facts, Timestamp::from_micros(now));
            prop_assert_eq!(names(&decision.violated), refusing.clone());
            let is_granted = decision.verdict == Verdict::Granted;
            prop_assert_eq!(is_granted, refusing.is_empty());
            prop_assert_eq!(decision.shadowed.is_empty(), model.shadow_fits(now));
            prop_assert_eq!(decision.holds.len(), usize::from(is_granted));
            if is_granted {
                if model.shadow_fits(now) {
                    model.shadow.push(now);
                }
                model.grants.push((now, step.from, step.to, segments));
                model.held.extend(decision.holds.pop().map(|hold| (step.from, hold)));
            }
        }
    }

    #[test]
    fn what_is_told_to_wait_is_granted_then_and_not_a_microsecond_before(steps in steps()) {
        let (mut book, mut now) = (every_kind(), START);
        for step in &steps {
            now = now.saturating_add(Duration::from_micros(step.pause));
            let facts = Facts { segments: step.segments, ..message(step.from, step.to) };
            let mut decision = book.check_and_take(&facts, now);
            decision.holds.drain(..).for_each(|hold| book.release(hold));
            if let Some(wait) = decision.retry_after().filter(|wait| *wait > Duration::ZERO) {
                let then = now.saturating_add(wait);
                let fits = |at| book.explain(&facts, at).iter()
                    .all(|meter| meter.fits() || meter.mode == Mode::Record);
                prop_assert!(fits(then));
                prop_assert!(!fits(then.saturating_sub(Duration::from_micros(1))));
            }
        }
    }
}
