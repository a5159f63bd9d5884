//! Tests of [`super`]: the day, the row, and that neither can be talked out of its count.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_assert, prop_oneof, proptest};

use super::*;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn policy(per_day: u8, in_a_row: u8) -> CheckPolicy {
    CheckPolicy::new(per_day, in_a_row).unwrap()
}

fn failed(times: u64) -> CheckBudget {
    (0..times).fold(CheckBudget::default(), |budget, second| {
        budget.failed(1, at(second))
    })
}

#[test]
fn twenty_failed_checks_use_up_the_sliding_day() {
    let policy = policy(20, 100);
    assert_eq!(failed(19).room(&policy, 1, at(100)), Ok(()));
    let wait = DAY.saturating_sub(Duration::from_secs(100));
    let refused = failed(20).room(&policy, 1, at(100));
    assert_eq!(refused, Err(LockReason::DayUsedUp(wait)));
    assert_eq!(failed(20).room(&policy, 1, at(86_400)), Ok(()));
}

#[test]
fn a_success_ends_the_row_and_gives_nothing_back_to_the_day() {
    let budget = failed(20).succeeded();
    assert_eq!(budget.in_a_row(), 0);
    assert!(budget.room(&policy(20, 100), 1, at(100)).is_err());
}

#[test]
fn a_hundred_failures_in_a_row_disable_the_number_for_ever() {
    let policy = policy(20, 100);
    let mut budget = CheckBudget::default();
    for day in 0..5 {
        for check in 0..20 {
            let now = at(day * 86_400 + check);
            assert_eq!(budget.room(&policy, 1, now), Ok(()));
            budget = budget.failed(1, now);
        }
    }
    let years_later = at(900_000_000);
    let refused = budget.room(&policy, 1, years_later);
    assert_eq!(refused, Err(LockReason::Disabled));
    let proved = budget.proved_anew();
    assert_eq!(proved.room(&policy, 1, years_later), Ok(()));
}

#[test]
fn a_row_of_failures_is_let_go_after_a_month_and_a_disabled_number_never() {
    let policy = policy(20, 20);
    let last = |days: u64| at(18 + days * 86_400);
    assert!(!failed(19).is_idle(&policy, last(29)));
    assert!(failed(19).is_idle(&policy, last(30)));
    assert!(!failed(20).is_idle(&policy, last(3_000)));
    assert!(failed(20).proved_anew().is_idle(&policy, last(2)));
}

#[test]
fn a_costly_failure_takes_more_of_the_day() {
    let policy = policy(20, 100);
    let budget = CheckBudget::default().failed(10, at(0)).failed(1, at(1));
    assert_eq!(budget.room(&policy, 9, at(2)), Ok(()));
    assert!(budget.room(&policy, 10, at(2)).is_err());
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Wrong(u8),
    Right,
    ProvedAnew,
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (1_u8..=5).prop_map(Event::Wrong),
        2 => Just(Event::Right),
        1 => Just(Event::ProvedAnew),
        1 => Just(Event::Restart),
    ]
}

fn restarted(budget: &CheckBudget) -> CheckBudget {
    let json = serde_json::to_string(budget).unwrap();
    serde_json::from_str(&json).unwrap()
}

proptest! {
    /// Times come in any order, as from a clock that someone turns.
    #[test]
    fn no_day_sees_more_failures_than_its_budget_in_any_order_of_events_and_clocks(
        steps in vec((0_u64..300_000, event()), 1..200),
    ) {
        let policy = policy(6, 100);
        let mut budget = CheckBudget::default();
        let mut failures: Vec<(u64, u8)> = Vec::new();
        for (second, event) in steps {
            match event {
                Event::Wrong(cost) => if budget.room(&policy, cost, at(second)).is_ok() {
                    budget = budget.failed(cost, at(second));
                    failures.push((second, cost));
                },
                Event::Right => budget = budget.succeeded(),
                Event::ProvedAnew => budget = budget.proved_anew(),
                Event::Restart => budget = restarted(&budget),
            }
        }
        for (start, _) in &failures {
            let day = failures.iter().filter(|(at, _)| (*start..start + 86_400).contains(at));
            let used: u32 = day.map(|(_, cost)| u32::from(*cost)).sum();
            prop_assert!(used <= 6, "{used} in the day from second {start}");
        }
    }

    #[test]
    fn no_row_is_longer_than_its_bound(
        steps in vec((0_u64..9_000_000, event()), 1..300), bound in 1_u8..=20,
    ) {
        let policy = policy(100, bound);
        let mut budget = CheckBudget::default();
        let mut row = 0;
        for (second, event) in steps {
            match event {
                Event::Wrong(cost) => if budget.room(&policy, cost, at(second)).is_ok() {
                    budget = budget.failed(cost, at(second));
                    row += 1;
                },
                Event::Right | Event::ProvedAnew => {
                    budget = budget.succeeded();
                    row = 0;
                }
                Event::Restart => budget = restarted(&budget),
            }
            prop_assert!(row <= u32::from(bound));
        }
    }
}
