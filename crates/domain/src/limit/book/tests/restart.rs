//! Restarts and changes of policy keep what was used.

use proptest::prelude::{Strategy, prop_assert_eq, proptest};

use super::*;
use crate::limit::book::snapshot::{Laid, RestoreError, Snapshot};

fn drafts() -> Vec<Draft> {
    let money = Draft {
        unit: Unit::Micros,
        ..draft("spend", &[Dimension::Client], quota(900, 600))
    };
    vec![
        draft("rate", &[Dimension::Client], rate(1, 5, 10)),
        draft("number", &[Dimension::Recipient], quota(3, 60)),
        Draft {
            mode: Mode::Record,
            ..draft("shadow", &[Dimension::Prefix], quota(4, 30))
        },
        Draft {
            keys: 1,
            ..draft(
                "tiny",
                &[Dimension::Client, Dimension::Recipient],
                quota(2, 90),
            )
        },
        money,
    ]
}

fn steps() -> impl Strategy<Value = Vec<(u64, u64, u64)>> {
    proptest::collection::vec((0_u64..3_000_000, 0_u64..4, 0_u64..200), 1..150)
}

fn facts(from: u64, to: u64) -> Facts<'static> {
    Facts {
        cost_micros: to,
        ..message(from, to)
    }
}

/// Through text and back, as an engine would keep it.
fn kept(snapshot: &Snapshot) -> Snapshot {
    serde_json::from_str(&serde_json::to_string(snapshot).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn a_restart_from_a_snapshot_and_the_requests_since_is_no_restart(
        steps in steps(), taken_at in 0_usize..150, pause in 0_u64..40_000_000,
    ) {
        let mut book = book(drafts());
        let (mut snapshot, mut tail) = (book.snapshot(START, Laid::default()), Vec::new());
        let mut now = START;
        for (place, (pause, from, to)) in steps.iter().enumerate() {
            now = now.saturating_add(Duration::from_micros(*pause));
            if place == taken_at {
                let room = book.room().make();
                snapshot = book.snapshot(now, room);
                tail.clear();
            }
            if granted(&mut book, &facts(*from, *to), now) {
                tail.push((*from, *to, now));
            }
        }
        let mut again = Book::restore(policies(drafts()), secret(), &kept(&snapshot)).unwrap();
        for (from, to, at) in tail {
            again.replay(&facts(from, to), at);
        }
        now = now.saturating_add(Duration::from_micros(pause));
        for (from, to) in (0..4).flat_map(|from| (0..200).map(move |to| (from, to))) {
            prop_assert_eq!(again.explain(&facts(from, to), now), book.explain(&facts(from, to), now));
        }
    }

    #[test]
    fn a_reload_of_the_same_policies_changes_nothing(steps in steps()) {
        let mut book = book(drafts());
        let mut now = START;
        for (pause, from, to) in &steps {
            now = now.saturating_add(Duration::from_micros(*pause));
            let _ = granted(&mut book, &facts(*from, *to), now);
        }
        let before: Vec<_> = (0..200).map(|to| book.explain(&facts(to % 4, to), now)).collect();
        let told = book.reload(policies(drafts()), now).unwrap();
        prop_assert_eq!((told.kept.len(), told.fresh.len(), told.gone.len()), (5, 0, 0));
        let after: Vec<_> = (0..200).map(|to| book.explain(&facts(to % 4, to), now)).collect();
        prop_assert_eq!(before, after);
    }
}

#[test]
fn other_amounts_keep_what_was_used() {
    let mut book = book(vec![
        draft("quota", &[Dimension::Client], quota(10, 60)),
        draft("rate", &[Dimension::Client], rate(1, 10, 10)),
    ]);
    for _ in 0..6 {
        assert!(granted(&mut book, &message(1, 1), START));
    }
    let left = |book: &Book| -> Vec<u64> {
        let meters = book.explain(&message(1, 1), START);
        meters.iter().map(|meter| meter.remaining).collect()
    };
    assert_eq!(left(&book), [4, 4]);
    let change = |amount: u32, keys| {
        let quota = draft("quota", &[Dimension::Client], quota(u64::from(amount), 60));
        let rate = draft("rate", &[Dimension::Client], rate(1, 1, amount));
        policies(vec![Draft { keys, ..quota }, Draft { keys, ..rate }])
    };
    book.reload(change(20, 100), START).unwrap();
    assert_eq!(left(&book), [14, 14]);
    book.reload(change(100, 1_000), START).unwrap();
    assert_eq!(left(&book), [94, 94]);
    book.reload(change(7, 10), START).unwrap();
    assert_eq!(left(&book), [1, 1]);
    book.reload(change(3, 10), START).unwrap();
    assert_eq!(left(&book), [0, 0]);
}

#[test]
fn a_limit_that_counts_something_else_begins_anew_and_says_so() {
    let mut book = book(vec![
        draft("a", &[Dimension::Client], quota(1, 60)),
        draft("b", &[], quota(9, 60)),
    ]);
    assert!(granted(&mut book, &message(1, 1), START));
    let other = policies(vec![draft("a", &[Dimension::Recipient], quota(1, 60))]);
    let told = book.reload(other, START).unwrap();
    let names = |names: &[LimitName]| names.iter().map(LimitName::to_string).collect::<Vec<_>>();
    assert_eq!(
        (names(&told.fresh), names(&told.gone)),
        (vec!["a".to_owned()], vec!["b".to_owned()])
    );
    assert!(granted(&mut book, &message(1, 1), START));
}

#[test]
fn fewer_keys_after_a_restart_are_no_amnesty() {
    let sized = |keys| {
        policies(vec![Draft {
            event: Event::Login,
            keys,
            ..draft("a", &[Dimension::Recipient], quota(1, 600))
        }])
    };
    let login = |to| Facts {
        event: Event::Login,
        ..message(1, to)
    };
    let mut book = Book::new(sized(1_000), secret()).unwrap();
    for to in 0..1_000 {
        assert!(granted(&mut book, &login(to), START));
    }
    let snapshot = book.snapshot(START, Laid::default());
    assert_eq!(snapshot.rows(), 1_000);
    let mut again = Book::restore(sized(10), secret(), &snapshot).unwrap();
    for to in 0..1_000 {
        assert!(!granted(&mut again, &login(to), after(599)), "{to}");
    }
    assert!(granted(&mut again, &login(5), after(600)));
}

#[test]
fn slots_that_found_no_room_after_a_reload_are_still_given_back() {
    let sized = |keys| {
        let slots = draft("slots", &[Dimension::Recipient], Rule::Held { most: 2 });
        policies(vec![Draft { keys, ..slots }])
    };
    let mut book = Book::new(sized(1_000), secret()).unwrap();
    let mut holds = Vec::new();
    for to in 0..900 {
        holds.extend(book.check_and_take(&message(1, to), START).holds);
    }
    book.reload(sized(10), START).unwrap();
    assert!(
        !granted(&mut book, &message(1, 950), START),
        "no room, and all that is shared is held"
    );
    for hold in holds {
        book.release(hold);
    }
    let summary = &book.summaries(START)[0];
    assert_eq!((summary.keys, summary.shared_keys), (0, 0));
    assert!(granted(&mut book, &message(1, 950), START));
}

#[test]
fn an_override_that_moves_in_its_list_keeps_its_clients_count() {
    let with = |overrides: &[(u64, u32)]| {
        let overrides = overrides.iter();
        let overrides = overrides.map(|(number, count)| (client(*number), rate(*count, 60, 5)));
        policies(vec![Draft {
            overrides: overrides.collect(),
            ..draft("a", &[Dimension::Client], rate(1, 60, 2))
        }])
    };
    let mut book = Book::new(with(&[(7, 1)]), secret()).unwrap();
    for _ in 0..4 {
        assert!(granted(&mut book, &message(7, 1), START));
    }
    book.reload(with(&[(3, 60), (7, 1)]), START).unwrap();
    assert!(granted(&mut book, &message(7, 1), START));
    assert!(!granted(&mut book, &message(7, 1), START));
}

#[test]
fn a_snapshot_of_another_secret_or_version_is_refused() {
    let mut book = book(drafts());
    let snapshot = book.snapshot(START, Laid::default());
    let restore =
        |secret, snapshot: &Snapshot| Book::restore(policies(drafts()), secret, snapshot).err();
    assert_eq!(restore(secret(), &snapshot), None);
    assert_eq!(
        restore(Secret::new([1; 16]), &snapshot),
        Some(RestoreError::OtherSecret)
    );
    let text = serde_json::to_string(&snapshot)
        .unwrap()
        .replace("\"version\":2", "\"version\":3");
    let newer: Snapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(restore(secret(), &newer), Some(RestoreError::Version(3)));
    assert!(format!("{snapshot:?}").len() < 60, "Debug shows no rows");
}

#[test]
fn a_restart_after_the_clock_was_set_back_gives_nothing() {
    let mut book = book(vec![draft("a", &[Dimension::Client], quota(1, 600))]);
    assert!(granted(&mut book, &message(1, 1), START));
    let snapshot = book.snapshot(START, Laid::default());
    let mut again = Book::restore(
        policies(vec![draft("a", &[Dimension::Client], quota(1, 600))]),
        secret(),
        &snapshot,
    )
    .unwrap();
    let back = START.saturating_sub(Duration::from_hours(48));
    assert!(!granted(&mut again, &message(1, 1), back));
}
