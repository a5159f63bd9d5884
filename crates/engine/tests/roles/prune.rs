//! Old entries lose their bytes: what is recorded of it, what still verifies, what is refused.

use std::sync::Arc;
use std::time::Duration;

use domain::class::TrafficClass;
use domain::message::ReceiptState;
use engine::ports::Log;
use engine::rebuild::{Difference, compare};
use engine::{KEEP_MIN, KEEP_YEAR, Least, Prune, PruneError, Pruned};
use testkit::contract::log::filling::publish;
use testkit::gateway::poll_once;
use testkit::memory::MemoryShelf;
use testkit::settings::usual;
use testkit::{Image, TestGateway};

use super::stage::{accept, deliver, dispatch, mobile, receipt, running, submit_to};

const YEAR: Prune = Prune {
    keep: KEEP_YEAR,
    least: Least::Year,
};

fn differences(test: &TestGateway, image: &Image) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut tell = |difference| found.push(difference);
    let judge = test.gateway.judge();
    compare(image, &mut MemoryShelf::default(), &judge, &mut tell).unwrap();
    found
}

/// Prunes, and syncs the store as often as it takes.
pub fn prune(test: &TestGateway, prune: Prune) -> Result<Pruned, PruneError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _inside = runtime.enter();
    let store = Arc::clone(&test.store);
    let mut pruning = Box::pin(test.gateway.prune_ledger("root", store, prune));
    loop {
        if let Some(done) = poll_once(pruning.as_mut()) {
            return done;
        }
        test.store.sync();
        std::thread::yield_now();
    }
}

/// Messages both ways; some end, some never hear of their fate.
pub fn live(test: &TestGateway, count: u16) {
    for place in 0..count {
        submit_to(test, place, TrafficClass::Alert, "hello").unwrap();
        for handed in [test.carriers.take(), dispatch(test)].concat() {
            accept(test, &handed);
            if place % 3 > 0 {
                let told = receipt(handed.submission.token, ReceiptState::Delivered);
                deliver(test, vec![told]);
            }
        }
        test.clock.advance(Duration::from_secs(1));
        if place % 10 == 0 {
            deliver(test, vec![mobile(place, "STOP"), mobile(place, "START")]);
        }
    }
}

fn pass(test: &TestGateway, days: u64) {
    test.clock.advance(Duration::from_hours(24 * days));
    test.gateway.keep_house(test.clock.peek());
    test.store.sync();
}

/// A year and more ago, and lately; all of it covered by a checkpoint.
fn lived() -> TestGateway {
    let test = running();
    live(&test, 200);
    pass(&test, 400);
    live(&test, 50);
    publish(test.store.as_ref(), test.store.size().unwrap());
    test
}

#[test]
fn what_is_old_goes_and_the_rest_gives_the_state_again() {
    let test = lived();
    let leaves = test.store.leaves(0, usize::MAX).unwrap();
    let pruned = prune(&test, YEAR).unwrap();
    assert!(
        pruned.minimum >= 512 && pruned.minimum.is_multiple_of(256),
        "{pruned:?}"
    );
    assert_eq!(pruned.entries, pruned.minimum);
    assert_eq!(test.store.minimum(), Ok(pruned.minimum));
    assert!(test.store.entries(pruned.minimum - 1, 1).is_err());
    let image = test.store.image();
    let last = serde_json::from_slice::<serde_json::Value>(&image.entries().last().unwrap().bytes);
    let data = &last.unwrap()["data"];
    assert_eq!(data["minimum"].as_u64(), Some(pruned.minimum));
    assert_eq!(data["snapshot"].as_str(), pruned.snapshot.as_deref());
    let hashes = test.store.leaves(0, leaves.len()).unwrap();
    assert_eq!(hashes, leaves);
    assert_eq!(differences(&test, &image), []);

    // Life goes on, and the next pruning stands on the snapshot of this one.
    let test = test.crash_and_restart(usual(), 2);
    test.bind_all();
    assert_eq!(differences(&test, &test.store.image()), []);
    live(&test, 100);
    pass(&test, 200);
    publish(test.store.as_ref(), test.store.size().unwrap());
    assert_eq!(
        prune(&test, YEAR).unwrap().entries,
        0,
        "nothing is old enough"
    );
    pass(&test, 300);
    live(&test, 5);
    publish(test.store.as_ref(), test.store.size().unwrap());
    let next = prune(&test, YEAR).unwrap();
    assert!(next.minimum > pruned.minimum);
    assert_eq!(next.entries, next.minimum - pruned.minimum);
    assert_eq!(differences(&test, &test.store.image()), []);
}

#[test]
fn a_row_whose_entries_are_pruned_is_still_held_to_them() {
    let test = lived();
    prune(&test, YEAR).unwrap();
    let mut image = test.store.image();
    let first = image.vault().next().unwrap();
    let (owner, purpose) = (first.owner, first.purpose);
    image.erase(owner, purpose);
    let found = differences(&test, &image);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].what, found[0].field), ("vault", "row"));
}

#[test]
fn only_what_a_checkpoint_covers_and_what_is_old_enough_goes() {
    let test = running();
    live(&test, 200);
    pass(&test, 400);
    assert_eq!(
        prune(&test, YEAR).unwrap().entries,
        0,
        "no checkpoint covers it"
    );
    publish(test.store.as_ref(), 300);
    let planned = test
        .gateway
        .plan_pruning(test.store.as_ref(), YEAR)
        .unwrap();
    assert_eq!((planned.minimum, planned.snapshot), (256, None));
    assert_eq!(test.store.minimum(), Ok(0), "a plan changes nothing");
    assert_eq!(prune(&test, YEAR).unwrap().minimum, 256);
}

#[test]
fn too_little_is_never_kept_and_less_than_a_year_only_on_insistence() {
    let test = lived();
    let day = Duration::from_hours(24);
    let short = |keep, least| prune(&test, Prune { keep, least });
    for least in [Least::Year, Least::ThreeMonths] {
        let refused = short(KEEP_MIN.saturating_sub(day), least);
        assert!(
            matches!(refused, Err(PruneError::ThreeMonths)),
            "{refused:?}"
        );
    }
    let refused = short(KEEP_MIN, Least::Year);
    assert!(matches!(refused, Err(PruneError::Year)), "{refused:?}");
    assert_eq!(test.store.minimum(), Ok(0), "nothing is lost");
    assert!(test.store.entries(0, 1).is_ok());
    assert!(short(KEEP_MIN, Least::ThreeMonths).unwrap().entries > 0);
}

#[test]
fn nothing_goes_when_it_cannot_be_recorded() {
    let test = lived();
    test.store.fail_next();
    let refused = prune(&test, YEAR);
    assert!(
        matches!(refused, Err(PruneError::NotRecorded)),
        "{refused:?}"
    );
    assert_eq!(test.store.minimum(), Ok(0));
    assert!(test.store.entries(0, 1).is_ok());
}
